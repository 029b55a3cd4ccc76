//! More comes in than can go out: senders are told, memory stays bounded, promises are kept.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests stop at the first surprise"
)]

mod support;

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use support::{Answer, Tidewatch, free_port, post_json, read_head, serve_each, traces_json, until};

/// A destination that reads, and answers only when it is told to.
#[derive(Clone, Default)]
struct Stalling {
    answers: Arc<AtomicBool>,
    taken: Arc<Mutex<BTreeSet<String>>>,
}

impl Stalling {
    fn at(port: u16) -> Self {
        let stalling = Self::default();
        let behaviour = stalling.clone();
        serve_each(port, move |stream| behaviour.serve(stream));
        stalling
    }

    fn serve(&self, mut stream: TcpStream) {
        while let Some(head) = read_head(&mut stream) {
            let length = head
                .lines()
                .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
            let mut body = vec![0; length.expect("a request says how long it is")];
            if stream.read_exact(&mut body).is_err() {
                return;
            }
            until("the destination comes back", || self.answers.load(Ordering::Relaxed));
            self.taken.lock().unwrap().extend(markers(&body));
            if stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n")
                .is_err()
            {
                return;
            }
        }
    }
}

/// Names of spans such as `<marker 17>`, wherever they are in the bytes.
fn markers(body: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(body);
    text.split("<marker ").skip(1).filter_map(|rest| rest.split_once('>')).map(|(number, _)| number.into()).collect()
}

/// "Come back later", for this reason.
#[track_caller]
fn is_retryable(refusal: &Answer, reason: &str) {
    let body = String::from_utf8_lossy(&refusal.body);
    assert_eq!(refusal.status, 429, "{body}");
    assert!(refusal.head.to_ascii_lowercase().contains("retry-after: 1"), "{}", refusal.head);
    assert!(body.contains(reason), "{body}");
}

fn stalled(http: u16, destination: u16, queue: &str) -> Tidewatch {
    Tidewatch::start(&format!(
        "receivers: {{otlp: {{protocols: {{http: {{endpoint: \"127.0.0.1:{http}\"}}}}}}}}
exporters:
  otlp_http:
    endpoint: http://127.0.0.1:{destination}
    compression: none
    timeout: 60s
    sending_queue: {queue}
service: {{pipelines: {{traces: {{receivers: [otlp], exporters: [otlp_http]}}}}}}
"
    ))
}

/// Sends until `refusals` requests were refused; gives the markers that were acknowledged, and the refusals.
fn send_until_refused(http: u16, padding: usize, refusals: usize) -> (BTreeSet<String>, Vec<Answer>) {
    let mut acknowledged = BTreeSet::new();
    let mut refused = Vec::new();
    for number in 0.. {
        let name = format!("<marker {number}>{}", "p".repeat(padding));
        let answer = post_json(http, &traces_json("load", &[name]));
        match answer.status {
            200 => drop(acknowledged.insert(number.to_string())),
            _ => refused.push(answer),
        }
        if refused.len() == refusals {
            break;
        }
        assert!(number < 10_000, "nothing is refused");
    }
    (acknowledged, refused)
}

#[test]
fn a_full_queue_refuses_its_senders_and_keeps_what_it_took() {
    let (http, destination) = (free_port(), free_port());
    let stalling = Stalling::at(destination);
    let tidewatch = stalled(http, destination, "{queue_size: 8, num_consumers: 2}");

    let (acknowledged, refused) = send_until_refused(http, 100, 5);
    assert!(acknowledged.len() >= 8, "{acknowledged:?}");
    refused.iter().for_each(|refusal| is_retryable(refusal, "sending queue is full"));
    assert!(
        tidewatch.own("otelcol_receiver_refused_spans_total", &[])
            + tidewatch.own("otelcol_receiver_refused_spans", &[])
            >= 5.0
    );

    stalling.answers.store(true, Ordering::Relaxed);
    until("all that was acknowledged has arrived", || acknowledged.is_subset(&stalling.taken.lock().unwrap()));
    until("it takes data again", || post_json(http, &traces_json("load", &["after".into()])).status == 200);
}

#[test]
fn memory_is_bounded_whatever_the_queue_may_hold() {
    const MEGABYTE: usize = 1 << 20;
    let (http, destination) = (free_port(), free_port());
    let stalling = Stalling::at(destination);
    let tidewatch = stalled(http, destination, "{queue_size: 1000000, num_consumers: 1}");

    let (acknowledged, refused) = send_until_refused(http, MEGABYTE, 20);
    refused.iter().for_each(|refusal| is_retryable(refusal, "too many bytes in flight"));
    assert!(acknowledged.len() > 10 && acknowledged.len() < 100, "{}", acknowledged.len());
    let resident = tidewatch.resident();
    assert!(resident < 150 * 1024 * 1024, "{resident} bytes are resident");

    stalling.answers.store(true, Ordering::Relaxed);
    until("all that was acknowledged has arrived", || acknowledged.is_subset(&stalling.taken.lock().unwrap()));
}

