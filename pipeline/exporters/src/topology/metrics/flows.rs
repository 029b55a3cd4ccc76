//! `tidewatch.tcp.*`: what the network carried between two ends.

use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::Arc;

use pdata::Attributes;
use topology::{End, Lane, Name, Outside, OutsideKind, Protocol, Rows, Transport, Who};

use super::edge::{Edge, Saw};
use super::meaning::Flow;
use super::{Context, Edges, Metrics, Point, Told, Unplaced, latency};
use crate::topology::identity::{Identity, Part};
use crate::topology::names::{LONGEST, shortened};
use crate::topology::route::nobody;

impl Metrics {
    pub(super) fn flow(
        &mut self,
        what: Flow,
        point: &Point<'_, '_>,
        told: &Told<'_, '_>,
        context: &mut Context<'_>,
        rows: &mut Rows,
    ) -> Result<(), Unplaced> {
        let ends = Ends::read(point.attributes.clone());
        if ends.is_overflow {
            return Err(Unplaced::Nobody);
        }
        let all = self.hash(point.attributes.clone());
        let edge_key = self.hasher_of_edge(&ends);
        let make = |edges: &mut Edges, context: &mut Context<'_>| edges.share(&edge_key, ends.edge(context));
        let (grown, edge) = self.follow(told.key.wrapping_add(all), point, context, make)?;
        if grown.count == 0 || !edge.is_counted {
            return Ok(());
        }
        let Some(row) = self.edges.measures(&edge, point.time, grown.over, &mut rows.facts) else { return Ok(()) };
        let flow = &mut row.measures.flow;
        let sum = match what {
            Flow::Bytes if ends.is_backward => &mut flow.bytes_received,
            Flow::Bytes => &mut flow.bytes_sent,
            Flow::Connections => &mut flow.connections,
            Flow::Retransmits => &mut flow.retransmits,
            Flow::Failed => match ends.cause {
                "connection_refused" | "connection_reset" => &mut flow.failed.refused,
                "timeout" => &mut flow.failed.timed_out,
                _ => &mut flow.failed.unreachable,
            },
            Flow::RoundTrip => {
                flow.rtt_sum = flow.rtt_sum.saturating_add(latency::nanoseconds(grown.sum * told.unit));
                &mut flow.rtt_count
            }
        };
        *sum = sum.saturating_add(grown.count);
        Ok(())
    }

    fn hasher_of_edge(&self, ends: &Ends<'_>) -> u64 {
        self.hasher.hash_one((
            ends.source.key(),
            ends.destination.key(),
            ends.port,
            ends.protocol,
            ends.transport,
            ends.is_told_by_destination,
        ))
    }
}

/// One end of a connection, as its labels tell.
#[derive(Default)]
struct Tcp<'a> {
    identity: Identity<'a>,
    address: Option<&'a str>,
}

impl<'a> Tcp<'a> {
    fn key(&self) -> [Option<&'a str>; 4] {
        let part = |part| self.identity.get(part);
        [part(Part::Service), part(Part::OwnerName), part(Part::Namespace), self.address]
    }
}

#[derive(Default)]
struct Ends<'a> {
    source: Tcp<'a>,
    destination: Tcp<'a>,
    is_told_by_destination: bool,
    is_backward: bool,
    is_overflow: bool,
    port: Option<u16>,
    protocol: &'a str,
    transport: &'a str,
    cause: &'a str,
}

