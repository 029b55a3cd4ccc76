//! What outlives the process.

use std::collections::BTreeMap;
use std::path::Path;

use super::support::{story as in_memory, *};
use crate::store::{OpenReport, Retention, Store, StoreConfig};
use crate::*;

pub(super) fn front() -> std::sync::Arc<End> {
    end(workload("shop", "front"))
}

pub(super) fn cart() -> std::sync::Arc<End> {
    end(both("shop", "cart-v1", "cart"))
}

pub(super) fn config(directory: &Path) -> StoreConfig {
    StoreConfig { directory: Some(directory.to_owned()), ..StoreConfig::default() }
}

pub(super) fn kept_in(directory: &Path) -> Story {
    story_with(config(directory))
}

impl Story {
    /// Ends the process as a crash does, and starts it again.
    fn crashes(self, directory: &Path) -> (Story, OpenReport) {
        let now = self.now;
        drop(self.store);
        let (store, report) = Store::open(config(directory), now).unwrap();
        (Story { store, now }, report)
    }
}

pub(super) fn files(directory: &Path, part: &str) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.to_string_lossy().contains(part)).collect();
    files.sort();
    files
}

/// Everything that an answer says, comparable.
pub(super) fn told(observed: &Observed) -> BTreeMap<String, Vec<String>> {
    let name = |id| observed.registry.get(id).unwrap().who.node(View::Workload).to_string();
    let edges = observed.edges.iter().map(|edge| {
        let rows = edge.rows.iter().map(|row| format!("{row:?}"));
        let seen = format!("{:?} {:?} {}", edge.first_seen, edge.last_seen, edge.days);
        (format!("{} -> {}", name(edge.source), name(edge.target)), rows.chain([seen]).collect())
    });
    let nodes = observed.nodes.iter().map(|node| {
        let NodeFacts { answered, instances, replicas, events, .. } = node;
        (name(node.entity), vec![format!("{answered:?} {instances:?} {replicas:?} {events:?}")])
    });
    edges.chain(nodes).collect()
}

#[test]
fn what_was_ticked_is_there_after_a_crash() {
    let room = tempfile::tempdir().unwrap();
    let mut story = kept_in(room.path());
    let traced = Exemplar { trace: [7; 16], duration: 90 * MS, failed: true };
    story.receives(FactRow { exemplar: Some(traced), ..calls(NOON, front(), cart(), 3, 20) });
    story.receives(calls(NOON.minus(3 * HOUR), front(), outside(OutsideKind::Redis, "cache:6379"), 5, 2));
    let pod =
        std::sync::Arc::new(End { who: front().who.clone(), pod: Some("front-1".into()), host: Some("n1".into()) });
    let state = |metric, value| StateRow { at: NOON, subject: pod.clone(), metric, value };
    let states = vec![state(StateMetric::Ready, 1.0), state(StateMetric::CpuUsage, 0.25)];
    let event = Event { reason: "BackOff".into(), message: "again".into(), warning: true, count: 2 };
    let events = vec![EventRow { at: NOON, subject: cart(), event }];
    story.store.apply(Rows { states, events, ..Rows::default() }, NOON);
    let interval = Interval {
        subject: Subject::Finding("f1".into()),
        rule: "open".into(),
        level: Level::Red,
        from: NOON,
        to: None,
        value: 0.5,
    };
    story.store.record(interval.clone());
    story.after(SECOND);
    let before = told(&story.last(4 * HOUR));

    let (story, report) = story.crashes(room.path());

    assert_eq!(report.problems, Vec::<String>::new());
    let observed = story.last(4 * HOUR);
    assert_eq!(told(&observed), before);
    let edge = observed.edges.iter().find(|edge| edge.whole().requests() == 3).unwrap();
    let traces = story.store.snapshot().exemplars(edge.source, edge.target, NOON, NOON.plus(MINUTE));
    assert_eq!(traces, [(NOON, traced)]);
    assert_eq!(story.store.snapshot().intervals(NOON, NOON.plus(1)), [interval]);
}

