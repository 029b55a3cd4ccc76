//! From the ring's bytes to records.
//!
//! In this room: the total decoder. Not here: where the bytes lie (`layout`, from `bpf/records.h`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{
    CgroupId, ChunkHeader, Close, ConnectFailed, Connection, ConnectionIdentity, Direction, Exec, Exit, Fork,
    MonotonicNanos, NetworkNamespace, Open, Payload, Record, Retransmit, Role, SocketCookie, SocketError, Statistics,
    StreamPosition, TcpState, Tgid, Tid,
};
use crate::error::MalformedRecord;
use crate::layout::{
    self, ChunkRecord, CloseRecord, ConnectFailedRecord, ExecRecord, ExitRecord, ForkRecord, OpenRecord,
    RetransmitRecord, SocketErrorRecord, decision, direction, payload_state, record_kind, role,
};

impl<'a> Record<'a> {
    /// Reads one record. Total: any bytes end in a record or an error.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, MalformedRecord> {
        let kind = bytes.first().copied().unwrap_or(0);
        let short = MalformedRecord::Short { kind, length: bytes.len() };
        match u32::from(kind) {
            record_kind::CHUNK => chunk(bytes).ok_or(short)?,
            record_kind::OPEN => Ok(Self::Open(OpenRecord::read(bytes).ok_or(short)?.into())),
            record_kind::CLOSE => Ok(Self::Close(CloseRecord::read(bytes).ok_or(short)?.into())),
            record_kind::CONNECT_FAILED => {
                Ok(Self::ConnectFailed(ConnectFailedRecord::read(bytes).ok_or(short)?.into()))
            }
            record_kind::SOCKET_ERROR => Ok(Self::SocketError(SocketErrorRecord::read(bytes).ok_or(short)?.into())),
            record_kind::RETRANSMIT => Ok(Self::Retransmit(RetransmitRecord::read(bytes).ok_or(short)?.into())),
            record_kind::EXEC => exec(bytes).map(Self::Exec).ok_or(short),
            record_kind::FORK => Ok(Self::Fork(ForkRecord::read(bytes).ok_or(short)?.into())),
            record_kind::EXIT => Ok(Self::Exit(ExitRecord::read(bytes).ok_or(short)?.into())),
            _ => Err(MalformedRecord::UnknownKind { kind }),
        }
    }
}

/// The hot one. `None` when it is too short for what it says.
fn chunk(bytes: &[u8]) -> Option<Result<Record<'_>, MalformedRecord>> {
    let raw = ChunkRecord::read(bytes)?;
    let (payload, rest) = bytes.get(ChunkRecord::SIZE..)?.split_at_checked(raw.captured as usize)?;
    let tail = rest.get(..usize::from(raw.tail_length))?;
    let impossible = |field| Some(Err(MalformedRecord::Impossible { kind: raw.kind, field }));
    let Some(direction) = direction_of(raw.direction) else { return impossible("direction") };
    if raw.captured > raw.length || u32::from(raw.tail_length) > raw.length - raw.captured {
        return impossible("captured");
    }
    let header = ChunkHeader {
        direction,
        role: role_of(raw.role),
        undecided: u32::from(raw.decision) == decision::UNDECIDED,
        turn: raw.turn,
        time: MonotonicNanos(raw.time),
        cookie: SocketCookie(raw.cookie),
        identity: identity(raw.own_first, raw.peer_first),
        position: StreamPosition(raw.position),
        length: raw.length,
        tgid: Tgid(raw.tgid),
        tid: Tid(raw.tid),
        lost_before: raw.lost_before,
        payload: match u32::from(raw.payload_state) {
            payload_state::NO_USER_BUFFER => Payload::NoUserBuffer,
            payload_state::COMPAT_CALL => Payload::CompatCall,
            payload_state::DISCARDED => Payload::Discarded,
            payload_state::FAULT => Payload::Fault,
            payload_state::TOO_SCATTERED => Payload::TooScattered,
            _ => Payload::Available,
        },
    };
    Some(Ok(Record::Chunk(header, payload, tail)))
}

fn exec(bytes: &[u8]) -> Option<Exec<'_>> {
    let raw = ExecRecord::read(bytes)?;
    let text = bytes.get(ExecRecord::SIZE..)?;
    let (filename, rest) = text.split_at_checked(usize::from(raw.filename_length))?;
    let environment = rest.get(..usize::from(raw.environment_length))?;
    let variable = |name: &[u8]| environment.split(|byte| *byte == 0).find_map(|text| text.strip_prefix(name));
    Some(Exec {
        tgid: Tgid(raw.tgid),
        parent: Tgid(raw.parent),
        cgroup: CgroupId(raw.cgroup),
        time: MonotonicNanos(raw.time),
        filename: filename.split(|byte| *byte == 0).next().unwrap_or(filename),
        service_name: variable(b"OTEL_SERVICE_NAME="),
        resource_attributes: variable(b"OTEL_RESOURCE_ATTRIBUTES="),
        environment_truncated: raw.environment_truncated != 0,
    })
}

