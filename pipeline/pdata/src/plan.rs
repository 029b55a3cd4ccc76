//! From bytes and edits to new bytes.
//!
//! In this room: the plan, a list of slices, new pieces and lengths that together are the edited request.
//! Not here: what the edits are (`edit`), where to cut a batch in parts (`split`, which plans with the same pieces).
//!
//! Enter at [`Plan::of`]. One walk makes the plan; lengths are filled in when a message is closed, so no size is
//! computed twice and what no edit touched stays one slice.

use std::ops::Range;

use bytes::Bytes;

use crate::batch::{Batch, Segments, Signal};
use crate::edit::{Node, Place};
use crate::pool::{BufferPool, Pooled};
use crate::view::{AttributeView, layout};
use crate::wire::{Field, Fields, LENGTH, Reader, put_varint, tag, varint_size};

/// An untouched run at least this long is handed out as it is; shorter ones are copied, which is cheaper than one more
/// piece for every layer below.
const SLICE: usize = 2048;

#[derive(Debug, Clone, Copy)]
enum Piece<'a> {
    /// Bytes of a segment, by position.
    Old { segment: usize, start: usize, end: usize },
    /// Bytes of an edit.
    New(&'a [u8]),
    /// Tag and length of a nested message that follows.
    Open { number: u32, length: usize },
}

/// What to write, in order.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    segments: &'a [Bytes],
    pieces: Vec<Piece<'a>>,
    size: usize,
}

/// A nested message that is being planned.
#[must_use]
pub(crate) struct Nested {
    piece: usize,
    size: usize,
}

impl<'a> Plan<'a> {
    pub(crate) fn new(segments: &'a [Bytes]) -> Self {
        Self { segments, pieces: Vec::new(), size: 0 }
    }

    /// Plans the edited batch.
    pub(crate) fn of(batch: &'a Batch) -> Self {
        let mut plan = Self::new(&batch.segments);
        let mut nodes = batch.edits.as_deref().map_or(&[][..], |root| &root.children).iter();
        for (segment, bytes) in batch.segments.iter().enumerate() {
            let mut walk = Walk { plan: &mut plan, bytes, segment, signal: batch.signal() };
            for field in Fields::new(bytes) {
                if field.number == layout::RESOURCES {
                    walk.child(Level::Resource, &field, nodes.next());
                } else {
                    walk.keep(&field);
                }
            }
        }
        plan
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Adds bytes of a segment. Bytes that follow the last ones make one piece with them.
    pub(crate) fn old(&mut self, segment: usize, bytes: Range<usize>) {
        if bytes.is_empty() {
            return;
        }
        self.size += bytes.len();
        match self.pieces.last_mut() {
            Some(Piece::Old { segment: last, end, .. }) if *last == segment && *end == bytes.start => *end = bytes.end,
            _ => self.pieces.push(Piece::Old { segment, start: bytes.start, end: bytes.end }),
        }
    }

    fn new_bytes(&mut self, bytes: &'a [u8]) {
        self.size += bytes.len();
        self.pieces.push(Piece::New(bytes));
    }

    pub(crate) fn open(&mut self, number: u32) -> Nested {
        self.pieces.push(Piece::Open { number, length: 0 });
        Nested { piece: self.pieces.len() - 1, size: self.size }
    }

    pub(crate) fn close(&mut self, nested: Nested) {
        let body = self.size - nested.size;
        if let Some(Piece::Open { number, length }) = self.pieces.get_mut(nested.piece) {
            *length = body;
            self.size += varint_size(tag(*number, LENGTH)) + varint_size(body as u64);
        }
    }

    /// Forgets a nested message.
    fn abandon(&mut self, nested: Nested) {
        self.pieces.truncate(nested.piece);
        self.size = nested.size;
    }

    fn slice(&self, segment: usize, bytes: Range<usize>) -> &'a [u8] {
        self.segments.get(segment).and_then(|segment| segment.get(bytes)).unwrap_or_default()
    }

