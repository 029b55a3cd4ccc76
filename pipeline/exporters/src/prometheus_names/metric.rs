//! Names of metrics.

use super::unit::Words;

/// Why something has no Prometheus name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NameError {
    /// Nothing is left of a metric's name.
    #[error("normalization for metric {0:?} resulted in an empty or invalid name")]
    Metric(String),
    /// Nothing is left of a label's name.
    #[error("label name {0:?} is empty or contains only underscores")]
    Label(String),
}

/// What a metric's name depends on besides its name and unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// May be a ratio.
    Gauge,
    /// A monotonic sum: ends in `_total`.
    Counter,
    /// Everything else.
    Other,
}

/// Gives metrics their names.
#[derive(Debug, Clone)]
pub(crate) struct MetricNamer {
    /// Stands before every name; as configured.
    pub(crate) namespace: String,
    /// Unit and type are appended.
    pub(crate) suffixes: bool,
    /// Names stay as they are, dots and all.
    pub(crate) utf8: bool,
}

impl MetricNamer {
    /// The name of a metric.
    pub(crate) fn name(&self, name: &str, unit: &str, role: Role) -> Result<String, NameError> {
        let built = match (self.utf8, self.suffixes) {
            (true, true) => self.raw_with_suffixes(name, unit, role),
            (true, false) => self.prefixed(&self.namespace, name),
            (false, true) => self.words_with_suffixes(name, unit, role),
            (false, false) => self.escaped(name),
        };
        let says_something = built.chars().any(|character| character != '_') || (built == name && !built.is_empty());
        if says_something { Ok(built) } else { Err(NameError::Metric(name.to_owned())) }
    }

    /// The name of a metric that the exporter makes itself, such as `target_info`.
    pub(crate) fn own(&self, name: &str) -> String {
        if self.utf8 { self.prefixed(&self.namespace, name) } else { self.prefixed(&escape(&self.namespace), name) }
    }

    fn prefixed(&self, namespace: &str, name: &str) -> String {
        if self.namespace.is_empty() { name.to_owned() } else { format!("{namespace}_{name}") }
    }

    /// Words of the name, unit, `total` or `ratio`; a word that says unit or type is not said twice.
    fn words_with_suffixes(&self, name: &str, unit: &str, role: Role) -> String {
        let escaped_namespace = escape(&self.namespace);
        let mut words: Vec<&str> =
            name.split(|character| !is_plain(character)).filter(|word| !word.is_empty()).collect();
        let Words { main, per } = Words::of(unit).escaped();
        let main_is_said = main.is_empty() || words.contains(&main.as_str());
        let per_is_said = per.is_empty() || words.contains(&per.as_str());
        if !main_is_said {
            words.push(&main);
        }
        if !per_is_said {
            words.push(&per);
        }
        if let Some(last) = type_word(unit, role) {
            words.retain(|word| *word != last);
            words.push(last);
        }
        if !self.namespace.is_empty() {
            words.insert(0, &escaped_namespace);
        }
        digit_guarded(words.join("_"))
    }

    /// The name with illegal characters replaced, nothing appended.
    fn escaped(&self, name: &str) -> String {
        let escaped = escape(name);
        if self.namespace.is_empty() {
            digit_guarded(escaped)
        } else {
            self.prefixed(&escape(&self.namespace), &escaped)
        }
    }

    /// The name as it is, with suffixes that it does not have yet.
    fn raw_with_suffixes(&self, name: &str, unit: &str, role: Role) -> String {
        let mut built = self.prefixed(&self.namespace, name);
        let Words { main, per } = Words::of(unit);
        let last = type_word(unit, role);
        for suffix in last.into_iter().chain([per.as_str()]) {
            let bare = built.strip_suffix(suffix).and_then(|rest| rest.strip_suffix(|_: char| true));
            if let Some(bare) = bare.filter(|bare| !suffix.is_empty() && !bare.is_empty()) {
                built = bare.to_owned();
            }
        }
        if main.is_empty() || built.ends_with(&main) {
            return joined(&[&built, &per, last.unwrap_or_default()]);
        }
        joined(&[&built, &main, &per, last.unwrap_or_default()])
    }
}

/// The word that tells the type. A unit of `1` makes a ratio of gauges only: counters of things often carry it wrongly.
fn type_word(unit: &str, role: Role) -> Option<&'static str> {
    match role {
        Role::Counter => Some("total"),
        Role::Gauge if unit == "1" => Some("ratio"),
        Role::Gauge | Role::Other => None,
    }
}

