//! Words to an expression: `or` binds weakest, then `and` (which may be left out), then `not`.

use config::did_you_mean;
use regex::{Regex, RegexBuilder};

use super::field::{self, Field, Flag, NumberField, TextField, Unit};
use super::subject::Subject;
use super::words::{FilterError, Operator, Word, words};

/// Deepest nesting of parentheses and `not`.
const DEEPEST: usize = 32;
/// Largest compiled pattern, in bytes.
const LARGEST_PATTERN: usize = 1 << 18;
/// Most patterns of one expression: each may take a while to compile.
const MOST_PATTERNS: usize = 32;

/// What has to hold.
#[derive(Debug, Clone)]
pub(super) enum Expression {
    All(Vec<Expression>),
    Any(Vec<Expression>),
    Not(Box<Expression>),
    Text(Whose, TextField, TextTest),
    Number(Whose, NumberField, Compare, f64),
    Is(Flag),
}

/// Whose text or number is meant, on an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// The end that is being looked at.
    This,
    From,
    To,
    Any,
}

/// What a text has to be.
#[derive(Debug, Clone)]
pub(super) enum TextTest {
    OneOf(Vec<String>),
    Matches(Regex),
    /// A bare word: part of a name, in any case.
    Contains(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compare {
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
}

impl Expression {
    pub(super) fn holds(&self, subject: &Subject<'_>) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(subject)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(subject)),
            Self::Not(part) => !part.holds(subject),
            Self::Text(whose, field, test) => subject.text(*whose, *field, &|text| test.holds(text)),
            Self::Number(whose, field, compare, than) => {
                subject.number(*whose, *field, &|value| compare.holds(value, *than))
            }
            Self::Is(flag) => subject.is(*flag),
        }
    }
}

impl TextTest {
    fn holds(&self, text: &str) -> bool {
        match self {
            Self::OneOf(values) => values.iter().any(|value| value.eq_ignore_ascii_case(text)),
            Self::Matches(pattern) => pattern.is_match(text),
            Self::Contains(part) => text.to_lowercase().contains(part),
        }
    }
}

impl Compare {
    fn holds(self, value: f64, than: f64) -> bool {
        match self {
            Self::Less => value < than,
            Self::LessEqual => value <= than,
            Self::Greater => value > than,
            Self::GreaterEqual => value >= than,
            Self::Equal => (value - than).abs() < f64::EPSILON * than.abs().max(1.0),
            Self::NotEqual => (value - than).abs() >= f64::EPSILON * than.abs().max(1.0),
        }
    }

    fn of(operator: Operator) -> Option<Self> {
        Some(match operator {
            Operator::Less => Self::Less,
            Operator::LessEqual => Self::LessEqual,
            Operator::Greater => Self::Greater,
            Operator::GreaterEqual => Self::GreaterEqual,
            Operator::Equal | Operator::Colon => Self::Equal,
            Operator::NotEqual => Self::NotEqual,
            Operator::Matches | Operator::MatchesNot => return None,
        })
    }
}

pub(super) fn parse(text: &str) -> Result<Expression, FilterError> {
    let words = words(text)?;
    if words.is_empty() {
        return Ok(Expression::All(Vec::new()));
    }
    let mut parser = Parser { words: &words, at: 0, end: text.chars().count(), depth: 0, patterns: 0 };
    let expression = parser.any()?;
    match parser.peek() {
        None => Ok(expression),
        Some(Word::Close) => Err(parser.error("a parenthesis is closed that was not opened", None)),
        Some(_) => Err(parser.error("this does not follow from what stands before", None)),
    }
}

struct Parser<'w> {
    words: &'w [(usize, Word)],
    at: usize,
    /// Where the text ends.
    end: usize,
    depth: usize,
    patterns: usize,
}

