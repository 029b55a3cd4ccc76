//! A file of rules.

use std::collections::HashSet;

use config::{Check, Config, Decode, DecodeContext, GoDuration, Node, Problems, Validate, decode_file};

use super::Metric;
use crate::filter::Filter;
use crate::judgement::Class;

/// Rules, and what they have in common.
#[derive(Debug, Clone, Config)]
pub(super) struct RulesFile {
    /// Whether the default rules hold too. A rule of the same name replaces one of them.
    #[config(default = true)]
    pub defaults: bool,
    /// Default rules that do not hold.
    pub disable: Vec<String>,
    /// Over how long a rule measures that says nothing of its own.
    #[config(default = DEFAULT_WINDOW.into())]
    pub window: GoDuration,
    /// How long it has to hold before it counts, where a rule says nothing of its own.
    #[config(default = DEFAULT_FOR.into())]
    pub r#for: GoDuration,
    /// The rules.
    pub rules: Vec<RuleConfig>,
}

/// Most rules of a file.
const MOST_RULES: usize = 1000;
/// Most different windows of a file: each is added up in every step.
const MOST_WINDOWS: usize = 8;
/// Longest window.
const LONGEST_WINDOW: i64 = 86_400 * 1_000_000_000;
const DEFAULT_WINDOW: std::time::Duration = std::time::Duration::from_secs(300);
const DEFAULT_FOR: std::time::Duration = std::time::Duration::from_secs(60);

/// One rule.
#[derive(Debug, Clone, Config)]
pub(super) struct RuleConfig {
    /// Its name, unique.
    pub name: String,
    /// What it looks at.
    pub on: Scope,
    /// Which of those, in the filter language; all without.
    pub r#where: Option<String>,
    /// What it measures.
    pub metric: Metric,
    /// Abnormal above.
    pub yellow: Option<Threshold>,
    /// Badly abnormal above.
    pub red: Option<Threshold>,
    /// Abnormal below.
    pub yellow_below: Option<Threshold>,
    /// Badly abnormal below.
    pub red_below: Option<Threshold>,
    /// Over how long it measures.
    pub window: Option<GoDuration>,
    /// How long it has to hold before it counts.
    pub r#for: Option<GoDuration>,
    /// With fewer requests in the window it has no opinion.
    pub min_requests: u64,
    /// By which share of the threshold a value has to fall before a level is taken back.
    #[config(default = Threshold::of("10%"))]
    pub hysteresis: Threshold,
    /// What sort of problem it finds.
    pub class: ClassName,
    /// What to do.
    pub suggestion: String,
}

/// What a rule looks at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Config)]
pub enum Scope {
    /// Edges between entities.
    #[default]
    Edge,
    /// Entities, with what reaches them.
    Node,
    /// Groups of entities: a namespace, or a type of outside peers.
    Group,
}

/// The five sorts of problems, as a file names them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Config)]
pub(super) enum ClassName {
    Architecture,
    #[default]
    Performance,
    Resource,
    Scheduling,
    Network,
}

impl From<ClassName> for Class {
    fn from(name: ClassName) -> Self {
        match name {
            ClassName::Architecture => Self::Architecture,
            ClassName::Performance => Self::Performance,
            ClassName::Resource => Self::Resource,
            ClassName::Scheduling => Self::Scheduling,
            ClassName::Network => Self::Network,
        }
    }
}

/// A number with its unit: `10%`, `500ms`, `3`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Threshold {
    text: String,
}

impl Threshold {
    fn of(text: &str) -> Self {
        Self { text: text.to_owned() }
    }

    /// The value in `unit` (`%`, `ms`, `s` or nothing); `None` if it measures something else.
    pub(super) fn value(&self, unit: &str) -> Option<f64> {
        let text = self.text.trim();
        let start = text.find(|character: char| character.is_alphabetic() || character == '%').unwrap_or(text.len());
        let (number, written) = text.split_at_checked(start)?;
        let number = number.trim().parse::<f64>().ok().filter(|number| number.is_finite())?;
        let seconds = match (written, unit) {
            ("%", "%") | ("", "") => return Some(number),
            ("us", _) => number / 1e6,
            ("ms", _) => number / 1e3,
            ("s", _) => number,
            ("m", _) => number * 60.0,
            ("h", _) => number * 3600.0,
            _ => return (number == 0.0 && written.is_empty()).then_some(0.0),
        };
        let value = match unit {
            "ms" => seconds * 1e3,
            "s" => seconds,
            _ => return None,
        };
        value.is_finite().then_some(value)
    }
}

impl Decode for Threshold {
    const TYPE_NAME: &'static str = "number with unit";

