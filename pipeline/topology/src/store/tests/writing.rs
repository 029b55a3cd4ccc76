//! Files that are written while the store goes on.

use std::path::{Path, PathBuf};

use super::durable::{cart, config, files, front, kept_in, told};
use super::support::*;
use crate::store::spread::step_of;
use crate::store::{Store, StoreConfig};
use crate::*;

/// Something that is in the way of a file.
struct Obstacle(PathBuf);

impl Obstacle {
    fn of(directory: &Path, name: &str) -> Self {
        std::fs::create_dir(directory.join(name)).unwrap();
        Self(directory.join(name))
    }

    fn goes(self) {
        std::fs::remove_dir(self.0).unwrap();
    }
}

fn copy(from: &Path, to: &Path, wanted: impl Fn(&str) -> bool) {
    for path in files(from, "").into_iter().filter(|path| path.is_file()) {
        let name = path.file_name().unwrap().to_str().unwrap();
        if wanted(name) {
            std::fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

fn first_two_hours(store: &Store) -> std::collections::BTreeMap<String, Vec<String>> {
    told(&store.snapshot().observe(NOON, NOON.plus(2 * HOUR)))
}

#[test]
fn a_crash_at_any_point_of_writing_loses_nothing_and_counts_nothing_twice() {
    let room = tempfile::tempdir().unwrap();
    let mut story = kept_in(room.path());
    story.receives(calls(NOON, front(), cart(), 1, 20));
    story.sleeps(50 * MINUTE);
    story.receives(calls(story.now, front(), cart(), 2, 30));
    story.sleeps(11 * MINUTE);
    story.receives(calls(story.now, front(), cart(), 4, 40));
    // All files but the last: in this state the store goes on for a while.
    let base = Obstacle::of(room.path(), "base-00000003.draft");
    story.now = story.now.plus(2 * MINUTE);
    assert_eq!(story.store.tick(story.now).unwrap().files, 0);
    story.store.finish_writing();
    story.receives(calls(NOON.plus(MINUTE), front(), cart(), 8, 20));
    story.receives(calls(story.now, cart(), outside(OutsideKind::Redis, "cache:6379"), 16, 2));
    story.now = story.now.plus(SECOND);
    story.store.tick(story.now).unwrap();
    let expected = first_two_hours(&story.store);
    assert_eq!(requests(&story.last(2 * HOUR)), 31);
    let meanwhile = tempfile::tempdir().unwrap();
    copy(room.path(), meanwhile.path(), |_| true);
    let is_new = |name: &str| name.ends_with("-00000003.parquet") || name.contains("names-00000003");
    let new: Vec<_> =
        files(meanwhile.path(), "00000003").into_iter().filter(|path| is_new(path.to_str().unwrap())).collect();
    assert_eq!(new.len(), 3 + 3, "minutes, ten minutes and an hour, and the names");

    base.goes();
    story.now = story.now.plus(2 * MINUTE);
    story.store.tick(story.now).unwrap();
    story.store.finish_writing();
    assert_eq!(first_two_hours(&story.store), expected, "running");
    let now = story.now;
    let tells = |directory: &Path, when: &str| {
        let (store, report) = Store::open(config(directory), now).unwrap();
        assert_eq!(report.problems, Vec::<String>::new(), "{when}");
        assert_eq!(first_two_hours(&store), expected, "{when}");
    };
    for written in 0..=new.len() {
        let crashed = tempfile::tempdir().unwrap();
        copy(meanwhile.path(), crashed.path(), |name| {
            !is_new(name) || new.iter().take(written).any(|path| path.ends_with(name))
        });
        tells(crashed.path(), &format!("{written} files were there"));
    }
    let whole = tempfile::tempdir().unwrap();
    copy(meanwhile.path(), whole.path(), |_| true);
    copy(room.path(), whole.path(), |name| name == "base-00000003");
    tells(whole.path(), "all but the manifest was there");
    let with_old_log = tempfile::tempdir().unwrap();
    copy(room.path(), with_old_log.path(), |_| true);
    copy(meanwhile.path(), with_old_log.path(), |name| name == "log-00000002");
    tells(with_old_log.path(), "the log before was not removed yet");

    assert_eq!(files(room.path(), "log-").len(), 1, "the log before is gone");
    story.sleeps(HOUR);
    assert_eq!(files(room.path(), "entities-1m-20241004T12").len(), 2, "what was late has a file of its own");
    drop(story);
    let (store, _) = Store::open(config(room.path()), now.plus(HOUR)).unwrap();
    assert_eq!(first_two_hours(&store), expected);
}

#[test]
fn what_steps_tell_no_more_is_in_the_base_by_minutes() {
    let room = tempfile::tempdir().unwrap();
    let mut story = story_with(StoreConfig { memory_bytes: 8_500, ..config(room.path()) });
    story.sleeps(0);
    let obstacles: Vec<_> = (3..20).map(|number| Obstacle::of(room.path(), &format!("log-{number:08}"))).collect();
    for _ in 0..75 {
        story.receives(calls(story.now, front(), cart(), 1, 20));
        story.now = story.now.plus(MINUTE);
        // No new log can be begun, so steps of the hour that runs leave memory before it is.
        let _ = story.store.tick(story.now);
    }
    let steps_from = story.store.entities.timeline.line(Tier::Step).memory_from;
    assert!(steps_from > step_of(NOON.plus(HOUR)), "of the hour that runs steps are gone");
    obstacles.into_iter().for_each(Obstacle::goes);
    story.sleeps(2 * MINUTE);
    assert_eq!(files(room.path(), "base-").len(), 1);
    assert_eq!(requests(&story.last(2 * HOUR)), 75);
    let now = story.now;

    drop(story);
    let (store, _) = Store::open(config(room.path()), now).unwrap();

    assert_eq!(requests(&store.snapshot().observe(NOON, now)), 75);
}

#[test]
fn a_log_that_lacks_something_is_not_gone_on_from() {
    let room = tempfile::tempdir().unwrap();
    let mut story = kept_in(room.path());
    story.receives(calls(NOON, front(), cart(), 1, 20));
    story.sleeps(61 * MINUTE);
    let base = Obstacle::of(room.path(), "base-00000003.draft");
    story.sleeps(2 * MINUTE);
    story.store.fill_disk();
    let message = "x".repeat(1 << 20);
    let event = |number: usize| Event {
        reason: number.to_string().into(),
        message: message.as_str().into(),
        warning: false,
        count: 1,
    };
    let events = (0..70).map(|number| EventRow { at: story.now, subject: cart(), event: event(number) });
    story.store.apply(Rows { events: events.collect(), ..Rows::default() }, story.now);
    story.receives(calls(story.now, front(), cart(), 2, 20));
    story.now = story.now.plus(SECOND);
    story.store.tick(story.now).unwrap_err();
    base.goes();
    story.now = story.now.plus(2 * MINUTE);
    story.store.tick(story.now).unwrap_err();

    story.now = story.now.plus(SECOND);
    assert_eq!(story.store.tick(story.now).unwrap().files, 3);
    let now = story.now;
    drop(story);
    let (store, report) = Store::open(config(room.path()), now).unwrap();

    assert_eq!(report.problems, Vec::<String>::new());
    assert_eq!(requests(&store.snapshot().observe(NOON, now)), 3);
}

#[test]
fn what_follows_a_log_that_is_not_whole_is_lost_and_said_to_be() {
    let room = tempfile::tempdir().unwrap();
    let mut story = kept_in(room.path());
    story.receives(calls(NOON, front(), cart(), 1, 20));
    story.sleeps(61 * MINUTE);
    let _base = Obstacle::of(room.path(), "base-00000003.draft");
    story.sleeps(2 * MINUTE);
    story.receives(calls(story.now, front(), end(workload("shop", "new")), 2, 20));
    story.now = story.now.plus(SECOND);
    story.store.tick(story.now).unwrap();
    let now = story.now;
    drop(story);
    let log = room.path().join("log-00000002");
    let mut bytes = std::fs::read(&log).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&log, bytes).unwrap();

    let (mut store, report) = Store::open(config(room.path()), now).unwrap();
    assert_eq!(report.problems.len(), 2, "{report:?}");
    assert!(report.problems[1].contains("is lost"), "{report:?}");
    assert_eq!(edges(&store.snapshot().observe(NOON, now)).len(), 1);
    assert_eq!(files(room.path(), "log-").len(), 1);
    store.tick(now.plus(SECOND)).unwrap();
    drop(store);

    let (_, report) = Store::open(config(room.path()), now.plus(MINUTE)).unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
}
