//! `--feature-gates`: the Collector's switches, of which Tidewatch has few.

use std::collections::BTreeMap;

use crate::node::Mark;
use crate::problems::{Problems, did_you_mean};

/// Lists of `service::extensions`, `receivers` and `exporters` are appended when sources merge.
pub const MERGE_APPEND: &str = "confmap.enableMergeAppendOption";
/// A configuration without pipelines is allowed.
pub const ALLOW_NO_PIPELINES: &str = "service.AllowNoPipelines";
/// Pipelines of profiles are allowed.
pub const PROFILES: &str = "service.profilesSupport";

const KNOWN: [&str; 3] = [MERGE_APPEND, ALLOW_NO_PIPELINES, PROFILES];

/// Which gates were asked for.
#[derive(Debug, Clone, Default)]
pub struct Gates {
    asked: BTreeMap<String, bool>,
}

impl Gates {
    /// Reads `a,+b,-c`, once per flag. Gates that only the Go Collector has get a warning and nothing else.
    pub fn parse(flags: &[String], problems: &mut Problems) -> Self {
        let mut gates = Self::default();
        for gate in flags.iter().flat_map(|flag| flag.split(',')).map(str::trim).filter(|gate| !gate.is_empty()) {
            let (name, on) = match gate.strip_prefix('-') {
                Some(name) => (name, false),
                None => (gate.strip_prefix('+').unwrap_or(gate), true),
            };
            if !KNOWN.contains(&name) {
                let message = format!("no such feature gate {name:?}. valid gates: [{}]", KNOWN.join(" "));
                problems.warn(Mark::NOWHERE, message, did_you_mean(name, KNOWN));
            }
            gates.asked.insert(name.to_owned(), on);
        }
        gates
    }

    /// Whether a gate is open.
    pub fn is_open(&self, name: &str) -> bool {
        self.asked.get(name).copied().unwrap_or(false)
    }
}