#[test]
fn what_was_covered_is_known_after_a_crash() {
    let room = tempfile::tempdir().unwrap();
    let mut story = kept_in(room.path());
    story.after(10 * MINUTE);
    story.receives(calls(story.now, front(), cart(), 1, 20));
    story.after(SECOND);
    let before = story.last(9 * MINUTE).window.covered;

    let (mut story, _) = story.crashes(room.path());

    assert_eq!(story.last(9 * MINUTE).window.covered, before);
    story.now = story.now.plus(HOUR);
    let (mut story, _) = story.crashes(room.path());
    story.after(5 * MINUTE);
    let covered = story.last(HOUR).window.covered;
    assert!((5 * MINUTE..=6 * MINUTE).contains(&covered), "it did not run meanwhile: {} s", covered / SECOND);
}

#[test]
fn hours_become_files_and_days_of_them_one_and_all_tell_the_same() {
    let room = tempfile::tempdir().unwrap();
    let mut story = kept_in(room.path());
    let mut memory = in_memory();
    for hour in 0..40_u64 {
        for minute in [3, 20, 55] {
            let at = NOON.plus(hour * HOUR + minute * MINUTE);
            for story in [&mut story, &mut memory] {
                story.sleeps(at.since(story.now));
                story.receives(calls(at, front(), cart(), hour + minute, 20));
            }
        }
    }
    for story in [&mut story, &mut memory] {
        story.sleeps(10 * MINUTE);
    }
    assert!(files(room.path(), "entities-1m-").len() >= 39);
    while story.store.finish_merging() {}
    story.sleeps(2 * MINUTE);
    assert_eq!(files(room.path(), "entities-10m-").len(), 2 + 4, "two days that are over, and four hours");
    let expected = told(&memory.last(41 * HOUR));
    assert_eq!(told(&story.last(41 * HOUR)), expected);

    let (mut story, report) = story.crashes(room.path());

    assert_eq!(report.problems, Vec::<String>::new());
    assert_eq!(told(&story.last(41 * HOUR)), expected);
    let sum = |observed: Observed| requests(&observed);
    let hour_ten = (NOON.plus(10 * HOUR), NOON.plus(11 * HOUR));
    assert_eq!(sum(story.store.snapshot().observe(hour_ten.0, hour_ten.1)), 3 * 10 + 78);
    story.sleeps(2 * MINUTE);
    let days = story.store.snapshot().observe(NOON.minus(12 * HOUR), NOON.plus(36 * HOUR));
    assert_eq!(days.tiers, [Tier::Day]);
    assert_eq!(sum(days), (0..36).map(|hour| 3 * hour + 78).sum::<u64>());
}

#[test]
fn late_data_joins_the_file_of_its_hour() {
    let room = tempfile::tempdir().unwrap();
    let mut story = kept_in(room.path());
    story.receives(calls(NOON, front(), cart(), 1, 20));
    story.sleeps(3 * HOUR);
    story.receives(calls(NOON.plus(MINUTE), front(), cart(), 2, 20));
    story.sleeps(HOUR);
    assert_eq!(files(room.path(), "entities-1m-").len(), 2);

    assert!(story.store.finish_merging());
    let now = story.now.plus(2 * MINUTE);
    story.sleeps(now.since(story.now));
    assert_eq!(files(room.path(), "entities-1m-").len(), 1, "and the parts are gone");

    let (story, _) = story.crashes(room.path());
    let then = story.store.snapshot().observe(NOON, NOON.plus(5 * MINUTE));
    assert_eq!((requests(&then), then.tiers), (3, vec![Tier::Minute]));
}

