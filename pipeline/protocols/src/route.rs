//! Routes from paths: configured patterns first, then, bounded, a guess which segments are ids.
//!
//! In this room: one path in, one low-cardinality route out.
//! Not here: where paths come from (`http`).
//!
//! Enter at [`Routes::write`].

/// What becomes of a path that no configured pattern matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fallback {
    /// Segments that look like ids become `{id}`.
    #[default]
    Heuristic,
    /// The path as it is.
    Path,
    /// No route.
    None,
}

/// Patterns such as `/users/{id}`, `/static/*`.
#[derive(Debug, Clone, Default)]
pub struct Routes {
    patterns: Vec<Pattern>,
    fallback: Fallback,
}

/// A pattern that cannot be one.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("route pattern {pattern:?} must start with '/'; for instance `/users/{{id}}` or `/static/*`")]
pub struct PatternError {
    pattern: String,
}

#[derive(Debug, Clone)]
struct Pattern {
    text: String,
    segments: Vec<Segment>,
}

#[derive(Debug, Clone)]
enum Segment {
    Literal(String),
    /// `{name}`, or `*` between others.
    Any,
    /// `*` at the end: any rest.
    Rest,
}

/// Segments that a guessed route keeps; the rest becomes `*`.
const MAX_SEGMENTS: usize = 8;
/// Longest guessed route.
const MAX_LENGTH: usize = 160;
/// A longer segment is never a name.
const MAX_NAME: usize = 40;

impl Routes {
    /// Compiles patterns; the first that matches wins.
    pub fn new<S: AsRef<str>>(patterns: &[S], fallback: Fallback) -> Result<Self, PatternError> {
        let patterns = patterns.iter().map(|pattern| Pattern::compile(pattern.as_ref())).collect::<Result<_, _>>()?;
        Ok(Self { patterns, fallback })
    }

    /// Appends the route of `path` to `route`, if it has one.
    pub fn write(&self, path: &str, route: &mut String) -> bool {
        if !path.starts_with('/') {
            return false;
        }
        if let Some(pattern) = self.patterns.iter().find(|pattern| pattern.matches(path)) {
            route.push_str(&pattern.text);
            return true;
        }
        match self.fallback {
            Fallback::None => return false,
            Fallback::Path => route.push_str(path),
            Fallback::Heuristic => guess(path, route),
        }
        true
    }
}

impl Pattern {
    fn compile(text: &str) -> Result<Self, PatternError> {
        let Some(rest) = text.strip_prefix('/') else { return Err(PatternError { pattern: text.to_owned() }) };
        let last = rest.split('/').count().saturating_sub(1);
        let segment = |(index, segment): (usize, &str)| match segment {
            "*" | "**" if index == last => Segment::Rest,
            "*" => Segment::Any,
            _ if segment.starts_with('{') && segment.ends_with('}') => Segment::Any,
            _ => Segment::Literal(segment.to_owned()),
        };
        Ok(Self { text: text.to_owned(), segments: rest.split('/').enumerate().map(segment).collect() })
    }

    fn matches(&self, path: &str) -> bool {
        let mut parts = path.strip_prefix('/').unwrap_or(path).split('/');
        for segment in &self.segments {
            let matches = match (segment, parts.next()) {
                (Segment::Rest, Some(_)) => return true,
                (Segment::Any, Some(part)) => !part.is_empty(),
                (Segment::Literal(literal), Some(part)) => literal == part,
                (_, None) => false,
            };
            if !matches {
                return false;
            }
        }
        parts.next().is_none()
    }
}

fn guess(path: &str, route: &mut String) {
    let begin = route.len();
    for (index, segment) in path.strip_prefix('/').unwrap_or(path).split('/').enumerate() {
        let written = route.len().saturating_sub(begin);
        if index >= MAX_SEGMENTS || written.saturating_add(segment.len().min(MAX_NAME)) >= MAX_LENGTH {
            route.push_str("/*");
            return;
        }
        route.push('/');
        route.push_str(if looks_like_id(segment) { "{id}" } else { segment });
    }
}

