//! The bytes in order that were not read yet: captured runs, holes and gaps, over one buffer.
//!
//! In this room: appending, skipping, cutting off.
//! Not here: positions and times (`super`).
//!
//! Enter at [`Runs::push`].

use std::collections::VecDeque;

use crate::chunk::TAIL_BYTES;

/// What lies at the reader's position.
#[derive(Debug, PartialEq, Eq)]
pub enum Front<'a> {
    /// Captured bytes.
    Bytes(&'a [u8]),
    /// Bytes that passed without being captured, to the end of their chunk, whose last bytes may be known.
    Hole {
        /// How many.
        length: u64,
        /// The last ones.
        tail: Tail,
    },
    /// Bytes that are missing or contradictory.
    Gap {
        /// How many.
        length: u64,
    },
    /// Nothing has come yet.
    Waiting,
    /// Nothing will come any more.
    Ended,
}

/// The last bytes of something, at most [`TAIL_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tail {
    bytes: [u8; TAIL_BYTES],
    length: u8,
}

impl Tail {
    /// The tail of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        let mut tail = Self::default();
        tail.push(bytes);
        tail
    }

    /// Appends bytes; the oldest fall out.
    pub fn push(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let bytes = last(bytes, TAIL_BYTES);
        let kept = usize::from(self.length).min(TAIL_BYTES.saturating_sub(bytes.len()));
        let mut joined = [0; TAIL_BYTES];
        let old = last(self.as_slice(), kept);
        for (slot, byte) in joined.iter_mut().zip(old.iter().chain(bytes)) {
            *slot = *byte;
        }
        self.length = u8::try_from(old.len().saturating_add(bytes.len())).unwrap_or(0);
        self.bytes = joined;
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or(&[])
    }

    /// Whether the bytes end so.
    pub fn ends_with(&self, end: &[u8]) -> bool {
        self.as_slice().ends_with(end)
    }
}

fn last(bytes: &[u8], count: usize) -> &[u8] {
    bytes.get(bytes.len().saturating_sub(count)..).unwrap_or(&[])
}

#[derive(Debug)]
enum Run {
    Bytes(usize),
    Hole(u64, Tail),
    Gap(u64),
}

impl Run {
    fn length(&self) -> u64 {
        match self {
            Run::Bytes(length) => *length as u64,
            Run::Hole(length, _) | Run::Gap(length) => *length,
        }
    }
}

/// Runs kept for a reader that waits; beyond it everything joins one hole.
const MAX_RUNS: usize = 256;
/// A buffer that grew beyond this is given back when it is empty, so that idle connections are small.
const KEPT_CAPACITY: usize = 8 * 1024;

#[derive(Debug, Default)]
pub(super) struct Runs {
    /// The content of all `Bytes` runs, one after the other, from `head` on.
    bytes: Vec<u8>,
    head: usize,
    runs: VecDeque<Run>,
}

