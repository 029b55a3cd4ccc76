//! Fills a store with made-up traffic and says what it costs: bytes per active edge-minute, memory, time to answer.
//!
//! `cargo run --release -p topology --example fill_store -- EDGES HOURS SIDES` (20000 24 2; 193 hours for weeks). Thirty percent of the edges
//! are active in a minute; an active one has requests by a log-normal rate around twelve a minute, with log-normal
//! latencies around one of its own. Time is made up too: days pass in minutes. To that end only the first two hours are
//! like this, and bytes per row of minutes are told of them. From then on each edge does every ten minutes, in one step,
//! what it did in the same ten minutes of the second hour: blocks of ten minutes, hours and days are as large as if every
//! hour were like the second, those of minutes are not. In the last two hours an edge repeats a minute of its own, in thirty
//! percent of the minutes.

use std::sync::Arc;
use std::time::Instant;

use topology::store::{Store, StoreConfig, StoreError};
use topology::{
    End, FactRow, Gap, Histogram, Inside, Kind, Lane, Measures, Moment, Protocol, Requests, Rows, SECOND, STEP, Side,
    Transport, Who, Workload,
};

/// The allocator of the `tidewatch` program, so that what is resident is what it would be there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const ACTIVE: f64 = 0.3;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [word, room, now] = arguments.as_slice()
        && word == "open"
    {
        return open_again(room.into(), Moment(now.parse()?));
    }
    let mut arguments = arguments.iter().map(|argument| argument.parse::<u64>());
    let mut next = |default| arguments.next().unwrap_or(Ok(default));
    let (edges, hours, sides) = (next(20_000)?, next(24)?, next(2)?);
    let room = std::env::temp_dir().join(format!("fill-store-{}", std::process::id()));
    let config = StoreConfig { directory: Some(room.clone()), ..StoreConfig::default() };
    let begin = Moment(20_000 * DAY);
    let (mut store, report) = Store::open(config, begin)?;
    println!("{edges} edges, {hours} hours, {sides} sides known {:?}", report.problems);

    let mut traffic = Traffic::new(edges, sides);
    let (mut applying, mut rows, mut ticks) = (0.0, 0_u64, Ticks::default());
    let mut now = begin;
    while now < begin.plus(hours * HOUR) {
        let passed = now.since(begin);
        traffic.kind = match passed {
            ..HOUR => Like::Life,
            passed if passed < 2 * HOUR => Like::LifeToRemember,
            passed if passed + 2 * HOUR < hours * HOUR => Like::TenMinutesBefore,
            _ => Like::MinuteBefore,
        };
        if passed == 2 * HOUR + 5 * MINUTE {
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
            ticks.one(&mut store, now, passed)?;
        }
        // In life there is an hour for the files of the hour before.
        if passed % HOUR == 3 * MINUTE && passed > HOUR {
            ticks.until_files(&mut store, now, passed)?;
        }
    }
    let ticked = store.tick(now)?;
    println!("rows                {rows}, {:.2} us each to apply", applying / rows as f64 * 1e6);
    ticks.tell();
    println!("resident            {:.0} MB, of that blocks {:.0} MB", resident(), ticked.memory_bytes as f64 / 1e6);
    bytes(&room)?;
    answers(&store, now, "running");

    drop(store);
    // In a process of its own, which has no made-up traffic in memory.
    let mut again = std::process::Command::new(std::env::current_exe()?);
    let status = again.arg("open").arg(&room).arg(now.0.to_string()).status()?;
    std::fs::remove_dir_all(room)?;
    if status.success() { Ok(()) } else { Err("it could not be opened again".into()) }
}

fn open_again(room: std::path::PathBuf, now: Moment) -> Result<(), Box<dyn std::error::Error>> {
    let start = Instant::now();
    let (store, report) = Store::open(StoreConfig { directory: Some(room), ..StoreConfig::default() }, now)?;
    println!("opened again        in {:.2} s {:?}", start.elapsed().as_secs_f64(), report.problems);
    println!("resident            {:.0} MB", resident());
    answers(&store, now, "opened again");
    println!("resident            {:.0} MB", resident());
    Ok(())
}

/// What ticks cost.
#[derive(Default)]
struct Ticks {
    seconds: f64,
    /// Seconds, of those on the processor, after how many hours, files.
    slowest: Vec<(f64, f64, f64, usize)>,
    /// Files that count since they were last waited for.
    files: usize,
}

impl Ticks {
    fn one(&mut self, store: &mut Store, now: Moment, passed: u64) -> Result<(), StoreError> {
        let (start, busy) = (Instant::now(), busy_ms());
        let ticked = store.tick(now)?;
        let (took, busy) = (start.elapsed().as_secs_f64(), busy_ms() - busy);
        self.seconds += took;
        self.files += ticked.files;
        self.slowest.push((took, busy, passed as f64 / HOUR as f64, ticked.files));
        self.slowest.sort_by(|one, other| other.0.total_cmp(&one.0));
        self.slowest.truncate(5);
        Ok(())
    }

