//! Fills a store with made-up traffic and says what it costs: bytes per active edge-minute, memory, time to answer.
//!
//! `cargo run --release -p topology --example fill_store -- EDGES HOURS SIDES` (20000 24 2). Thirty percent of the edges
//! are active in a minute; an active one has requests by a log-normal rate around twelve a minute, with log-normal
//! latencies around one of its own. After the first two hours an edge does what it did before, once a minute: that is
//! faster, and bytes are told of the first two. Time is made up too: days pass in minutes.

use std::sync::Arc;
use std::time::Instant;

use topology::store::{Store, StoreConfig};
use topology::{
    End, FactRow, Gap, Histogram, Inside, Kind, Lane, Measures, Moment, Protocol, Requests, Rows, SECOND, STEP, Side,
    Transport, Who, Workload,
};

const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const ACTIVE: f64 = 0.3;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>());
    let mut next = |default| arguments.next().unwrap_or(Ok(default));
    let (edges, hours, sides) = (next(20_000)?, next(24)?, next(2)?);
    let room = std::env::temp_dir().join(format!("fill-store-{}", std::process::id()));
    let config = StoreConfig { directory: Some(room.clone()), ..StoreConfig::default() };
    let begin = Moment(20_000 * DAY);
    let (mut store, report) = Store::open(config.clone(), begin)?;
    println!("{edges} edges, {hours} hours, {sides} sides known {:?}", report.problems);

    let mut traffic = Traffic::new(edges, sides);
    let (mut applying, mut ticking, mut slowest, mut rows) = (0.0, 0.0, 0.0_f64, 0_u64);
    let mut now = begin;
    while now < begin.plus(hours * HOUR) {
        traffic.repeats = now >= begin.plus(2 * HOUR);
        if now == begin.plus(2 * HOUR + 5 * MINUTE) {
            bytes(&room)?;
            println!("resident            {:.0} MB after two hours", resident());
        }
        for step in 0..4 {
            let batch = traffic.step(now, step);
            rows += batch.facts.len() as u64;
            now = now.plus(STEP);
            let start = Instant::now();
            store.apply(batch, now);
            applying += start.elapsed().as_secs_f64();
            let start = Instant::now();
            store.tick(now)?;
            let ticked = start.elapsed().as_secs_f64();
            ticking += ticked;
            slowest = slowest.max(ticked);
        }
    }
    let ticked = store.tick(now)?;
    println!("rows                {rows}, {:.2} us each to apply", applying / rows as f64 * 1e6);
    println!("ticks               {ticking:.1} s in all, the slowest {:.0} ms", slowest * 1e3);
    println!("resident            {:.0} MB, of that blocks {:.0} MB", resident(), ticked.memory_bytes as f64 / 1e6);
    bytes(&room)?;
    answers(&store, now, "running");

    drop(store);
    let start = Instant::now();
    let (store, report) = Store::open(config, now)?;
    println!("opened again        in {:.2} s {:?}", start.elapsed().as_secs_f64(), report.problems);
    answers(&store, now, "opened again");
    println!("resident            {:.0} MB", resident());
    std::fs::remove_dir_all(room)?;
    Ok(())
}

/// How long ranges take to be answered, from files and memory.
fn answers(store: &Store, now: Moment, when: &str) {
    for (name, range) in [
        ("5 minutes", 5 * MINUTE),
        ("1 hour", 60 * MINUTE),
        ("1 day", DAY),
        ("3.4 days", DAY * 34 / 10),
        ("7 days", 7 * DAY),
    ] {
        let snapshot = store.snapshot();
        let (start, busy) = (Instant::now(), busy_ms());
        let observed = snapshot.observe(now.minus(range), now);
        let (took, busy) = (start.elapsed().as_secs_f64(), busy_ms() - busy);
        println!(
            "{when:<13} {name:>9}  {:>4.0} ms ({busy:.0} on the processor), {} edges, {:?}, covered {:.2} of {:.2} h",
            took * 1e3,
            observed.edges.len(),
            observed.tiers.iter().map(|tier| tier.as_str()).collect::<Vec<_>>(),
            observed.window.covered_seconds() / 3600.0,
            range as f64 / 3600.0 / 1e9
        );
    }
}

/// Milliseconds that this thread ran: on a busy machine it waits, too.
fn busy_ms() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    told.split(' ').next().and_then(|first| first.parse::<f64>().ok()).unwrap_or_default() / 1e6
}

