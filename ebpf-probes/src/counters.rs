//! What the kernel side counted, by reason.
//!
//! In this room: reading the counters. Not here: publishing them (`receivers`).

use aya::maps::{MapData, PerCpuArray};

use crate::error::ProbeError;
use crate::layout::counter;

const MAP: &str = "counters";

/// Sums since the programs were loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Sends and receives on observed TCP sockets.
    pub chunks: u64,
    /// Payload bytes that were captured.
    pub captured_bytes: u64,
    /// Receives that do not take bytes from the stream: PEEK, OOB, ERRQUEUE.
    pub ignored_receives: u64,
    /// Bytes sent through AF_UNIX sockets, which are not captured.
    pub unix_sent_bytes: u64,
    /// Bytes received through AF_UNIX sockets.
    pub unix_received_bytes: u64,
    /// Bytes sent through UDP sockets, which are not captured.
    pub udp_sent_bytes: u64,
    /// Bytes received through UDP sockets.
    pub udp_received_bytes: u64,
    /// Chunks without payload: sendfile, splice, io_uring, several messages in one call.
    pub no_user_buffer: u64,
    /// Chunks without payload: calls of 32-bit processes.
    pub compat_calls: u64,
    /// Chunks without their whole payload: the buffer could not be read.
    pub user_faults: u64,
    /// Chunks without their whole payload: too many I/O vectors.
    pub too_scattered: u64,
    /// Chunk records that found the ring full.
    pub lost_chunks: u64,
    /// Open, close, failure, error and retransmit records that found the ring full.
    pub lost_connection_events: u64,
    /// Exec, fork and exit records that found the ring full.
    pub lost_process_events: u64,
    /// Sockets that the kernel had no memory for.
    pub no_socket_storage: u64,
    /// Connections that were dropped because Tidewatch is at the other end.
    pub own_peers: u64,
    /// Older connections whose first sequence numbers could not be read beyond doubt.
    pub uncertain_identities: u64,
    /// Chunks of older connections that were dropped because the first sequence numbers could not be read at that moment.
    pub deferred_chunks: u64,
}

impl Counters {
    pub(crate) fn read(map: &PerCpuArray<MapData, u64>) -> Result<Self, ProbeError> {
        let sum = |index: u32| -> Result<u64, ProbeError> {
            let values = map.get(&index, 0).map_err(|error| ProbeError::map(MAP, error))?;
            Ok(values.iter().fold(0, |sum, value| sum.wrapping_add(*value)))
        };
        Ok(Self {
            chunks: sum(counter::CHUNKS)?,
            captured_bytes: sum(counter::CAPTURED_BYTES)?,
            ignored_receives: sum(counter::IGNORED_RECEIVES)?,
            unix_sent_bytes: sum(counter::UNIX_SENT_BYTES)?,
            unix_received_bytes: sum(counter::UNIX_RECEIVED_BYTES)?,
            udp_sent_bytes: sum(counter::UDP_SENT_BYTES)?,
            udp_received_bytes: sum(counter::UDP_RECEIVED_BYTES)?,
            no_user_buffer: sum(counter::NO_USER_BUFFER)?,
            compat_calls: sum(counter::COMPAT_CALL)?,
            user_faults: sum(counter::USER_FAULT)?,
            too_scattered: sum(counter::TOO_SCATTERED)?,
            lost_chunks: sum(counter::LOST_CHUNK)?,
            lost_connection_events: sum(counter::LOST_CONNECTION_EVENT)?,
            lost_process_events: sum(counter::LOST_PROCESS_EVENT)?,
            no_socket_storage: sum(counter::NO_SOCKET_STORAGE)?,
            own_peers: sum(counter::OWN_PEERS)?,
            uncertain_identities: sum(counter::UNCERTAIN_IDENTITY)?,
            deferred_chunks: sum(counter::DEFERRED_CHUNKS)?,
        })
    }
}
