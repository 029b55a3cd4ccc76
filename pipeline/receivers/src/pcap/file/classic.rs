//! pcap: one header, then records of one link type.

use protocols::Nanos;

use super::numbers::Order;
use super::{Found, LARGEST_RECORD, LinkType, Record};

/// Length of the file's header.
pub const HEADER: usize = 24;
/// Length of a record's header.
const RECORD_HEADER: usize = 16;

const MICROSECONDS: u32 = 0xa1b2_c3d4;
const NANOSECONDS: u32 = 0xa1b2_3c4d;

/// What a file's header says.
#[derive(Debug)]
pub struct Classic {
    order: Order,
    nanos_per_tick: u64,
    link: LinkType,
}

/// Whether a pcap file may begin so.
pub fn is_magic(magic: [u8; 4]) -> bool {
    order_of(magic).is_some()
}

fn order_of(magic: [u8; 4]) -> Option<(Order, u64)> {
    let ticks = |magic| match magic {
        MICROSECONDS => Some(1_000),
        NANOSECONDS => Some(1),
        _ => None,
    };
    let little = ticks(u32::from_le_bytes(magic)).map(|nanos| (Order::Little, nanos));
    little.or_else(|| ticks(u32::from_be_bytes(magic)).map(|nanos| (Order::Big, nanos)))
}

impl Classic {
    /// Reads the header; `None` if it is none.
    pub fn read(header: &[u8; HEADER]) -> Option<Self> {
        let (order, nanos_per_tick) = order_of(*header.first_chunk()?)?;
        // The other half says whether frames end in a checksum, which nothing here needs.
        let low_half = if order == Order::Little { 20 } else { 22 };
        Some(Self { order, nanos_per_tick, link: LinkType(order.u16(header, low_half)?) })
    }

    /// Of all its packets.
    pub fn link(&self) -> LinkType {
        self.link
    }

    /// The record at the front.
    pub fn record(&self, bytes: &[u8]) -> Record {
        let field = |at| self.order.u32(bytes, at);
        let (Some(seconds), Some(ticks), Some(captured), Some(wire_length)) = (field(0), field(4), field(8), field(12))
        else {
            return Record::Incomplete;
        };
        if captured > LARGEST_RECORD {
            return Record::Damaged("a packet that is larger than any");
        }
        let captured = usize::try_from(captured).unwrap_or(usize::MAX);
        let length = RECORD_HEADER.saturating_add(captured);
        if bytes.len() < length {
            return Record::Incomplete;
        }
        let nanos = u64::from(seconds).saturating_mul(1_000_000_000);
        let nanos = nanos.saturating_add(u64::from(ticks).saturating_mul(self.nanos_per_tick));
        let found = Found { link: self.link, time: Some(Nanos(nanos)), wire_length, start: RECORD_HEADER, captured };
        Record::Packet(found, length)
    }
}
