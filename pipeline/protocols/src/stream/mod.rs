//! One direction of a connection, in order, with what is missing marked as missing.
//!
//! In this room: ordering chunks by position, telling *holes* (bytes that passed but were not captured: length known,
//! content unknown) from *gaps* (bytes that were lost or contradict each other), budgets, and the reader's view.
//! Not here: what the bytes mean (`http` and the other protocols).
//!
//! Enter at [`Stream::push`] (writing) and [`Stream::front`], [`Stream::next`] (reading).
//!
//! Positions are TCP sequence numbers widened to 64 bits, so that they never wrap inside.

mod reorder;
mod runs;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use crate::chunk::{Chunk, Nanos, Origin};
use reorder::{Piece, Reorder};
use runs::Runs;
pub use runs::{Front, Tail};

/// Bounds of one direction.
#[derive(Debug, Clone, Copy)]
pub struct StreamLimits {
    /// Most bytes kept for a reader that waits for more; what passes beyond becomes a hole.
    pub unread_bytes: usize,
    /// Most chunks that wait for an earlier one.
    pub reorder_chunks: usize,
    /// Most captured bytes that wait for an earlier chunk.
    pub reorder_bytes: usize,
    /// How long a chunk waits for an earlier one, measured by the times of later chunks.
    pub reorder_wait: Nanos,
    /// The source repeats bytes legitimately (packets are retransmitted): the first copy wins. Otherwise bytes that
    /// come twice contradict each other and become a gap.
    pub retransmits: bool,
}

impl Default for StreamLimits {
    fn default() -> Self {
        Self {
            unread_bytes: 256 * 1024,
            reorder_chunks: 64,
            reorder_bytes: 256 * 1024,
            reorder_wait: Nanos(100_000_000),
            retransmits: false,
        }
    }
}

/// What a direction, or a connection, did not see or could not use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Losses {
    /// Places where bytes are missing.
    pub gaps: u64,
    /// Bytes that are missing there.
    pub gap_bytes: u64,
    /// Chunks whose bytes overlap others.
    pub overlaps: u64,
    /// Chunks that came after their place was given up.
    pub late: u64,
    /// Captured bytes dropped because the reader was too far behind.
    pub overflow_bytes: u64,
}

impl std::ops::AddAssign for Losses {
    fn add_assign(&mut self, other: Self) {
        self.gaps = self.gaps.saturating_add(other.gaps);
        self.gap_bytes = self.gap_bytes.saturating_add(other.gap_bytes);
        self.overlaps = self.overlaps.saturating_add(other.overlaps);
        self.late = self.late.saturating_add(other.late);
        self.overflow_bytes = self.overflow_bytes.saturating_add(other.overflow_bytes);
    }
}

/// What a parse function makes of the bytes it is shown.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<T> {
    /// A value, and how many bytes it took.
    Frame(T, usize),
    /// At least so many bytes are needed in all.
    Need(usize),
    /// So many bytes mean nothing to the reader.
    Skip(u64),
    /// These bytes are not what the protocol allows here.
    Gap,
}

/// What [`Stream::next`] found.
#[derive(Debug, PartialEq, Eq)]
pub enum Next<T> {
    /// A value; its bytes are consumed.
    Frame(T),
    /// Nothing yet; more bytes may come.
    Need,
    /// No value can be read here: bytes are unknown, missing or not allowed.
    Gap,
}

/// Where a chunk lies, who moved it, when, and in which turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Position of the first byte.
    pub start: u64,
    /// Position after the last byte.
    pub end: u64,
    /// Who moved it, and when.
    pub origin: Origin,
    /// Its turn.
    pub turn: u32,
    /// Bytes are missing just before it.
    pub after_gap: bool,
}

/// Chunks whose marks are kept for a reader that waits; beyond it neighbours share one mark.
const MAX_MARKS: usize = 1024;

/// One direction of a connection.
#[derive(Debug)]
pub struct Stream {
    limits: StreamLimits,
    /// Position after the last byte in order; `None` before the first chunk of a stream whose start is unknown.
    next: Option<u64>,
    /// Position of the reader; beyond `next` when it skipped bytes that have not come yet.
    read: u64,
    runs: Runs,
    marks: VecDeque<Mark>,
    reorder: Reorder,
    /// The latest range that was given up: a chunk that falls into it is late, not a contradiction.
    given_up: (u64, u64),
    gap_in_front: bool,
    ended: bool,
    losses: Losses,
}

/// Widened positions start here, so that a chunk before the first one still has a place.
const BASE: u64 = 1 << 32;

impl Stream {
    /// A stream whose first byte has this position, or whose first chunk will tell.
    pub fn new(start: Option<u32>, limits: StreamLimits) -> Self {
        let next = start.map(|position| BASE.saturating_add(u64::from(position)));
        Self {
            limits,
            next,
            read: next.unwrap_or(0),
            runs: Runs::default(),
            marks: VecDeque::new(),
            reorder: Reorder::default(),
            given_up: (0, 0),
            gap_in_front: false,
            ended: false,
            losses: Losses::default(),
        }
    }

