//! Log records.

use super::attribute::{Attributes, ValueView};
use super::{edits, layout, views};
use crate::edit::Node;
use crate::text::text;
use crate::wire::{Fields, find};

views!(
    /// The log records of a scope.
    Logs of LogView
);

/// A log record. Its own fields are found in one pass when the view is made.
#[derive(Debug, Clone, Copy)]
pub struct LogView<'a> {
    body: &'a [u8],
    node: Option<&'a Node>,
    time: u64,
    observed_time: u64,
    severity_number: i32,
    severity_text: &'a [u8],
    value: &'a [u8],
    flags: u32,
    trace_id: &'a [u8],
    span_id: &'a [u8],
    event_name: &'a [u8],
}

impl<'a> LogView<'a> {
    pub(crate) fn new(body: &'a [u8], node: Option<&'a Node>) -> Self {
        let mut record = Self {
            body,
            node,
            time: 0,
            observed_time: 0,
            severity_number: 0,
            severity_text: &[],
            value: &[],
            flags: 0,
            trace_id: &[],
            span_id: &[],
            event_name: &[],
        };
        for field in Fields::new(body) {
            match field.number {
                1 => record.time = field.payload.number(),
                2 => record.severity_number = field.payload.number32() as i32,
                3 => record.severity_text = field.payload.bytes(),
                5 => record.value = field.payload.bytes(),
                8 => record.flags = field.payload.number32(),
                9 => record.trace_id = field.payload.bytes(),
                10 => record.span_id = field.payload.bytes(),
                11 => record.observed_time = field.payload.number(),
                12 => record.event_name = field.payload.bytes(),
                _ => {}
            }
        }
        record
    }

    /// When it happened: nanoseconds since 1970, 0 if unknown.
    pub fn time_unix_nano(&self) -> u64 {
        self.time
    }

    /// When it was collected: nanoseconds since 1970.
    pub fn observed_time_unix_nano(&self) -> u64 {
        self.observed_time
    }

    /// 1 to 24, or 0 if unspecified.
    pub fn severity_number(&self) -> i32 {
        self.severity_number
    }

    /// The severity as the source calls it.
    pub fn severity_text(&self) -> &'a str {
        text(self.severity_text)
    }

    /// What was logged.
    pub fn body(&self) -> ValueView<'a> {
        ValueView::new(self.value)
    }

    /// W3C trace flags.
    pub fn flags(&self) -> u32 {
        self.flags
    }

    /// 16 bytes, or none.
    pub fn trace_id(&self) -> &'a [u8] {
        self.trace_id
    }

    /// 8 bytes, or none.
    pub fn span_id(&self) -> &'a [u8] {
        self.span_id
    }

    /// Name of the event that the record is, if it is one.
    pub fn event_name(&self) -> &'a str {
        text(self.event_name)
    }

    /// The attributes.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes::edited(self.body, layout::LOG_ATTRIBUTES, edits(self.node))
    }

    /// The value of one attribute.
    pub fn attribute(&self, key: &str) -> Option<ValueView<'a>> {
        self.attributes().get(key)
    }

    /// How many attributes the sender left out.
    pub fn dropped_attributes_count(&self) -> u32 {
        find(self.body, 7).map_or(0, |payload| payload.number32())
    }
}
