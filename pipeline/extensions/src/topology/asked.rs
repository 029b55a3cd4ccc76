//! What a client asks: the path's rest and the query string, read strictly.
//!
//! A parameter that nobody knows, or that stands there twice, is an error: a typo must not silently widen an answer.

use topology::{Moment, NodeId};

/// A request that cannot be answered, with the reason. Status 400, or 404.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The HTTP status.
    pub status: u16,
    /// What is wrong.
    pub error: String,
    /// What would be right, if that is not in the sentence.
    pub help: Option<String>,
}

impl Fault {
    /// The request is wrong.
    pub fn bad(error: impl Into<String>) -> Self {
        Self { status: 400, error: error.into(), help: None }
    }

    /// What is asked for is not there.
    pub fn absent(error: impl Into<String>) -> Self {
        Self { status: 404, error: error.into(), help: None }
    }

    /// The same, with a hint.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Parameters of one question.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Asked {
    /// By name, sorted, so that equal questions are equal.
    parameters: Vec<(String, String)>,
    /// What stands in the path behind the route's own part, still encoded.
    pub rest: String,
    /// The body of a POST.
    pub body: String,
}

/// A window that ends when the last step did.
pub const DEFAULT_WINDOW: u64 = 300 * topology::SECOND;
/// Longer than anything is kept.
const MOST_PARAMETERS: usize = 32;

impl Asked {
    /// Reads a query string whose parameters must be among `known`.
    pub fn read(query: &str, known: &[&'static str]) -> Result<Self, Fault> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decoded(name, true)?, decoded(value, true)?);
            if !known.contains(&name.as_str()) {
                let help = config::did_you_mean(&name, known.iter().copied());
                let help = help.unwrap_or_else(|| format!("one of: {}", known.join(", ")));
                return Err(Fault::bad(format!("no parameter is called `{name}`")).help(help));
            }
            if parameters.iter().any(|(other, _)| *other == name) {
                return Err(Fault::bad(format!("the parameter `{name}` stands there twice")));
            }
            if parameters.len() >= MOST_PARAMETERS {
                return Err(Fault::bad("too many parameters"));
            }
            if !value.is_empty() {
                parameters.push((name, value));
            }
        }
        parameters.sort_unstable();
        Ok(Self { parameters, ..Self::default() })
    }

    /// Bytes that it occupies, about.
    pub fn size(&self) -> usize {
        let parameters = self.parameters.iter().map(|(name, value)| name.len().saturating_add(value.len()));
        let texts = parameters.chain([self.rest.len(), self.body.len()]);
        texts.fold(size_of::<Self>(), usize::saturating_add)
    }

    /// The value of a parameter, if it is there and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value of a parameter that must be there.
    pub fn need(&self, name: &str) -> Result<&str, Fault> {
        self.get(name).ok_or_else(|| Fault::bad(format!("the parameter `{name}` is missing")))
    }