    /// Takes a chunk: in order it is readable at once, early it waits, overlapping it makes a gap.
    pub fn push(&mut self, chunk: &Chunk<'_>) {
        if chunk.length == 0 || self.ended {
            return;
        }
        let start = self.widen(chunk.position);
        let next = *self.next.get_or_insert_with(|| {
            self.read = start;
            start
        });
        let piece = Piece::new(start, chunk);
        if start == next && self.reorder.is_empty() {
            self.deliver(&piece);
            return;
        }
        self.push_out_of_order(piece, next);
        if chunk.lost_before {
            self.give_up_until(start);
        }
        self.settle();
        self.expire(chunk.origin.time);
    }

    fn push_out_of_order(&mut self, mut piece: Piece<'_>, next: u64) {
        if piece.start < next {
            if self.given_up.0 <= piece.start && piece.end <= self.given_up.1 {
                self.losses.late = self.losses.late.saturating_add(1);
                return;
            }
            if !self.limits.retransmits {
                self.losses.overlaps = self.losses.overlaps.saturating_add(1);
                self.damage(piece.start, piece.end);
                return;
            }
            if piece.end <= next {
                return;
            }
            piece.trim_front(next);
        }
        let overlaps = self.reorder.insert(piece, self.limits.retransmits);
        self.losses.overlaps = self.losses.overlaps.saturating_add(overlaps);
    }

    /// Gives up what is missing before chunks that have waited too long at `now`.
    pub fn expire(&mut self, now: Nanos) {
        while let Some(first) = self.reorder.first() {
            let waited = now.0.saturating_sub(first.origin.time.0);
            let full = self.reorder.len() > self.limits.reorder_chunks
                || self.reorder.captured_bytes() > self.limits.reorder_bytes;
            if !full && waited <= self.limits.reorder_wait.0 {
                return;
            }
            let start = first.start;
            self.give_up_until(start);
            self.settle();
        }
    }

    /// Nothing more will come; `until` is the position after the last byte, if known.
    pub fn end(&mut self, until: Option<u32>) {
        while let Some(start) = self.reorder.first().map(|piece| piece.start) {
            self.give_up_until(start);
            self.settle();
        }
        if let (Some(until), Some(next)) = (until.map(|position| self.widen(position)), self.next)
            && until > next
        {
            self.give_up_until(until);
        }
        self.ended = true;
    }

    /// Delivers the chunks whose turn has come.
    fn settle(&mut self) {
        while let Some(next) = self.next
            && let Some(piece) = self.reorder.take_before(next)
        {
            // A contradiction before it may have swallowed its first bytes.
            if piece.damaged || piece.start < next {
                self.damage(piece.start, piece.end);
            } else {
                self.deliver(&piece);
            }
        }
    }

    fn give_up_until(&mut self, to: u64) {
        // Chunks that wait before `to` keep their bytes.
        while let Some(start) = self.reorder.first().map(|piece| piece.start).filter(|start| *start < to) {
            self.gap(start);
            self.settle();
        }
        self.gap(to);
    }

    /// Marks everything from the last byte in order up to `to` as missing.
    fn gap(&mut self, to: u64) {
        let Some(from) = self.next.filter(|next| *next < to) else { return };
        self.losses.gaps = self.losses.gaps.saturating_add(1);
        self.losses.gap_bytes = self.losses.gap_bytes.saturating_add(to.saturating_sub(from));
        self.given_up = (from, to);
        self.gap_in_front = true;
        self.runs.push_gap(to.saturating_sub(from.max(self.read)));
        self.next = Some(to);
    }

    /// Marks a range as contradictory: what of it was not read yet will never be.
    fn damage(&mut self, from: u64, to: u64) {
        let Some(next) = self.next else { return };
        let from = from.max(self.read).min(next);
        let to = to.max(next);
        self.losses.gaps = self.losses.gaps.saturating_add(1);
        self.losses.gap_bytes = self.losses.gap_bytes.saturating_add(to.saturating_sub(from));
        self.runs.truncate(from.saturating_sub(self.read));
        self.runs.push_gap(to.saturating_sub(from.max(self.read)));
        self.given_up = (from, to);
        self.gap_in_front = true;
        self.next = Some(to);
    }

