//! pcapng: sections of blocks; packets of several interfaces, each with its own link type and resolution of time.

use protocols::Nanos;

use super::numbers::Order;
use super::{Found, LARGEST_RECORD, LinkType, Record};

/// Type of a section's header, the same in both byte orders.
pub const MAGIC: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const OLD_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const PACKET: u32 = 6;

const BYTE_ORDER: u32 = 0x1a2b_3c4d;
/// Type and length in front of a block, and the length again behind it.
const FRAME: usize = 12;
/// Type and length in front of a block.
const FRONT: usize = 8;
/// More in one section is taken for damage.
const MOST_INTERFACES: usize = 4096;

#[derive(Debug, Clone, Copy)]
struct Interface {
    link: LinkType,
    /// Most bytes kept of a packet; 0 means all.
    snap_length: u32,
    ticks_per_second: u64,
    /// Added to all times, seconds.
    offset: i64,
}

/// What the blocks so far have said.
#[derive(Debug)]
pub struct Blocks {
    order: Order,
    interfaces: Vec<Interface>,
}

impl Default for Blocks {
    fn default() -> Self {
        Self { order: Order::Little, interfaces: Vec::new() }
    }
}

impl Blocks {
    /// The block at the front.
    pub fn record(&mut self, bytes: &[u8]) -> Record {
        let Some(kind) = self.order.u32(bytes, 0) else { return Record::Incomplete };
        if kind == SECTION {
            let Some(mark) = Order::Little.u32(bytes, FRONT) else { return Record::Incomplete };
            self.order = match mark {
                BYTE_ORDER => Order::Little,
                _ if mark.swap_bytes() == BYTE_ORDER => Order::Big,
                _ => return Record::Damaged("a section without byte order"),
            };
            self.interfaces.clear();
        }
        let Some(length) = self.order.u32(bytes, 4) else { return Record::Incomplete };
        if length > LARGEST_RECORD || length % 4 != 0 {
            return Record::Damaged("a block with an impossible length");
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let Some(block) = bytes.get(..length) else { return Record::Incomplete };
        let Some(body) = length.checked_sub(FRAME).and_then(|body| block.get(FRONT..)?.get(..body)) else {
            return Record::Damaged("a block with an impossible length");
        };
        self.block(kind, body, length)
    }

    fn block(&mut self, kind: u32, body: &[u8], length: usize) -> Record {
        let packet = match kind {
            INTERFACE if self.interfaces.len() >= MOST_INTERFACES => return Record::Damaged("too many interfaces"),
            INTERFACE => match Interface::read(body, self.order) {
                Some(interface) => {
                    self.interfaces.push(interface);
                    return Record::Other(length);
                }
                None => None,
            },
            PACKET => self.packet(body, self.order.u32(body, 0)),
            OLD_PACKET => self.packet(body, self.order.u16(body, 0).map(u32::from)),
            SIMPLE_PACKET => self.simple_packet(body),
            _ => return Record::Other(length),
        };
        let whole = packet.filter(|found| found.start.saturating_add(found.captured) <= body.len());
        let from_block = |found: Found| Found { start: found.start.saturating_add(FRONT), ..found };
        whole.map_or(Record::Damaged("a block that contradicts itself"), |found| {
            Record::Packet(from_block(found), length)
        })
    }

    /// Both kinds of packets with times differ only in how they name their interface.
    fn packet(&self, body: &[u8], interface: Option<u32>) -> Option<Found> {
        let interface = self.interfaces.get(usize::try_from(interface?).ok()?)?;
        let field = |at| self.order.u32(body, at);
        let ticks = u64::from(field(4)?) << 32 | u64::from(field(8)?);
        Some(Found {
            link: interface.link,
            time: Some(interface.time(ticks)),
            captured: usize::try_from(field(12)?).ok()?,
            wire_length: field(16)?,
            start: 20,
        })
    }

    fn simple_packet(&self, body: &[u8]) -> Option<Found> {
        let interface = self.interfaces.first()?;
        let wire_length = self.order.u32(body, 0)?;
        let kept = if interface.snap_length == 0 { wire_length } else { wire_length.min(interface.snap_length) };
        let captured = usize::try_from(kept).ok()?;
        Some(Found { link: interface.link, time: None, wire_length, start: 4, captured })
    }
}

impl Interface {
    fn read(body: &[u8], order: Order) -> Option<Self> {
        let mut interface = Self {
            link: LinkType(order.u16(body, 0)?),
            snap_length: order.u32(body, 4)?,
            ticks_per_second: 1_000_000,
            offset: 0,
        };
        let mut options = body.get(8..)?;
        while let (Some(code), Some(length)) = (order.u16(options, 0), order.u16(options, 2)) {
            const END: u16 = 0;
            const RESOLUTION: u16 = 9;
            const OFFSET: u16 = 14;
            let padded = usize::from(length).next_multiple_of(4);
            let Some((value, rest)) = options.get(4..).and_then(|rest| rest.split_at_checked(padded)) else { break };
            match code {
                END => break,
                RESOLUTION => interface.ticks_per_second = ticks_per_second(*value.first()?)?,
                OFFSET => interface.offset = order.u64(value, 0)?.cast_signed(),
                _ => {}
            }
            options = rest;
        }
        Some(interface)
    }

    /// Unix time.
    fn time(&self, ticks: u64) -> Nanos {
        let nanos = u128::from(ticks) * 1_000_000_000 / u128::from(self.ticks_per_second.max(1));
        let nanos = u64::try_from(nanos).unwrap_or(u64::MAX);
        Nanos(nanos.saturating_add_signed(self.offset.saturating_mul(1_000_000_000)))
    }
}

/// A power of ten, or with the highest bit set of two; `None` if nobody can measure so finely.
fn ticks_per_second(resolution: u8) -> Option<u64> {
    let exponent = u32::from(resolution & 0x7f);
    if resolution & 0x80 == 0 { 10_u64.checked_pow(exponent) } else { 2_u64.checked_pow(exponent) }
}
