//! Numbers as answers spell them: milliseconds with three places, absent where nothing was seen.

use std::collections::BTreeMap;

use serde::Serialize;

use super::graph::Graph;
use crate::{Class, Expectation, Health, Histogram, Level, Measures, Moment, Reason, Side, Tier, View, Window};

/// Milliseconds since the epoch: what a browser counts in, and small enough for its numbers.
pub(crate) fn millis(moment: Moment) -> u64 {
    moment.0 / 1_000_000
}

/// Three places are enough for milliseconds and save a third of an answer.
pub(crate) fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// `window` of every answer.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct WindowFigures {
    /// Milliseconds since the epoch.
    pub from: u64,
    /// Milliseconds since the epoch.
    pub to: u64,
    /// Seconds for which data was kept. Rates divide by this.
    pub covered_s: f64,
}

impl From<Window> for WindowFigures {
    fn from(window: Window) -> Self {
        Self { from: millis(window.from), to: millis(window.to), covered_s: rounded(window.covered_seconds()) }
    }
}

/// What a graph says of itself, as objects and as columns.
#[derive(Debug, Serialize)]
pub(super) struct Head<'a> {
    window: WindowFigures,
    tiers: &'a [Tier],
    view: View,
    complete: bool,
    dropped: &'a BTreeMap<&'static str, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<(i32, i32)>,
}

impl<'a> Head<'a> {
    pub(super) fn of(graph: &'a Graph) -> Self {
        Self {
            window: graph.window.into(),
            tiers: &graph.tiers,
            view: graph.view,
            complete: graph.complete,
            dropped: &graph.dropped,
            coverage: graph.coverage,
            size: graph.placement.as_ref().map(|placement| placement.size),
        }
    }
}

/// Latency of one side.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Latency {
    /// Mean.
    pub avg_ms: f64,
    /// Most were faster: all but one in twenty.
    pub p95_ms: f64,
}

impl Latency {
    /// `None` if nothing was timed.
    pub fn of(histogram: &Histogram) -> Option<Self> {
        Some(Self { avg_ms: rounded(histogram.mean_ms()?), p95_ms: rounded(histogram.quantile_ms(0.95)?) })
    }

    /// Of the calls that one side saw.
    pub fn of_side(side: &Side) -> Option<Self> {
        Self::of(&side.latency)
    }
}

/// What the network carried, where it was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Carried {
    /// Connections opened.
    pub connections: u64,
    /// Connections that did not come about.
    pub failed_connects: u64,
    /// Bytes to the called.
    pub bytes_sent: u64,
    /// Bytes back.
    pub bytes_received: u64,
}

impl Carried {
    /// `None` if nothing was counted.
    pub fn of(measures: &Measures) -> Option<Self> {
        let flow = &measures.flow;
        let it = Self {
            connections: flow.connections,
            failed_connects: flow.failed.total(),
            bytes_sent: flow.bytes_sent,
            bytes_received: flow.bytes_received,
        };
        let any = [it.connections, it.failed_connects, it.bytes_sent, it.bytes_received].iter().any(|n| *n > 0);
        any.then_some(it)
    }
}

/// Health as answers spell it.
#[derive(Debug, Clone, Serialize)]
pub struct HealthFigures<'a> {
    /// The worst level.
    pub level: Level,
    /// Worst first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<ReasonFigures<'a>>,
}

/// One rule that fires.
#[derive(Debug, Clone, Serialize)]
pub struct ReasonFigures<'a> {
    /// The rule's name.
    pub rule: &'a str,
    /// What sort of problem it is.
    pub class: Class,
    /// Which level it gives.
    pub level: Level,
    /// What was measured.
    pub value: f64,
    /// What it was held against.
    pub threshold: f64,
    /// What both are measured in.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub unit: &'static str,
    /// Since when, in milliseconds since the epoch.
    pub since: u64,
    /// What to do.
    pub suggestion: &'a str,
}

impl<'a> From<&'a Health> for HealthFigures<'a> {
    fn from(health: &'a Health) -> Self {
        Self { level: health.level, reasons: health.reasons.iter().map(ReasonFigures::from).collect() }
    }
}

impl<'a> From<&'a Reason> for ReasonFigures<'a> {
    fn from(reason: &'a Reason) -> Self {
        Self {
            rule: &reason.rule,
            class: reason.class,
            level: reason.level,
            value: reason.value,
            threshold: reason.threshold,
            unit: reason.unit,
            since: millis(reason.since),
            suggestion: &reason.suggestion,
        }
    }
}

/// Levels in the order of their codes in columns.
pub(super) const LEVELS: [Level; 4] = [Level::Unknown, Level::Ok, Level::Yellow, Level::Red];

/// Expectations in the order of their codes in columns.
pub(super) const EXPECTATIONS: [Expectation; 6] = [
    Expectation::Expected,
    Expectation::Excepted,
    Expectation::Pending,
    Expectation::Missing,
    Expectation::Unexpected,
    Expectation::Forbidden,
];

/// The position in one of the lists above.
pub(super) fn code<T: PartialEq>(list: &[T], item: &T) -> Option<u8> {
    list.iter().position(|it| it == item).and_then(|place| u8::try_from(place).ok())
}
