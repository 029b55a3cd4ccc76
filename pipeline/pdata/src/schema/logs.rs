//! Messages of logs.

use super::common::{ANY_VALUE, RESOURCE, SCOPE};
use super::{Kind, Message, always, attributes, item, many, message, one};

pub(crate) static LOGS: Message = message(&[many(1, "resource_logs", "resourceLogs", Kind::Message(&RESOURCE_LOGS))]);

static RESOURCE_LOGS: Message = message(&[
    always(1, "resource", "resource", Kind::Message(&RESOURCE)),
    many(2, "scope_logs", "scopeLogs", Kind::Message(&SCOPE_LOGS)),
    one(3, "schema_url", "schemaUrl", Kind::String),
]);

static SCOPE_LOGS: Message = message(&[
    always(1, "scope", "scope", Kind::Message(&SCOPE)),
    many(2, "log_records", "logRecords", Kind::Message(&LOG_RECORD)),
    one(3, "schema_url", "schemaUrl", Kind::String),
]);

static LOG_RECORD: Message = item(&[
    one(1, "time_unix_nano", "timeUnixNano", Kind::Fixed64),
    one(11, "observed_time_unix_nano", "observedTimeUnixNano", Kind::Fixed64),
    one(2, "severity_number", "severityNumber", Kind::Enum(SEVERITIES)),
    one(3, "severity_text", "severityText", Kind::String),
    always(5, "body", "body", Kind::Message(&ANY_VALUE)),
    attributes(6, "attributes", "attributes"),
    one(7, "dropped_attributes_count", "droppedAttributesCount", Kind::Uint32),
    one(8, "flags", "flags", Kind::Fixed32),
    one(9, "trace_id", "traceId", Kind::Id(16)),
    one(10, "span_id", "spanId", Kind::Id(8)),
    one(12, "event_name", "eventName", Kind::String),
]);

static SEVERITIES: &[&str] = &[
    "SEVERITY_NUMBER_UNSPECIFIED",
    "SEVERITY_NUMBER_TRACE",
    "SEVERITY_NUMBER_TRACE2",
    "SEVERITY_NUMBER_TRACE3",
    "SEVERITY_NUMBER_TRACE4",
    "SEVERITY_NUMBER_DEBUG",
    "SEVERITY_NUMBER_DEBUG2",
    "SEVERITY_NUMBER_DEBUG3",
    "SEVERITY_NUMBER_DEBUG4",
    "SEVERITY_NUMBER_INFO",
    "SEVERITY_NUMBER_INFO2",
    "SEVERITY_NUMBER_INFO3",
    "SEVERITY_NUMBER_INFO4",
    "SEVERITY_NUMBER_WARN",
    "SEVERITY_NUMBER_WARN2",
    "SEVERITY_NUMBER_WARN3",
    "SEVERITY_NUMBER_WARN4",
    "SEVERITY_NUMBER_ERROR",
    "SEVERITY_NUMBER_ERROR2",
    "SEVERITY_NUMBER_ERROR3",
    "SEVERITY_NUMBER_ERROR4",
    "SEVERITY_NUMBER_FATAL",
    "SEVERITY_NUMBER_FATAL2",
    "SEVERITY_NUMBER_FATAL3",
    "SEVERITY_NUMBER_FATAL4",
];