/// Whether a segment names one of many things rather than a kind of thing.
fn looks_like_id(segment: &str) -> bool {
    // Nearly all segments are short words, in which nothing needs to be counted.
    let is_word = |byte: u8| byte.is_ascii_lowercase() || b"-_.~".contains(&byte);
    if segment.len() <= MAX_NAME && segment.bytes().all(is_word) {
        return false;
    }
    let decoded_oddly = |byte: u8| !byte.is_ascii_alphanumeric() && !b"-_.~".contains(&byte);
    let (mut digits, mut letters, mut others, mut hex) = (0_usize, 0_usize, 0_usize, 0_usize);
    let (mut upper, mut lower, mut changes) = (false, false, 0_usize);
    let mut before = None;
    for byte in segment.bytes() {
        digits = digits.saturating_add(usize::from(byte.is_ascii_digit()));
        letters = letters.saturating_add(usize::from(byte.is_ascii_alphabetic()));
        hex = hex.saturating_add(usize::from(byte.is_ascii_hexdigit()));
        others = others.saturating_add(usize::from(decoded_oddly(byte)));
        upper |= byte.is_ascii_uppercase();
        lower |= byte.is_ascii_lowercase();
        let kind = (byte.is_ascii_digit(), byte.is_ascii_uppercase());
        changes = changes.saturating_add(usize::from(before.replace(kind).is_some_and(|before| before != kind)));
    }
    let length = segment.len();
    let version = length <= 4 && segment.starts_with(['v', 'V']) && digits.saturating_add(1) == length;
    if length == 0 || version {
        return false;
    }
    let all_digits = letters == 0 && digits > 0;
    let hexadecimal = length >= 8 && digits > 0 && hex.saturating_add(separators(segment)) == length;
    let email = segment.contains('@') || segment.contains("%40");
    let mostly_digits = digits >= 3 && digits >= letters;
    // Random text changes between digits, upper and lower case far more often than a name does.
    let often = |times: usize| changes.saturating_mul(times) >= length;
    let random = length >= 12 && ((digits >= 2 && often(3)) || (upper && lower && often(2)));
    length > MAX_NAME || all_digits || hexadecimal || email || mostly_digits || random || others > 2
}

fn separators(segment: &str) -> usize {
    segment.bytes().filter(|byte| matches!(byte, b'-' | b'_')).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(patterns: &[&str], fallback: Fallback, path: &str) -> Option<String> {
        let mut route = String::new();
        Routes::new(patterns, fallback).unwrap().write(path, &mut route).then_some(route)
    }

    fn guessed(path: &str) -> String {
        route(&[], Fallback::Heuristic, path).unwrap()
    }

    #[test]
    fn the_first_pattern_that_matches_is_the_route() {
        let patterns = ["/users/{id}", "/users/{id}/*", "/static/*", "/*/health"];
        let of = |path| route(&patterns, Fallback::None, path);

        assert_eq!(of("/users/ann").as_deref(), Some("/users/{id}"));
        assert_eq!(of("/users/ann/orders/7").as_deref(), Some("/users/{id}/*"));
        assert_eq!(of("/static/css/site.css").as_deref(), Some("/static/*"));
        assert_eq!(of("/cart/health").as_deref(), Some("/*/health"));
        assert_eq!(of("/users/"), None);
        assert_eq!(of("/users"), None);
        assert_eq!(of("*"), None);
    }

    #[test]
    fn without_a_pattern_the_fallback_decides() {
        assert_eq!(route(&[], Fallback::Path, "/a/17").as_deref(), Some("/a/17"));
        assert_eq!(route(&[], Fallback::None, "/a/17"), None);
        assert_eq!(guessed("/a/17"), "/a/{id}");
    }

    #[test]
    fn ids_of_all_kinds_are_replaced() {
        let ids = [
            "0",
            "1234567",
            "2024-05-17",
            "0190163d-8694-739b-aea5-966c26f8ad91",
            "deadbeef01",
            "507f1f77bcf86cd799439011",
            "ann@example.com",
            "ann%40example.com",
            "order-20240517",
            "dQw4w9WgXcQ5f",
            "eyJhbGciOiJIUzI1NiJ9",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ];
        for id in ids {
            assert_eq!(guessed(&format!("/things/{id}/parts")), "/things/{id}/parts", "{id}");
        }
    }

    #[test]
    fn names_stay() {
        for name in [
            "v1",
            "api",
            "oauth2",
            "users",
            "shopping-cart",
            "getUserProfile",
            "getUserProfileV2",
            "index.html",
            "s3",
            "facade",
            "k8s",
        ] {
            assert_eq!(guessed(&format!("/{name}")), format!("/{name}"));
        }
        assert_eq!(guessed("/"), "/");
    }

    #[test]
    fn a_guess_is_bounded_in_depth_and_length() {
        let deep = "/a".repeat(100);
        let wide = "/some-rather-long-name-of-a-thing".repeat(8);

        assert_eq!(guessed(&deep), format!("{}/*", "/a".repeat(MAX_SEGMENTS)));
        assert!(guessed(&wide).len() <= MAX_LENGTH + 2);
    }

    #[test]
    fn a_pattern_must_be_a_path() {
        let error = Routes::new(&["users/{id}"], Fallback::None).unwrap_err();

        assert!(error.to_string().contains("must start with '/'"));
    }
}
