//! OTLP by hand.

use super::{Answer, ask};

/// One resource with these spans, as OTLP JSON.
pub fn traces_json(service: &str, names: &[String]) -> String {
    let spans = names.iter().enumerate().map(|(number, name)| {
        format!(
            "{{\"traceId\":\"{:032x}\",\"spanId\":\"{:016x}\",\"name\":\"{name}\",\"kind\":2,\
             \"startTimeUnixNano\":\"1700000000000000000\",\"endTimeUnixNano\":\"1700000000100000000\"}}",
            0xabc,
            number + 1
        )
    });
    of_service(service, &spans.collect::<Vec<_>>().join(","))
}

/// A client's and a server's span that are one call.
pub fn call_json(client: &str, server: &str, trace: u64, failed: bool) -> String {
    let span = |id: u64, parent: &str, kind: u8| {
        format!(
            "{{\"traceId\":\"{trace:032x}\",\"spanId\":\"{id:016x}\",\"parentSpanId\":\"{parent}\",\"name\":\"GET /\",\
             \"kind\":{kind},\"startTimeUnixNano\":\"1700000000000000000\",\"endTimeUnixNano\":\"1700000000100000000\",\
             \"status\":{{\"code\":{}}}}}",
            if failed { 2 } else { 0 }
        )
    };
    let (id, callee) = (trace * 2 + 1, trace * 2 + 2);
    let client = of_service(client, &span(id, "", 3));
    let server = of_service(server, &span(callee, &format!("{id:016x}"), 2));
    let resource = |json: &str| json["{\"resourceSpans\":[".len()..json.len() - 2].to_owned();
    format!("{{\"resourceSpans\":[{},{}]}}", resource(&client), resource(&server))
}

fn of_service(service: &str, spans: &str) -> String {
    format!(
        "{{\"resourceSpans\":[{{\"resource\":{{\"attributes\":[{{\"key\":\"service.name\",\"value\":{{\"stringValue\":\
         \"{service}\"}}}}]}},\"scopeSpans\":[{{\"spans\":[{spans}]}}]}}]}}"
    )
}

/// Sends a body over a connection of its own.
#[track_caller]
pub fn post(port: u16, path: &str, headers: &str, body: &[u8]) -> Answer {
    let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
    ask(port, [head.as_bytes(), body].concat())
}

/// Sends OTLP JSON traces.
#[track_caller]
pub fn post_json(port: u16, traces: &str) -> Answer {
    post(port, "/v1/traces", "Content-Type: application/json\r\n", traces.as_bytes())
}