impl<'w> Parser<'w> {
    fn peek(&self) -> Option<&'w Word> {
        self.words.get(self.at).map(|(_, word)| word)
    }

    fn peek_after(&self) -> Option<&'w Word> {
        self.words.get(self.at + 1).map(|(_, word)| word)
    }

    fn next(&mut self) -> Option<&'w Word> {
        let word = self.peek();
        self.at += 1;
        word
    }

    fn error(&self, message: impl Into<String>, help: Option<String>) -> FilterError {
        FilterError::new(self.words.get(self.at).map_or(self.end, |(column, _)| *column), message, help)
    }

    fn error_before(&self, message: impl Into<String>, help: Option<String>) -> FilterError {
        let place = self.words.get(self.at.saturating_sub(1));
        FilterError::new(place.map_or(self.end, |(column, _)| *column), message, help)
    }

    fn is_keyword(&self, keyword: &str) -> bool {
        matches!(self.peek(), Some(Word::Plain(word)) if word.eq_ignore_ascii_case(keyword))
    }

    fn takes_keyword(&mut self, keyword: &str) -> bool {
        let found = self.is_keyword(keyword);
        self.at += usize::from(found);
        found
    }

    fn any(&mut self) -> Result<Expression, FilterError> {
        let mut parts = vec![self.all()?];
        while self.takes_keyword("or") {
            parts.push(self.all()?);
        }
        Ok(single_or(parts, Expression::Any))
    }

    fn all(&mut self) -> Result<Expression, FilterError> {
        let mut parts = vec![self.one()?];
        while self.takes_keyword("and") || self.another_follows() {
            parts.push(self.one()?);
        }
        Ok(single_or(parts, Expression::All))
    }

    fn another_follows(&self) -> bool {
        matches!(self.peek(), Some(Word::Open | Word::Not | Word::Plain(_) | Word::Quoted(_))) && !self.is_keyword("or")
    }

    fn one(&mut self) -> Result<Expression, FilterError> {
        if self.depth >= DEEPEST {
            return Err(self.error(format!("nested deeper than {DEEPEST}"), None));
        }
        self.depth += 1;
        let expression = self.negated_or_plain();
        self.depth -= 1;
        expression
    }

    fn negated_or_plain(&mut self) -> Result<Expression, FilterError> {
        if self.takes_keyword("not") {
            return Ok(Expression::Not(Box::new(self.one()?)));
        }
        match self.next() {
            Some(Word::Not) => Ok(Expression::Not(Box::new(self.one()?))),
            Some(Word::Open) => {
                let inner = self.any()?;
                match self.next() {
                    Some(Word::Close) => Ok(inner),
                    _ => Err(self.error_before("a parenthesis is opened and not closed", Some("add `)`".into()))),
                }
            }
            Some(Word::Quoted(text)) => Ok(contains(text)),
            Some(Word::Plain(word)) => self.term(word),
            _ => Err(self.error_before("a condition is missing here", Some("for instance `ns = shop`".into()))),
        }
    }

    /// A field with its test, or a bare word.
    fn term(&mut self, word: &str) -> Result<Expression, FilterError> {
        let in_follows = self.is_keyword("in") && matches!(self.peek_after(), Some(Word::Open));
        let not_in_follows = self.is_keyword("not")
            && matches!(self.peek_after(), Some(Word::Plain(next)) if next.eq_ignore_ascii_case("in"));
        if !in_follows && !not_in_follows && !matches!(self.peek(), Some(Word::Operator(_))) {
            return Ok(contains(word));
        }
        if word.eq_ignore_ascii_case("is") {
            return self.flag();
        }
        let (whose, name) = whose(word);
        match field::field(name) {
            None => {
                let help = did_you_mean(name, field::field_names());
                Err(self.error_before(format!("there is no field `{name}`"), help.or_else(|| Some(list_fields()))))
            }
            Some(Field::Number(field, unit)) if whose == Whose::This || field.is_of_entities() => {
                self.comparison(whose, field, unit, word)
            }
            Some(Field::Number(..)) => {
                let help = format!("write `{name}`: numbers of an edge belong to neither end");
                Err(self.error_before(format!("`{word}` is a number"), Some(help)))
            }
            Some(Field::Text(field)) => self.text_test(whose, field, word),
        }
    }

    fn flag(&mut self) -> Result<Expression, FilterError> {
        let operator = self.next();
        let (Some(Word::Operator(operator)), Some(Word::Plain(name))) = (operator, self.next()) else {
            return Err(self.error_before("`is` wants a word", Some("for instance `is:unexpected`".into())));
        };
        let negated = match operator {
            Operator::Colon | Operator::Equal => false,
            Operator::NotEqual => true,
            _ => return Err(self.error_before("`is` cannot be compared", Some("write `is:unexpected`".into()))),
        };
        let Some(flag) = field::flag(name) else {
            let all = || format!("one of: {}", field::flag_names().collect::<Vec<_>>().join(", "));
            let help = did_you_mean(name, field::flag_names()).unwrap_or_else(all);
            return Err(self.error_before(format!("nothing is `{name}`"), Some(help)));
        };
        Ok(negate_if(negated, Expression::Is(flag)))
    }

    fn comparison(
        &mut self,
        whose: Whose,
        field: NumberField,
        unit: Unit,
        name: &str,
    ) -> Result<Expression, FilterError> {
        let compare = match self.next() {
            Some(Word::Operator(operator)) => Compare::of(*operator),
            _ => None,
        };
        let Some(compare) = compare else {
            let help = format!("compare it: `{name} > 5`");
            return Err(self.error_before(format!("`{name}` is a number"), Some(help)));
        };
        let text = match self.next() {
            Some(Word::Plain(text) | Word::Quoted(text)) => text,
            _ => return Err(self.error_before("a number is missing here", None)),
        };
        let digits = text.find(|character: char| !"0123456789.+-eE".contains(character)).unwrap_or(text.len());
        let (number, written) = text.split_at_checked(digits).unwrap_or((text, ""));
        let value = number.parse::<f64>().ok().filter(|value| value.is_finite());
        match value.and_then(|value| unit.convert(value, written)) {
            Some(value) => Ok(Expression::Number(whose, field, compare, value)),
            None => {
                let help = format!("`{name}` takes a number with {}", unit.units());
                Err(self.error_before(format!("`{text}` is no value of `{name}`"), Some(help)))
            }
        }
    }

    fn text_test(&mut self, whose: Whose, field: TextField, name: &str) -> Result<Expression, FilterError> {
        let not_in = self.takes_keyword("not");
        if self.takes_keyword("in") {
            let values = self.list()?;
            return Ok(negate_if(not_in, Expression::Text(whose, field, self.one_of(values)?)));
        }
        let Some(Word::Operator(operator)) = self.next() else {
            return Err(self.error_before(format!("`{name}` wants a test"), Some(format!("for instance `{name} = x`"))));
        };
        if *operator == Operator::Colon && matches!(self.peek(), Some(Word::Open)) {
            let values = self.list()?;
            return Ok(Expression::Text(whose, field, self.one_of(values)?));
        }
        let mut values = vec![self.value()?];
        while *operator == Operator::Colon && matches!(self.peek(), Some(Word::Comma)) {
            self.at += 1;
            values.push(self.value()?);
        }
        let first = values.first().cloned().unwrap_or_default();
        let test = match operator {
            Operator::Matches | Operator::MatchesNot => TextTest::Matches(self.pattern(&first)?),
            Operator::Equal | Operator::NotEqual | Operator::Colon => self.one_of(values)?,
            _ => {
                let help = format!("use `{name} = x` or `{name} ~ pattern`");
                return Err(self.error_before(format!("`{name}` is text"), Some(help)));
            }
        };
        let negated = matches!(operator, Operator::NotEqual | Operator::MatchesNot);
        Ok(negate_if(negated, Expression::Text(whose, field, test)))
    }

    /// Whole words, or patterns with stars.
    fn one_of(&mut self, values: Vec<String>) -> Result<TextTest, FilterError> {
        if values.iter().any(|value| value.contains('*')) {
            return Ok(TextTest::Matches(self.pattern(&glob(&values))?));
        }
        Ok(TextTest::OneOf(values))
    }

    fn list(&mut self) -> Result<Vec<String>, FilterError> {
        if !matches!(self.next(), Some(Word::Open)) {
            return Err(self.error_before("a list is missing here", Some("for instance `ns in (shop, pay)`".into())));
        }
        let mut values = vec![self.value()?];
        loop {
            match self.next() {
                Some(Word::Comma) => values.push(self.value()?),
                Some(Word::Close) => return Ok(values),
                _ => return Err(self.error_before("the list is not closed", Some("add `)`".into()))),
            }
        }
    }

    fn value(&mut self) -> Result<String, FilterError> {
        match self.next() {
            Some(Word::Plain(text) | Word::Quoted(text)) => Ok(text.clone()),
            _ => Err(self.error_before("a value is missing here", None)),
        }
    }

    fn pattern(&mut self, text: &str) -> Result<Regex, FilterError> {
        if self.patterns >= MOST_PATTERNS {
            let help = "join them: `name in (a*, b*)` or `name ~ 'a|b'`".to_owned();
            return Err(self.error_before(format!("more than {MOST_PATTERNS} patterns"), Some(help)));
        }
        self.patterns += 1;
        RegexBuilder::new(text).size_limit(LARGEST_PATTERN).build().map_err(|error| {
            let reason = error.to_string();
            let last = reason.lines().last().unwrap_or("bad pattern").trim_start_matches("error: ").to_owned();
            self.error_before(format!("`{text}` is no pattern: {last}"), None)
        })
    }
}