/// Bytes of each tier's files.
fn bytes(room: &std::path::Path) -> std::io::Result<()> {
    for tier in ["1m", "10m", "1h", "1d", "names"] {
        let mut sum = 0;
        let mut files = 0;
        let mut rows = 0;
        for entry in std::fs::read_dir(room)?.flatten() {
            let name = entry.file_name().into_string().unwrap_or_default();
            if name.starts_with(&format!("entities-{tier}-")) {
                sum += entry.metadata()?.len();
                files += 1;
            }
        }
        let manifest = std::fs::read_to_string(room.join("manifest.json"))?;
        for part in manifest.split("{\"name\":\"").filter(|part| part.starts_with(&format!("entities-{tier}-"))) {
            let count = part.split("\"rows\":").nth(1).and_then(|rest| rest.split(',').next()).map(str::parse::<u64>);
            rows += count.and_then(Result::ok).unwrap_or(0);
        }
        let each =
            if rows > 0 { format!(", {rows} rows, {:.1} B each", sum as f64 / rows as f64) } else { String::new() };
        println!("files {tier:<13} {files}, {:.1} MB{each}", sum as f64 / 1e6);
    }
    Ok(())
}

/// Resident memory of this process in MB.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or_default() / 1e3
}

struct Traffic {
    edges: Vec<(Arc<End>, Arc<End>, f64, f64)>,
    sides: u64,
    /// What each edge did when it was last active.
    last: Vec<Option<Measures>>,
    /// Do it again, once a minute.
    repeats: bool,
}

impl Traffic {
    fn new(edges: u64, sides: u64) -> Self {
        fastrand::seed(1);
        let ends: Vec<Arc<End>> = (0..(edges / 10).max(2)).map(end).collect();
        let any = |number: u64| Arc::clone(&ends[(number % ends.len() as u64) as usize]);
        let edge = |number: u64| {
            let source = number / 10;
            (any(source), any(source + 1 + number % 10 * 7), log_normal(3.0, 1.0), log_normal(20e6, 1.0))
        };
        let last = (0..edges).map(|_| None).collect();
        Self { edges: (0..edges).map(edge).collect(), sides, last, repeats: false }
    }

    /// What happens in one step. An edge that is active in a minute is so in all of its steps, as far as it has requests.
    fn step(&mut self, now: Moment, step: u64) -> Rows {
        let minute = now.minus(step * STEP);
        let mut facts = Vec::new();
        for (number, (source, target, rate, latency)) in self.edges.iter().enumerate() {
            let mut dice = fastrand::Rng::with_seed(minute.0 ^ (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let requests = (*rate * log_normal(1.0, 0.4)) as u64;
            if dice.f64() >= ACTIVE || requests == 0 && !self.repeats {
                continue;
            }
            if self.repeats {
                if step == 0
                    && let Some(measures) = &self.last[number]
                {
                    facts.push(fact(now, source, target, measures.clone()));
                }
                continue;
            }
            let (mut client, mut server, mut gap) = (Histogram::default(), Histogram::default(), 0_i64);
            for _ in 0..requests {
                let took = *latency * log_normal(1.0, 0.5);
                let network = log_normal(300e3, 0.5);
                client.merge(&Histogram::of((took + network) as u64, 1));
                server.merge(&Histogram::of(took as u64, 1));
                gap += network as i64;
            }
            let errors = u64::from(fastrand::f64() < 0.02);
            let measures = if self.sides == 2 {
                Measures {
                    requests: Requests { paired: requests, ..Requests::default() },
                    client: Side { latency: client, errors, client_errors: 0 },
                    server: Side { latency: server, errors, client_errors: 0 },
                    gap: Gap { sum: gap, count: requests },
                    ..Measures::default()
                }
            } else {
                Measures {
                    requests: Requests { client_only: requests, ..Requests::default() },
                    client: Side { latency: client, errors, client_errors: 0 },
                    ..Measures::default()
                }
            };
            self.last[number] = Some(measures.clone());
            facts.push(fact(now, source, target, measures));
        }
        Rows { facts, ..Rows::default() }
    }
}

fn fact(now: Moment, source: &Arc<End>, target: &Arc<End>, measures: Measures) -> FactRow {
    FactRow {
        at: now.plus(fastrand::u64(0..STEP)),
        over: 0,
        lane: Lane::Spans,
        source: Some(Arc::clone(source)),
        target: Arc::clone(target),
        protocol: Protocol("http".into()),
        port: Some(8080),
        transport: Transport::Tcp,
        measures,
        exemplar: None,
    }
}

fn end(number: u64) -> Arc<End> {
    let workload = Workload { kind: Kind::Deployment, name: format!("workload-{number}").into() };
    let namespace = format!("namespace-{}", number / 40).into();
    let who = Who::Inside(Inside { cluster: "prod".into(), namespace, workload: Some(workload), service: None });
    Arc::new(End { who, pod: None, host: None })
}

fn log_normal(median: f64, sigma: f64) -> f64 {
    let radius = (-2.0 * fastrand::f64().max(1e-12).ln()).sqrt();
    median * (sigma * radius * (std::f64::consts::TAU * fastrand::f64()).cos()).exp()
}
