//! `/api/v1/series`: the numbers of a node or an edge over time, as columns for charts.

use std::collections::BTreeMap;

use serde::Serialize;
use topology::store::{Series, SeriesQuery};
use topology::{Histogram, Measures, Moment, Tier, View};

use super::Settings;
use super::subject::{Subject, members, view};
use crate::topology::answer::Answer;
use crate::topology::asked::{Asked, Fault};
use crate::topology::published::Published;

/// A week of steps of 15 seconds has fewer, and no chart shows more.
const MOST_POINTS: u64 = 50_000;

#[derive(Serialize)]
struct Columns {
    window: Window,
    complete: bool,
    tiers: Vec<Tier>,
    step_s: f64,
    times: Vec<u64>,
    protocols: BTreeMap<String, Numbers>,
}

#[derive(Serialize)]
struct Window {
    from: u64,
    to: u64,
    covered_s: f64,
}

/// One column per number; counts are 0 and everything else null where nothing happened.
#[derive(Serialize)]
struct Numbers {
    requests: Vec<u64>,
    errors: Vec<u64>,
    client_errors: Vec<u64>,
    client_avg_ms: Vec<Option<f64>>,
    client_p95_ms: Vec<Option<f64>>,
    server_avg_ms: Vec<Option<f64>>,
    server_p95_ms: Vec<Option<f64>>,
    bytes_sent: Vec<u64>,
    bytes_received: Vec<u64>,
    connections: Vec<u64>,
    failed: Vec<u64>,
    retransmits: Vec<u64>,
    rtt_ms: Vec<Option<f64>>,
}

/// The series.
pub fn answer(asked: &Asked, map: &Published, _settings: &Settings) -> Result<Answer, Fault> {
    let (from, to) = asked.window(map.now)?;
    let query = question(map, &Subject::asked(asked)?, view(asked)?, from, to)?;
    Answer::json(&columns(&map.snapshot.series(&query)))
}

fn question(map: &Published, subject: &Subject, view: View, from: Moment, to: Moment) -> Result<SeriesQuery, Fault> {
    let known = map.snapshot.known_edges();
    let known = known.iter().map(|edge| (edge.source, edge.target));
    Ok(match subject {
        Subject::Node(id) => {
            let members = members(map, id, view)?;
            // What it answers; calls within it are not calls of anybody else.
            let edges = known.filter(|(source, target)| members.contains(target) && !members.contains(source));
            SeriesQuery { edges: edges.collect(), answered: members.iter().copied().collect(), from, to }
        }
        Subject::Edge(source, target) => {
            let (sources, targets) = (members(map, source, view)?, members(map, target, view)?);
            let edges = known.filter(|(source, target)| sources.contains(source) && targets.contains(target));
            SeriesQuery { edges: edges.collect(), answered: Vec::new(), from, to }
        }
    })
}

fn columns(series: &Series) -> Columns {
    let step = series.step.max(1);
    let first = series.window.from.0 / step;
    let steps = series.window.to.0.div_ceil(step).saturating_sub(first).min(MOST_POINTS);
    let length = usize::try_from(steps).unwrap_or(0);
    let mut protocols: BTreeMap<String, Numbers> = BTreeMap::new();
    for point in &series.points {
        let Some(place) = (point.at.0 / step).checked_sub(first).and_then(|place| usize::try_from(place).ok()) else {
            continue;
        };
        for (protocol, measures) in &point.by_protocol {
            let numbers = protocols.entry(protocol.0.to_string()).or_insert_with(|| Numbers::empty(length));
            numbers.set(place, measures);
        }
    }
    Columns {
        window: Window {
            from: series.window.from.0 / 1_000_000,
            to: series.window.to.0 / 1_000_000,
            covered_s: series.window.covered_seconds(),
        },
        complete: series.complete,
        tiers: series.tiers.clone(),
        step_s: step as f64 / 1e9,
        times: (0..steps).map(|place| first.saturating_add(place).saturating_mul(step) / 1_000_000).collect(),
        protocols,
    }
}

impl Numbers {
    fn empty(length: usize) -> Self {
        let (counts, values) = (|| vec![0; length], || vec![None; length]);
        Self {
            requests: counts(),
            errors: counts(),
            client_errors: counts(),
            client_avg_ms: values(),
            client_p95_ms: values(),
            server_avg_ms: values(),
            server_p95_ms: values(),
            bytes_sent: counts(),
            bytes_received: counts(),
            connections: counts(),
            failed: counts(),
            retransmits: counts(),
            rtt_ms: values(),
        }
    }

    fn set(&mut self, place: usize, measures: &Measures) {
        let flow = &measures.flow;
        put(&mut self.requests, place, measures.requests());
        put(&mut self.errors, place, measures.errors());
        put(&mut self.client_errors, place, measures.client_errors());
        put(&mut self.client_avg_ms, place, average(&measures.client.latency));
        put(&mut self.client_p95_ms, place, ninety_fifth(&measures.client.latency));
        put(&mut self.server_avg_ms, place, average(&measures.server.latency));
        put(&mut self.server_p95_ms, place, ninety_fifth(&measures.server.latency));
        put(&mut self.bytes_sent, place, flow.bytes_sent);
        put(&mut self.bytes_received, place, flow.bytes_received);
        put(&mut self.connections, place, flow.connections);
        put(&mut self.failed, place, flow.failed.total());
        put(&mut self.retransmits, place, flow.retransmits);
        let rtt = (flow.rtt_count > 0).then(|| rounded(flow.rtt_sum as f64 / flow.rtt_count as f64 / 1e6));
        put(&mut self.rtt_ms, place, rtt);
    }
}

fn put<T>(column: &mut [T], place: usize, value: T) {
    if let Some(cell) = column.get_mut(place) {
        *cell = value;
    }
}

fn average(histogram: &Histogram) -> Option<f64> {
    histogram.mean_ms().map(rounded)
}

fn ninety_fifth(histogram: &Histogram) -> Option<f64> {
    histogram.quantile_ms(0.95).map(rounded)
}

/// Three places are enough for milliseconds.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