fn single_or(mut parts: Vec<Expression>, many: fn(Vec<Expression>) -> Expression) -> Expression {
    match (parts.len(), parts.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            parts.extend(last);
            many(parts)
        }
    }
}

fn negate_if(negated: bool, expression: Expression) -> Expression {
    if negated { Expression::Not(Box::new(expression)) } else { expression }
}

/// A bare word is part of a name; on an edge, of either end's.
fn contains(word: &str) -> Expression {
    Expression::Text(Whose::Any, TextField::Name, TextTest::Contains(word.to_lowercase()))
}

fn whose(word: &str) -> (Whose, &str) {
    let prefixes = [("from.", Whose::From), ("to.", Whose::To), ("any.", Whose::Any)];
    let found = prefixes.into_iter().find_map(|(prefix, whose)| Some((whose, word.strip_prefix(prefix)?)));
    found.unwrap_or((Whose::This, word))
}

/// `*` stands for any text; everything else for itself.
fn glob(values: &[String]) -> String {
    let one = |value: &String| value.split('*').map(regex::escape).collect::<Vec<_>>().join(".*");
    let all: Vec<String> = values.iter().map(one).collect();
    format!("^(?i:{})$", all.join("|"))
}

fn list_fields() -> String {
    format!("fields: {}", field::field_names().collect::<Vec<_>>().join(", "))
}
