//! Requests, errors and durations by semantic convention, and those of a `span_metrics` connector.

use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::Arc;

use pdata::Exemplars;
use topology::{End, Exemplar, FactRow, Lane, Name, OutsideKind, Protocol, Rows, Side};

use super::edge::{Edge, Saw};
use super::meaning::Red;
use super::streams::Increment;
use super::{Context, Edges, Metrics, Point, Told, Unplaced};
use crate::topology::identity::Identity;
use crate::topology::outcome::Outcome;
use crate::topology::route::{Route, nobody, place};
use crate::topology::said::Said;

/// For how long span metrics of an end are ignored after it told of itself by convention.
const SILENCED: u64 = 300 * topology::SECOND;
/// Most ends of which that is remembered.
const MOST: usize = 65_536;

/// True if the other end is only known by an address that every machine and pod has.
fn is_loopback(said: &Said<'_>) -> bool {
    let address = said.host().or(said.peer_address).and_then(|address| address.parse::<IpAddr>().ok());
    address.is_some_and(|address| address.is_loopback())
}

impl Metrics {
    pub(super) fn red(
        &mut self,
        what: Red,
        point: &Point<'_, '_>,
        told: &Told<'_, '_>,
        context: &mut Context<'_>,
        rows: &mut Rows,
    ) -> Result<(), Unplaced> {
        let said = Said::read(point.attributes.clone());
        if what == Red::Client && said.operation == Some("receive") {
            // `messaging.process.duration` tells of the same messages.
            return Ok(());
        }
        if what == Red::Client && is_loopback(&said) {
            return Err(Unplaced::Nobody);
        }
        let own = context.end(told.resource);
        if what == Red::Server {
            self.note_convention(&own, context.now.unix_nanos);
        }
        let stream = told.key.wrapping_add(self.hash(point.attributes.clone()));
        let outcome = Outcome::of(&said, false);
        self.tell(stream, point, told, (what, &said, own, outcome), context, rows)
    }

    pub(super) fn span_metrics(
        &mut self,
        point: &Point<'_, '_>,
        told: &Told<'_, '_>,
        context: &mut Context<'_>,
        rows: &mut Rows,
    ) -> Result<(), Unplaced> {
        let text = |keys: [&str; 2]| keys.iter().find_map(|key| point.attributes.clone().get(key)?.as_str());
        let failed = matches!(text(["status.code", "status_code"]), Some("STATUS_CODE_ERROR" | "Error"));
        let kind = text(["span.kind", "span_kind"]).unwrap_or_default();
        let said = Said::read(point.attributes.clone());
        let what = match kind.strip_prefix("SPAN_KIND_").unwrap_or(kind) {
            "SERVER" | "Server" => Red::Server,
            "CLIENT" | "Client" if said.host().is_some() || said.db_system.is_some() => Red::Client,
            "CONSUMER" | "Consumer" if said.destination.is_some() => Red::Process,
            // Without its peer a client tells nothing that its peer would not.
            _ => return Ok(()),
        };
        let identity = Identity::read(point.attributes.clone()).or(told.resource);
        if !identity.is_somebody() {
            return Err(Unplaced::Nobody);
        }
        let own = context.end(&identity);
        let key = self.hasher.hash_one(&own.who);
        let silenced = |told: &u64| context.now.unix_nanos.saturating_sub(*told) <= SILENCED;
        if self.by_convention.get(&key).is_some_and(silenced) {
            return Ok(());
        }
        let stream = told.key.wrapping_add(self.hash(point.attributes.clone()));
        let outcome = Outcome::of(&said, failed);
        self.tell(stream, point, told, (what, &said, own, outcome), context, rows)
    }

    fn note_convention(&mut self, own: &End, now: u64) {
        let key = self.hasher.hash_one(&own.who);
        if self.by_convention.len() >= MOST && !self.by_convention.contains_key(&key) {
            self.by_convention.clear();
            self.by_convention_restarts = self.by_convention_restarts.saturating_add(1);
        }
        self.by_convention.insert(key, now);
    }