    /// One of a few words, the first if the parameter is not there.
    pub fn word<T: Copy>(&self, name: &str, words: &[(&'static str, T)]) -> Result<Option<T>, Fault> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        let all = || words.iter().map(|(word, _)| *word).collect::<Vec<_>>();
        let wrong = || Fault::bad(format!("`{name}={text}` is none of: {}", all().join(", ")));
        found.map(Some).ok_or_else(wrong)
    }

    /// A whole number within bounds.
    pub fn number(&self, name: &str, least: usize, most: usize) -> Result<Option<usize>, Fault> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let number = text.parse().ok().filter(|number| (least..=most).contains(number));
        let wrong = || Fault::bad(format!("`{name}={text}` is no whole number from {least} to {most}"));
        number.map(Some).ok_or_else(wrong)
    }

    /// A moment.
    pub fn moment(&self, name: &str, now: Moment) -> Result<Option<Moment>, Fault> {
        let Some(text) = self.get(name) else { return Ok(None) };
        Moment::read(text, now).map(Some).map_err(|error| Fault::bad(format!("`{name}`: {error}")))
    }

    /// `from`, `to` and `at`: with `at`, the window ends there; without any, it is the last five minutes.
    pub fn window(&self, now: Moment) -> Result<(Moment, Moment), Fault> {
        let (at, to) = (self.moment("at", now)?, self.moment("to", now)?);
        let end = match (at, to) {
            (Some(_), Some(_)) => return Err(Fault::bad("`at` and `to` both say where the window ends; give one")),
            (at, to) => at.or(to).unwrap_or(now),
        };
        let from = match (self.get("from"), at) {
            // A length that was written relative to now means the same length before another end.
            (Some(text), Some(at)) if text.starts_with('-') => self.moment("from", at)?,
            _ => self.moment("from", now)?,
        };
        let from = from.unwrap_or_else(|| end.minus(DEFAULT_WINDOW));
        if from >= end {
            let (from, end) = (from.to_rfc3339(), end.to_rfc3339());
            return Err(Fault::bad(format!("the window is empty: it begins at {from} and ends at {end}")));
        }
        Ok((from, end))
    }

    /// A node's id.
    pub fn node(&self, name: &str) -> Result<NodeId, Fault> {
        let text = self.need(name)?;
        text.parse().map_err(|error| Fault::bad(format!("`{name}`: {error}")))
    }

    /// The node whose id is the rest of the path: as it is, or encoded once more into one segment.
    pub fn node_of_path(&self) -> Result<NodeId, Fault> {
        node_of(&self.rest)
    }

    /// The two nodes whose ids are the rest of the path, each encoded into one segment.
    pub fn nodes_of_path(&self) -> Result<(NodeId, NodeId), Fault> {
        let (source, target) = self.rest.split_once('/').ok_or_else(|| {
            Fault::bad("an edge is `/edges/{source}/{target}`, each an id encoded into one segment")
                .help("or `/edges?source=...&target=...`")
        })?;
        Ok((node_of(source)?, node_of(target)?))
    }
}

fn node_of(path: &str) -> Result<NodeId, Fault> {
    let is_plain = path.matches('/').count() == 3;
    let text = if is_plain { path.to_owned() } else { decoded(path, false)? };
    text.parse().map_err(|error: topology::entity::BadNodeId| Fault::bad(error.to_string()))
}

/// Percent-decoding; in query strings a plus is a blank.
fn decoded(text: &str, plus_is_blank: bool) -> Result<String, Fault> {
    let bad = || Fault::bad(format!("`{text}` is not properly percent-encoded UTF-8"));
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'%' => {
                let (digits, after) = after.split_at_checked(2).ok_or_else(bad)?;
                let is_hex = digits.iter().all(u8::is_ascii_hexdigit);
                let digits = std::str::from_utf8(digits).ok().filter(|_| is_hex).ok_or_else(bad)?;
                bytes.push(u8::from_str_radix(digits, 16).map_err(|_| bad())?);
                rest = after;
            }
            b'+' if plus_is_blank => bytes.push(b' '),
            other => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use topology::SECOND;

    use super::*;

    const NOW: Moment = Moment(1_700_000_000 * SECOND);

    fn asked(query: &str) -> Asked {
        Asked::read(query, &["from", "to", "at", "focus", "view", "limit"]).unwrap()
    }

    #[test]
    fn equal_questions_are_equal_in_whatever_order_they_are_written() {
        assert_eq!(asked("to=now&from=-10m"), asked("from=-10m&to=now&view="));
    }

    #[test]
    fn without_a_window_it_is_the_last_five_minutes() {
        assert_eq!(asked("").window(NOW), Ok((NOW.minus(DEFAULT_WINDOW), NOW)));
    }

    #[test]
    fn a_window_at_another_moment_keeps_its_length() {
        let at = NOW.minus(86_400 * SECOND);

        assert_eq!(asked("from=-10m&at=-1d").window(NOW), Ok((at.minus(600 * SECOND), at)));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let unknown = Asked::read("form=-5m", &["from", "to"]).unwrap_err();
        assert!(unknown.error.contains("`form`") && unknown.help.unwrap().contains("from"));
        assert!(Asked::read("to=now&to=now", &["to"]).unwrap_err().error.contains("twice"));
        assert!(asked("from=now").window(NOW).unwrap_err().error.contains("empty"));
        assert!(asked("at=now&to=now").window(NOW).unwrap_err().error.contains("both"));
        assert!(asked("from=yesterday").window(NOW).unwrap_err().error.contains("-10m"));
        assert!(asked("limit=0").number("limit", 1, 9).unwrap_err().error.contains("from 1 to 9"));
        assert!(
            asked("view=x").word("view", &[("service", 1), ("host", 2)]).unwrap_err().error.contains("service, host")
        );
        assert!(asked("focus=cart").node("focus").unwrap_err().error.contains("cluster/namespace/Kind/name"));
    }

    #[test]
    fn an_id_is_read_from_the_path_plain_or_as_one_segment() {
        let plain = Asked { rest: "prod/shop/Deployment/a%2Fb".into(), ..Asked::default() };
        let packed = Asked { rest: "prod%2Fshop%2FDeployment%2Fa%252Fb".into(), ..Asked::default() };

        assert_eq!(plain.node_of_path().unwrap().name.as_ref(), "a/b");
        assert_eq!(plain.node_of_path(), packed.node_of_path());
    }

    proptest! {
        #[test]
        fn any_query_is_read_or_refused(query in ".{0,60}") {
            if let Ok(asked) = Asked::read(&query, &["from", "to", "at"]) {
                let _ = asked.window(NOW);
            }
        }

        #[test]
        fn any_path_is_read_or_refused(rest in ".{0,60}") {
            let asked = Asked { rest, ..Asked::default() };
            let _ = (asked.node_of_path(), asked.nodes_of_path());
        }
    }
}