    /// Everything in one piece.
    pub(crate) fn to_bytes(&self) -> Bytes {
        let mut out = Vec::with_capacity(self.size);
        for piece in &self.pieces {
            match *piece {
                Piece::Old { segment, start, end } => out.extend_from_slice(self.slice(segment, start..end)),
                Piece::New(bytes) => out.extend_from_slice(bytes),
                Piece::Open { number, length } => put_open(&mut out, number, length),
            }
        }
        Bytes::from(out)
    }

    /// Whole requests: runs of the original as slices, or everything in one piece if anything is new.
    pub(crate) fn to_segments(&self) -> Segments {
        let shared = self.pieces.iter().map(|piece| match *piece {
            Piece::Old { segment, start, end } => self.segments.get(segment).map(|segment| segment.slice(start..end)),
            Piece::New(_) | Piece::Open { .. } => None,
        });
        shared.collect::<Option<Segments>>().unwrap_or_else(|| Segments::from_buf([self.to_bytes()]))
    }

    /// Small pieces go into pooled buffers; long runs are slices of the segments that they came from.
    pub(crate) fn into_segments(self, pool: &mut BufferPool) -> Segments {
        let mut rope = Rope { done: Segments::new(), buffer: Pooled::new(pool) };
        let mut header = Vec::with_capacity(16);
        for piece in &self.pieces {
            match *piece {
                Piece::New(bytes) => rope.copy(bytes),
                Piece::Open { number, length } => {
                    header.clear();
                    put_open(&mut header, number, length);
                    rope.copy(&header);
                }
                Piece::Old { segment, start, end } => match self.segments.get(segment) {
                    Some(source) if end - start >= SLICE => rope.share(source.slice(start..end)),
                    _ => rope.copy(self.slice(segment, start..end)),
                },
            }
        }
        rope.finish()
    }
}

fn put_open(out: &mut Vec<u8>, number: u32, length: usize) {
    put_varint(out, tag(number, LENGTH));
    put_varint(out, length as u64);
}

/// A growing list of shared slices and pooled copies.
struct Rope<'p> {
    done: Segments,
    buffer: Pooled<'p>,
}

impl Rope<'_> {
    fn copy(&mut self, mut bytes: &[u8]) {
        loop {
            bytes = self.buffer.put(bytes);
            if bytes.is_empty() {
                return;
            }
            self.done.extend(self.buffer.cut());
            self.buffer.renew();
        }
    }

    fn share(&mut self, bytes: Bytes) {
        self.done.extend(self.buffer.cut());
        self.done.push(bytes);
    }

    fn finish(mut self) -> Segments {
        self.done.extend(self.buffer.cut());
        self.done
    }
}

#[derive(Debug, Clone, Copy)]
enum Level {
    Resource,
    Scope,
    Item,
    /// With the field of its attributes.
    Point(u32),
}

/// Plans one segment. Messages are given by their position in it.
struct Walk<'p, 'a> {
    plan: &'p mut Plan<'a>,
    bytes: &'a [u8],
    segment: usize,
    signal: Signal,
}

