//! Which text format a scraper gets.

/// The format of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Text,
    OpenMetrics,
}

/// How a page is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Style {
    pub(super) format: Format,
    /// The version of OpenMetrics that was asked for.
    pub(super) first_open_metrics: bool,
    /// Names that need quotes are sent as they are; else with underscores.
    pub(super) utf8: bool,
    pub(super) timestamps: bool,
}

impl Style {
    /// The best style for an `Accept` header that the exporter may use.
    pub(super) fn negotiate(accept: &str, open_metrics: bool, timestamps: bool) -> Self {
        let mut best = Self { format: Format::Text, first_open_metrics: false, utf8: allows_utf8(accept), timestamps };
        let mut best_weight = 0.0;
        for (entry, weight) in accept.split(',').map(weighed) {
            let Some((format, first_open_metrics)) =
                known(entry).filter(|(format, _)| open_metrics || *format == Format::Text)
            else {
                continue;
            };
            if weight > best_weight {
                best_weight = weight;
                best = Self { format, first_open_metrics, utf8: allows_utf8(entry), timestamps };
            }
        }
        best
    }

    /// The value of `Content-Type`.
    pub(super) fn content_type(self) -> String {
        let format = match (self.format, self.first_open_metrics) {
            (Format::Text, _) => "text/plain; version=0.0.4",
            (Format::OpenMetrics, false) => "application/openmetrics-text; version=1.0.0",
            (Format::OpenMetrics, true) => "application/openmetrics-text; version=0.0.1",
        };
        let escaping = if self.utf8 { "allow-utf-8" } else { "underscores" };
        format!("{format}; charset=utf-8; escaping={escaping}")
    }
}

/// An entry with its weight. One that cannot be read weighs nothing.
fn weighed(entry: &str) -> (&str, f64) {
    (entry, parameter(entry, "q").map_or(1.0, |weight| weight.parse().unwrap_or(0.0)))
}

fn known(entry: &str) -> Option<(Format, bool)> {
    let media_type = entry.split(';').next().unwrap_or_default().trim();
    let version = parameter(entry, "version");
    match (media_type, version) {
        ("application/openmetrics-text", Some("1.0.0")) => Some((Format::OpenMetrics, false)),
        ("application/openmetrics-text", Some("0.0.1") | None) => Some((Format::OpenMetrics, true)),
        ("text/plain", Some("0.0.4" | "1.0.0") | None) | ("text/*" | "*/*", _) => Some((Format::Text, false)),
        _ => None,
    }
}

fn allows_utf8(entry: &str) -> bool {
    entry.split([';', ',']).any(|part| {
        part.split_once('=')
            .is_some_and(|(name, value)| name.trim().eq_ignore_ascii_case("escaping") && value.trim() == "allow-utf-8")
    })
}

fn parameter<'a>(entry: &'a str, wanted: &str) -> Option<&'a str> {
    entry.split(';').skip(1).find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case(wanted).then(|| value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content_type(accept: &str, open_metrics: bool) -> String {
        Style::negotiate(accept, open_metrics, false).content_type()
    }

    /// What Prometheus 2.42 and 3.x send, shortened.
    const PROMETHEUS_2: &str = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    const PROMETHEUS_3: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.2";

    #[test]
    fn open_metrics_is_served_where_it_is_allowed_and_asked_for() {
        let open_metrics = "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores";
        assert_eq!(content_type(PROMETHEUS_2, true), open_metrics);
        assert_eq!(content_type(PROMETHEUS_2, false), "text/plain; version=0.0.4; charset=utf-8; escaping=underscores");
        assert_eq!(content_type("", true), "text/plain; version=0.0.4; charset=utf-8; escaping=underscores");
    }

    #[test]
    fn names_in_utf8_are_sent_to_those_who_say_that_they_read_them() {
        assert_eq!(content_type(PROMETHEUS_3, false), "text/plain; version=0.0.4; charset=utf-8; escaping=allow-utf-8");
    }

    #[test]
    fn a_header_that_makes_no_sense_gets_text() {
        for accept in ["garbage", ";;;", "application/json;q=x", "application/openmetrics-text;version=9"] {
            assert!(content_type(accept, true).starts_with("text/plain;"), "{accept}");
        }
    }
}
