//! From a packet to the TCP segment in it: link, network and transport headers.
//!
//! In this room: pure functions over one packet's bytes. Total: whatever is not a whole header is a reason to skip.
//! Not here: what belongs together (`connections`).
//!
//! Enter at [`segment`].

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::file::{LinkType, Packet};

/// A TCP segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Who sent it.
    pub source: SocketAddr,
    /// To whom.
    pub destination: SocketAddr,
    /// Sequence number of the first byte, or of the SYN.
    pub sequence: u32,
    /// Number of the byte that the sender expects next; means something only with `flags.ack`.
    pub acknowledged: u32,
    /// What it does besides carrying bytes.
    pub flags: Flags,
    /// Payload bytes on the wire.
    pub length: u32,
    /// The part of them that was kept.
    pub payload: &'a [u8],
}

/// Bits of a TCP header that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags {
    /// First of a direction.
    pub syn: bool,
    /// `acknowledged` is valid.
    pub ack: bool,
    /// Last of a direction.
    pub fin: bool,
    /// The connection is no more.
    pub rst: bool,
}

/// Why a packet gives no segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Skip {
    /// Its link type is not one of ours.
    UnknownLink,
    /// Neither IPv4 nor IPv6.
    NotIp,
    /// Another transport.
    NotTcp,
    /// A part of a larger packet.
    Fragment,
    /// The capture kept too little of it to tell.
    Truncated,
    /// A header that cannot be.
    Malformed,
}

impl Skip {
    /// All reasons.
    pub const ALL: [Self; 6] =
        [Self::UnknownLink, Self::NotIp, Self::NotTcp, Self::Fragment, Self::Truncated, Self::Malformed];

    /// As a label.
    pub fn name(self) -> &'static str {
        match self {
            Self::UnknownLink => "unknown_link",
            Self::NotIp => "not_ip",
            Self::NotTcp => "not_tcp",
            Self::Fragment => "fragment",
            Self::Truncated => "truncated",
            Self::Malformed => "malformed",
        }
    }
}

/// A segment, and whether VLAN tags stood before it.
pub type Found<'a> = (Segment<'a>, bool);

/// Bytes that were kept, and how many more were on the wire.
#[derive(Clone, Copy)]
struct Cursor<'a> {
    kept: &'a [u8],
    on_wire: usize,
}

impl<'a> Cursor<'a> {
    /// The first `count` bytes, and what follows.
    fn take(self, count: usize) -> Result<(&'a [u8], Self), Skip> {
        let missing = if self.on_wire < count { Skip::Malformed } else { Skip::Truncated };
        let (front, kept) = self.kept.split_at_checked(count).ok_or(missing)?;
        Ok((front, Self { kept, on_wire: self.on_wire.saturating_sub(count) }))
    }

    fn header<const N: usize>(self) -> Result<(&'a [u8; N], Self), Skip> {
        let (front, rest) = self.take(N)?;
        Ok((front.first_chunk().ok_or(Skip::Truncated)?, rest))
    }

    /// Without what lies behind `length`: a link layer may pad.
    fn shortened(self, length: usize) -> Self {
        Self { kept: self.kept.get(..length).unwrap_or(self.kept), on_wire: self.on_wire.min(length) }
    }
}

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
const VLAN_TAGS: [u16; 3] = [0x8100, 0x88a8, 0x9100];
/// More tags than this are not stacked.
const MOST_TAGS: usize = 4;

/// Whether packets of this link type can be read.
pub fn is_known(link: LinkType) -> bool {
    matches!(link, LinkType(0 | 1 | 12 | 14 | 101 | 108 | 113 | 228 | 229 | 276))
}

/// The segment in a packet.
pub fn segment<'a>(packet: &Packet<'a>) -> Result<Found<'a>, Skip> {
    let on_wire = usize::try_from(packet.wire_length).unwrap_or(usize::MAX).max(packet.captured.len());
    let bytes = Cursor { kept: packet.captured, on_wire };
    match packet.link {
        LinkType(1) => {
            let ([.., high, low], rest) = bytes.header::<14>()?;
            by_ethertype(u16::from_be_bytes([*high, *low]), rest)
        }
        LinkType(113) => {
            let ([.., high, low], rest) = bytes.header::<16>()?;
            by_ethertype(u16::from_be_bytes([*high, *low]), rest)
        }
        LinkType(276) => {
            let ([high, low, ..], rest) = bytes.header::<20>()?;
            by_ethertype(u16::from_be_bytes([*high, *low]), rest)
        }
        // Both carry an address family, of which every system has its own number for IPv6: the version tells.
        LinkType(0 | 108) => Ok((by_version(bytes.header::<4>()?.1)?, false)),
        LinkType(12 | 14 | 101 | 228 | 229) => Ok((by_version(bytes)?, false)),
        LinkType(_) => Err(Skip::UnknownLink),
    }
}

