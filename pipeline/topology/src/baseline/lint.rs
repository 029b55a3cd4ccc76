//! What is doubtful in a baseline that can be read.

use config::{Node, Problems};

use super::documents::{self, text};
use super::end::{EndPattern, Fit, Shape};
use super::expect::{Baseline, Line};
use super::file::{State, kind_of};
use super::port;
use crate::{Inside, Kind, Moment, Observed, Who, Workload};

/// Notes doubts as warnings, with places: exceptions that are over, lines that say nothing beyond others, ends that mean
/// nobody among `known` (unless that is empty). Gives their number.
pub fn lint(baseline: &Baseline, known: &[Who], now: Moment, problems: &mut Problems) -> usize {
    let mut doubts = Vec::new();
    for exception in baseline.exceptions.iter().filter(|it| it.until <= now) {
        let message = format!("this exception ended {} (owner {})", exception.until.to_rfc3339(), exception.owner);
        doubts.push((exception.mark, message, Some("take it out, or give it a new date".to_owned())));
    }
    for (place, line) in baseline.lines.iter().enumerate() {
        if let Some((message, help)) = shadow(baseline, place, line) {
            doubts.push((line.mark, message, Some(help.to_owned())));
        }
    }
    let lines = baseline.lines.iter().flat_map(|line| [(line.mark, &line.from), (line.mark, &line.to)]);
    let exceptions = baseline.exceptions.iter().flat_map(|it| [(it.mark, &it.from), (it.mark, &it.to)]);
    for (mark, end) in lines.chain(exceptions).filter(|_| !known.is_empty()) {
        let means = |who: &Who| end.fit(who, &baseline.cluster) > Fit::No;
        if is_inside(end) && !known.iter().any(means) {
            doubts.push((mark, format!("`{end}` means nobody who is known"), suggestion(end, known)));
        }
    }
    let count = doubts.len();
    for (mark, message, help) in doubts {
        problems.warn(mark, message, help);
    }
    count
}

/// Why a line has no effect of its own.
fn shadow(baseline: &Baseline, place: usize, line: &Line) -> Option<(String, &'static str)> {
    let covers = |other: &Line| {
        other.from.covers(&line.from) && other.to.covers(&line.to) && port::cover(&other.ports, &line.ports)
    };
    let others = baseline.lines.iter().enumerate().filter(|(at, other)| *at != place && covers(other));
    for (at, other) in others {
        let is_forbid = |line: &Line| line.state == State::Forbid;
        if is_forbid(other) && !is_forbid(line) {
            return Some((format!("{} forbids all that this line allows", other.place), "take one of them out"));
        }
        let is_first = at < place || !covered_back(line, other);
        if is_first && is_forbid(other) == is_forbid(line) && line.state != State::Require {
            return Some((format!("{} says this already", other.place), "take this line out"));
        }
    }
    None
}

/// True if both mean the same: then the first of them stays.
fn covered_back(line: &Line, other: &Line) -> bool {
    line.from.covers(&other.from) && line.to.covers(&other.to) && port::cover(&line.ports, &other.ports)
}

fn is_inside(end: &EndPattern) -> bool {
    let inside = |shape: &Shape| matches!(shape, Shape::Named(named) if !named.kind.is_some_and(Kind::is_outside));
    end.group.is_none() && end.shapes.iter().all(inside)
}

fn suggestion(end: &EndPattern, known: &[Who]) -> Option<String> {
    let [Shape::Named(named)] = end.shapes.as_slice() else { return None };
    let name = named.name.as_ref().or(named.service.as_ref())?;
    config::did_you_mean(&name.0, known.iter().flat_map(super::end::names))
}

/// Everybody in a window.
pub fn known(observed: &Observed) -> Vec<Who> {
    observed.registry.entities.iter().map(|entity| entity.who.clone()).collect()
}

/// Workloads and Services of Kubernetes manifests; `None` for a text that cannot be read.
pub fn manifests(name: &str, content: &str, problems: &mut Problems) -> Option<Vec<Who>> {
    let documents = documents::read(name, content, problems)?;
    Some(documents.iter().filter_map(declared).collect())
}

fn declared(document: &Node) -> Option<Who> {
    let kind = kind_of(text(document, &["kind"])?).filter(|kind| !kind.is_outside())?;
    let name = text(document, &["metadata", "name"])?;
    let namespace = text(document, &["metadata", "namespace"]).unwrap_or_default();
    let service = |name: &str| crate::Service { name: name.into(), origin: crate::ServiceOrigin::Kubernetes };
    Some(Who::Inside(Inside {
        cluster: "".into(),
        namespace: namespace.into(),
        workload: (kind != Kind::Service).then(|| Workload { kind, name: name.into() }),
        service: (kind == Kind::Service).then(|| service(name)),
    }))
}