fn joined(words: &[&str]) -> String {
    let words: Vec<&str> = words.iter().copied().filter(|word| !word.is_empty()).collect();
    words.join("_")
}

fn is_plain(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == ':'
}

/// Runs of illegal characters become one `_`; those at the ends vanish. Underscores that are there stay.
fn escape(name: &str) -> String {
    let words: Vec<&str> =
        name.split(|character| !is_plain(character) && character != '_').filter(|word| !word.is_empty()).collect();
    words.join("_")
}

fn digit_guarded(name: String) -> String {
    if name.starts_with(|first: char| first.is_ascii_digit()) { format!("_{name}") } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(namer: &MetricNamer, cases: &[(&str, &str, Role, &str)]) {
        for (name, unit, role, expected) in cases {
            assert_eq!(namer.name(name, unit, *role).as_deref(), Ok(*expected), "{name:?} in {unit:?}");
        }
    }

    fn namer(namespace: &str, suffixes: bool, utf8: bool) -> MetricNamer {
        MetricNamer { namespace: namespace.to_owned(), suffixes, utf8 }
    }

    #[test]
    fn a_name_says_its_unit_and_type_once() {
        named(
            &namer("", true, false),
            &[
                ("http.server.request.duration", "s", Role::Other, "http_server_request_duration_seconds"),
                ("memory.used", "By", Role::Gauge, "memory_used_bytes"),
                ("disk.bytes", "By", Role::Gauge, "disk_bytes"),
                ("throughput", "MBy/s", Role::Gauge, "throughput_megabytes_per_second"),
                ("hit.rate", "{hits}/min", Role::Gauge, "hit_rate_per_min"),
                ("speed", "m/s", Role::Gauge, "speed_meters_per_second"),
                ("cpu.utilization", "1", Role::Gauge, "cpu_utilization_ratio"),
                ("cpu.ratio.now", "1", Role::Gauge, "cpu_now_ratio"),
                ("retries", "1", Role::Counter, "retries_total"),
                ("requests.total.count", "", Role::Counter, "requests_count_total"),
                ("io.total", "By", Role::Counter, "io_bytes_total"),
                ("queue.depth", "{items}", Role::Gauge, "queue_depth"),
                ("room.temperature.celsius", "Cel", Role::Gauge, "room_temperature_celsius"),
                ("odd unit", "foo bar__baz", Role::Gauge, "odd_unit_foo_bar_baz"),
                ("a__b..c-d", "", Role::Gauge, "a_b_c_d"),
                ("λ.wert", "°C", Role::Gauge, "wert_C"),
                ("1st.place", "", Role::Gauge, "_1st_place"),
                ("node:cpu:sum", "", Role::Gauge, "node:cpu:sum"),
            ],
        );
    }

    #[test]
    fn without_suffixes_only_illegal_characters_change() {
        named(
            &namer("", false, false),
            &[
                ("memory.used", "By", Role::Counter, "memory_used"),
                ("a__b", "", Role::Gauge, "a__b"),
                ("1st", "", Role::Gauge, "_1st"),
            ],
        );
    }

    #[test]
    fn utf8_names_keep_their_dots() {
        named(
            &namer("ns", true, true),
            &[
                ("memory.used", "By", Role::Gauge, "ns_memory.used_bytes"),
                ("io_total", "By", Role::Counter, "ns_io_bytes_total"),
                ("hit.rate", "{hits}/min", Role::Gauge, "ns_hit.rate_per_min"),
                ("odd unit", "foo bar__baz", Role::Gauge, "ns_odd unit_foo bar__baz"),
            ],
        );
        named(&namer("", false, true), &[("memory.used", "By", Role::Gauge, "memory.used")]);
    }

    #[test]
    fn a_namespace_is_made_legal_too() {
        named(
            &namer("my-ns", true, false),
            &[("1st.place", "", Role::Gauge, "my_ns_1st_place"), ("up", "s", Role::Counter, "my_ns_up_seconds_total")],
        );
        assert_eq!(namer("my-ns", true, false).own("target_info"), "my_ns_target_info");
    }

    #[test]
    fn a_metric_whose_name_says_nothing_has_none() {
        for name in ["", "...", "日本"] {
            let refused = namer("", true, false).name(name, "", Role::Gauge);

            assert_eq!(refused, Err(NameError::Metric(name.to_owned())));
        }
    }
}