fn direction_of(raw: u8) -> Option<Direction> {
    match u32::from(raw) {
        direction::SEND => Some(Direction::Send),
        direction::RECEIVE => Some(Direction::Receive),
        _ => None,
    }
}

pub(crate) fn role_of(raw: u8) -> Option<Role> {
    match u32::from(raw) {
        role::CLIENT => Some(Role::Client),
        role::SERVER => Some(Role::Server),
        role::LISTENER => Some(Role::Listener),
        _ => None,
    }
}

fn identity(own_first: u32, peer_first: u32) -> ConnectionIdentity {
    ConnectionIdentity { own_first: StreamPosition(own_first), peer_first: StreamPosition(peer_first) }
}

fn address(family: u16, bytes: [u8; 16]) -> IpAddr {
    if i32::from(family) == libc::AF_INET {
        let [a, b, c, d, ..] = bytes;
        return Ipv4Addr::new(a, b, c, d).into();
    }
    IpAddr::from(Ipv6Addr::from(bytes)).to_canonical()
}

impl From<layout::Connection> for Connection {
    fn from(raw: layout::Connection) -> Self {
        Self {
            local: SocketAddr::new(address(raw.family, raw.local_address), raw.local_port),
            peer: SocketAddr::new(address(raw.family, raw.peer_address), raw.peer_port),
            network_namespace: NetworkNamespace(raw.network_namespace),
            identity: identity(raw.own_first, raw.peer_first),
            multipath: i32::from(raw.protocol) == libc::IPPROTO_MPTCP,
        }
    }
}

impl From<layout::Statistics> for Statistics {
    fn from(raw: layout::Statistics) -> Self {
        Self {
            bytes_sent: raw.bytes_sent,
            bytes_received: raw.bytes_received,
            smoothed_rtt_us: raw.smoothed_rtt_us,
            retransmits: raw.retransmits,
            segments_sent: raw.segments_sent,
        }
    }
}

impl From<OpenRecord> for Open {
    fn from(raw: OpenRecord) -> Self {
        Self {
            cookie: SocketCookie(raw.cookie),
            time: MonotonicNanos(raw.time),
            role: role_of(raw.role),
            tgid: Tgid(raw.tgid),
            cgroup: CgroupId(raw.cgroup),
            connection: raw.connection.into(),
            connect_nanoseconds: (raw.existed_before == 0).then_some(raw.connect_nanoseconds),
            own: u32::from(raw.decision) == decision::OWN,
            undecided: u32::from(raw.decision) == decision::UNDECIDED,
        }
    }
}

impl From<CloseRecord> for Close {
    fn from(raw: CloseRecord) -> Self {
        Self {
            cookie: SocketCookie(raw.cookie),
            time: MonotonicNanos(raw.time),
            role: role_of(raw.role),
            tgid: Tgid(raw.tgid),
            connection: raw.connection.into(),
            statistics: raw.statistics.into(),
            error: raw.error,
            turns: raw.turns,
            lost_before: raw.lost_before,
        }
    }
}

impl From<ConnectFailedRecord> for ConnectFailed {
    fn from(raw: ConnectFailedRecord) -> Self {
        Self {
            cookie: SocketCookie(raw.cookie),
            time: MonotonicNanos(raw.time),
            tgid: Tgid(raw.tgid),
            cgroup: CgroupId(raw.cgroup),
            connection: raw.connection.into(),
            connect_nanoseconds: raw.connect_nanoseconds,
            error: raw.error,
        }
    }
}

impl From<SocketErrorRecord> for SocketError {
    fn from(raw: SocketErrorRecord) -> Self {
        Self {
            cookie: SocketCookie(raw.cookie),
            time: MonotonicNanos(raw.time),
            identity: identity(raw.own_first, raw.peer_first),
            error: raw.error,
            state: TcpState(raw.state),
        }
    }
}

impl From<RetransmitRecord> for Retransmit {
    fn from(raw: RetransmitRecord) -> Self {
        Self {
            cookie: SocketCookie(raw.cookie),
            time: MonotonicNanos(raw.time),
            identity: identity(raw.own_first, raw.peer_first),
            state: TcpState(raw.state),
        }
    }
}

impl From<ForkRecord> for Fork {
    fn from(raw: ForkRecord) -> Self {
        Self {
            tgid: Tgid(raw.tgid),
            parent: Tgid(raw.parent),
            cgroup: CgroupId(raw.cgroup),
            time: MonotonicNanos(raw.time),
        }
    }
}

impl From<ExitRecord> for Exit {
    fn from(raw: ExitRecord) -> Self {
        Self { tgid: Tgid(raw.tgid), time: MonotonicNanos(raw.time) }
    }
}
