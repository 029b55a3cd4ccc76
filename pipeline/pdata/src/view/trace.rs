//! Spans, their events and links.

use super::attribute::{Attributes, ValueView};
use super::{edits, layout, views};
use crate::edit::Node;
use crate::text::text;
use crate::wire::{Fields, LENGTH, find, tag};

/// The tag before each attribute of a span.
const ATTRIBUTE: u8 = tag(layout::SPAN_ATTRIBUTES, LENGTH) as u8;

views!(
    /// The spans of a scope.
    Spans of SpanView
);

/// A span. Its own fields are found in one pass when the view is made; attributes, events and links are not touched.
#[derive(Debug, Clone, Copy)]
pub struct SpanView<'a> {
    body: &'a [u8],
    node: Option<&'a Node>,
    trace_id: &'a [u8],
    span_id: &'a [u8],
    parent_span_id: &'a [u8],
    trace_state: &'a [u8],
    name: &'a [u8],
    status: &'a [u8],
    start: u64,
    end: u64,
    kind: i32,
    flags: u32,
    /// Where the first attribute stands.
    attributes: usize,
}

impl<'a> SpanView<'a> {
    // Per span. No allocation; attributes, which most fields are and which stand together, are only stepped over.
    pub(crate) fn new(body: &'a [u8], node: Option<&'a Node>) -> Self {
        let mut span = Self {
            body,
            node,
            trace_id: &[],
            span_id: &[],
            parent_span_id: &[],
            trace_state: &[],
            name: &[],
            status: &[],
            start: 0,
            end: 0,
            kind: 0,
            flags: 0,
            attributes: usize::MAX,
        };
        let mut fields = Fields::new(body);
        while let Some(field) = fields.next() {
            match field.number {
                layout::SPAN_ATTRIBUTES => {
                    span.attributes = span.attributes.min(field.start);
                    while fields.next_short(ATTRIBUTE).is_some() {}
                }
                1 => span.trace_id = field.payload.bytes(),
                2 => span.span_id = field.payload.bytes(),
                3 => span.trace_state = field.payload.bytes(),
                4 => span.parent_span_id = field.payload.bytes(),
                layout::SPAN_NAME => span.name = field.payload.bytes(),
                6 => span.kind = field.payload.number32() as i32,
                7 => span.start = field.payload.number(),
                8 => span.end = field.payload.number(),
                layout::SPAN_STATUS => span.status = field.payload.bytes(),
                16 => span.flags = field.payload.number32(),
                _ => {}
            }
        }
        for edit in node.map_or(&[][..], Node::fields) {
            let changed = find(&edit.encoded, edit.number).map(|payload| payload.bytes()).unwrap_or_default();
            match edit.number {
                layout::SPAN_NAME => span.name = changed,
                layout::SPAN_STATUS => span.status = changed,
                _ => {}
            }
        }
        span
    }

