//! Every field of each span and log record, in the Collector's layout. Points are in `points`.

use std::fmt::{self, Write};

use pdata::{Attributes, Batch, LogView, ResourceView, ScopeView, Signal, SpanView, ValueKind, ValueView};

use super::go::{Id, Timestamp};
use super::points;

/// The text of a batch.
pub(crate) fn write(batch: &Batch, out: &mut String) -> fmt::Result {
    let (resources, scopes) = match batch.signal() {
        Signal::Traces => ("ResourceSpans", "ScopeSpans"),
        Signal::Metrics => ("ResourceMetrics", "ScopeMetrics"),
        Signal::Logs => ("ResourceLog", "ScopeLogs"),
    };
    for (number, resource) in batch.resources().enumerate() {
        writeln!(out, "{resources} #{number}")?;
        write_resource(out, &resource)?;
        for (number, scope) in resource.scopes().enumerate() {
            writeln!(out, "{scopes} #{number}")?;
            writeln!(out, "{scopes} SchemaURL: {}", scope.schema_url())?;
            write_scope(out, &scope)?;
            for (number, span) in scope.spans().enumerate() {
                writeln!(out, "Span #{number}")?;
                write_span(out, &span)?;
            }
            for (number, metric) in scope.metrics().enumerate() {
                writeln!(out, "Metric #{number}")?;
                points::write_metric(out, &metric)?;
            }
            for (number, record) in scope.logs().enumerate() {
                writeln!(out, "LogRecord #{number}")?;
                write_record(out, &record)?;
            }
        }
    }
    Ok(())
}

fn write_resource(out: &mut String, resource: &ResourceView<'_>) -> fmt::Result {
    writeln!(out, "Resource SchemaURL: {}", resource.schema_url())?;
    write_attributes(out, "", "Resource attributes", resource.attributes())
}

fn write_scope(out: &mut String, scope: &ScopeView<'_>) -> fmt::Result {
    writeln!(out, "InstrumentationScope {} {}", scope.name(), scope.version())?;
    write_attributes(out, "", "InstrumentationScope attributes", scope.attributes())
}

/// Attributes below a header; nothing at all if there are none.
pub(crate) fn write_attributes(
    out: &mut String,
    indent: &str,
    header: &str,
    attributes: Attributes<'_>,
) -> fmt::Result {
    for (number, attribute) in attributes.enumerate() {
        if number == 0 {
            writeln!(out, "{header}:")?;
        }
        writeln!(out, "{indent}     -> {}: {}", attribute.key(), Typed(attribute.value()))?;
    }
    Ok(())
}

/// A value with its type in front.
struct Typed<'a>(ValueView<'a>);

impl fmt::Display for Typed<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.0.kind() {
            ValueKind::Empty => "Empty",
            ValueKind::Str(_) => "Str",
            ValueKind::Bool(_) => "Bool",
            ValueKind::Int(_) => "Int",
            ValueKind::Double(_) => "Double",
            ValueKind::Bytes(_) => "Bytes",
            ValueKind::Array(_) => "Slice",
            ValueKind::Map(_) => "Map",
        };
        write!(out, "{kind}({})", self.0.as_display_string())
    }
}

fn write_span(out: &mut String, span: &SpanView<'_>) -> fmt::Result {
    writeln!(out, "    Trace ID       : {}", Id(span.trace_id()))?;
    writeln!(out, "    Parent ID      : {}", Id(span.parent_span_id()))?;
    writeln!(out, "    ID             : {}", Id(span.span_id()))?;
    writeln!(out, "    Name           : {}", span.name())?;
    writeln!(out, "    Kind           : {}", kind_name(span.kind()))?;
    if !span.trace_state().is_empty() {
        writeln!(out, "    TraceState     : {}", span.trace_state())?;
    }
    writeln!(out, "    Start time     : {}", Timestamp(span.start_unix_nano()))?;
    writeln!(out, "    End time       : {}", Timestamp(span.end_unix_nano()))?;
    writeln!(out, "    Status code    : {}", status_name(span.status_code()))?;
    writeln!(out, "    Status message : {}", span.status_message())?;
    writeln!(out, "    DroppedAttributesCount: {}", span.dropped_attributes_count())?;
    writeln!(out, "    DroppedEventsCount: {}", span.dropped_events_count())?;
    writeln!(out, "    DroppedLinksCount: {}", span.dropped_links_count())?;
    write_attributes(out, "", "Attributes", span.attributes())?;
    write_events(out, span)?;
    write_links(out, span)
}

