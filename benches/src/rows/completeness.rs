//! Is every request a span, or a counted loss? For wrk at its maximum and for requests that come at their time.

use std::time::Duration;

use super::web::{Nginx, config, may_load, wrk};
use super::{Bench, Report};
use crate::Fault;
use crate::requests;
use crate::sink::Sink;

const RATE: u32 = 20_000;
const CONNECTIONS: u32 = 100;
/// Longer than the interval at which the receiver tells its losses.
const LAST_REPORT: Duration = Duration::from_millis(2500);

pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<(), Fault> {
    report.table(
        "Completeness",
        "Server spans that arrived against requests that nginx counted (`stub_status`), keep-alive connections made while Tidewatch ran. One run each.",
        &["Row", "requests", "server spans", "client spans", "spans/requests", "counted losses", "client's p99 ms"],
    );
    if !may_load() {
        report.note("Not run: the `ebpf` receiver needs root.");
        return Ok(());
    }
    let stretch = bench.stretch * 2;
    row(bench, report, "20,000 requests/s, open loop", |nginx| {
        let plan = requests::Plan {
            target: nginx.address,
            path: "/hello".to_owned(),
            rate: RATE,
            connections: CONNECTIONS,
            duration: stretch,
        };
        Ok(f64::from(requests::run(&plan)?.percentile(0.99)) / 1e3)
    })?;
    row(bench, report, "wrk, flat out", |nginx| Ok(wrk(nginx.address, stretch)?.p99_ms))
}

fn row(
    bench: &Bench,
    report: &mut Report,
    name: &str,
    load: impl FnOnce(&Nginx) -> Result<f64, Fault>,
) -> Result<(), Fault> {
    let nginx = Nginx::start()?;
    let sink = Sink::start(Duration::ZERO)?;
    let agent = bench.ours.start(&config(nginx.address.port(), "", &sink)?)?;
    let before = nginx.requests()?;
    let p99 = load(&nginx)?;
    // Both times the question itself is a request; the difference contains one of them, which is observed too.
    let requests = nginx.requests()? - before;
    std::thread::sleep(LAST_REPORT);
    agent.stop()?;
    let counters = &sink.counters;
    // The question before was observed as well, and the spans of both questions are among the spans.
    let servers = counters.servers().saturating_sub(1);
    let losses: Vec<String> = counters.lost().iter().map(|(reason, count)| format!("{reason} {count}")).collect();
    report.row(&[
        name.to_owned(),
        requests.to_string(),
        servers.to_string(),
        counters.clients().saturating_sub(1).to_string(),
        format!("{:.5}", servers as f64 / requests as f64),
        if losses.is_empty() { "none".to_owned() } else { losses.join(", ") },
        format!("{p99:.2}"),
    ]);
    Ok(())
}