impl Runs {
    pub(super) fn front(&self) -> Option<Front<'_>> {
        Some(match self.runs.front()? {
            Run::Bytes(length) => {
                Front::Bytes(self.bytes.get(self.head..).and_then(|rest| rest.get(..*length)).unwrap_or(&[]))
            }
            Run::Hole(length, tail) => Front::Hole { length: *length, tail: *tail },
            Run::Gap(length) => Front::Gap { length: *length },
        })
    }

    pub(super) fn more_than_one(&self) -> bool {
        self.runs.len() > 1
    }

    pub(super) fn hole_is_second(&self) -> bool {
        matches!(self.runs.get(1), Some(Run::Hole(..)))
    }

    /// Appends a chunk without its first `skipped` bytes. Returns how many captured bytes found no room.
    pub(super) fn push(&mut self, captured: &[u8], length: u64, tail: &Tail, skipped: u64, budget: usize) -> u64 {
        let skip = usize::try_from(skipped).unwrap_or(usize::MAX);
        let fresh = captured.get(skip..).unwrap_or(&[]);
        let length = length.saturating_sub(skipped);
        let room = budget.saturating_sub(self.bytes.len().saturating_sub(self.head));
        let kept = fresh.get(..room).unwrap_or(fresh);
        let crowded = self.runs.len() >= MAX_RUNS;
        let kept = if crowded { &[] } else { kept };
        self.push_bytes(kept);
        let unknown = length.saturating_sub(kept.len() as u64);
        let tail_bytes = last(tail.as_slice(), usize::try_from(unknown).unwrap_or(usize::MAX));
        match self.runs.back_mut() {
            _ if unknown == 0 => {}
            // A hole that its tail covers is no hole.
            _ if !crowded && unknown == tail_bytes.len() as u64 && tail_bytes.len() <= room => {
                self.push_bytes(tail_bytes);
                return 0;
            }
            Some(Run::Hole(hole, hole_tail)) if crowded => {
                *hole = hole.saturating_add(unknown);
                *hole_tail = *tail;
            }
            _ => self.runs.push_back(Run::Hole(unknown, Tail::of(tail_bytes))),
        }
        fresh.len().saturating_sub(kept.len()) as u64
    }

    fn push_bytes(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if self.head > 0 && self.head >= self.bytes.len() / 2 {
            self.bytes.drain(..self.head.min(self.bytes.len()));
            self.head = 0;
        }
        self.bytes.extend_from_slice(bytes);
        match self.runs.back_mut() {
            Some(Run::Bytes(length)) => *length = length.saturating_add(bytes.len()),
            _ => self.runs.push_back(Run::Bytes(bytes.len())),
        }
    }

    pub(super) fn push_gap(&mut self, length: u64) {
        match self.runs.back_mut() {
            _ if length == 0 => {}
            Some(Run::Gap(gap)) => *gap = gap.saturating_add(length),
            _ => self.runs.push_back(Run::Gap(length)),
        }
    }

    pub(super) fn skip(&mut self, mut count: u64) {
        while count > 0
            && let Some(run) = self.runs.front_mut()
        {
            let taken = run.length().min(count);
            count = count.saturating_sub(taken);
            let emptied = taken == run.length();
            match run {
                Run::Bytes(length) => {
                    let taken = usize::try_from(taken).unwrap_or(*length);
                    *length = length.saturating_sub(taken);
                    self.head = self.head.saturating_add(taken);
                }
                Run::Hole(length, _) | Run::Gap(length) => *length = length.saturating_sub(taken),
            }
            if emptied {
                self.runs.pop_front();
            }
        }
        if self.head >= self.bytes.len() {
            self.head = 0;
            self.bytes.clear();
            if self.bytes.capacity() > KEPT_CAPACITY {
                self.bytes = Vec::new();
            }
        }
    }

    /// Keeps only the first `length` bytes.
    pub(super) fn truncate(&mut self, length: u64) {
        let total: u64 = self.runs.iter().map(Run::length).fold(0, u64::saturating_add);
        let mut excess = total.saturating_sub(length);
        while excess > 0
            && let Some(run) = self.runs.pop_back()
        {
            let cut = run.length().min(excess);
            excess = excess.saturating_sub(cut);
            let left = run.length().saturating_sub(cut);
            match run {
                Run::Bytes(kept) => {
                    let cut = usize::try_from(cut).unwrap_or(kept);
                    self.bytes.truncate(self.bytes.len().saturating_sub(cut));
                    if left > 0 {
                        self.runs.push_back(Run::Bytes(kept.saturating_sub(cut)));
                    }
                }
                Run::Hole(..) if left > 0 => self.runs.push_back(Run::Hole(left, Tail::default())),
                Run::Gap(_) if left > 0 => self.runs.push_back(Run::Gap(left)),
                Run::Hole(..) | Run::Gap(_) => {}
            }
        }
    }
}
