//! Two baselines side by side: what one of them allows and the other does not.

use serde::Serialize;

use super::end::{EndPattern, Shape};
use super::expect::{Baseline, Line};
use super::file::State;
use super::port;

/// What differs. Empty lists mean that the same traffic is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Difference {
    /// Allowed by the first only.
    pub removed: Vec<String>,
    /// Allowed by the second only.
    pub added: Vec<String>,
}

impl Difference {
    /// True if the same traffic is allowed.
    pub fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.added.is_empty()
    }
}

impl Baseline {
    /// What `other` allows instead. Whether an edge is required, and what is said about it, is no difference. With
    /// `ignore_cluster`, a new region is held against an old one.
    pub fn difference(&self, other: &Self, ignore_cluster: bool) -> Difference {
        let (one, other) = (allowed(self, ignore_cluster), allowed(other, ignore_cluster));
        Difference { removed: lacking(&one, &other), added: lacking(&other, &one) }
    }
}

/// Lines that allow something which no line forbids as a whole.
pub(super) fn allowed(baseline: &Baseline, ignore_cluster: bool) -> Vec<Line> {
    let forbids = |line: &&Line| line.state == State::Forbid;
    let is_open = |line: &&Line| {
        line.state != State::Forbid
            && !baseline.lines.iter().filter(forbids).any(|forbid| {
                forbid.from.covers(&line.from) && forbid.to.covers(&line.to) && port::cover(&forbid.ports, &line.ports)
            })
    };
    let mut lines: Vec<Line> = baseline.lines.iter().filter(is_open).cloned().collect();
    for line in &mut lines {
        for end in [&mut line.from, &mut line.to] {
            place(end, if ignore_cluster { "" } else { &baseline.cluster }, ignore_cluster);
        }
    }
    lines
}

/// Says the cluster that was meant, or none.
fn place(end: &mut EndPattern, cluster: &str, forget: bool) {
    for shape in &mut end.shapes {
        let Shape::Named(named) = shape else { continue };
        if forget {
            named.cluster = None;
        } else if named.cluster.is_none() && !cluster.is_empty() {
            named.cluster = Some(super::pattern::Pattern(cluster.to_owned()));
        }
    }
}

fn lacking(these: &[Line], those: &[Line]) -> Vec<String> {
    let mut lacking: Vec<String> = these.iter().filter(|line| !is_among(line, those)).map(told).collect();
    lacking.sort();
    lacking.dedup();
    lacking
}

fn is_among(line: &Line, those: &[Line]) -> bool {
    line.from.shapes.iter().all(|from| {
        line.to.shapes.iter().all(|to| {
            let (from, to) = (alone(from), alone(to));
            let same: Vec<&Line> = those.iter().filter(|it| it.from.covers(&from) && it.to.covers(&to)).collect();
            let covers =
                |port| same.iter().any(|it| it.ports.is_empty() || it.ports.iter().any(|own| own.covers(port)));
            match line.ports.is_empty() {
                true => same.iter().any(|it| it.ports.is_empty()),
                false => line.ports.iter().all(covers),
            }
        })
    })
}

fn alone(shape: &Shape) -> EndPattern {
    EndPattern { group: None, shapes: vec![shape.clone()] }
}

fn told(line: &Line) -> String {
    let ports: Vec<String> = line.ports.iter().map(ToString::to_string).collect();
    let on = if ports.is_empty() { String::new() } else { format!(" on {}", ports.join(", ")) };
    format!("{} -> {}{on}", line.from, line.to)
}