impl<'a> Ends<'a> {
    fn read(attributes: Attributes<'a>) -> Self {
        let mut ends = Self::default();
        for attribute in attributes {
            let (key, value) = (attribute.key_bytes(), attribute.value());
            let text = shortened(value.as_str().unwrap_or_default(), LONGEST);
            match key {
                b"tidewatch.reporter" | b"tidewatch_reporter" => ends.is_told_by_destination = text == "destination",
                b"tidewatch.direction" | b"tidewatch_direction" => ends.is_backward = text == "backward",
                b"otel.metric.overflow" | b"otel_metric_overflow" => ends.is_overflow = true,
                b"destination.port" | b"destination_port" => {
                    let number = value.as_int().or_else(|| text.parse().ok());
                    ends.port = number.and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0);
                }
                b"network.protocol.name" | b"network_protocol_name" => ends.protocol = text,
                b"network.transport" | b"network_transport" => ends.transport = text,
                b"error.type" | b"error_type" => ends.cause = text,
                _ => ends.take_end(key, text),
            }
        }
        ends
    }

    fn take_end(&mut self, key: &[u8], text: &'a str) {
        const SIDES: [(&[u8], bool); 4] =
            [(b"source.", true), (b"source_", true), (b"destination.", false), (b"destination_", false)];
        for (prefix, is_source) in SIDES {
            let Some(rest) = key.strip_prefix(prefix) else { continue };
            let end = if is_source { &mut self.source } else { &mut self.destination };
            match Part::of(rest) {
                Some(part) => end.identity.set(part, text),
                None if rest == b"address" && !text.is_empty() => end.address = Some(text),
                None => {}
            }
        }
    }

    fn edge(&self, context: &mut Context<'_>) -> Edge {
        let (source, is_source_known) = resolve(&self.source, !self.is_told_by_destination, context);
        let (target, _) = resolve(&self.destination, self.is_told_by_destination, context);
        let saw = if self.is_told_by_destination { Saw::Server } else { Saw::Client };
        // From nobody to nobody is no fact.
        let is_between_strangers = source.who.is_unresolved() && target.who.is_unresolved();
        let mut edge = Edge::new(Lane::Flows, Some(source), target, saw);
        // Whoever is known by name is observed, and tells of its connections itself.
        edge.is_counted = !(is_between_strangers || self.is_told_by_destination && is_source_known);
        // Only a name stays whose it is.
        if !(self.source.identity.is_somebody() && self.destination.identity.is_somebody()) {
            edge.is_unsure(context.known.revision());
        }
        edge.port = self.port;
        edge.transport = if self.transport == "udp" { Transport::Udp } else { Transport::Tcp };
        if !self.protocol.is_empty() {
            edge.protocol = Protocol(Name::from(self.protocol.to_lowercase()));
        }
        edge
    }
}

/// Who an end is, and whether that is known by name.
fn resolve(end: &Tcp<'_>, is_reporter: bool, context: &mut Context<'_>) -> (Arc<End>, bool) {
    let address = end.address.and_then(|address| address.parse::<IpAddr>().ok());
    if end.identity.is_somebody() {
        let placed = end.identity.get(Part::Namespace).is_some();
        let name = end.identity.get(Part::Service).filter(|_| !placed);
        let found = name.and_then(|name| context.known.find_anywhere(name)).cloned();
        let who = found.unwrap_or_else(|| context.end(&end.identity));
        if let Some(address) = address.filter(|_| is_reporter) {
            context.known.meet_at(address, &who);
        }
        return (who, true);
    }
    if let Some(known) = address.and_then(|address| context.known.at(address)) {
        return (Arc::clone(known), true);
    }
    let cluster = context.residents.cluster();
    let stranger = match end.address {
        // Every machine and pod has a loopback of its own: one node for all of them would be nobody.
        _ if address.is_some_and(|address| address.is_loopback()) => nobody(cluster, OutsideKind::Unknown),
        // It was a pod's and then another's: whose it is now, its number does not say.
        _ if address.is_some_and(|address| context.known.is_shared(address)) => nobody(cluster, OutsideKind::Unknown),
        None => nobody(cluster, OutsideKind::Unknown),
        Some(address) => {
            let outside = Outside { cluster: cluster.clone(), kind: OutsideKind::PlainIP, name: Name::from(address) };
            Arc::new(End { who: Who::Outside(outside), pod: None, host: None })
        }
    };
    (stranger, false)
}