fn write_events(out: &mut String, span: &SpanView<'_>) -> fmt::Result {
    for (number, event) in span.events().enumerate() {
        if number == 0 {
            out.push_str("Events:\n");
        }
        writeln!(out, "SpanEvent #{number}")?;
        writeln!(out, "     -> Name: {}", event.name())?;
        writeln!(out, "     -> Timestamp: {}", Timestamp(event.time_unix_nano()))?;
        writeln!(out, "     -> DroppedAttributesCount: {}", event.dropped_attributes_count())?;
        // Two colons, as there.
        write_attributes(out, "     ", "     -> Attributes:", event.attributes())?;
    }
    Ok(())
}

fn write_links(out: &mut String, span: &SpanView<'_>) -> fmt::Result {
    for (number, link) in span.links().enumerate() {
        if number == 0 {
            out.push_str("Links:\n");
        }
        writeln!(out, "SpanLink #{number}")?;
        writeln!(out, "     -> Trace ID: {}", Id(link.trace_id()))?;
        writeln!(out, "     -> ID: {}", Id(link.span_id()))?;
        writeln!(out, "     -> TraceState: {}", link.trace_state())?;
        writeln!(out, "     -> DroppedAttributesCount: {}", link.dropped_attributes_count())?;
        write_attributes(out, "     ", "     -> Attributes:", link.attributes())?;
    }
    Ok(())
}

fn write_record(out: &mut String, record: &LogView<'_>) -> fmt::Result {
    let severity = record.severity_number();
    writeln!(out, "ObservedTimestamp: {}", Timestamp(record.observed_time_unix_nano()))?;
    writeln!(out, "Timestamp: {}", Timestamp(record.time_unix_nano()))?;
    writeln!(out, "SeverityText: {}", record.severity_text())?;
    writeln!(out, "SeverityNumber: {}({severity})", SeverityName(severity))?;
    if !record.event_name().is_empty() {
        writeln!(out, "EventName: {}", record.event_name())?;
    }
    writeln!(out, "Body: {}", Typed(record.body()))?;
    write_attributes(out, "", "Attributes", record.attributes())?;
    writeln!(out, "Trace ID: {}", Id(record.trace_id()))?;
    writeln!(out, "Span ID: {}", Id(record.span_id()))?;
    writeln!(out, "Flags: {}", record.flags())
}

fn kind_name(kind: i32) -> &'static str {
    match kind {
        0 => "Unspecified",
        1 => "Internal",
        2 => "Server",
        3 => "Client",
        4 => "Producer",
        5 => "Consumer",
        _ => "",
    }
}

fn status_name(code: i32) -> &'static str {
    match code {
        0 => "Unset",
        1 => "Ok",
        2 => "Error",
        _ => "",
    }
}

/// `Info` for 9, `Info2` for 10 and so on.
struct SeverityName(i32);

impl fmt::Display for SeverityName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            0 => return out.write_str("Unspecified"),
            1..=4 => "Trace",
            5..=8 => "Debug",
            9..=12 => "Info",
            13..=16 => "Warn",
            17..=20 => "Error",
            21..=24 => "Fatal",
            _ => return Ok(()),
        };
        out.write_str(name)?;
        match (self.0 - 1) % 4 {
            0 => Ok(()),
            further => write!(out, "{}", further + 1),
        }
    }
}
