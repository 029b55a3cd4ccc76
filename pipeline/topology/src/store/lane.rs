//! Which lane speaks for an edge (MAP.md 6).

use std::collections::BTreeMap;

use crate::{EdgeRow, Lane, Measures, Protocol, Transport, measures::Flow};

/// What one lane saw of an edge under one protocol to one port.
pub(crate) type RowKey = (Lane, Protocol, Option<u16>, Transport);

/// The lane that speaks for an edge, all lanes that saw it, and the rows.
pub(crate) struct Chosen {
    pub(crate) lane: Lane,
    pub(crate) sources: Vec<Lane>,
    pub(crate) rows: Vec<EdgeRow>,
}

/// What one lane knows in all.
#[derive(Default)]
struct Told {
    whole: Measures,
    /// Requests whose protocol it knows.
    named: u64,
}

impl Told {
    /// Requests; connections only count where nobody saw requests.
    fn total(&self) -> (u64, u64) {
        let flow = &self.whole.flow;
        (self.whole.requests(), flow.connections.max(flow.failed.total()).max(u64::from(flow.bytes_sent > 0)))
    }
}

/// Which lanes speak for an edge.
pub(crate) struct Speakers {
    /// For requests and what came of them.
    pub(crate) requests: Lane,
    /// For what the network carried: it counts other things than requests, so nothing is added twice.
    pub(crate) network: Option<Lane>,
    /// All that saw it.
    pub(crate) sources: Vec<Lane>,
}

/// Chooses the lanes that speak for an edge.
pub(crate) fn speakers(evidence: &BTreeMap<RowKey, Measures>) -> Option<Speakers> {
    let mut lanes: BTreeMap<Lane, Told> = BTreeMap::new();
    for ((lane, protocol, ..), measures) in evidence {
        let told = lanes.entry(*lane).or_default();
        told.whole.add(measures);
        if !protocol.is_unspecified() {
            told.named = told.named.saturating_add(measures.requests());
        }
    }
    let most = lanes.values().map(Told::total).max()?;
    let near = |told: &Told| {
        let (requests, connections) = told.total();
        if most.0 > 0 { requests.saturating_mul(100) >= most.0.saturating_mul(98) } else { connections == most.1 }
    };
    let share = |told: &Told| told.named as f64 / told.total().0.max(1) as f64;
    // Of equals the first: lanes are ordered by how much they tell.
    let candidates = lanes.iter().rev().filter(|(_, told)| near(told));
    let (requests, _) = candidates
        .max_by(|(_, one), (_, other)| share(one).total_cmp(&share(other)).then(one.total().cmp(&other.total())))?;
    let network = lanes.iter().rev().filter(|(_, told)| told.whole.flow != Flow::default());
    let network = network.max_by_key(|(_, told)| {
        let flow = &told.whole.flow;
        (flow.rtt_count > 0 || flow.segments > 0, flow.connections.saturating_add(flow.failed.total()))
    });
    let network = network.map(|(lane, _)| *lane);
    Some(Speakers { requests: *requests, network, sources: lanes.keys().copied().collect() })
}

/// The rows of an edge, told by the lanes that speak for it.
pub(crate) fn choose(evidence: BTreeMap<RowKey, Measures>) -> Option<Chosen> {
    let Speakers { requests, network, sources } = speakers(&evidence)?;
    Some(Chosen { lane: requests, sources, rows: rows(evidence, requests, network) })
}

fn rows(evidence: BTreeMap<RowKey, Measures>, lane: Lane, network: Option<Lane>) -> Vec<EdgeRow> {
    let mut rows: Vec<EdgeRow> = Vec::new();
    let mut flows = Vec::new();
    for ((of, protocol, port, transport), mut measures) in evidence {
        if of == lane {
            if network != Some(lane) {
                measures.flow = Flow::default();
            }
            rows.push(EdgeRow { protocol, port, transport, measures });
        } else if Some(of) == network && measures.flow != Flow::default() {
            let measures = Measures { flow: measures.flow, ..Measures::default() };
            flows.push(EdgeRow { protocol, port, transport, measures });
        }
    }
    for flow in flows {
        match home(&rows, &flow).and_then(|home| rows.get_mut(home)) {
            Some(row) => row.measures.add(&flow.measures),
            None => rows.push(flow),
        }
    }
    rows
}

/// The only row that a flow can belong to.
fn home(rows: &[EdgeRow], flow: &EdgeRow) -> Option<usize> {
    let fits = |row: &EdgeRow| {
        let port = row.port.is_none() || flow.port.is_none() || row.port == flow.port;
        let one = |transport: Transport| transport == Transport::Unspecified;
        let transport = one(row.transport) || one(flow.transport) || row.transport == flow.transport;
        let named = flow.protocol.is_unspecified() || flow.protocol == row.protocol || row.protocol.is_unspecified();
        port && transport && named
    };
    let mut fitting = rows.iter().enumerate().filter(|(_, row)| fits(row));
    let (place, _) = fitting.next()?;
    fitting.next().is_none().then_some(place)
}
