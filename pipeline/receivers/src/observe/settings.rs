//! What an observer is told by the configuration.

use std::rc::Rc;
use std::time::Duration;

use protocols::StreamLimits;
use protocols::http::HttpSettings;
use protocols::semconv::HttpNaming;

/// What of HTTP is told, and how.
#[derive(Debug, Clone)]
pub struct HttpRules {
    /// Routes, redaction, names.
    pub naming: Rc<HttpNaming>,
    /// What the parser keeps.
    pub parser: HttpSettings,
}

/// Exchanges that give no spans.
#[derive(Debug, Clone)]
pub struct IgnoreRule {
    /// Pattern of the path; `*` stands for anything.
    pub path: Option<String>,
    /// Pattern of the user agent.
    pub user_agent: Option<String>,
    /// They count in metrics all the same.
    pub metrics: bool,
}

impl IgnoreRule {
    /// True if all patterns of the rule match.
    pub fn matches(&self, path: &str, user_agent: Option<&str>) -> bool {
        let fits = |pattern: &Option<String>, text| pattern.as_deref().is_none_or(|pattern| glob(pattern, text));
        let user_agent = user_agent.unwrap_or_default();
        (self.path.is_some() || self.user_agent.is_some())
            && fits(&self.path, path)
            && fits(&self.user_agent, user_agent)
    }
}

/// Whether processes that report spans themselves get spans from us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SdkInstrumented {
    /// Not from the moment at which they are seen to send OTLP traces.
    Auto,
    /// Yes.
    Keep,
    /// No process that declares OTEL_ variables of an SDK's exporter, nor one that sends OTLP traces.
    SuppressSpans,
}

/// How metrics count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Temporality {
    /// Since the start of the series.
    Cumulative,
    /// Since the last report.
    Delta,
}

/// All of it.
#[derive(Debug, Clone)]
pub struct ObserverSettings {
    /// HTTP.
    pub http: HttpRules,
    /// Exchanges without spans.
    pub ignore: Vec<IgnoreRule>,
    /// Part of the traces whose spans are told, 0 to 1.
    pub ratio: f64,
    /// Processes with an SDK.
    pub sdk_instrumented: SdkInstrumented,
    /// How metrics count.
    pub temporality: Temporality,
    /// Most series of HTTP metrics, and as many of TCP metrics.
    pub series_limit: usize,
    /// Cumulative series that nothing has been added to for so long are forgotten.
    pub series_age: Duration,
    /// How long one end of an exchange waits for the other.
    pub patience: Duration,
    /// Most connections watched at a time.
    pub connection_limit: usize,
    /// Bounds of each direction of a connection, and whether its source repeats bytes.
    pub stream: StreamLimits,
}

/// Glob match: `*` stands for any run of characters, also an empty one.
pub fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    let mut rest = rest;
    for part in parts {
        match rest.find(part).and_then(|at| rest.get(at + part.len()..)) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        for (pattern, text) in [("/healthz", "/healthz"), ("*/nginx", "/usr/sbin/nginx"), ("a*c*e", "abcde"), ("*", "")]
        {
            assert!(glob(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("/healthz", "/healthz2"), ("*/nginx", "/usr/sbin/nginx2"), ("ab*bc", "abc")] {
            assert!(!glob(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn a_rule_without_patterns_ignores_nothing() {
        let rule = IgnoreRule { path: None, user_agent: None, metrics: true };
        assert!(!rule.matches("/", Some("curl")));
    }

    #[test]
    fn all_patterns_of_a_rule_must_match() {
        let rule = IgnoreRule { path: Some("/metrics".into()), user_agent: Some("Prometheus/*".into()), metrics: true };
        assert!(rule.matches("/metrics", Some("Prometheus/2.42")));
        assert!(!rule.matches("/metrics", None));
    }
}
