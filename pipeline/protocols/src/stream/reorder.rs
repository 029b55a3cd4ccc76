//! Chunks that came before their turn.
//!
//! In this room: a small sorted list without overlaps.
//! Not here: how long they wait (`super`).
//!
//! Enter at [`Reorder::insert`].

use std::borrow::Cow;

use super::Tail;
use crate::chunk::{Chunk, Origin};

/// A chunk with its widened position.
#[derive(Debug)]
pub(super) struct Piece<'a> {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) captured: Cow<'a, [u8]>,
    pub(super) tail: Tail,
    pub(super) origin: Origin,
    pub(super) turn: u32,
    /// Two chunks claimed the same bytes: nothing in this range can be believed.
    pub(super) damaged: bool,
}

impl<'a> Piece<'a> {
    pub(super) fn new(start: u64, chunk: &Chunk<'a>) -> Self {
        let length = usize::try_from(chunk.length).unwrap_or(usize::MAX);
        Self {
            start,
            end: start.saturating_add(u64::from(chunk.length)),
            captured: Cow::Borrowed(chunk.captured.get(..length).unwrap_or(chunk.captured)),
            tail: Tail::of(chunk.tail),
            origin: chunk.origin,
            turn: chunk.turn.unwrap_or(0),
            damaged: false,
        }
    }

    pub(super) fn trim_front(&mut self, start: u64) {
        let cut = usize::try_from(start.saturating_sub(self.start)).unwrap_or(usize::MAX);
        let rest = self.captured.get(cut..).unwrap_or(&[]).to_vec();
        self.captured = Cow::Owned(rest);
        self.start = start;
    }

    fn trim_back(&mut self, end: u64) {
        let length = usize::try_from(end.saturating_sub(self.start)).unwrap_or(usize::MAX);
        self.captured.to_mut().truncate(length);
        self.tail = Tail::default();
        self.end = end;
    }

    fn into_owned(self) -> Piece<'static> {
        Piece { captured: Cow::Owned(self.captured.into_owned()), ..self }
    }
}

#[derive(Debug, Default)]
pub(super) struct Reorder {
    /// Sorted by start, never overlapping.
    pieces: Vec<Piece<'static>>,
    captured: usize,
}

impl Reorder {
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.pieces.len()
    }

    pub(super) fn captured_bytes(&self) -> usize {
        self.captured
    }

    pub(super) fn first(&self) -> Option<&Piece<'static>> {
        self.pieces.first()
    }

    /// The first piece, if it starts at or before `position`.
    pub(super) fn take_before(&mut self, position: u64) -> Option<Piece<'static>> {
        self.pieces.first().filter(|piece| piece.start <= position)?;
        let piece = self.pieces.remove(0);
        self.captured = self.captured.saturating_sub(piece.captured.len());
        Some(piece)
    }

    /// Inserts a piece. Returns how many overlaps it made: they are damaged, or with `retransmits` the first copy wins.
    pub(super) fn insert(&mut self, piece: Piece<'_>, retransmits: bool) -> u64 {
        let mut piece = piece.into_owned();
        let from = self.pieces.partition_point(|other| other.end <= piece.start);
        let to = self.pieces.partition_point(|other| other.start < piece.end);
        let overlapping = self.pieces.get(from..to).unwrap_or(&[]);
        let overlaps = overlapping.len() as u64;
        if retransmits {
            if let Some(other) = overlapping.first() {
                if other.start > piece.start {
                    piece.trim_back(other.start);
                } else if other.end < piece.end {
                    piece.trim_front(other.end);
                } else {
                    return 0;
                }
                // What lies beyond the next neighbour will be repeated again.
                return self.insert(piece, retransmits);
            }
        } else if let (Some(first), Some(last)) = (overlapping.first(), overlapping.last()) {
            piece.start = piece.start.min(first.start);
            piece.end = piece.end.max(last.end);
            piece.captured = Cow::Borrowed(&[]);
            piece.damaged = true;
            for removed in self.pieces.drain(from..to.max(from)) {
                self.captured = self.captured.saturating_sub(removed.captured.len());
            }
        }
        self.captured = self.captured.saturating_add(piece.captured.len());
        self.pieces.insert(from.min(self.pieces.len()), piece);
        overlaps
    }
}
