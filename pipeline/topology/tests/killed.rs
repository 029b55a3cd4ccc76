//! A store whose process is killed. A process of its own, since forking holds the locks of everybody in it for a moment.

#![allow(clippy::unwrap_used, reason = "helpers of tests stop at the first surprise")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use topology::store::{Store, StoreConfig};
use topology::{
    End, FactRow, Inside, Kind, Lane, Measures, Moment, Protocol, Requests, Rows, SECOND, Transport, Who, Workload,
};

const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const NOON: Moment = Moment(20_000 * 24 * HOUR + 12 * HOUR);
/// Names the directory to a process that shall write until it is killed.
const ROOM: &str = "TIDEWATCH_TEST_STORE";

fn open(directory: &Path, now: Moment) -> Store {
    let config = StoreConfig { directory: Some(directory.to_owned()), ..StoreConfig::default() };
    Store::open(config, now).unwrap().0
}

#[test]
fn a_store_that_is_killed_loses_at_most_the_last_second() {
    if let Ok(directory) = std::env::var(ROOM) {
        return write_until_killed(Path::new(&directory));
    }
    for rounds in [3_u64, 40, 200] {
        let room = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["a_store_that_is_killed_loses_at_most_the_last_second", "--exact", "--nocapture"])
            .env(ROOM, room.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let ticked = lines.filter_map(|line| line.strip_prefix("ticked ")?.parse::<u64>().ok());
        let ticked = ticked.take_while(|count| *count <= rounds * 10).last().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();

        let store = open(room.path(), NOON.plus(12 * HOUR));

        let observed = store.snapshot().observe(NOON.minus(HOUR), NOON.plus(12 * HOUR));
        let found: u64 = observed.edges.iter().map(|edge| edge.whole().requests()).sum();
        assert!(found >= ticked, "{found} of {ticked}");
        assert_eq!(found % 10, 0, "no second is there in part");
    }
}

/// Ten calls a tick, two minutes every five ticks, until somebody ends this process.
fn write_until_killed(directory: &Path) {
    let mut now = NOON;
    let mut store = open(directory, now);
    for count in 1..=100_000_u64 {
        store.apply(Rows { facts: (0..10).map(|_| call(now)).collect(), ..Rows::default() }, now);
        store.tick(now).unwrap();
        println!("ticked {}", count * 10);
        if count % 5 == 0 {
            now = now.plus(2 * MINUTE);
        }
    }
}

fn call(at: Moment) -> FactRow {
    FactRow {
        at,
        over: 0,
        lane: Lane::Spans,
        source: Some(workload("front")),
        target: workload("cart"),
        protocol: Protocol("http".into()),
        port: Some(80),
        transport: Transport::Tcp,
        measures: Measures { requests: Requests { paired: 1, ..Requests::default() }, ..Measures::default() },
        exemplar: None,
    }
}

fn workload(name: &str) -> Arc<End> {
    let workload = Some(Workload { kind: Kind::Deployment, name: name.into() });
    let who = Who::Inside(Inside { cluster: "prod".into(), namespace: "shop".into(), workload, service: None });
    Arc::new(End { who, pod: None, host: None })
}