#[test]
fn a_log_cut_anywhere_gives_what_was_whole() {
    let room = tempfile::tempdir().unwrap();
    let mut story = kept_in(room.path());
    story.sleeps(0);
    let mut ends = Vec::new();
    for count in 1..=3 {
        story.receives(calls(story.now, front(), cart(), count, 20));
        story.store.tick(story.now).unwrap();
        ends.push((std::fs::metadata(files(room.path(), "log-")[0].clone()).unwrap().len(), count * (count + 1) / 2));
    }
    let now = story.now;
    drop(story);
    let log = files(room.path(), "log-").remove(0);
    let whole = std::fs::read(&log).unwrap();

    for length in 0..whole.len() {
        std::fs::write(&log, &whole[..length]).unwrap();
        let (store, report) = Store::open(config(room.path()), now).unwrap();
        let found = requests(&store.snapshot().observe(NOON, NOON.plus(MINUTE)));
        let expected = ends.iter().rev().find(|(end, _)| *end <= length as u64).map_or(0, |(_, sum)| *sum);
        assert_eq!(found, expected, "{length} bytes");
        let whole_frames = ends.iter().any(|(end, _)| *end == length as u64) || length == 8 || length == 0;
        assert_eq!(report.problems.is_empty(), whole_frames, "{length} bytes: {:?}", report.problems);
    }
}

#[test]
fn a_log_with_any_byte_wrong_is_read_up_to_there() {
    let room = tempfile::tempdir().unwrap();
    let mut story = kept_in(room.path());
    story.sleeps(0);
    story.receives(calls(story.now, front(), cart(), 1, 20));
    story.store.tick(story.now).unwrap();
    let now = story.now;
    drop(story);
    let log = files(room.path(), "log-").remove(0);
    let whole = std::fs::read(&log).unwrap();

    for place in 0..whole.len() {
        let mut wrong = whole.clone();
        wrong[place] ^= 0x55;
        std::fs::write(&log, &wrong).unwrap();
        let (store, report) = Store::open(config(room.path()), now).unwrap();
        assert_eq!(requests(&store.snapshot().observe(NOON, NOON.plus(MINUTE))), 0);
        assert_eq!(report.problems.len(), 1);
    }
}

#[test]
fn a_corrupt_file_is_lost_alone_and_named() {
    let room = tempfile::tempdir().unwrap();
    let mut story = kept_in(room.path());
    for _ in 0..3 {
        story.receives(calls(story.now, front(), cart(), 1, 20));
        story.sleeps(HOUR);
    }
    story.sleeps(3 * MINUTE);
    let minutes = files(room.path(), "entities-1m-");
    assert_eq!(minutes.len(), 3);
    let mut bytes = std::fs::read(&minutes[1]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&minutes[1], bytes).unwrap();

    let (story, report) = story.crashes(room.path());

    assert_eq!(report.problems.len(), 1);
    assert!(report.problems[0].contains(minutes[1].file_name().unwrap().to_str().unwrap()), "{report:?}");
    let from = |hour: u64| NOON.plus(hour * HOUR);
    let by_minutes = |hour| requests(&story.store.snapshot().observe(from(hour), from(hour).plus(5 * MINUTE)));
    assert_eq!([by_minutes(0), by_minutes(1), by_minutes(2)], [1, 0, 1]);
    assert_eq!(requests(&story.last(4 * HOUR)), 3, "longer blocks have files of their own");
    assert!(files(room.path(), ".corrupt").len() == 1, "it is kept for whoever wants to look");
}

#[test]
fn without_its_manifest_a_store_is_made_again_from_its_files() {
    for ruin in ["", "tidewatch-map 1 00000000\n{}"] {
        let room = tempfile::tempdir().unwrap();
        let mut story = kept_in(room.path());
        for _ in 0..3 {
            story.receives(calls(story.now, front(), cart(), 1, 20));
            story.sleeps(HOUR);
        }
        story.sleeps(3 * MINUTE);
        story.receives(calls(story.now, front(), cart(), 5, 20));
        story.sleeps(SECOND);
        match ruin {
            "" => std::fs::remove_file(room.path().join("manifest.json")).unwrap(),
            ruin => std::fs::write(room.path().join("manifest.json"), ruin).unwrap(),
        }

        let (story, report) = story.crashes(room.path());

        assert!(report.problems[0].contains("manifest.json"), "{report:?}");
        assert_eq!(
            edges(&story.last(4 * HOUR)),
            [("prod/shop/Deployment/front -> prod/shop/Deployment/cart-v1".to_owned(), 8)]
        );
    }
}