    fn decode(node: &Node, context: &mut DecodeContext<'_>) -> Option<Self> {
        let text = node.text.as_deref().or_else(|| node.as_str());
        if text.is_none() {
            context.wrong_type(node, Self::TYPE_NAME);
        }
        text.map(Self::of)
    }

    fn show(&self) -> String {
        self.text.clone()
    }
}

impl Validate for RulesFile {
    fn validate(&self, check: &mut Check<'_, '_>) {
        let mut names = HashSet::new();
        for rule in self.rules.iter().filter(|rule| !names.insert(&rule.name)) {
            check.error("rules", format!("two rules are called `{}`", rule.name));
        }
        check.require(self.rules.len() <= MOST_RULES, "rules", format!("a file has at most {MOST_RULES} rules"));
        let windows: HashSet<_> = self.rules.iter().map(|rule| rule.window.unwrap_or(self.window)).collect();
        let few = windows.len() <= MOST_WINDOWS;
        check.require(few, "rules", format!("rules of a file have at most {MOST_WINDOWS} different windows"));
        check_times(Some(self.window), Some(self.r#for), check);
    }
}

fn check_times(window: Option<GoDuration>, hold: Option<GoDuration>, check: &mut Check<'_, '_>) {
    let fits = window.is_none_or(|it| (1..=LONGEST_WINDOW).contains(&it.as_nanoseconds()));
    check.require(fits, "window", "'window' must be positive and at most 24h");
    check.require(hold.is_none_or(|it| !it.is_negative()), "for", "'for' must not be negative");
}

impl RulesFile {
    /// True if it says something about the times of rules that say nothing.
    pub(super) fn sets_times(&self) -> bool {
        let default = Self::default();
        (self.window, self.r#for) != (default.window, default.r#for)
    }
}

impl Validate for RuleConfig {
    fn validate(&self, check: &mut Check<'_, '_>) {
        check.require(!self.name.is_empty(), "name", "a rule needs a name");
        self.check_metric(check);
        self.check_thresholds(check);
        if let Some(Err(error)) = self.r#where.as_deref().map(Filter::parse) {
            check.error("where", error.to_string());
        }
        let is_share = self.hysteresis.value("%").is_some_and(|share| (0.0..100.0).contains(&share));
        check.require(is_share, "hysteresis", "'hysteresis' must be between 0% and 100%");
        check_times(self.window, self.r#for, check);
    }
}

impl RuleConfig {
    fn check_metric(&self, check: &mut Check<'_, '_>) {
        let is_set = check.is_set("metric");
        check.require(is_set, "metric", "a rule needs a metric");
        if !self.metric.is_of(self.on) {
            let message = format!("`{}` is not measured with `on: {}`", self.metric.as_str(), self.on.as_str());
            check.error_with_help("metric", message, format!("it is with: {}", self.metric.scopes()));
        }
    }

    fn check_thresholds(&self, check: &mut Check<'_, '_>) {
        let all = [
            ("yellow", &self.yellow),
            ("red", &self.red),
            ("yellow_below", &self.yellow_below),
            ("red_below", &self.red_below),
        ];
        let unit = self.metric.unit();
        for (key, threshold) in all {
            let Some(threshold) = threshold else { continue };
            if threshold.value(unit).is_none() {
                let message = format!("`{}` is no value of `{}`", threshold.text, self.metric.as_str());
                check.error_with_help(key, message, format!("for instance {}", example(unit)));
            }
        }
        let values = |pair: (&Option<Threshold>, &Option<Threshold>)| {
            Some((pair.0.as_ref()?.value(unit)?, pair.1.as_ref()?.value(unit)?))
        };
        if values((&self.yellow, &self.red)).is_some_and(|(yellow, red)| yellow > red) {
            check.error("red", "'red' must not be below 'yellow'");
        }
        if values((&self.yellow_below, &self.red_below)).is_some_and(|(yellow, red)| yellow < red) {
            check.error("red_below", "'red_below' must not be above 'yellow_below'");
        }
        let any = all.iter().any(|(_, threshold)| threshold.is_some());
        check.require(any, "name", "a rule needs `yellow`, `red`, `yellow_below` or `red_below`");
    }
}

fn example(unit: &str) -> &'static str {
    match unit {
        "%" => "10%",
        "ms" => "500ms",
        "s" => "5m",
        _ => "3",
    }
}

pub(super) fn read(name: &str, text: &str, problems: &mut Problems) -> Option<RulesFile> {
    decode_file::<RulesFile>(name, text, problems).map(|(file, _)| file)
}
