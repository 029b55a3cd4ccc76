//! Several shards are one Collector: whichever takes a connection, nothing is lost and nothing comes twice.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests stop at the first surprise"
)]

mod support;

use std::net::TcpStream;

use support::{Tidewatch, connect, exchange, free_port, traces_json};

const CONNECTIONS: usize = 24;
const REQUESTS: usize = 10;
const SPANS: usize = 3;

/// Two shards that take OTLP over HTTP and send it on over gRPC, and two that write down what comes.
fn in_a_row(http: u16) -> (Tidewatch, Tidewatch) {
    let grpc = free_port();
    let scribe = Tidewatch::start(&format!(
        "receivers: {{otlp: {{protocols: {{grpc: {{endpoint: \"127.0.0.1:{grpc}\"}}}}}}}}
exporters: {{file: {{path: \"${{env:ROOM}}/told.json\"}}}}
service: {{shards: 2, pipelines: {{traces: {{receivers: [otlp], exporters: [file]}}}}}}
"
    ));
    let gateway = Tidewatch::start(&format!(
        "receivers: {{otlp: {{protocols: {{http: {{endpoint: \"127.0.0.1:{http}\"}}}}}}}}
processors: {{batch: {{timeout: 50ms, send_batch_size: 20}}}}
exporters: {{otlp_grpc: {{endpoint: \"127.0.0.1:{grpc}\", tls: {{insecure: true}}}}}}
service: {{shards: 2, pipelines: {{traces: {{receivers: [otlp], processors: [batch], exporters: [otlp_grpc]}}}}}}
"
    ));
    (gateway, scribe)
}

/// The threads of a process with names like this.
fn threads(process: &Tidewatch, prefix: &str) -> Vec<String> {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", process.id())).unwrap();
    let names = tasks.map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).unwrap());
    let mut names: Vec<String> =
        names.map(|name| name.trim().to_owned()).filter(|name| name.starts_with(prefix)).collect();
    names.sort_unstable();
    names
}

fn names(connection: usize, request: usize) -> Vec<String> {
    (0..SPANS).map(|span| format!("{connection:02}-{request:02}-{span}")).collect()
}

/// Sends all requests of one connection over it, one after the other; every one is acknowledged.
fn send(mut stream: TcpStream, connection: usize) {
    for request in 0..REQUESTS {
        let body = traces_json("cart", &names(connection, request));
        let head = format!(
            "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        assert_eq!(exchange(&mut stream, head + &body).status, 200);
    }
}

#[test]
fn all_that_two_shards_acknowledge_arrives_exactly_once() {
    let http = free_port();
    let (gateway, scribe) = in_a_row(http);
    assert_eq!(threads(&gateway, "shard-"), ["shard-0", "shard-1"]);

    // All are open before the first sends, so that the kernel spreads them over both doors.
    let streams: Vec<TcpStream> = (0..CONNECTIONS).map(|_| connect(http)).collect();
    let senders = streams.into_iter().enumerate();
    let senders: Vec<_> = senders.map(|(number, stream)| std::thread::spawn(move || send(stream, number))).collect();
    senders.into_iter().for_each(|sender| sender.join().unwrap());

    gateway.stop();
    let told = scribe.stop();
    let mut arrived: Vec<&str> = told.spans.iter().map(|span| span.name.as_str()).collect();
    arrived.sort_unstable();
    let sent =
        (0..CONNECTIONS).flat_map(|connection| (0..REQUESTS).flat_map(move |request| names(connection, request)));
    assert_eq!(arrived, sent.collect::<Vec<_>>());
}
