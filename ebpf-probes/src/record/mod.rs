//! The words in which the kernel side speaks, and how they are read from the ring.
//!
//! In this room: newtypes and records; `decode`, their total decoder. Not here: the ring ([`crate::reader`]).

mod decode;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;

pub(crate) use decode::role_of;

/// The kernel's number for a socket, never used again while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SocketCookie(pub u64);

/// The TCP sequence number of a byte: the same at both ends, and it wraps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StreamPosition(pub u32);

impl StreamPosition {
    /// The position `bytes` later in the stream.
    #[must_use]
    pub fn plus(self, bytes: u32) -> Self {
        Self(self.0.wrapping_add(bytes))
    }

    /// How far this lies behind `earlier`; negative when it lies before it. Right within 2 GiB.
    pub fn distance_from(self, earlier: Self) -> i32 {
        self.0.wrapping_sub(earlier.0).cast_signed()
    }
}

/// Nanoseconds of the kernel's monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MonotonicNanos(pub u64);

/// A process, by its number in the first pid namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tgid(pub u32);

/// A thread, by its number in the first pid namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tid(pub u32);

/// A cgroup (version 2), by the inode of its directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CgroupId(pub u64);

/// A network namespace, by the inode in `/proc/PID/ns/net`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NetworkNamespace(pub u32);

/// Which way bytes went, seen from the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The process sent them.
    Send,
    /// The process received them.
    Receive,
}

/// Which end of a connection a socket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// It connected.
    Client,
    /// It was accepted.
    Server,
    /// It waits for connections.
    Listener,
}

/// The first sequence numbers of a connection (initial number + 1): no other connection of these days has the same pair, and
/// both ends see it, whatever addresses were rewritten between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionIdentity {
    /// Position of the first byte that this end sends.
    pub own_first: StreamPosition,
    /// Position of the first byte that the other end sends.
    pub peer_first: StreamPosition,
}

impl ConnectionIdentity {
    /// The same value at both ends, also while nobody knows which end is the client. For routing and pairing.
    pub fn symmetric(self) -> u64 {
        let (own, peer) = (self.own_first.0, self.peer_first.0);
        u64::from(own.min(peer)) << 32 | u64::from(own.max(peer))
    }

    /// The client's and the server's first position, if the end that saw them knows which it is.
    pub fn client_and_server(self, role: Option<Role>) -> Option<(StreamPosition, StreamPosition)> {
        match role? {
            Role::Client => Some((self.own_first, self.peer_first)),
            Role::Server => Some((self.peer_first, self.own_first)),
            Role::Listener => None,
        }
    }
}

/// The ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Our end. IPv4 in IPv6 is shown as IPv4.
    pub local: SocketAddr,
    /// The other end, as this end knows it.
    pub peer: SocketAddr,
    /// Where our end lives.
    pub network_namespace: NetworkNamespace,
    /// What both ends share.
    pub identity: ConnectionIdentity,
    /// Multipath TCP: the identity is of its data stream.
    pub multipath: bool,
}

/// Sums of a connection, as TCP keeps them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Payload bytes sent, without repetitions.
    pub bytes_sent: u64,
    /// Payload bytes received, without repetitions.
    pub bytes_received: u64,
    /// Smoothed round-trip time in microseconds; 0 before the first measurement.
    pub smoothed_rtt_us: u32,
    /// Segments sent again.
    pub retransmits: u32,
    /// Segments sent.
    pub segments_sent: u32,
}

/// What became of a chunk's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Payload {
    /// Captured as far as the budget went.
    Available,
    /// The bytes never were in a user buffer that we can find: sendfile, splice, io_uring, a kernel thread.
    NoUserBuffer,
    /// A 32-bit process.
    CompatCall,
    /// The process had the kernel throw the bytes away (MSG_TRUNC).
    Discarded,
    /// The buffer could not be read.
    Fault,
    /// More I/O vectors than we walk; what was captured is the beginning.
    TooScattered,
}

/// One send or receive, or a piece of one: bytes at a place in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkHeader {
    /// Which way.
    pub direction: Direction,
    /// Which end, if known.
    pub role: Option<Role>,
    /// User space has not decided about the process yet.
    pub undecided: bool,
    /// Counts changes of direction, from 1, also those whose records were lost.
    pub turn: u32,
    /// When the call ended.
    pub time: MonotonicNanos,
    /// The socket.
    pub cookie: SocketCookie,
    /// The connection.
    pub identity: ConnectionIdentity,
    /// Place of the first byte.
    pub position: StreamPosition,
    /// Bytes of the stream that this record stands for; the payload may be shorter.
    pub length: u32,
    /// Who called.
    pub tgid: Tgid,
    /// Its thread.
    pub tid: Tid,
    /// Records of this connection that were lost since the last one that arrived.
    pub lost_before: u32,
    /// What became of the payload.
    pub payload: Payload,
}

