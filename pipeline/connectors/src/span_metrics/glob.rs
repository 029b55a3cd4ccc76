//! Patterns for attribute keys. `*` and `?` stop at a dot, `**` does not; `[a-z]`, `[!a-z]` and `{one,two}` as in a shell.

/// A pattern.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Glob {
    /// A pattern with alternatives is several without.
    variants: Vec<Vec<Part>>,
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    One(char),
    AnyOne,
    Within,
    Across,
    Set { ranges: Vec<(char, char)>, but_not: bool },
}

/// Why a text is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum GlobError {
    #[error("`[` without `]`")]
    OpenSet,
    #[error("`{{` without `}}`")]
    OpenAlternatives,
    #[error("nothing follows `\\`")]
    Escape,
    #[error("more than {MOST_VARIANTS} combinations of alternatives")]
    TooMany,
}

const MOST_VARIANTS: usize = 256;

impl Glob {
    pub(super) fn new(pattern: &str) -> Result<Self, GlobError> {
        let pattern: Vec<char> = pattern.chars().collect();
        let mut rest = pattern.as_slice();
        let variants = parse(&mut rest, false)?;
        Ok(Self { variants })
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        self.variants.iter().any(|parts| matches(parts, text))
    }
}

/// Reads up to the end, or to the `,` or `}` that ends an alternative.
fn parse(rest: &mut &[char], inside: bool) -> Result<Vec<Vec<Part>>, GlobError> {
    let mut variants = vec![Vec::new()];
    while let Some((&first, after)) = rest.split_first() {
        if inside && (first == ',' || first == '}') {
            return Ok(variants);
        }
        *rest = after;
        let choices = match first {
            '*' if rest.first() == Some(&'*') => {
                *rest = rest.get(1..).unwrap_or_default();
                vec![vec![Part::Across]]
            }
            '*' => vec![vec![Part::Within]],
            '?' => vec![vec![Part::AnyOne]],
            '[' => vec![vec![set(rest)?]],
            '{' => alternatives(rest)?,
            '\\' => {
                let (&escaped, after) = rest.split_first().ok_or(GlobError::Escape)?;
                *rest = after;
                vec![vec![Part::One(escaped)]]
            }
            plain => vec![vec![Part::One(plain)]],
        };
        if variants.len().saturating_mul(choices.len()) > MOST_VARIANTS {
            return Err(GlobError::TooMany);
        }
        let extend = |variant: &Vec<Part>| {
            let variant = variant.clone();
            choices.iter().map(move |choice| [variant.as_slice(), choice].concat()).collect::<Vec<_>>()
        };
        variants = variants.iter().flat_map(extend).collect();
    }
    if inside { Err(GlobError::OpenAlternatives) } else { Ok(variants) }
}

fn alternatives(rest: &mut &[char]) -> Result<Vec<Vec<Part>>, GlobError> {
    let mut choices = Vec::new();
    loop {
        choices.extend(parse(rest, true)?);
        let (&end, after) = rest.split_first().ok_or(GlobError::OpenAlternatives)?;
        *rest = after;
        if end == '}' {
            return Ok(choices);
        }
    }
}

fn set(rest: &mut &[char]) -> Result<Part, GlobError> {
    let end = rest.iter().position(|next| *next == ']').ok_or(GlobError::OpenSet)?;
    let (inside, after) = rest.split_at(end);
    *rest = after.get(1..).unwrap_or_default();
    let (but_not, mut inside) = match inside.split_first() {
        Some(('!', inside)) => (true, inside),
        _ => (false, inside),
    };
    let mut ranges = Vec::new();
    while let Some((&low, after)) = inside.split_first() {
        inside = match after {
            ['-', high, after @ ..] => {
                ranges.push((low, *high));
                after
            }
            _ => {
                ranges.push((low, low));
                after
            }
        };
    }
    Ok(Part::Set { ranges, but_not })
}

fn matches(parts: &[Part], text: &str) -> bool {
    let Some((part, later)) = parts.split_first() else { return text.is_empty() };
    let mut rest = text.chars();
    match part {
        Part::One(wanted) => rest.next() == Some(*wanted) && matches(later, rest.as_str()),
        Part::AnyOne => rest.next().is_some_and(|next| next != '.') && matches(later, rest.as_str()),
        Part::Set { ranges, but_not } => {
            let is_in = |next: char| ranges.iter().any(|(low, high)| (*low..=*high).contains(&next));
            rest.next().is_some_and(|next| is_in(next) != *but_not) && matches(later, rest.as_str())
        }
        Part::Within | Part::Across => loop {
            if matches(later, rest.as_str()) {
                return true;
            }
            match rest.next() {
                None => return false,
                Some('.') if *part == Part::Within => return false,
                Some(_) => {}
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(pattern: &str) -> Glob {
        Glob::new(pattern).unwrap()
    }

    #[test]
    fn a_star_stays_between_dots_and_two_do_not() {
        assert!(glob("http.*").matches("http.method"));
        assert!(!glob("http.*").matches("http.request.method"));
        assert!(glob("http.**").matches("http.request.method"));
        assert!(glob("**").matches("anything.at.all"));
        assert!(!glob("*").matches("two.parts"));
    }

    #[test]
    fn sets_and_alternatives_are_those_of_a_shell() {
        assert!(glob("{http,rpc}.m?thod").matches("rpc.method"));
        assert!(!glob("{http,rpc}.m?thod").matches("db.method"));
        assert!(glob("k8s.[a-p]od.*").matches("k8s.pod.name"));
        assert!(!glob("k8s.[!a-p]od.*").matches("k8s.pod.name"));
        assert!(glob("a\\*b").matches("a*b") && !glob("a\\*b").matches("axb"));
        assert!(glob("{a,b{c,d}}.x").matches("bd.x"));
    }

    #[test]
    fn a_broken_pattern_says_what_is_open() {
        assert_eq!(Glob::new("http.[a"), Err(GlobError::OpenSet));
        assert_eq!(Glob::new("{a,b"), Err(GlobError::OpenAlternatives));
        assert_eq!(Glob::new("a\\"), Err(GlobError::Escape));
        assert_eq!(Glob::new(&"{a,b}".repeat(20)), Err(GlobError::TooMany));
    }
}