    fn deliver(&mut self, piece: &Piece<'_>) {
        let after_gap = std::mem::take(&mut self.gap_in_front);
        let mark = Mark { start: piece.start, end: piece.end, origin: piece.origin, turn: piece.turn, after_gap };
        let crowded = self.marks.len() >= MAX_MARKS;
        match self.marks.back_mut().filter(|_| crowded) {
            Some(last) => *last = Mark { start: last.start, ..mark },
            None => self.marks.push_back(mark),
        }
        self.next = Some(piece.end);
        let skipped = self.read.saturating_sub(piece.start);
        let length = piece.end.saturating_sub(piece.start);
        if skipped >= length {
            self.forget_marks();
            return;
        }
        let dropped = self.runs.push(piece.captured.as_ref(), length, &piece.tail, skipped, self.limits.unread_bytes);
        self.losses.overflow_bytes = self.losses.overflow_bytes.saturating_add(dropped);
    }

    fn widen(&self, position: u32) -> u64 {
        let Some(next) = self.next else { return BASE.saturating_add(u64::from(position)) };
        // The low half of a widened position is the TCP position; the nearest candidate is the right one.
        let distance = position.wrapping_sub(next as u32) as i32;
        next.saturating_add_signed(i64::from(distance))
    }

    /// What lies at the reader's position.
    pub fn front(&self) -> Front<'_> {
        match self.runs.front() {
            Some(front) => front,
            None if self.ended => Front::Ended,
            None => Front::Waiting,
        }
    }

    /// The captured bytes at the reader's position, up to the first hole or gap.
    pub fn peek(&self) -> &[u8] {
        match self.front() {
            Front::Bytes(bytes) => bytes,
            _ => &[],
        }
    }

    /// Moves the reader, across holes and gaps and beyond what has come.
    pub fn skip(&mut self, count: u64) {
        if count == 0 {
            return;
        }
        self.read = self.read.saturating_add(count);
        self.runs.skip(count);
        self.forget_marks();
    }

    /// Reads one value with `parse`.
    pub fn next<T>(&mut self, mut parse: impl FnMut(&[u8]) -> Step<T>) -> Next<T> {
        loop {
            let bytes = match self.front() {
                Front::Bytes(bytes) => bytes,
                Front::Hole { .. } | Front::Gap { .. } => return Next::Gap,
                Front::Waiting | Front::Ended => return Next::Need,
            };
            match parse(bytes) {
                Step::Frame(value, used) => {
                    self.skip(used as u64);
                    return Next::Frame(value);
                }
                Step::Skip(count) if count > 0 => self.skip(count),
                Step::Need(_) if self.runs.more_than_one() => return Next::Gap,
                Step::Need(_) => return Next::Need,
                Step::Skip(_) | Step::Gap => return Next::Gap,
            }
        }
    }

    /// Whether anything, seen or missing, comes right after what is at the reader's position.
    pub fn more_follows(&self) -> bool {
        self.runs.more_than_one()
    }

    /// Whether chunks wait for an earlier one that has not come.
    pub fn awaits_earlier(&self) -> bool {
        !self.reorder.is_empty()
    }

    /// Whether the reader has to wait for bytes, or there will be none.
    pub fn is_drained(&self) -> bool {
        self.runs.front().is_none()
    }

    /// Passes gaps at the reader's position.
    pub fn skip_gaps(&mut self) {
        while let Front::Gap { length } = self.front() {
            self.skip(length);
        }
    }

    /// Whether uncaptured bytes come right after what is at the reader's position.
    pub fn hole_follows(&self) -> bool {
        self.runs.hole_is_second()
    }

    /// Position of the reader.
    pub fn position(&self) -> u64 {
        self.read
    }

    /// Whether everything before `position` has passed, seen or not.
    pub fn has_reached(&self, position: u64) -> bool {
        self.next.is_some_and(|next| next >= position)
    }

    /// Position after the last byte that has passed.
    pub fn reached(&self) -> u64 {
        self.next.unwrap_or(0)
    }

    /// The chunk that holds the byte at `position`; `None` if it is missing, has not come, or was read long ago.
    pub fn mark_at(&self, position: u64) -> Option<&Mark> {
        // Nearly always it is one of the first two: the chunk just read, or the one that follows.
        let near = self.marks.iter().take(2).position(|mark| position < mark.end);
        let index = near.unwrap_or_else(|| self.marks.partition_point(|mark| mark.end <= position));
        self.marks.get(index).filter(|mark| mark.start <= position)
    }

    /// The latest chunk.
    pub fn last_mark(&self) -> Option<&Mark> {
        self.marks.back()
    }

    /// Whether the stream is over and everything of it was read.
    pub fn is_exhausted(&self) -> bool {
        self.ended && self.is_drained()
    }

    /// Whether nothing more will come.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// What was not seen or not used so far.
    pub fn losses(&self) -> Losses {
        self.losses
    }

    /// Forgets marks that end before the reader; the byte just before it keeps its mark, for it ends a message.
    fn forget_marks(&mut self) {
        while self.marks.len() > 1 && self.marks.front().is_some_and(|mark| mark.end < self.read) {
            self.marks.pop_front();
        }
    }
}
