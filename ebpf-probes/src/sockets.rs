//! The sockets that are open now, of every process in every network namespace.
//!
//! In this room: running the kernel's file iterator and reading its lines. Not here: new sockets (they come as records).

use std::collections::HashSet;
use std::io::Read;

use aya::programs::Iter;

use crate::error::ProbeError;
use crate::layout::SocketRecord;
use crate::record::{CgroupId, Connection, Role, SocketCookie, Statistics, TcpState, Tgid, role_of};

/// Most bytes that we take from the iterator: some two million sockets.
const MOST_BYTES: u64 = 256 * 1024 * 1024;

/// A file descriptor that is a TCP socket. A socket that several processes hold is there several times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExistingSocket {
    /// The socket.
    pub cookie: SocketCookie,
    /// Who holds it.
    pub tgid: Tgid,
    /// Its number there.
    pub descriptor: u32,
    /// The holder's cgroup.
    pub cgroup: CgroupId,
    /// Its ends. A listener's peer is unset.
    pub connection: Connection,
    /// Which end; from how TCP counts the handshake.
    pub role: Option<Role>,
    /// Its state.
    pub state: TcpState,
    /// The identity was read without doubt: nothing was being sent at that moment.
    pub certain: bool,
    /// Its sums.
    pub statistics: Statistics,
}

/// The sums of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketStatistics {
    /// The socket.
    pub cookie: SocketCookie,
    /// One that holds it.
    pub tgid: Tgid,
    /// Its ends.
    pub connection: Connection,
    /// Its sums.
    pub statistics: Statistics,
}

impl From<SocketRecord> for ExistingSocket {
    fn from(raw: SocketRecord) -> Self {
        Self {
            cookie: SocketCookie(raw.cookie),
            tgid: Tgid(raw.tgid),
            descriptor: raw.descriptor,
            cgroup: CgroupId(raw.cgroup),
            connection: raw.connection.into(),
            role: role_of(raw.role),
            state: TcpState(raw.state),
            certain: raw.certain != 0,
            statistics: raw.statistics.into(),
        }
    }
}

/// One pass of the iterator.
pub(crate) fn list(iterator: &mut Iter) -> Result<Vec<ExistingSocket>, ProbeError> {
    let failed = |error: &dyn std::fmt::Display| ProbeError::Sockets { reason: error.to_string() };
    let link = iterator.attach().map_err(|error| failed(&error))?;
    let link = iterator.take_link(link).map_err(|error| failed(&error))?;
    let file = link.into_file().map_err(|error| failed(&error))?;
    let mut bytes = Vec::new();
    file.take(MOST_BYTES).read_to_end(&mut bytes).map_err(|error| failed(&error))?;
    let lines = bytes.chunks_exact(SocketRecord::SIZE);
    Ok(lines.filter_map(SocketRecord::read).map(ExistingSocket::from).collect())
}

/// Each established connection once.
pub(crate) fn statistics(sockets: &[ExistingSocket]) -> Vec<SocketStatistics> {
    let mut seen = HashSet::new();
    let connections = sockets.iter().filter(|socket| socket.state != TcpState::LISTEN && seen.insert(socket.cookie));
    connections
        .map(|socket| SocketStatistics {
            cookie: socket.cookie,
            tgid: socket.tgid,
            connection: socket.connection,
            statistics: socket.statistics,
        })
        .collect()
}