    /// 16 bytes, or none.
    pub fn trace_id(&self) -> &'a [u8] {
        self.trace_id
    }

    /// 8 bytes, or none.
    pub fn span_id(&self) -> &'a [u8] {
        self.span_id
    }

    /// 8 bytes, or none for a root.
    pub fn parent_span_id(&self) -> &'a [u8] {
        self.parent_span_id
    }

    /// W3C trace state.
    pub fn trace_state(&self) -> &'a str {
        text(self.trace_state)
    }

    /// W3C trace flags, and whether the parent is remote.
    pub fn flags(&self) -> u32 {
        self.flags
    }

    /// Name of the operation.
    pub fn name(&self) -> &'a str {
        text(self.name)
    }

    /// 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer.
    pub fn kind(&self) -> i32 {
        self.kind
    }

    /// Nanoseconds since 1970.
    pub fn start_unix_nano(&self) -> u64 {
        self.start
    }

    /// Nanoseconds since 1970.
    pub fn end_unix_nano(&self) -> u64 {
        self.end
    }

    /// 0 unset, 1 ok, 2 error.
    pub fn status_code(&self) -> i32 {
        find(self.status, layout::STATUS_CODE).map_or(0, |payload| payload.number32() as i32)
    }

    /// What the status says.
    pub fn status_message(&self) -> &'a str {
        find(self.status, layout::STATUS_MESSAGE).map_or("", |payload| payload.text())
    }

    /// The attributes.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes::starting_at(self.body, self.attributes, layout::SPAN_ATTRIBUTES, edits(self.node))
    }

    /// The value of one attribute.
    pub fn attribute(&self, key: &str) -> Option<ValueView<'a>> {
        self.attributes().get(key)
    }

    /// How many attributes the sender left out.
    pub fn dropped_attributes_count(&self) -> u32 {
        find(self.body, 10).map_or(0, |payload| payload.number32())
    }

    /// What happened during the span.
    pub fn events(&self) -> Events<'a> {
        Events(Fields::new(self.body))
    }

    /// How many events the sender left out.
    pub fn dropped_events_count(&self) -> u32 {
        find(self.body, 12).map_or(0, |payload| payload.number32())
    }

    /// Spans that this one is related to.
    pub fn links(&self) -> Links<'a> {
        Links(Fields::new(self.body))
    }

    /// How many links the sender left out.
    pub fn dropped_links_count(&self) -> u32 {
        find(self.body, 14).map_or(0, |payload| payload.number32())
    }
}

/// The events of a span.
#[derive(Debug, Clone)]
pub struct Events<'a>(Fields<'a>);

impl<'a> Iterator for Events<'a> {
    type Item = EventView<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.find(|field| field.number == 11).map(|field| EventView { body: field.payload.bytes() })
    }
}

/// Something that happened during a span.
#[derive(Debug, Clone, Copy)]
pub struct EventView<'a> {
    body: &'a [u8],
}

impl<'a> EventView<'a> {
    /// Nanoseconds since 1970.
    pub fn time_unix_nano(&self) -> u64 {
        find(self.body, 1).map_or(0, |payload| payload.number())
    }

    /// Name of the event.
    pub fn name(&self) -> &'a str {
        find(self.body, 2).map_or("", |payload| payload.text())
    }

    /// The attributes.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes::edited(self.body, 3, &[])
    }

    /// The value of one attribute.
    pub fn attribute(&self, key: &str) -> Option<ValueView<'a>> {
        self.attributes().get(key)
    }

    /// How many attributes the sender left out.
    pub fn dropped_attributes_count(&self) -> u32 {
        find(self.body, 4).map_or(0, |payload| payload.number32())
    }
}

/// The links of a span.
#[derive(Debug, Clone)]
pub struct Links<'a>(Fields<'a>);

impl<'a> Iterator for Links<'a> {
    type Item = LinkView<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.find(|field| field.number == 13).map(|field| LinkView { body: field.payload.bytes() })
    }
}

/// A span that another span is related to.
#[derive(Debug, Clone, Copy)]
pub struct LinkView<'a> {
    body: &'a [u8],
}

impl<'a> LinkView<'a> {
    /// 16 bytes, or none.
    pub fn trace_id(&self) -> &'a [u8] {
        find(self.body, 1).map(|payload| payload.bytes()).unwrap_or_default()
    }

    /// 8 bytes, or none.
    pub fn span_id(&self) -> &'a [u8] {
        find(self.body, 2).map(|payload| payload.bytes()).unwrap_or_default()
    }

    /// W3C trace state.
    pub fn trace_state(&self) -> &'a str {
        find(self.body, 3).map_or("", |payload| payload.text())
    }

    /// W3C trace flags.
    pub fn flags(&self) -> u32 {
        find(self.body, 6).map_or(0, |payload| payload.number32())
    }

    /// The attributes.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes::edited(self.body, 4, &[])
    }

    /// How many attributes the sender left out.
    pub fn dropped_attributes_count(&self) -> u32 {
        find(self.body, 5).map_or(0, |payload| payload.number32())
    }
}
