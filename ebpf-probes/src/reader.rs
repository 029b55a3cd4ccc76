//! The ring's one reader.
//!
//! In this room: waiting, draining, counting what cannot be read. Not here: decoding ([`crate::record`]).

#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

use aya::maps::{MapData, RingBuf};

use crate::error::{MalformedRecord, ProbeError};
use crate::record::Record;

/// Most records of one [`RecordReader::poll`], so that its caller gets to its other duties.
const MOST_AT_ONCE: usize = 16 * 1024;

/// Reads the records of all programs, in the order in which they were written.
pub struct RecordReader {
    ring: RingBuf<MapData>,
    wake_ups: OwnedFd,
    malformed: u64,
    last_malformed: Option<MalformedRecord>,
    more_waiting: bool,
}

/// What one poll did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Polled {
    /// Records handed over.
    pub records: usize,
    /// There are more: the next poll does not wait.
    pub more_waiting: bool,
}

impl RecordReader {
    pub(crate) fn new(ring: RingBuf<MapData>) -> Result<Self, ProbeError> {
        let wake_ups = edge_triggered(ring.as_raw_fd())?;
        Ok(Self { ring, wake_ups, malformed: 0, last_malformed: None, more_waiting: false })
    }

    /// Waits until the ring fills or the time is over, then hands over all records that are there.
    ///
    /// The kernel side wakes us only when the ring fills: at low rates records are as late as `timeout` (20 to 50 ms are
    /// sensible), and in return an event costs no wake-up.
    pub fn poll(&mut self, timeout: Duration, on_record: &mut impl FnMut(Record<'_>)) -> Result<Polled, ProbeError> {
        if !self.more_waiting {
            wait(&self.wake_ups, timeout)?;
        }
        let mut records = 0;
        self.more_waiting = false;
        while let Some(item) = self.ring.next() {
            match Record::decode(&item) {
                Ok(record) => on_record(record),
                Err(malformed) => {
                    self.malformed = self.malformed.saturating_add(1);
                    self.last_malformed = Some(malformed);
                }
            }
            records += 1;
            if records == MOST_AT_ONCE {
                self.more_waiting = true;
                break;
            }
        }
        Ok(Polled { records, more_waiting: self.more_waiting })
    }

    /// Records that could not be decoded, and the last of their errors.
    pub fn malformed(&self) -> (u64, Option<MalformedRecord>) {
        (self.malformed, self.last_malformed)
    }
}

/// An epoll instance that reports each wake-up once. Level-triggered waiting would return at once as long as a single
/// record waits, and we would spin instead of gathering.
fn edge_triggered(ring: i32) -> io::Result<OwnedFd> {
    // SAFETY: no pointers are passed; the result is checked before use.
    let raw = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
    if raw < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor was just created and has no other owner.
    let epoll = unsafe { OwnedFd::from_raw_fd(raw) };
    let mut event = libc::epoll_event { events: (libc::EPOLLIN | libc::EPOLLET).cast_unsigned(), u64: 0 };
    // SAFETY: both descriptors are open, `event` is valid for the length of the call.
    if unsafe { libc::epoll_ctl(epoll.as_raw_fd(), libc::EPOLL_CTL_ADD, ring, &raw mut event) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(epoll)
}

fn wait(wake_ups: &OwnedFd, timeout: Duration) -> io::Result<()> {
    let milliseconds = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
    let mut event = libc::epoll_event { events: 0, u64: 0 };
    // SAFETY: the descriptor is open and `event` has room for the one event that we ask for.
    let result = unsafe { libc::epoll_wait(wake_ups.as_raw_fd(), &raw mut event, 1, milliseconds) };
    if result < 0 {
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    Ok(())
}