#[test]
fn names_that_are_lost_are_taken_from_the_dictionary_before() {
    let room = tempfile::tempdir().unwrap();
    let mut story = kept_in(room.path());
    for _ in 0..3 {
        story.receives(calls(story.now, front(), cart(), 1, 20));
        story.sleeps(HOUR);
    }
    let newest = files(room.path(), "entities-names-")
        .into_iter()
        .rfind(|path| path.to_string_lossy().contains("-facts"))
        .unwrap();
    std::fs::write(newest, "nothing").unwrap();

    let (story, report) = story.crashes(room.path());

    assert_eq!(report.problems.len(), 1, "{report:?}");
    assert_eq!(requests(&story.last(4 * HOUR)), 3);
}

#[test]
fn a_directory_of_another_version_is_left_alone() {
    let room = tempfile::tempdir().unwrap();
    let manifest = room.path().join("manifest.json");
    std::fs::write(&manifest, "tidewatch-map 99 00000000\n{}").unwrap();

    let (mut store, report) = Store::open(config(room.path()), NOON).unwrap();

    assert!(report.problems[0].contains("format 99"), "{report:?}");
    assert!(report.problems[0].contains("in memory only"), "{report:?}");
    store.apply(Rows { facts: vec![calls(NOON, front(), cart(), 1, 20)], ..Rows::default() }, NOON);
    store.tick(NOON).unwrap();
    assert_eq!(requests(&store.snapshot().observe(NOON, NOON.plus(1))), 1);
    assert_eq!(std::fs::read_to_string(manifest).unwrap(), "tidewatch-map 99 00000000\n{}");
}

#[test]
fn a_directory_in_use_is_not_used_twice() {
    let room = tempfile::tempdir().unwrap();
    let _first = kept_in(room.path());

    let (_second, report) = Store::open(config(room.path()), NOON).unwrap();

    assert!(report.problems[0].contains("another process uses it"), "{report:?}");
}

#[test]
fn a_directory_that_cannot_be_is_said_to_be_so() {
    let room = tempfile::tempdir().unwrap();
    let file = room.path().join("file");
    std::fs::write(&file, "").unwrap();

    let (_store, report) = Store::open(config(&file), NOON).unwrap();

    assert!(report.problems[0].contains("in memory only"), "{report:?}");
}

#[test]
fn a_full_disk_costs_nothing_that_memory_holds() {
    let room = tempfile::tempdir().unwrap();
    drop(kept_in(room.path()));
    let log = files(room.path(), "log-").remove(0);
    // Reads as empty, since the log is opened to be written only after it was read.
    std::fs::write(&log, "").unwrap();
    let (mut store, _) = Store::open(config(room.path()), NOON).unwrap();
    store.fill_disk();

    store.apply(Rows { facts: vec![calls(NOON, front(), cart(), 1, 20)], ..Rows::default() }, NOON);
    let full = store.tick(NOON).unwrap_err().to_string();

    assert!(full.contains("No space left") && full.contains("goes on in memory"), "{full}");
    assert_eq!(requests(&store.snapshot().observe(NOON, NOON.plus(1))), 1);
    store.free_disk();
    store.tick(NOON.plus(SECOND)).unwrap();
    drop(store);
    let (store, _) = Store::open(config(room.path()), NOON.plus(MINUTE)).unwrap();
    assert_eq!(requests(&store.snapshot().observe(NOON, NOON.plus(1))), 1, "it was written as soon as there was room");
}

#[test]
fn a_disk_that_takes_nothing_for_long_is_told_every_second_and_bounds_what_waits() {
    let room = tempfile::tempdir().unwrap();
    let mut story = kept_in(room.path());
    story.store.fill_disk();
    std::fs::remove_dir_all(room.path()).unwrap();
    let event = |number: usize| Event {
        reason: format!("{number}").into(),
        message: "x".repeat(1 << 20).into(),
        warning: false,
        count: 1,
    };
    let events = (0..70).map(|number| EventRow { at: NOON, subject: cart(), event: event(number) });
    story.store.apply(Rows { events: events.collect(), ..Rows::default() }, NOON);

    for second in 0..5 {
        let now = NOON.plus(second * SECOND);
        story.receives(calls(now, front(), cart(), 1, 20));
        assert!(story.store.tick(now).is_err(), "second {second}");
    }

    std::fs::create_dir(room.path()).unwrap();
    story.now = NOON.plus(2 * MINUTE);
    story.store.tick(story.now).unwrap();
    let (story, _) = story.crashes(room.path());
    assert_eq!(requests(&story.last(5 * MINUTE)), 5, "a new log began with what memory held");
}

