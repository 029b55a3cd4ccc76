//! Spans, written.

use super::attributes::AttributesWriter;
use super::nest::{Nest, put_present, put_text, writer};
use crate::batch::{Batch, Signal};
use crate::view::layout;
use crate::wire::{close, open, put_fixed32_field, put_fixed64_field, put_varint_field};

writer!(
    /// Writes traces.
    TracesWriter,
    Signal::Traces
);

/// The fields of a span. Ids are empty or of full length.
#[derive(Debug, Clone, Copy, Default)]
pub struct SpanFields<'a> {
    /// 16 bytes.
    pub trace_id: &'a [u8],
    /// 8 bytes.
    pub span_id: &'a [u8],
    /// 8 bytes, or none for a root.
    pub parent_span_id: &'a [u8],
    /// W3C trace state.
    pub trace_state: &'a str,
    /// W3C trace flags, and whether the parent is remote.
    pub flags: u32,
    /// Name of the operation.
    pub name: &'a str,
    /// 1 internal, 2 server, 3 client, 4 producer, 5 consumer.
    pub kind: i32,
    /// Nanoseconds since 1970.
    pub start_unix_nano: u64,
    /// Nanoseconds since 1970.
    pub end_unix_nano: u64,
    /// 0 unset, 1 ok, 2 error.
    pub status_code: i32,
    /// What the status says.
    pub status_message: &'a str,
}

/// The fields of an event.
#[derive(Debug, Clone, Copy, Default)]
pub struct EventFields<'a> {
    /// Nanoseconds since 1970.
    pub time_unix_nano: u64,
    /// Name of the event.
    pub name: &'a str,
}

/// The fields of a link.
#[derive(Debug, Clone, Copy, Default)]
pub struct LinkFields<'a> {
    /// 16 bytes.
    pub trace_id: &'a [u8],
    /// 8 bytes.
    pub span_id: &'a [u8],
    /// W3C trace state.
    pub trace_state: &'a str,
    /// W3C trace flags.
    pub flags: u32,
}

impl TracesWriter {
    /// Adds a span.
    pub fn span(&mut self, fields: &SpanFields<'_>, attributes: impl FnOnce(&mut AttributesWriter<'_>)) -> &mut Self {
        self.span_with(fields, |extras| {
            extras.attributes(attributes);
        })
    }

    /// Adds a span with attributes, events and links.
    pub fn span_with(&mut self, fields: &SpanFields<'_>, extras: impl FnOnce(&mut SpanExtras<'_>)) -> &mut Self {
        let span = self.nest.item();
        let out = &mut self.nest.out;
        put_present(out, 1, fields.trace_id);
        put_present(out, 2, fields.span_id);
        put_text(out, 3, fields.trace_state);
        put_present(out, 4, fields.parent_span_id);
        put_text(out, layout::SPAN_NAME, fields.name);
        if fields.kind != 0 {
            put_varint_field(out, 6, i64::from(fields.kind) as u64);
        }
        put_fixed64_field(out, 7, fields.start_unix_nano);
        put_fixed64_field(out, 8, fields.end_unix_nano);
        extras(&mut SpanExtras { out });
        if fields.status_code != 0 || !fields.status_message.is_empty() {
            let status = open(out, layout::SPAN_STATUS, 1);
            put_text(out, layout::STATUS_MESSAGE, fields.status_message);
            if fields.status_code != 0 {
                put_varint_field(out, layout::STATUS_CODE, i64::from(fields.status_code) as u64);
            }
            close(out, status);
        }
        if fields.flags != 0 {
            put_fixed32_field(out, 16, fields.flags);
        }
        self.nest.end_item(span, 1);
        self
    }
}

/// What a span has any number of.
pub struct SpanExtras<'a> {
    out: &'a mut Vec<u8>,
}

impl SpanExtras<'_> {
    /// Adds attributes.
    pub fn attributes(&mut self, attributes: impl FnOnce(&mut AttributesWriter<'_>)) -> &mut Self {
        attributes(&mut AttributesWriter { out: self.out, number: layout::SPAN_ATTRIBUTES });
        self
    }

    /// Adds an event.
    pub fn event(&mut self, fields: &EventFields<'_>, attributes: impl FnOnce(&mut AttributesWriter<'_>)) -> &mut Self {
        let event = open(self.out, 11, 1);
        put_fixed64_field(self.out, 1, fields.time_unix_nano);
        put_text(self.out, 2, fields.name);
        attributes(&mut AttributesWriter { out: self.out, number: 3 });
        close(self.out, event);
        self
    }

    /// Adds a link.
    pub fn link(&mut self, fields: &LinkFields<'_>, attributes: impl FnOnce(&mut AttributesWriter<'_>)) -> &mut Self {
        let link = open(self.out, 13, 1);
        put_present(self.out, 1, fields.trace_id);
        put_present(self.out, 2, fields.span_id);
        put_text(self.out, 3, fields.trace_state);
        attributes(&mut AttributesWriter { out: self.out, number: 4 });
        if fields.flags != 0 {
            put_fixed32_field(self.out, 6, fields.flags);
        }
        close(self.out, link);
        self
    }
}
