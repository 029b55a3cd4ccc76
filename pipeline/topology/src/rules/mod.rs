//! Rules colour nodes, edges and groups yellow or red.
//!
//! In this room: what a rule says, how it is read, the rules that hold by default, and the judge that keeps them in time.
//! Not here: which edges a filter means ([`crate::filter`]), the expected architecture (the baseline).
//!
//! Enter at [`Rules`], then [`Judge::step`].

mod file;
mod judge;
mod metric;
mod state;
#[cfg(test)]
mod tests;

use config::Problems;

use self::file::{RuleConfig, RulesFile};
pub use self::file::{Scope, Threshold};
pub use self::judge::{Judge, Judged, LAG};
pub use self::metric::Metric;
use crate::Moment;
use crate::filter::Filter;
use crate::judgement::{Class, Level, Reason};

const DEFAULTS: &str = include_str!("default.yaml");

/// The rules in force, checked.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// In the order in which they were read; names are unique.
    pub rules: Vec<Rule>,
}

/// One rule, checked.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name, unique.
    pub name: String,
    /// What it looks at.
    pub on: Scope,
    /// Which of those; all without.
    pub filter: Option<Filter>,
    /// What it measures.
    pub metric: Metric,
    /// Abnormal above.
    pub yellow: Option<f64>,
    /// Badly abnormal above.
    pub red: Option<f64>,
    /// Abnormal below.
    pub yellow_below: Option<f64>,
    /// Badly abnormal below.
    pub red_below: Option<f64>,
    /// Over how long it measures, in nanoseconds.
    pub window: u64,
    /// How long it has to hold before it counts, in nanoseconds.
    pub hold: u64,
    /// With fewer requests in the window it has no opinion.
    pub min_requests: u64,
    /// By which share of the threshold a value has to fall before a level is taken back.
    pub hysteresis: f64,
    /// What sort of problem it finds.
    pub class: Class,
    /// What to do.
    pub suggestion: String,
}

impl Rules {
    /// The rules that hold when no file is given.
    #[cfg(test)]
    pub(crate) fn default_rules() -> Self {
        let mut problems = Problems::new();
        Self::read([], &mut problems).unwrap_or_default()
    }

    /// Reads files (name and text) over the default rules; a later rule replaces an earlier one of the same name.
    /// `None` means that there were errors; all of them are in `problems`.
    pub fn read<'t>(files: impl IntoIterator<Item = (&'t str, &'t str)>, problems: &mut Problems) -> Option<Self> {
        let defaults = file::read("default rules", DEFAULTS, problems)?;
        let files: Vec<Option<RulesFile>> =
            files.into_iter().map(|(name, text)| file::read(name, text, problems)).collect();
        let files: Vec<RulesFile> = files.into_iter().collect::<Option<_>>()?;
        let with_defaults = files.iter().all(|file| file.defaults);
        let mut rules = Self::default();
        for config in defaults.rules.iter().filter(|_| with_defaults) {
            rules.put(rule(config, &defaults, files.iter().rev().find(|file| file.sets_times()))?);
        }
        for file in &files {
            for config in &file.rules {
                rules.put(rule(config, file, None)?);
            }
        }
        rules.rules.retain(|rule| !files.iter().any(|file| file.disable.contains(&rule.name)));
        Some(rules)
    }

    fn put(&mut self, rule: Rule) {
        match self.rules.iter_mut().find(|known| known.name == rule.name) {
            Some(known) => *known = rule,
            None => self.rules.push(rule),
        }
    }
}

/// A rule with its times filled in: its own, else those of `times`, else those of its file.
fn rule(config: &RuleConfig, file: &RulesFile, times: Option<&RulesFile>) -> Option<Rule> {
    let nanoseconds = |duration: config::GoDuration| u64::try_from(duration.as_nanoseconds()).unwrap_or(0);
    let general = times.unwrap_or(file);
    let unit = config.metric.unit();
    let threshold = |threshold: &Option<Threshold>| threshold.as_ref().and_then(|it| it.value(unit));
    Some(Rule {
        name: config.name.clone(),
        on: config.on,
        filter: config.r#where.as_deref().map(Filter::parse).transpose().ok()?,
        metric: config.metric,
        yellow: threshold(&config.yellow),
        red: threshold(&config.red),
        yellow_below: threshold(&config.yellow_below),
        red_below: threshold(&config.red_below),
        window: nanoseconds(config.window.unwrap_or(general.window)),
        hold: nanoseconds(config.r#for.unwrap_or(general.r#for)),
        min_requests: config.min_requests,
        hysteresis: config.hysteresis.value("%").unwrap_or(0.0) / 100.0,
        class: config.class.into(),
        suggestion: config.suggestion.clone(),
    })
}

impl Rule {
    /// The level of a value, given the level so far: thresholds of levels that are held give way by the hysteresis.
    fn level(&self, value: f64, held: Level) -> Level {
        let slack = |level: Level| if held >= level { self.hysteresis } else { 0.0 };
        let above = |threshold: Option<f64>, level| threshold.is_some_and(|it| value > it - it.abs() * slack(level));
        let below = |threshold: Option<f64>, level| threshold.is_some_and(|it| value < it + it.abs() * slack(level));
        let fires = |over, under, level| above(over, level) || below(under, level);
        if fires(self.red, self.red_below, Level::Red) {
            Level::Red
        } else if fires(self.yellow, self.yellow_below, Level::Yellow) {
            Level::Yellow
        } else {
            Level::Ok
        }
    }

    /// What it says of a value that has had this level since then.
    pub fn reason(&self, level: Level, value: f64, since: Moment) -> Reason {
        Reason {
            rule: self.name.clone(),
            metric: self.metric,
            class: self.class,
            level,
            value,
            threshold: self.threshold(value, level),
            unit: self.metric.unit(),
            since,
            suggestion: self.suggestion.clone(),
        }
    }

    /// The threshold that a value of this level has passed.
    fn threshold(&self, value: f64, level: Level) -> f64 {
        let (above, below) = match level {
            Level::Red => (self.red, self.red_below),
            _ => (self.yellow, self.yellow_below),
        };
        match (above, below) {
            (Some(above), Some(below)) if value < below.midpoint(above) => below,
            (Some(threshold), _) | (None, Some(threshold)) => threshold,
            (None, None) => 0.0,
        }
    }
}
