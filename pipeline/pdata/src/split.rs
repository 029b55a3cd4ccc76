//! Cuts a batch in parts of limited size.
//!
//! In this room: where to cut, and the headers that every part needs again.
//! Not here: what the parts mean for acknowledgements; each knows its items, the engine weighs.
//!
//! Enter at [`Batch::split`].

use std::ops::Range;

use bytes::Bytes;

use crate::batch::{Batch, Segments, Signal};
use crate::plan::{Nested, Plan};
use crate::view::layout;
use crate::wire::{Field, Fields, Reader};

/// The most that a part may hold. A part holds one item at least, whatever the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// So many spans, data points or log records.
    Items(usize),
    /// So many encoded bytes.
    Bytes(usize),
}

impl Batch {
    /// Cuts the batch in parts that keep the limit, in order. Resources, scopes and metrics that are cut appear in each
    /// part with their own fields; what is not cut is not copied.
    pub fn split(self, limit: Limit) -> Vec<Batch> {
        let fits = match limit {
            Limit::Items(most) => self.items() <= most,
            Limit::Bytes(most) => self.size() <= most,
        };
        if fits {
            return vec![self];
        }
        let batch = self.written();
        let mut splitter = Splitter::new(batch.signal(), limit, &batch.segments);
        for (segment, bytes) in batch.segments.iter().enumerate() {
            splitter.children(Level::Request, segment, 0..bytes.len());
        }
        splitter.end_part();
        splitter.parts
    }
}

/// How deep in the tree of messages, and with it which fields are children.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Request,
    Resource,
    Scope,
    Metric,
    Data,
    Item,
}

impl Level {
    fn is_child(self, number: u32) -> bool {
        match self {
            Level::Request => number == layout::RESOURCES,
            Level::Resource => number == layout::SCOPES,
            Level::Scope => number == layout::ITEMS,
            Level::Metric => layout::is_data(number),
            Level::Data => number == layout::POINTS,
            Level::Item => false,
        }
    }

    fn below(self, signal: Signal) -> Level {
        match (self, signal) {
            (Level::Request, _) => Level::Resource,
            (Level::Resource, _) => Level::Scope,
            (Level::Scope, Signal::Metrics) => Level::Metric,
            (Level::Metric, _) => Level::Data,
            _ => Level::Item,
        }
    }
}

/// Most bytes of a tag and length.
const HEADER: usize = 1 + 5;

/// A message that is being cut.
struct Parent {
    number: u32,
    /// Its fields that are not children: every part that has some of the children gets them.
    own: Vec<Range<usize>>,
    /// Set once the present part has some of the children.
    opened: Option<Nested>,
}

impl Parent {
    fn own_size(&self) -> usize {
        HEADER + self.own.iter().map(ExactSizeIterator::len).sum::<usize>()
    }
}

struct Splitter<'a> {
    signal: Signal,
    limit: Limit,
    segments: &'a [Bytes],
    /// The messages around the present place, outermost first.
    parents: Vec<Parent>,
    parts: Vec<Batch>,
    /// The part that is being filled: whole requests, and what is not flushed to one yet.
    flushed: Segments,
    flushed_size: usize,
    plan: Plan<'a>,
    items: usize,
}

impl<'a> Splitter<'a> {
    fn new(signal: Signal, limit: Limit, segments: &'a [Bytes]) -> Self {
        Self {
            signal,
            limit,
            segments,
            parents: Vec::new(),
            parts: Vec::new(),
            flushed: Segments::new(),
            flushed_size: 0,
            plan: Plan::new(segments),
            items: 0,
        }
    }

    /// The fields of a message, with positions in the segment.
    fn fields(&self, segment: usize, message: &Range<usize>) -> Fields<'a> {
        let bytes = self.segments.get(segment).and_then(|bytes| bytes.get(..message.end)).unwrap_or_default();
        Fields(Reader { bytes, at: message.start })
    }

    fn children(&mut self, level: Level, segment: usize, message: Range<usize>) {
        for field in self.fields(segment, &message) {
            if level.is_child(field.number) {
                self.child(level.below(self.signal), segment, &field);
            } else if level == Level::Request {
                // A field that no version of OTLP knows yet. It belongs to no resource: once is enough.
                self.plan.old(segment, field.start..field.end);
            }
        }
    }

    fn child(&mut self, level: Level, segment: usize, field: &Field<'a>) {
        let items = self.count(level, segment, field.body());
        if self.fits(items, field.end - field.start) {
            return self.put(segment, field, items);
        }
        if level == Level::Item || items == 0 {
            if !self.is_empty() {
                self.end_part();
            }
            return self.put(segment, field, items);
        }
        let own = self.fields(segment, &field.body()).filter(|inner| !level.is_child(inner.number));
        let own = own.map(|inner| inner.start..inner.end).collect();
        self.parents.push(Parent { number: field.number, own, opened: None });
        self.children(level, segment, field.body());
        if let Some(Parent { opened: Some(nested), .. }) = self.parents.pop() {
            self.plan.close(nested);
        }
        self.flush_between_resources();
    }

    fn count(&self, level: Level, segment: usize, message: Range<usize>) -> usize {
        if level == Level::Item {
            return 1;
        }
        let children = self.fields(segment, &message).filter(|field| level.is_child(field.number));
        children.map(|field| self.count(level.below(self.signal), segment, field.body())).sum()
    }

    fn is_empty(&self) -> bool {
        self.flushed_size + self.plan.size() == 0
    }

    fn fits(&self, items: usize, bytes: usize) -> bool {
        match self.limit {
            Limit::Items(most) => self.items + items <= most,
            Limit::Bytes(most) => {
                let headers: usize = self
                    .parents
                    .iter()
                    .map(|parent| if parent.opened.is_some() { HEADER } else { parent.own_size() })
                    .sum();
                self.flushed_size + self.plan.size() + headers + bytes <= most
            }
        }
    }

    /// Adds a whole message to the part, inside all its parents.
    fn put(&mut self, segment: usize, field: &Field<'a>, items: usize) {
        if self.parents.iter().any(|parent| parent.opened.is_none()) {
            self.flush_between_resources();
        }
        for parent in self.parents.iter_mut().filter(|parent| parent.opened.is_none()) {
            parent.opened = Some(self.plan.open(parent.number));
            for own in &parent.own {
                self.plan.old(segment, own.clone());
            }
        }
        self.plan.old(segment, field.start..field.end);
        self.items += items;
    }

    /// What stands between two resources is a request of its own, and without a copy if it is untouched.
    fn flush_between_resources(&mut self) {
        if self.parents.iter().all(|parent| parent.opened.is_none()) && self.plan.size() > 0 {
            let whole = std::mem::replace(&mut self.plan, Plan::new(self.segments));
            self.flushed_size += whole.size();
            self.flushed.extend(whole.to_segments());
        }
    }

    fn end_part(&mut self) {
        for parent in self.parents.iter_mut().rev() {
            if let Some(nested) = parent.opened.take() {
                self.plan.close(nested);
            }
        }
        self.flush_between_resources();
        if !self.flushed.is_empty() {
            let segments = std::mem::take(&mut self.flushed);
            self.parts.push(Batch::from_parts(self.signal, segments, self.items));
        }
        self.flushed_size = 0;
        self.items = 0;
    }
}