/// A connection is established, or seen for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open {
    /// The socket.
    pub cookie: SocketCookie,
    /// When we saw it.
    pub time: MonotonicNanos,
    /// Which end, if known.
    pub role: Option<Role>,
    /// The process that connected, or that listens; bytes may be moved by another one.
    pub tgid: Tgid,
    /// The cgroup of that process at that time.
    pub cgroup: CgroupId,
    /// Its ends.
    pub connection: Connection,
    /// From SYN to establishment; for an accepted socket, from the last packet of the handshake. Unknown for older ones.
    pub connect_nanoseconds: Option<u64>,
    /// Tidewatch is at this end: drop the other end too.
    pub own: bool,
    /// User space has not decided about the process yet.
    pub undecided: bool,
}

/// A connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close {
    /// The socket.
    pub cookie: SocketCookie,
    /// When.
    pub time: MonotonicNanos,
    /// Which end, if known.
    pub role: Option<Role>,
    /// The process of [`Open`].
    pub tgid: Tgid,
    /// Its ends.
    pub connection: Connection,
    /// Final sums.
    pub statistics: Statistics,
    /// The error that ended it (`errno`), 0 for none.
    pub error: u16,
    /// Turns of its whole life.
    pub turns: u32,
    /// Records lost since the last one that arrived.
    pub lost_before: u32,
}

/// A connection never came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectFailed {
    /// The socket.
    pub cookie: SocketCookie,
    /// When it was given up.
    pub time: MonotonicNanos,
    /// Who wanted it.
    pub tgid: Tgid,
    /// The cgroup of that process.
    pub cgroup: CgroupId,
    /// Where it should have gone; the local end may be unset.
    pub connection: Connection,
    /// How long it was tried.
    pub connect_nanoseconds: u64,
    /// Why (`errno`); 0 when the process itself gave up.
    pub error: u16,
}

/// The kernel reported an error of an established connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketError {
    /// The socket.
    pub cookie: SocketCookie,
    /// When.
    pub time: MonotonicNanos,
    /// The connection.
    pub identity: ConnectionIdentity,
    /// `errno`.
    pub error: u16,
    /// State at that time.
    pub state: TcpState,
}

/// A segment was sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retransmit {
    /// The socket.
    pub cookie: SocketCookie,
    /// When.
    pub time: MonotonicNanos,
    /// The connection; zeros while it is being established.
    pub identity: ConnectionIdentity,
    /// State at that time; SYN_SENT means that the other end does not answer.
    pub state: TcpState,
}

/// A process became a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exec<'a> {
    /// The process.
    pub tgid: Tgid,
    /// Who started it.
    pub parent: Tgid,
    /// Its cgroup.
    pub cgroup: CgroupId,
    /// When.
    pub time: MonotonicNanos,
    /// The path as given to exec, at most 255 bytes of it.
    pub filename: &'a [u8],
    /// Its OTEL_SERVICE_NAME.
    pub service_name: Option<&'a [u8]>,
    /// Its OTEL_RESOURCE_ATTRIBUTES.
    pub resource_attributes: Option<&'a [u8]>,
    /// The environment was larger than what we walk, or a value was cut.
    pub environment_truncated: bool,
}

/// A process made another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fork {
    /// The new process.
    pub tgid: Tgid,
    /// The old one.
    pub parent: Tgid,
    /// The new one's cgroup.
    pub cgroup: CgroupId,
    /// When.
    pub time: MonotonicNanos,
}

/// A process is over. May be said twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// The process.
    pub tgid: Tgid,
    /// When.
    pub time: MonotonicNanos,
}

/// State of a TCP socket, in the kernel's numbering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TcpState(pub u8);

impl TcpState {
    /// Data flows.
    pub const ESTABLISHED: Self = Self(1);
    /// The first packet is on its way.
    pub const SYN_SENT: Self = Self(2);
    /// Nothing.
    pub const CLOSE: Self = Self(7);
    /// Waits for connections.
    pub const LISTEN: Self = Self(10);
}

/// One thing that the kernel side saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record<'a> {
    /// Bytes: their place, the captured beginning, and, if that is not all, the last up to 16 bytes.
    Chunk(ChunkHeader, &'a [u8], &'a [u8]),
    /// See [`Open`].
    Open(Open),
    /// See [`Close`].
    Close(Close),
    /// See [`ConnectFailed`].
    ConnectFailed(ConnectFailed),
    /// See [`SocketError`].
    SocketError(SocketError),
    /// See [`Retransmit`].
    Retransmit(Retransmit),
    /// See [`Exec`].
    Exec(Exec<'a>),
    /// See [`Fork`].
    Fork(Fork),
    /// See [`Exit`].
    Exit(Exit),
}