    fn until_files(&mut self, store: &mut Store, now: Moment, passed: u64) -> Result<(), StoreError> {
        let start = Instant::now();
        while self.files == 0 && start.elapsed().as_secs() < 60 {
            std::thread::sleep(std::time::Duration::from_millis(10));
            self.one(store, now, passed)?;
        }
        self.files = 0;
        Ok(())
    }

    fn tell(&self) {
        println!("ticks               {:.1} s in all; the slowest:", self.seconds);
        for (took, busy, hours, files) in &self.slowest {
            println!(
                "  {:.0} ms ({busy:.0} on the processor) after {hours:.2} h, {files} files then counted",
                took * 1e3
            );
        }
    }
}

/// How long ranges take to be answered, from files and memory: for the first time, and then again.
fn answers(store: &Store, now: Moment, when: &str) {
    let until_now = [5 * MINUTE, HOUR, DAY, DAY * 34 / 10, 7 * DAY].map(|range| (range, 0));
    let earlier = [1, 6, 12, 18].map(|hours| (7 * DAY, hours * HOUR));
    for (range, before) in until_now.into_iter().chain(earlier) {
        let snapshot = store.snapshot();
        let to = now.minus(before);
        let took = [0, 1].map(|_| {
            let (start, busy) = (Instant::now(), busy_ms());
            let observed = snapshot.observe(to.minus(range), to);
            (start.elapsed().as_secs_f64() * 1e3, busy_ms() - busy, observed)
        });
        let [(first, busy, observed), (again, ..)] = took;
        println!(
            "{when:<13} {:>6.2} h until {:>2} h ago {first:>5.0} ms ({busy:.0} on the processor), then {again:.0} ms; {} edges, {:?}, covered {:.2} h",
            range as f64 / HOUR as f64,
            before / HOUR,
            observed.edges.len(),
            observed.tiers.iter().map(|tier| tier.as_str()).collect::<Vec<_>>(),
            observed.window.covered_seconds() / 3600.0,
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

/// What traffic is like.
#[derive(Clone, Copy, PartialEq)]
enum Like {
    Life,
    LifeToRemember,
    TenMinutesBefore,
    MinuteBefore,
}

struct Traffic {
    edges: Vec<(Arc<End>, Arc<End>, f64, f64)>,
    sides: u64,
    /// What each edge did when it was last active.
    last: Vec<Option<Measures>>,
    /// What each edge did in each ten minutes of an hour.
    hour: Vec<[Option<Measures>; 6]>,
    kind: Like,
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
        let (last, hour) = (0..edges).map(|_| (None, [const { None }; 6])).unzip();
        Self { edges: (0..edges).map(edge).collect(), sides, last, hour, kind: Like::Life }
    }

    /// What happens in one step. An edge that is active in a minute is so in all of its steps, as far as it has requests.
    fn step(&mut self, now: Moment, step: u64) -> Rows {
        let minute = now.minus(step * STEP);
        let ten = (minute.0 / (10 * MINUTE) % 6) as usize;
        let mut facts = Vec::new();
        for (number, (source, target, rate, latency)) in self.edges.iter().enumerate() {
            if self.kind == Like::TenMinutesBefore {
                if step == 0
                    && minute.0.is_multiple_of(10 * MINUTE)
                    && let Some(measures) = &self.hour[number][ten]
                {
                    facts.push(fact(now, source, target, measures.clone()));
                }
                continue;
            }
            let mut dice = fastrand::Rng::with_seed(minute.0 ^ (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            if dice.f64() >= ACTIVE {
                continue;
            }
            if self.kind == Like::MinuteBefore {
                if step == 0
                    && let Some(measures) = &self.last[number]
                {
                    facts.push(fact(now, source, target, measures.clone()));
                }
                continue;
            }
            let requests = (*rate * log_normal(1.0, 0.4)) as u64;
            if requests == 0 {
                continue;
            }
            let measures = measures(requests, *latency, self.sides);
            if self.kind == Like::LifeToRemember {
                self.hour[number][ten].get_or_insert_default().add(&measures);
            }
            self.last[number] = Some(measures.clone());
            facts.push(fact(now, source, target, measures));
        }
        Rows { facts, ..Rows::default() }
    }
}

fn measures(requests: u64, latency: f64, sides: u64) -> Measures {
    let (mut client, mut server, mut gap) = (Histogram::default(), Histogram::default(), 0_i64);
    for _ in 0..requests {
        let took = latency * log_normal(1.0, 0.5);
        let network = log_normal(300e3, 0.5);
        client.merge(&Histogram::of((took + network) as u64, 1));
        server.merge(&Histogram::of(took as u64, 1));
        gap += network as i64;
    }
    let errors = u64::from(fastrand::f64() < 0.02);
    let client = Side { latency: client, errors, client_errors: 0 };
    if sides == 1 {
        return Measures {
            requests: Requests { client_only: requests, ..Requests::default() },
            client,
            ..Measures::default()
        };
    }
    Measures {
        requests: Requests { paired: requests, ..Requests::default() },
        client,
        server: Side { latency: server, errors, client_errors: 0 },
        gap: Gap { sum: gap, count: requests },
        ..Measures::default()
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
