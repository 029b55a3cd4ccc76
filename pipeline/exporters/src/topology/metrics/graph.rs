//! `traces_service_graph_*`: edges that a `service_graph` connector (or Tempo, or Beyla) counted.

use std::net::IpAddr;
use std::sync::Arc;

use pdata::Attributes;
use topology::{End, FactRow, Gap, Lane, Name, Outside, OutsideKind, Protocol, Rows, Who};

use super::edge::{Edge, Saw};
use super::meaning::Graph;
use super::{Context, Metrics, Point, Told, Unplaced};
use crate::topology::identity::{Identity, Part};
use crate::topology::names::{LONGEST, shortened};
use crate::topology::route::{database, nobody, place};
use crate::topology::said::Said;

impl Metrics {
    pub(super) fn graph(
        &mut self,
        what: Graph,
        point: &Point<'_, '_>,
        told: &Told<'_, '_>,
        context: &mut Context<'_>,
        rows: &mut Rows,
    ) -> Result<(), Unplaced> {
        let (all, edge) = self.hashes(point.attributes.clone(), b"failed");
        let identity = (told.resource_key, edge);
        let make = |edges: &mut super::Edges, context: &mut Context<'_>| {
            edges.share(&identity, Labels::read(point.attributes.clone()).edge(context))
        };
        let (grown, edge) = self.follow(told.key.wrapping_add(all), point, context, make)?;
        if grown.count == 0 {
            return Ok(());
        }
        let Some(row) = self.edges.measures(&edge, point.time, grown.over, &mut rows.facts) else { return Ok(()) };
        let measures = &mut row.measures;
        let latency = || self.layouts.histogram(&grown, point.shape, told.unit);
        match (what, edge.saw) {
            (Graph::Requests, Saw::Both) => add(&mut measures.requests.paired, grown.count),
            (Graph::Requests, Saw::Client) => add(&mut measures.requests.client_only, grown.count),
            (Graph::Requests, Saw::Server) => add(&mut measures.requests.server_only, grown.count),
            // Which side failed is not said; only that it did: a fault.
            (Graph::Failed, Saw::Server) => add(&mut measures.server.errors, grown.count),
            (Graph::Failed, Saw::Both | Saw::Client) => add(&mut measures.client.errors, grown.count),
            (Graph::Client, Saw::Both | Saw::Client) => measures.client.latency.merge(&latency()),
            (Graph::Server, Saw::Both | Saw::Server) => measures.server.latency.merge(&latency()),
            // The side that was not seen is told as 0 s, or as a copy of the other.
            (Graph::Client, Saw::Server) | (Graph::Server, Saw::Client) => {}
        }
        Ok(())
    }
}

fn add(sum: &mut u64, more: u64) {
    *sum = sum.saturating_add(more);
}

/// Where both sides of the same calls were told, what the network took is their difference.
pub(super) fn close_gaps(facts: &mut [FactRow]) {
    for row in facts.iter_mut().filter(|row| row.lane == Lane::ServiceGraph) {
        let measures = &mut row.measures;
        let count = measures.requests.paired;
        if count > 0 && measures.client.latency.count() == count && measures.server.latency.count() == count {
            let signed = |sum: u64| i64::try_from(sum).unwrap_or(i64::MAX);
            let sum = signed(measures.client.latency.sum()).saturating_sub(signed(measures.server.latency.sum()));
            measures.gap = Gap { sum, count };
        }
    }
}

/// The labels of an edge.
#[derive(Default)]
struct Labels<'a> {
    client: &'a str,
    server: &'a str,
    connection: &'a str,
    unseen: &'a str,
    of_client: Identity<'a>,
    of_server: Identity<'a>,
    said: Said<'a>,
}