#[test]
fn the_memory_limiter_refuses_in_time_and_loses_nothing() {
    const MEGABYTE: usize = 1 << 20;
    let (http, destination) = (free_port(), free_port());
    let stalling = Stalling::at(destination);
    let tidewatch = Tidewatch::start(&format!(
        "receivers: {{otlp: {{protocols: {{http: {{endpoint: \"127.0.0.1:{http}\"}}}}}}}}
processors: {{memory_limiter: {{check_interval: 1ms, limit_mib: 128, spike_limit_mib: 32}}}}
exporters:
  otlp_http:
    endpoint: http://127.0.0.1:{destination}
    compression: none
    timeout: 60s
    sending_queue: {{queue_size: 1000000, num_consumers: 1}}
service: {{pipelines: {{traces: {{receivers: [otlp], processors: [memory_limiter], exporters: [otlp_http]}}}}}}
"
    ));

    let (acknowledged, refused) = send_until_refused(http, MEGABYTE, 20);
    refused.iter().for_each(|refusal| is_retryable(refusal, "data refused due to high memory usage"));
    assert!(acknowledged.len() > 10, "{}", acknowledged.len());
    let resident = tidewatch.resident();
    assert!(resident < 128 * 1024 * 1024, "{resident} bytes are resident");
    let refused = tidewatch.own("otelcol_processor_memory_limiter_refused_spans_total", &[])
        + tidewatch.own("otelcol_processor_memory_limiter_refused_spans", &[]);
    assert!(refused >= 20.0, "{refused}");

    stalling.answers.store(true, Ordering::Relaxed);
    until("all that was acknowledged has arrived", || acknowledged.is_subset(&stalling.taken.lock().unwrap()));
    until("it takes data again", || post_json(http, &traces_json("load", &["after".into()])).status == 200);
}

#[test]
fn a_message_of_more_than_half_of_the_budget_is_taken_when_it_is_alone() {
    const HALF: usize = 32 << 20;
    let (http, first, second) = (free_port(), free_port(), free_port());
    let destinations = [Stalling::at(first), Stalling::at(second)];
    let _tidewatch = Tidewatch::start(&format!(
        "receivers: {{otlp: {{protocols: {{http: {{endpoint: \"127.0.0.1:{http}\", max_request_body_size: 60MiB}}}}}}}}
exporters:
  otlp_http/first: {{endpoint: \"http://127.0.0.1:{first}\", compression: none, timeout: 60s}}
  otlp_http/second: {{endpoint: \"http://127.0.0.1:{second}\", compression: none, timeout: 60s}}
service: {{pipelines: {{traces: {{receivers: [otlp], exporters: [otlp_http/first, otlp_http/second]}}}}}}
"
    ));
    let giant = |number: u32| traces_json("load", &[format!("<marker {number}>{}", "p".repeat(HALF + 1000))]);

    let alone = post_json(http, &giant(1));
    let beside = post_json(http, &giant(2));

    assert_eq!(alone.status, 200, "{}", String::from_utf8_lossy(&alone.body));
    is_retryable(&beside, "too many bytes in flight");
    destinations.iter().for_each(|destination| destination.answers.store(true, Ordering::Relaxed));
    let has = |marker: &str| destinations.iter().all(|destination| destination.taken.lock().unwrap().contains(marker));
    until("both destinations have the first", || has("1"));
    until("the second is taken in its turn", || post_json(http, &giant(2)).status == 200);
    until("both destinations have the second", || has("2"));
}

#[test]
fn the_end_delivers_what_waits_for_a_slow_destination() {
    let (http, destination) = (free_port(), free_port());
    let stalling = Stalling::at(destination);
    let tidewatch = stalled(http, destination, "{queue_size: 100, num_consumers: 1}");
    for number in 0..20 {
        assert_eq!(post_json(http, &traces_json("load", &[format!("<marker {number}>")])).status, 200);
    }

    tidewatch.terminate();
    until("the end has begun", || tidewatch.log().contains("Starting shutdown"));
    stalling.answers.store(true, Ordering::Relaxed);
    let mut tidewatch = tidewatch;
    tidewatch.must_end_well();

    assert_eq!(stalling.taken.lock().unwrap().len(), 20);
}