fn by_ethertype(mut ethertype: u16, mut bytes: Cursor<'_>) -> Result<Found<'_>, Skip> {
    let mut is_tagged = false;
    for _ in 0..MOST_TAGS {
        if !VLAN_TAGS.contains(&ethertype) {
            break;
        }
        let ([_, _, high, low], rest) = bytes.header::<4>()?;
        (ethertype, bytes, is_tagged) = (u16::from_be_bytes([*high, *low]), rest, true);
    }
    let segment = match ethertype {
        IPV4 => ipv4(bytes)?,
        IPV6 => ipv6(bytes)?,
        _ => return Err(Skip::NotIp),
    };
    Ok((segment, is_tagged))
}

fn by_version(bytes: Cursor<'_>) -> Result<Segment<'_>, Skip> {
    let (first, _) = bytes.header::<1>()?;
    match first {
        [byte] if byte >> 4 == 4 => ipv4(bytes),
        [byte] if byte >> 4 == 6 => ipv6(bytes),
        _ => Err(Skip::NotIp),
    }
}

const TCP: u8 = 6;

/// RFC 791, section 3.1.
fn ipv4(bytes: Cursor<'_>) -> Result<Segment<'_>, Skip> {
    let (header, rest) = bytes.header::<20>()?;
    let [version, _, len_high, len_low, _, _, frag_high, frag_low, _, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] =
        *header;
    let header_length = usize::from(version & 15).saturating_mul(4);
    let options = header_length.checked_sub(20).filter(|_| version >> 4 == 4).ok_or(Skip::Malformed)?;
    // More fragments follow, or this is not the first.
    if u16::from_be_bytes([frag_high, frag_low]) & 0x3fff != 0 {
        return Err(Skip::Fragment);
    }
    if protocol != TCP {
        return Err(Skip::NotTcp);
    }
    let rest = match usize::from(u16::from_be_bytes([len_high, len_low])) {
        // The card will cut it later, and the length was left to the card.
        0 => rest,
        total => rest.shortened(total.checked_sub(20).ok_or(Skip::Malformed)?),
    };
    let (_, rest) = rest.take(options)?;
    let source = IpAddr::V4(Ipv4Addr::new(s0, s1, s2, s3));
    tcp(source, IpAddr::V4(Ipv4Addr::new(d0, d1, d2, d3)), rest)
}

/// RFC 8200, sections 3 and 4.
fn ipv6(bytes: Cursor<'_>) -> Result<Segment<'_>, Skip> {
    const MOST_EXTENSIONS: usize = 8;
    let (header, mut rest) = bytes.header::<40>()?;
    let [version, _, _, _, len_high, len_low, mut next, _, addresses @ ..] = *header;
    if version >> 4 != 6 {
        return Err(Skip::Malformed);
    }
    let (source, destination) = addresses.split_at(16);
    let address = |bytes: &[u8]| bytes.first_chunk::<16>().map(|bytes| IpAddr::V6(Ipv6Addr::from(*bytes)));
    let (source, destination) = address(source).zip(address(destination)).ok_or(Skip::Malformed)?;
    // Zero: longer than the field can say.
    if let length @ 1.. = usize::from(u16::from_be_bytes([len_high, len_low])) {
        rest = rest.shortened(length);
    }
    for _ in 0..MOST_EXTENSIONS {
        if next == TCP {
            return tcp(source, destination, rest);
        }
        (next, rest) = extension(next, rest)?;
    }
    Err(Skip::Malformed)
}

/// Passes an extension header: the kind of the next one, and what follows.
fn extension(kind: u8, bytes: Cursor<'_>) -> Result<(u8, Cursor<'_>), Skip> {
    const HOP_BY_HOP: u8 = 0;
    const ROUTING: u8 = 43;
    const FRAGMENT: u8 = 44;
    const AUTHENTICATION: u8 = 51;
    const DESTINATION: u8 = 60;
    let ([next, length, third, fourth], _) = bytes.header::<4>()?;
    let length = usize::from(*length);
    let length = match kind {
        HOP_BY_HOP | ROUTING | DESTINATION => length.saturating_add(1).saturating_mul(8),
        AUTHENTICATION => length.saturating_add(2).saturating_mul(4),
        // A packet that is its only fragment passes (RFC 6946).
        FRAGMENT if u16::from_be_bytes([*third, *fourth]) & 0xfff9 == 0 => 8,
        FRAGMENT => return Err(Skip::Fragment),
        _ => return Err(Skip::NotTcp),
    };
    Ok((*next, bytes.take(length)?.1))
}

/// RFC 9293, section 3.1.
fn tcp(source: IpAddr, destination: IpAddr, bytes: Cursor<'_>) -> Result<Segment<'_>, Skip> {
    let (header, rest) = bytes.header::<20>()?;
    let [p0, p1, p2, p3, s0, s1, s2, s3, a0, a1, a2, a3, offset, flags, ..] = *header;
    let options = usize::from(offset >> 4).saturating_mul(4).checked_sub(20).ok_or(Skip::Malformed)?;
    if rest.on_wire < options {
        return Err(Skip::Malformed);
    }
    // Options that were not kept have no payload behind them.
    let payload = rest.kept.get(options..).unwrap_or(&[]);
    let length = rest.on_wire.saturating_sub(options);
    let bit = |bit: u8| flags & bit != 0;
    Ok(Segment {
        source: SocketAddr::new(source, u16::from_be_bytes([p0, p1])),
        destination: SocketAddr::new(destination, u16::from_be_bytes([p2, p3])),
        sequence: u32::from_be_bytes([s0, s1, s2, s3]),
        acknowledged: u32::from_be_bytes([a0, a1, a2, a3]),
        flags: Flags { fin: bit(1), syn: bit(2), rst: bit(4), ack: bit(16) },
        length: u32::try_from(length).map_err(|_| Skip::Malformed)?,
        payload,
    })
}