#[test]
fn a_directory_that_can_only_be_read_is_read() {
    let room = tempfile::tempdir().unwrap();
    let mut story = kept_in(room.path());
    for _ in 0..3 {
        story.receives(calls(story.now, front(), cart(), 1, 20));
        story.sleeps(HOUR);
    }
    // To root every directory is writable; a lock that is a directory is not, even to root.
    let now = story.now;
    drop(story);
    std::fs::remove_file(room.path().join("lock")).unwrap();
    std::fs::create_dir(room.path().join("lock")).unwrap();

    let (store, report) = Store::open(config(room.path()), now).unwrap();
    let mut story = Story { store, now };

    assert!(report.problems[0].contains("nothing new will be kept"), "{report:?}");
    assert_eq!(requests(&story.last(4 * HOUR)), 3);
    story.receives(calls(story.now, front(), cart(), 4, 20));
    story.after(MINUTE);
    assert_eq!(requests(&story.last(4 * HOUR)), 7);
}

#[test]
fn too_many_bytes_cost_the_oldest_minutes_first() {
    let room = tempfile::tempdir().unwrap();
    let roomy = config(room.path());
    let mut story = story_with(StoreConfig { disk_bytes: 90_000, ..roomy });
    for _ in 0..30 {
        story.receives(calls(story.now, front(), cart(), 1, 20));
        story.sleeps(HOUR);
        while story.store.finish_merging() {}
    }
    story.sleeps(3 * MINUTE);

    assert!(story.store.tick(story.now).unwrap().disk_bytes <= 90_000);
    let observed = story.last(31 * HOUR);
    assert_eq!(requests(&observed), 30);
    let early = story.store.snapshot().observe(NOON, NOON.plus(30 * MINUTE));
    assert!(early.tiers.iter().all(|tier| *tier > Tier::Minute), "{:?}", early.tiers);
}

#[test]
fn old_files_go_when_their_time_is_over() {
    let room = tempfile::tempdir().unwrap();
    let retention = Retention { minutes: 3 * HOUR, ..Retention::default() };
    let mut story = story_with(StoreConfig { retention, ..config(room.path()) });
    for _ in 0..8 {
        story.receives(calls(story.now, front(), cart(), 1, 20));
        story.sleeps(HOUR);
    }
    story.sleeps(3 * MINUTE);
    story.sleeps(2 * MINUTE);

    assert!(files(room.path(), "entities-1m-").len() <= 4);
    assert_eq!(requests(&story.last(9 * HOUR)), 8);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]

    #[test]
    fn a_store_that_is_opened_again_tells_the_same(
        seconds in proptest::collection::vec(proptest::collection::vec((0_u64..5 * HOUR, 0_u8..5, super::blocks::any_measures()), 0..4), 1..8),
        pause in 0_u64..2 * HOUR,
    ) {
        let room = tempfile::tempdir().unwrap();
        let mut story = kept_in(room.path());
        for second in seconds {
            let rows = second.into_iter().map(|(ago, target, measures)| {
                let target = end(service("shop", &format!("t{target}")));
                FactRow { measures, ..calls(story.now.minus(ago), front(), target, 0, 0) }
            });
            let facts = rows.collect();
            story.store.apply(Rows { facts, ..Rows::default() }, story.now);
            story.sleeps(SECOND + pause / 8);
        }
        let before = told(&story.last(DAY));

        let (story, report) = story.crashes(room.path());

        proptest::prop_assert_eq!(report.problems, Vec::<String>::new());
        proptest::prop_assert_eq!(told(&story.last(DAY)), before);
    }
}
