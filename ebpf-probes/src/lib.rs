//! Watches sockets and processes from inside the kernel and hands over what it saw, byte for byte.
//!
//! In this room: the eBPF programs (`bpf/`), loading them, who is observed, the ring of records and their decoding.
//! Not here: what the bytes mean (`protocols`), whose they are in Kubernetes (`kube`), spans and metrics (`receivers`).
//!
//! Enter at [`Probes::load`], then [`Probes::ring`].

mod clock;
mod counters;
mod error;
mod layout;
mod loader;
mod modes;
mod probes;
mod programs;
mod reader;
mod record;
mod sockets;
mod support;

pub use clock::monotonic_to_wall_offset;
pub use counters::Counters;
pub use error::{AttachError, MalformedRecord, ProbeError};
pub use modes::{Mode, Modes};
pub use probes::{Decision, ProbeConfig, Probes, Subject};
pub use programs::ProgramStatistics;
pub use reader::{Polled, RecordReader};
pub use record::{
    CgroupId, ChunkHeader, Close, ConnectFailed, Connection, ConnectionIdentity, Direction, Exec, Exit, Fork,
    MonotonicNanos, NetworkNamespace, Open, Payload, Record, Retransmit, Role, SocketCookie, SocketError, Statistics,
    StreamPosition, TcpState, Tgid, Tid,
};
pub use sockets::{ExistingSocket, SocketStatistics};
pub use support::{Availability, Capabilities, ProgramSupport, Support};