    fn tell(
        &mut self,
        stream: u64,
        point: &Point<'_, '_>,
        told: &Told<'_, '_>,
        (what, said, own, outcome): (Red, &Said<'_>, Arc<End>, Outcome),
        context: &mut Context<'_>,
        rows: &mut Rows,
    ) -> Result<(), Unplaced> {
        let make = |edges: &mut Edges, context: &mut Context<'_>| {
            let route = context.routes.of(said, &own, context.residents.names());
            let identity = (Arc::as_ptr(&own) as usize, Arc::as_ptr(&route) as usize, what as u8);
            edges.share(&identity, edge(what, &own, &route, context))
        };
        let (grown, edge) = self.follow(stream, point, context, make)?;
        if grown.count == 0 {
            return Ok(());
        }
        let Some(row) = self.edges.measures(&edge, point.time, grown.over, &mut rows.facts) else { return Ok(()) };
        let histogram = self.layouts.histogram(&grown, point.shape, told.unit);
        // Calls without durations have no latency: a sum of 0 would pull the mean down.
        let latency = if point.exemplars.is_some() { histogram } else { topology::Histogram::default() };
        let failed = outcome == Outcome::Fault;
        note(row, edge.saw, &grown, outcome, &latency);
        if row.exemplar.is_none() {
            row.exemplar = point.exemplars.clone().and_then(|exemplars| exemplar(exemplars, told.unit, failed));
        }
        Ok(())
    }
}

fn note(row: &mut FactRow, saw: Saw, grown: &Increment, outcome: Outcome, latency: &topology::Histogram) {
    let measures = &mut row.measures;
    let (requests, side): (&mut u64, &mut Side) = match saw {
        Saw::Server => (&mut measures.requests.server_only, &mut measures.server),
        Saw::Client | Saw::Both => (&mut measures.requests.client_only, &mut measures.client),
    };
    *requests = requests.saturating_add(grown.count);
    side.latency.merge(latency);
    match outcome {
        Outcome::Fine => {}
        Outcome::Fault => side.errors = side.errors.saturating_add(grown.count),
        Outcome::ClientError => side.client_errors = side.client_errors.saturating_add(grown.count),
    }
}

fn edge(what: Red, own: &Arc<End>, route: &Route, context: &Context<'_>) -> Edge {
    let own = Arc::clone(own);
    let mut edge = match what {
        Red::Server => Edge::new(Lane::Red, None, own, Saw::Server),
        Red::Process => {
            let cluster = Name::from(place(&own).0);
            let queue = route.queue.clone().unwrap_or_else(|| nobody(&cluster, OutsideKind::Unknown));
            Edge::new(Lane::Red, Some(queue), own, Saw::Server)
        }
        Red::Client => {
            let peer = route.queue.clone().unwrap_or_else(|| route.peer(context.known));
            let mut edge = Edge::new(Lane::Red, Some(own), peer, Saw::Client);
            if route.queue.is_none() && !route.is_known(context.known) {
                edge.is_unsure(context.known.revision());
            }
            edge.port = route.port;
            edge
        }
    };
    edge.protocol = Protocol::clone(&route.protocol);
    edge.transport = route.transport;
    edge
}

/// The first exemplar that names its trace.
fn exemplar(exemplars: Exemplars<'_>, unit: f64, failed: bool) -> Option<Exemplar> {
    exemplars.into_iter().find_map(|found| {
        let trace = found.trace_id().try_into().ok()?;
        let duration = super::latency::nanoseconds(found.value()?.as_f64() * unit);
        Some(Exemplar { trace, duration, failed })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_told_by_convention_is_forgotten_only_for_somebody_new() {
        let mut metrics = Metrics::new(1, 1, 0);
        let end = |number: usize| {
            let outside =
                topology::Outside { cluster: "".into(), kind: OutsideKind::Unknown, name: number.to_string().into() };
            End { who: topology::Who::Outside(outside), pod: None, host: None }
        };
        for number in 0..MOST {
            metrics.note_convention(&end(number), 1);
        }

        metrics.note_convention(&end(7), 2);
        assert_eq!((metrics.by_convention.len(), metrics.restarts()), (MOST, [0, 0]));

        metrics.note_convention(&end(MOST), 2);
        assert_eq!((metrics.by_convention.len(), metrics.restarts()), (1, [0, 1]));
    }
}
