//! Log records, written.

use super::attributes::{AttributesWriter, Value, put_any_value_field};
use super::nest::{Nest, put_present, put_text, writer};
use crate::batch::{Batch, Signal};
use crate::view::layout;
use crate::wire::{put_fixed32_field, put_fixed64_field, put_varint_field};

writer!(
    /// Writes logs.
    LogsWriter,
    Signal::Logs
);

/// The fields of a log record. Ids are empty or of full length.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogFields<'a> {
    /// When it happened: nanoseconds since 1970.
    pub time_unix_nano: u64,
    /// When it was seen: nanoseconds since 1970.
    pub observed_time_unix_nano: u64,
    /// 1 to 24, or 0 if unspecified.
    pub severity_number: i32,
    /// The severity as the source calls it.
    pub severity_text: &'a str,
    /// What is logged.
    pub body: Option<Value<'a>>,
    /// W3C trace flags.
    pub flags: u32,
    /// 16 bytes, or none.
    pub trace_id: &'a [u8],
    /// 8 bytes, or none.
    pub span_id: &'a [u8],
    /// Name of the event that the record is, if it is one.
    pub event_name: &'a str,
}

impl LogsWriter {
    /// Adds a log record.
    pub fn record(&mut self, fields: &LogFields<'_>, attributes: impl FnOnce(&mut AttributesWriter<'_>)) -> &mut Self {
        let record = self.nest.item();
        let out = &mut self.nest.out;
        put_fixed64_field(out, 1, fields.time_unix_nano);
        if fields.severity_number != 0 {
            put_varint_field(out, 2, i64::from(fields.severity_number) as u64);
        }
        put_text(out, 3, fields.severity_text);
        if let Some(body) = &fields.body {
            put_any_value_field(out, 5, body);
        }
        attributes(&mut AttributesWriter { out, number: layout::LOG_ATTRIBUTES });
        if fields.flags != 0 {
            put_fixed32_field(out, 8, fields.flags);
        }
        put_present(out, 9, fields.trace_id);
        put_present(out, 10, fields.span_id);
        put_fixed64_field(out, 11, fields.observed_time_unix_nano);
        put_text(out, 12, fields.event_name);
        self.nest.end_item(record, 1);
        self
    }
}
