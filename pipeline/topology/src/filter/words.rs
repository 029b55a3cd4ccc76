//! Text to words, each with its place.

use std::fmt;

/// Longest expression that is read, in bytes.
const LONGEST: usize = 4096;

/// Why an expression cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterError {
    /// Where, in characters from 0.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl FilterError {
    pub(super) fn new(column: usize, message: impl Into<String>, help: Option<String>) -> Self {
        Self { column, message: message.into(), help }
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "filter, column {}: {}", self.column + 1, self.message)?;
        match &self.help {
            Some(help) => write!(formatter, "; {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for FilterError {}

/// One word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    Open,
    Close,
    Comma,
    Not,
    Operator(Operator),
    Plain(String),
    Quoted(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Matches,
    MatchesNot,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Colon,
}

const OPERATORS: &[(&str, Operator)] = &[
    ("!=", Operator::NotEqual),
    ("!~", Operator::MatchesNot),
    ("==", Operator::Equal),
    ("=~", Operator::Matches),
    ("<=", Operator::LessEqual),
    (">=", Operator::GreaterEqual),
    ("=", Operator::Equal),
    ("~", Operator::Matches),
    ("<", Operator::Less),
    (">", Operator::Greater),
    (":", Operator::Colon),
];

pub(super) fn words(text: &str) -> Result<Vec<(usize, Word)>, FilterError> {
    if text.len() > LONGEST {
        let message = format!("longer than {LONGEST} bytes");
        return Err(FilterError::new(
            0,
            message,
            Some("filter by namespace or by a pattern instead of by names".into()),
        ));
    }
    let mut words = Vec::new();
    let mut rest = text;
    let mut column = 0;
    while let Some(first) = rest.chars().next() {
        let (word, length) = match first {
            blank if blank.is_whitespace() => (None, blank.len_utf8()),
            '(' => (Some(Word::Open), 1),
            ')' => (Some(Word::Close), 1),
            ',' => (Some(Word::Comma), 1),
            '"' | '\'' => quoted(rest, first, column)?,
            _ => operator_or_plain(rest),
        };
        if let Some(word) = word {
            words.push((column, word));
        }
        let (taken, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        column += taken.chars().count();
        rest = after;
    }
    Ok(words)
}

fn quoted(text: &str, quote: char, column: usize) -> Result<(Option<Word>, usize), FilterError> {
    let mut content = String::new();
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => {
                // Only a quote or a backslash loses its backslash: patterns keep theirs.
                if character != quote && character != '\\' {
                    content.push('\\');
                }
                content.push(character);
                escaped = false;
            }
            '\\' => escaped = true,
            end if end == quote => return Ok((Some(Word::Quoted(content)), at + end.len_utf8())),
            other => content.push(other),
        }
    }
    Err(FilterError::new(column, "a quote is opened and not closed", None))
}

fn operator_or_plain(text: &str) -> (Option<Word>, usize) {
    if let Some((written, operator)) = OPERATORS.iter().find(|(written, _)| text.starts_with(written)) {
        return (Some(Word::Operator(*operator)), written.len());
    }
    if text.starts_with('!') {
        return (Some(Word::Not), 1);
    }
    let ends = |character: char| character.is_whitespace() || "()!,=~<>:\"'".contains(character);
    let length = text.find(ends).unwrap_or(text.len()).max(1);
    (Some(Word::Plain(text.get(..length).unwrap_or(text).to_owned())), length)
}