impl<'a> Walk<'_, 'a> {
    /// The fields of a message, with positions in the segment.
    fn fields(&self, message: &Range<usize>) -> Fields<'a> {
        Fields(Reader { bytes: self.bytes.get(..message.end).unwrap_or_default(), at: message.start })
    }

    fn keep(&mut self, field: &Field<'_>) {
        self.plan.old(self.segment, field.start..field.end);
    }

    /// Plans a message that may have edits: not at all when it is dead, as it stands when it is untouched.
    fn child(&mut self, level: Level, field: &Field<'a>, node: Option<&'a Node>) {
        let Some(node) = node.filter(|node| !node.is_untouched()) else {
            return self.keep(field);
        };
        if node.is_dead() {
            return;
        }
        let nested = self.plan.open(field.number);
        let body = field.body();
        match (level, self.signal) {
            (Level::Resource, _) => {
                self.parent(body, node, layout::RESOURCE, layout::RESOURCE_ATTRIBUTES, Level::Scope);
            }
            (Level::Scope, _) => self.parent(body, node, layout::SCOPE, layout::SCOPE_ATTRIBUTES, Level::Item),
            (Level::Item, Signal::Traces) => self.edited(body, node, layout::SPAN_ATTRIBUTES),
            (Level::Item, Signal::Logs) => self.edited(body, node, layout::LOG_ATTRIBUTES),
            (Level::Item, Signal::Metrics) => self.metric(body, node),
            (Level::Point(attributes), _) => self.edited(body, node, attributes),
        }
        self.plan.close(nested);
    }

    /// A resource or scope with its children. What describes it is a message of its own; scopes of a resource and items
    /// of a scope have the same field number.
    fn parent(&mut self, body: Range<usize>, node: &'a Node, own: u32, attributes: u32, below: Level) {
        let mut has_own = false;
        let mut nodes = node.children.iter();
        for field in self.fields(&body) {
            if field.number == own && node.edit.is_some() {
                has_own = true;
                let nested = self.plan.open(own);
                self.edited(field.body(), node, attributes);
                self.plan.close(nested);
            } else if field.number == layout::ITEMS {
                self.child(below, &field, nodes.next());
            } else {
                self.keep(&field);
            }
        }
        if !has_own && node.edit.is_some() {
            let nested = self.plan.open(own);
            let before = self.plan.size;
            self.edited(0..0, node, attributes);
            if self.plan.size == before { self.plan.abandon(nested) } else { self.plan.close(nested) }
        }
    }

    fn metric(&mut self, body: Range<usize>, node: &'a Node) {
        let attributes = layout::point_attributes(self.bytes.get(body.clone()).unwrap_or_default());
        for field in self.fields(&body) {
            if layout::is_data(field.number) {
                let nested = self.plan.open(field.number);
                self.points(field.body(), node, attributes);
                self.plan.close(nested);
            } else if !is_replaced(node, field.number) {
                self.keep(&field);
            }
        }
        self.new_fields(node);
    }

    fn points(&mut self, data: Range<usize>, node: &'a Node, attributes: u32) {
        let mut nodes = node.children.iter();
        for field in self.fields(&data) {
            if field.number == layout::POINTS {
                self.child(Level::Point(attributes), &field, nodes.next());
            } else {
                self.keep(&field);
            }
        }
    }

    /// A message with attributes in field `attributes` and perhaps new fields of its own.
    fn edited(&mut self, body: Range<usize>, node: &'a Node, attributes: u32) {
        if node.only_adds() {
            self.plan.old(self.segment, body);
        } else {
            self.changed(body, node, attributes);
        }
        for edit in node.attributes().iter().filter(|edit| edit.is_added()) {
            self.plan.new_bytes(&edit.encoded);
        }
        self.new_fields(node);
    }

    /// What is left of the original fields, and new values of attributes in the place of old ones.
    fn changed(&mut self, body: Range<usize>, node: &'a Node, attributes: u32) {
        let edits = node.attributes();
        for field in self.fields(&body) {
            let edit = if field.number == attributes && !edits.is_empty() {
                let key = AttributeView::new(field.payload.bytes()).key_bytes();
                edits.iter().find(|edit| edit.key() == key)
            } else {
                None
            };
            match edit {
                Some(edit) => {
                    if !edit.deleted && edit.place == Place::At(field.start - body.start) {
                        self.plan.new_bytes(&edit.encoded);
                    }
                }
                None if is_replaced(node, field.number) => {}
                None => self.keep(&field),
            }
        }
    }

    fn new_fields(&mut self, node: &'a Node) {
        for edit in node.fields() {
            self.plan.new_bytes(&edit.encoded);
        }
    }
}

fn is_replaced(node: &Node, number: u32) -> bool {
    node.fields().iter().any(|edit| edit.number == number)
}
