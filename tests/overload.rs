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

use support::{Tidewatch, free_port, post_json, read_head, serve_each, traces_json, until};

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

/// Sends until `refusals` requests were refused; gives the markers that were acknowledged and the codes of refusals.
fn send_until_refused(http: u16, padding: usize, refusals: usize) -> (BTreeSet<String>, Vec<u16>) {
    let mut acknowledged = BTreeSet::new();
    let mut refused = Vec::new();
    for number in 0.. {
        let name = format!("<marker {number}>{}", "p".repeat(padding));
        match post_json(http, &traces_json("load", &[name])).status {
            200 => drop(acknowledged.insert(number.to_string())),
            status => refused.push(status),
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
    assert!(refused.iter().all(|status| [429, 503].contains(status)), "{refused:?}");
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
    assert!(refused.iter().all(|status| [429, 503].contains(status)), "{refused:?}");
    assert!(acknowledged.len() > 10 && acknowledged.len() < 100, "{}", acknowledged.len());
    let resident = tidewatch.resident();
    assert!(resident < 150 * 1024 * 1024, "{resident} bytes are resident");

    stalling.answers.store(true, Ordering::Relaxed);
    until("all that was acknowledged has arrived", || acknowledged.is_subset(&stalling.taken.lock().unwrap()));
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
