//! Messages of traces.

use super::common::{RESOURCE, SCOPE};
use super::{Kind, Message, always, attributes, item, many, message, one};

pub(crate) static TRACES: Message =
    message(&[many(1, "resource_spans", "resourceSpans", Kind::Message(&RESOURCE_SPANS))]);

static RESOURCE_SPANS: Message = message(&[
    always(1, "resource", "resource", Kind::Message(&RESOURCE)),
    many(2, "scope_spans", "scopeSpans", Kind::Message(&SCOPE_SPANS)),
    one(3, "schema_url", "schemaUrl", Kind::String),
]);

static SCOPE_SPANS: Message = message(&[
    always(1, "scope", "scope", Kind::Message(&SCOPE)),
    many(2, "spans", "spans", Kind::Message(&SPAN)),
    one(3, "schema_url", "schemaUrl", Kind::String),
]);

static SPAN: Message = item(&[
    one(1, "trace_id", "traceId", Kind::Id(16)),
    one(2, "span_id", "spanId", Kind::Id(8)),
    one(3, "trace_state", "traceState", Kind::String),
    one(4, "parent_span_id", "parentSpanId", Kind::Id(8)),
    one(16, "flags", "flags", Kind::Fixed32),
    one(5, "name", "name", Kind::String),
    one(6, "kind", "kind", Kind::Enum(SPAN_KINDS)),
    one(7, "start_time_unix_nano", "startTimeUnixNano", Kind::Fixed64),
    one(8, "end_time_unix_nano", "endTimeUnixNano", Kind::Fixed64),
    attributes(9, "attributes", "attributes"),
    one(10, "dropped_attributes_count", "droppedAttributesCount", Kind::Uint32),
    many(11, "events", "events", Kind::Message(&EVENT)),
    one(12, "dropped_events_count", "droppedEventsCount", Kind::Uint32),
    many(13, "links", "links", Kind::Message(&LINK)),
    one(14, "dropped_links_count", "droppedLinksCount", Kind::Uint32),
    always(15, "status", "status", Kind::Message(&STATUS)),
]);

static EVENT: Message = message(&[
    one(1, "time_unix_nano", "timeUnixNano", Kind::Fixed64),
    one(2, "name", "name", Kind::String),
    attributes(3, "attributes", "attributes"),
    one(4, "dropped_attributes_count", "droppedAttributesCount", Kind::Uint32),
]);

static LINK: Message = message(&[
    one(1, "trace_id", "traceId", Kind::Id(16)),
    one(2, "span_id", "spanId", Kind::Id(8)),
    one(3, "trace_state", "traceState", Kind::String),
    attributes(4, "attributes", "attributes"),
    one(5, "dropped_attributes_count", "droppedAttributesCount", Kind::Uint32),
    one(6, "flags", "flags", Kind::Fixed32),
]);

static STATUS: Message =
    message(&[one(2, "message", "message", Kind::String), one(3, "code", "code", Kind::Enum(STATUS_CODES))]);

static SPAN_KINDS: &[&str] = &[
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
];

static STATUS_CODES: &[&str] = &["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"];