impl<'a> Labels<'a> {
    fn read(attributes: Attributes<'a>) -> Self {
        let mut labels = Self::default();
        for attribute in attributes {
            let (key, value) = (attribute.key_bytes(), attribute.value());
            let text = shortened(value.as_str().unwrap_or_default(), LONGEST);
            match key {
                b"client" => labels.client = text,
                b"server" => labels.server = text,
                b"connection_type" => labels.connection = text,
                b"virtual_node" => labels.unseen = text,
                _ => match (key.strip_prefix(b"client_"), key.strip_prefix(b"server_")) {
                    (Some(rest), _) => match Part::of(rest) {
                        Some(part) => labels.of_client.set(part, text),
                        None => labels.said.take(rest, value),
                    },
                    (_, Some(rest)) => match Part::of(rest) {
                        Some(part) => labels.of_server.set(part, text),
                        None => labels.said.take(rest, value),
                    },
                    (None, None) => labels.said.take(key, value),
                },
            }
        }
        labels
    }

    fn edge(self, context: &mut Context<'_>) -> Edge {
        let (client, is_client_sure) = someone(self.client, self.of_client, context);
        let (server, is_server_sure) = match self.unseen_side() {
            Some(Saw::Client) => self.peer(&client, context),
            _ => someone(self.server, self.of_server, context),
        };
        let saw = self.unseen_side().unwrap_or(Saw::Both);
        let mut edge = Edge::new(Lane::ServiceGraph, Some(client), server, saw);
        if let Some(word) = self.said.protocol() {
            edge.protocol = Protocol(Name::from(word.to_lowercase()));
        }
        edge.port = self.said.port;
        if !(is_client_sure && is_server_sure) {
            edge.is_unsure(context.known.revision());
        }
        edge
    }

    /// Which side alone was seen; `None` for both.
    fn unseen_side(&self) -> Option<Saw> {
        match (self.connection, self.unseen) {
            ("database", _) | (_, "server") => Some(Saw::Client),
            (_, "client") => Some(Saw::Server),
            ("virtual_node", _) if matches!(self.client, "user" | "unknown") => Some(Saw::Server),
            ("virtual_node", _) => Some(Saw::Client),
            _ => None,
        }
    }

    /// What a client's word for its peer stands for.
    fn peer(&self, client: &End, context: &mut Context<'_>) -> (Arc<End>, bool) {
        if self.server == "unknown" {
            return someone(self.server, self.of_server, context);
        }
        if let Some(known) = context.known.find_anywhere(self.server) {
            return (Arc::clone(known), is_placed(known));
        }
        let product = database(self.said.db_system.unwrap_or(self.server));
        let kind = match (self.connection, product) {
            ("database", kind) => kind,
            (_, kind) if kind != OutsideKind::Database => kind,
            _ if self.server.parse::<IpAddr>().is_ok() => OutsideKind::PlainIP,
            _ => OutsideKind::HttpApi,
        };
        let outside =
            Outside { cluster: Name::from(place(client).0), kind, name: Name::from(self.server.to_lowercase()) };
        (Arc::new(End { who: Who::Outside(outside), pod: None, host: None }), false)
    }
}

/// The end that a label names, and whether more knowledge would not change that.
fn someone<'a>(name: &'a str, mut identity: Identity<'a>, context: &mut Context<'_>) -> (Arc<End>, bool) {
    let bucket = match name {
        "user" => Some(OutsideKind::User),
        "unknown" => Some(OutsideKind::Unknown),
        _ => None,
    };
    if let Some(kind) = bucket {
        return (nobody(context.residents.cluster(), kind), true);
    }
    let has_place = !identity.namespace().is_empty();
    identity.set(Part::Service, name);
    // Without a place, the only one of that name is meant.
    if !has_place && let Some(known) = context.known.find_anywhere(name) {
        return (Arc::clone(known), is_placed(known));
    }
    let end = context.end(&identity);
    (end, has_place)
}

/// Whether an end is somewhere, so that nobody else of its name can be meant.
fn is_placed(end: &End) -> bool {
    let (_, namespace) = place(end);
    !namespace.is_empty()
}
