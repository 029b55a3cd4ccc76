//! The store's files, read by somebody else: pyarrow, with no more than the schema that the README documents.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use topology::store::{Store, StoreConfig};
use topology::{
    End, FactRow, Histogram, Inside, Kind, Lane, Measures, Moment, Protocol, Requests, Rows, SECOND, Side, Transport,
    Who, Workload,
};

const HOUR: u64 = 3600 * SECOND;
const NOON: Moment = Moment(20_000 * 24 * HOUR + 12 * HOUR);

/// Joins facts with their names, as anybody would, and decodes a histogram by the README.
const PROGRAM: &str = r#"
import glob, sys
import pyarrow.parquet as parquet

room = sys.argv[1]
read = lambda pattern: parquet.read_table(sorted(glob.glob(f"{room}/{pattern}"))[-1]).to_pylist()
entities = {row["entity"]: row for row in read("entities-names-*-entities.parquet")}
edges = {row["edge"]: row for row in read("entities-names-*-edges.parquet")}
facts = {row["fact"]: row for row in read("entities-names-*-facts.parquet")}

def varints(octets):
    value, shift = 0, 0
    for octet in octets:
        value |= (octet & 0x7F) << shift
        shift += 7
        if octet < 0x80:
            yield value
            value, shift = 0, 0

def histogram(octets):
    numbers, bucket = list(varints(octets)), 0
    for distance, count in zip(numbers[::2], numbers[1::2]):
        bucket += distance
        yield bucket, count

for row in read("entities-1m-*.parquet"):
    fact = facts[row["fact"]]
    edge = edges[fact["edge"]]
    source, target = entities[edge["source"]], entities[edge["target"]]
    print(
        row["time"].strftime("%Y-%m-%dT%H:%MZ"),
        f'{source["namespace"]}/{source["kind"]}/{source["name"]}',
        f'{target["namespace"]}/{target["kind"]}/{target["name"]}',
        fact["lane"], fact["protocol"], fact["port"], fact["transport"],
        row["paired"], row["client_faults"], row["client_latency_sum"],
        list(histogram(row["client_latency"])),
    )
"#;

/// A Python with pyarrow, made once per target folder. `None` where it cannot be had: a loud line says so; in CI it is a
/// failure.
fn python_with_pyarrow() -> Option<PathBuf> {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pyarrow");
    let python = home.join("bin/python");
    let has =
        || Command::new(&python).args(["-c", "import pyarrow.parquet"]).output().is_ok_and(|ran| ran.status.success());
    if !has() {
        // Without the distribution's python3-venv there may be another Python that can.
        let made = ["/usr/bin/python3", "python3"].into_iter().any(|system| {
            let venv = Command::new(system).args(["-m", "venv", "--clear"]).arg(&home).output();
            venv.is_ok_and(|made| made.status.success())
        });
        let install = Command::new(&python).args(["-m", "pip", "install", "--quiet", "pyarrow"]).output();
        let installed = made && install.as_ref().is_ok_and(|install| install.status.success());
        if !installed {
            let reason = install.map(|install| String::from_utf8_lossy(&install.stderr).into_owned());
            assert!(!std::env::var("CI").is_ok_and(|ci| ci == "true"), "pyarrow cannot be installed: {reason:?}");
            eprintln!("SKIPPED: this story needs pyarrow, which cannot be installed: {reason:?}");
            return None;
        }
    }
    Some(python)
}

fn workload(name: &str) -> Arc<End> {
    let workload = Some(Workload { kind: Kind::Deployment, name: name.into() });
    let who = Who::Inside(Inside { cluster: "prod".into(), namespace: "shop".into(), workload, service: None });
    Arc::new(End { who, pod: None, host: None })
}

#[test]
fn files_are_read_by_pyarrow_as_the_readme_says() {
    let Some(python) = python_with_pyarrow() else { return };
    let room = tempfile::tempdir().unwrap();
    let config = StoreConfig { directory: Some(room.path().to_owned()), ..StoreConfig::default() };
    let (mut store, _) = Store::open(config, NOON).unwrap();
    let mut latency = Histogram::of(1_000_000, 3);
    latency.merge(&Histogram::of(4_000_000_000, 1));
    let fact = FactRow {
        at: NOON.plus(61 * SECOND),
        over: 0,
        lane: Lane::Spans,
        source: Some(workload("front")),
        target: workload("cart"),
        protocol: Protocol("http".into()),
        port: Some(8080),
        transport: Transport::Tcp,
        measures: Measures {
            requests: Requests { paired: 4, ..Requests::default() },
            client: Side { errors: 1, client_errors: 0, latency },
            ..Measures::default()
        },
        exemplar: None,
    };
    store.apply(Rows { facts: vec![fact], ..Rows::default() }, NOON.plus(62 * SECOND));
    store.tick(NOON.plus(62 * SECOND)).unwrap();
    // Files are written on another thread, and count with the first tick after that.
    let mut files = std::iter::repeat_with(|| {
        std::thread::yield_now();
        store.tick(NOON.plus(HOUR + 180 * SECOND)).unwrap().files
    });
    assert_eq!(files.find(|files| *files > 0), Some(3), "minutes, ten minutes, hours");

    let ran = Command::new(python).args(["-c", PROGRAM]).arg(room.path()).output().unwrap();

    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    // 2^(79/4) ns <= 1 ms < 2^(80/4) ns; 2^(127/4) ns <= 4 s < 2^(128/4) ns.
    let expected = "2024-10-04T12:01Z shop/Deployment/front shop/Deployment/cart spans http 8080 tcp 4 1 4003000000 \
                    [(79, 3), (127, 1)]";
    assert_eq!(String::from_utf8_lossy(&ran.stdout).trim(), expected);
}
