//! OTLP/JSON as others write it.

use crate::{Batch, MetricData, Number, Signal, ValueKind, json};

fn decode(signal: Signal, text: &str) -> Batch {
    json::decode(signal, text.as_bytes()).unwrap()
}

fn encoded(batch: &Batch) -> String {
    String::from_utf8(json::encode(batch)).unwrap()
}

#[test]
fn a_trace_in_either_spelling() {
    let camel = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"cart"}}]},
        "scopeSpans":[{"scope":{"name":"lib"},"spans":[{"traceId":"5B8EFFF798038103D269B633813FC60C",
        "spanId":"EEE19B7EC3C1B174","name":"GET","kind":2,"startTimeUnixNano":"1544712660000000000",
        "endTimeUnixNano":1544712661000000000,"status":{"code":2},"unknown":[{"a":null}]}]}]}]}"#;
    let snake = r#"{"resource_spans":[{"resource":{"attributes":[{"key":"service.name","value":{"string_value":"cart"}}]},
        "scope_spans":[{"scope":{"name":"lib"},"spans":[{"trace_id":"5b8efff798038103d269b633813fc60c",
        "span_id":"eee19b7ec3c1b174","name":"GET","kind":"SPAN_KIND_SERVER","start_time_unix_nano":1544712660000000000,
        "end_time_unix_nano":"1544712661000000000","status":{"code":"STATUS_CODE_ERROR"}}]}]}]}"#;

    assert_eq!(
        encoded(&decode(Signal::Traces, camel)),
        r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"cart"}}]},"scopeSpans":[{"scope":{"name":"lib"},"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"GET","kind":2,"startTimeUnixNano":"1544712660000000000","endTimeUnixNano":"1544712661000000000","status":{"code":2}}]}]}]}"#
    );
    assert_eq!(encoded(&decode(Signal::Traces, snake)), encoded(&decode(Signal::Traces, camel)));
}

#[test]
fn a_sum_and_a_histogram() {
    let batch = decode(
        Signal::Metrics,
        r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[
            {"name":"requests","unit":"1","sum":{"aggregationTemporality":2,"isMonotonic":true,
             "dataPoints":[{"asInt":"-5","timeUnixNano":"7"},{"asDouble":2.5}]}},
            {"name":"duration","histogram":{"aggregationTemporality":"AGGREGATION_TEMPORALITY_DELTA",
             "dataPoints":[{"count":3,"sum":0,"bucketCounts":["1","2"],"explicitBounds":[0.5]}]}},
            {"name":"empty","gauge":{"dataPoints":[]}}]}]}]}"#,
    );

    assert_eq!(batch.items(), 3);
    let scope = batch.resources().next().unwrap().scopes().next().unwrap();
    let mut metrics = scope.metrics();
    let MetricData::Sum { points, monotonic: true, .. } = metrics.next().unwrap().data() else { panic!("not a sum") };
    let values: Vec<_> = points.filter_map(|point| point.value()).collect();
    assert_eq!(values, [Number::Int(-5), Number::Double(2.5)]);
    let MetricData::Histogram { mut points, .. } = metrics.next().unwrap().data() else { panic!("not a histogram") };
    let point = points.next().unwrap();
    assert_eq!((point.count(), point.sum(), point.min()), (3, Some(0.0), None));
    assert_eq!(point.bucket_counts().collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn log_bodies_of_every_type() {
    let bodies = [
        (r#"{"stringValue":""}"#, ""),
        (r#"{"intValue":"9007199254740993"}"#, "9007199254740993"),
        (r#"{"doubleValue":1e21}"#, "1e+21"),
        (r#"{"doubleValue":0.000001}"#, "0.000001"),
        (r#"{"doubleValue":"NaN"}"#, "NaN"),
        (r#"{"doubleValue":"Infinity"}"#, "Infinity"),
        (r#"{"doubleValue":"-Infinity"}"#, "-Infinity"),
        (r#"{"bytesValue":"_-8"}"#, "/+8="),
        (
            r#"{"kvlistValue":{"values":[{"key":"b","value":{"intValue":1}},{"key":"a","value":{"stringValue":"<x>"}}]}}"#,
            r#"{"a":"<x>","b":1}"#,
        ),
        (
            r#"{"arrayValue":{"values":[{"stringValue":"a&b"},{"stringValue":"1\u20282\u20293"}]}}"#,
            r#"["a&b","1\u20282\u20293"]"#,
        ),
        // Go has no JSON for it, and then says nothing.
        (r#"{"arrayValue":{"values":[{"doubleValue":"NaN"}]}}"#, ""),
        (r#"{"arrayValue":{"values":[{"boolValue":true},{}]}}"#, "[true,null]"),
    ];

    for (body, expected) in bodies {
        let text = format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{body}}}]}}]}}]}}"#);
        let batch = decode(Signal::Logs, &text);
        let scope = batch.resources().next().unwrap().scopes().next().unwrap();
        assert_eq!(scope.logs().next().unwrap().body().as_display_string(), expected, "{body}");
    }
}

#[test]
fn an_event_is_a_record_with_a_name() {
    let batch = decode(
        Signal::Logs,
        r#"{"resourceLogs":[{"resource":null,"scopeLogs":[{"logRecords":[{"eventName":"browser.page_view",
            "severityNumber":"SEVERITY_NUMBER_INFO","attributes":[{"key":"url","value":{"stringValue":"/"}}]}]}]}]}"#,
    );

    let scope = batch.resources().next().unwrap().scopes().next().unwrap();
    let event = scope.logs().next().unwrap();
    assert_eq!((event.event_name(), event.severity_number()), ("browser.page_view", 9));
    assert!(matches!(event.body().kind(), ValueKind::Empty));
}

#[test]
fn json_that_is_not_otlp_is_refused_with_its_place() {
    let cases = [
        (r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"abc"}]}]}]}"#, "invalid hexadecimal id"),
        (r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"abcd"}]}]}]}"#, "invalid length of an id: 2 bytes"),
        (r#"{"resourceSpans":{"scopeSpans":[]}}"#, "expected a list"),
        (r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":1.5}]}]}]}"#, "expected an integer"),
        (r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":{}}]}]}]}"#, "unexpected object"),
        (r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":-1}]}]}]}"#, "-1 is out of range"),
        (r#"{"resourceSpans":["#, "EOF while parsing"),
        (r#"{} x"#, "trailing characters"),
        ("[]", "expected an object"),
    ];

    for (text, reason) in cases {
        let error = json::decode(Signal::Traces, text.as_bytes()).expect_err(text);
        assert!(error.to_string().contains(reason), "{error} should say {reason}");
    }
    let error = json::decode(Signal::Traces, cases[0].0.as_bytes()).unwrap_err();
    assert_eq!(error.path, "resource_spans.scope_spans.spans.trace_id");
    assert_eq!(&cases[0].0[error.offset..], r#""}]}]}]}"#);
}
