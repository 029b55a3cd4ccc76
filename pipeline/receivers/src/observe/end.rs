//! One end of a connection, and finding the other.

use std::collections::VecDeque;
use std::rc::Rc;

use hashbrown::HashMap;
use protocols::connection::Start;
use protocols::exchange::Unreported;
use protocols::{Connection, Role};
use smallvec::SmallVec;

use super::events::Statistics;
use super::finished::{Addresses, EndId};
use super::lineage::Side;
use super::wire::{SequencePair, WireKey};

/// Requests of one connection that are answered at a time; more are taken for lost.
const MOST_OPEN: usize = 64;
/// Linux hands out ports from here on to ends that connect (net.ipv4.ip_local_port_range).
const FIRST_EPHEMERAL_PORT: u16 = 32_768;

/// One end of a connection.
pub struct End {
    /// Where both ends are.
    pub addresses: Rc<Addresses>,
    /// Positions of the first bytes of both directions, if known.
    pub start: Option<Start>,
    /// The same by role, once the role is known.
    pub pair: Option<SequencePair>,
    /// Stands in for the pair in keys while there is none.
    pub stand_in: SequencePair,
    /// The key that was computed last: an exchange asks for its own when it begins, and again when it is over.
    pub last_key: Option<(SequencePair, u32, WireKey)>,
    /// Who moved bytes last.
    pub process: u32,
    /// The other end, if it is observed too and still there.
    pub partner: Option<EndId>,
    /// Who was at the other end when that was last known.
    pub peer_process: Option<u32>,
    /// Its bytes.
    pub connection: Connection,
    /// Its beginning was seen.
    pub is_new: bool,
    /// How long connecting took, until it is reported.
    pub connect_seconds: Option<f64>,
    /// It was counted as a connection.
    pub is_counted: bool,
    /// Sums.
    pub seen: Statistics,
    /// What of them was reported.
    pub reported: Statistics,
    /// What of its unreported exchanges was counted.
    pub counted: Unreported,
    /// Positions of requests that were read and not yet answered, in order; only at the end that answers.
    pub open: VecDeque<u32>,
    /// Position after the last byte that the application received, as far as that was seen.
    pub received_until: Option<u32>,
}

impl End {
    /// The name of the exchange whose request begins at `position`.
    pub fn key(&mut self, position: u32) -> WireKey {
        let pair = self.pair.unwrap_or(self.stand_in);
        match self.last_key {
            Some((of, at, key)) if of == pair && at == position => key,
            _ => {
                let key = WireKey::new(pair, position);
                self.last_key = Some((pair, position, key));
                key
            }
        }
    }

    /// Whether anything was found that the observer has not taken yet, its role included.
    pub fn has_news(&self) -> bool {
        self.connection.has_news()
            || self.connection.unreported() != self.counted
            || (self.pair.is_none() && self.start.is_some())
    }

    /// Which side it is, if that is known.
    pub fn side(&self) -> Option<Side> {
        match self.connection.role() {
            Role::Client => Some(Side::Client),
            Role::Server => Some(Side::Server),
            Role::Unknown => None,
        }
    }

    /// Which side it is by its ports, for a connection that nothing else tells about: the end whose port programs are
    /// not given by chance has accepted.
    pub fn side_by_ports(&self) -> Side {
        let (local, peer) = (self.addresses.local.port(), self.addresses.peer.port());
        let is_given = |port| port >= FIRST_EPHEMERAL_PORT;
        match (is_given(local), is_given(peer)) {
            (true, false) => Side::Client,
            (false, true) => Side::Server,
            _ if local < peer => Side::Server,
            _ => Side::Client,
        }
    }

    /// A request was read. Returns one that is given up for want of room.
    pub fn open_request(&mut self, position: u32) -> Option<WireKey> {
        self.open.push_back(position);
        let given_up = if self.open.len() > MOST_OPEN { self.open.pop_front() } else { None };
        given_up.map(|position| self.key(position))
    }

    /// A request was answered. Those before it will not be any more: answers come in order.
    pub fn answered(&mut self, position: u32) -> SmallVec<[WireKey; 2]> {
        let count = self.open.iter().position(|open| *open == position).map_or(0, |at| at.saturating_add(1));
        let positions: SmallVec<[u32; 2]> = self.open.drain(..count).collect();
        positions.into_iter().map(|position| self.key(position)).collect()
    }
}

/// Both ends of connections, by their sequence numbers.
#[derive(Debug, Default)]
pub struct Pairs(HashMap<SequencePair, Ends>);

#[derive(Debug, Default, Clone, Copy)]
struct Ends {
    client: Option<EndId>,
    server: Option<EndId>,
}

impl Ends {
    fn slot(&mut self, side: Side) -> &mut Option<EndId> {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }
}

impl Pairs {
    /// An end of this connection is there. Returns the other, if it is too.
    pub fn join(&mut self, pair: SequencePair, side: Side, id: EndId) -> Option<EndId> {
        let ends = self.0.entry(pair).or_default();
        *ends.slot(side) = Some(id);
        *ends.slot(side.opposite())
    }

    /// The ends of this connection that are there.
    pub fn of(&self, pair: SequencePair) -> [Option<EndId>; 2] {
        self.0.get(&pair).map_or([None, None], |ends| [ends.client, ends.server])
    }

    /// An end is gone.
    pub fn leave(&mut self, pair: SequencePair, id: EndId) {
        let Some(ends) = self.0.get_mut(&pair) else { return };
        for slot in [&mut ends.client, &mut ends.server] {
            slot.take_if(|known| *known == id);
        }
        if ends.client.is_none() && ends.server.is_none() {
            self.0.remove(&pair);
        }
    }

    /// Connections known.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}
