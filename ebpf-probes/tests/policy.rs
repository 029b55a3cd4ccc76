//! Who is observed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a surprise ends the test")]

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};

use common::{Seen, Story, connected, only_this_process, receive, send};
use ebpf_probes::{CgroupId, Decision, ProbeConfig, Subject, Tgid};

/// Another process with a connection to us: it sends each line that it is told.
struct Talker {
    process: Child,
    orders: ChildStdin,
    ears: BufReader<TcpStream>,
}

impl Talker {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let script = format!("exec 3<>/dev/tcp/127.0.0.1/{port}; while read line; do echo $line >&3; done");
        let mut process = Command::new("/bin/bash").args(["-c", &script]).stdin(Stdio::piped()).spawn().unwrap();
        let orders = process.stdin.take().unwrap();
        let (ears, _) = listener.accept().unwrap();
        Self { process, orders, ears: BufReader::new(ears) }
    }

    fn tgid(&self) -> Tgid {
        Tgid(self.process.id())
    }

    /// Returns when the line has arrived.
    fn says(&mut self, line: &str) {
        writeln!(self.orders, "{line}").unwrap();
        let mut heard = String::new();
        self.ears.read_line(&mut heard).unwrap();
        assert_eq!(heard.trim_end(), line);
    }
}

impl Drop for Talker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What a process was seen to send, as text.
fn said(seen: &Seen, tgid: Tgid) -> Vec<String> {
    let of_it = seen.chunks.iter().filter(|chunk| chunk.header.tgid == tgid);
    of_it.map(|chunk| String::from_utf8_lossy(&chunk.payload).trim_end().to_owned()).collect()
}

fn observe_all() -> ProbeConfig {
    ProbeConfig { exclude_self: false, ..ProbeConfig::default() }
}

#[test]
fn an_ignored_process_leaves_no_record() {
    let Some(mut story) = Story::begin_with(&observe_all()) else { return };
    let mut talker = Talker::start();
    let tgid = talker.tgid();

    story.decide(tgid.0, Decision::Ignore);
    talker.says("secret");
    story.decide(tgid.0, Decision::Observe);
    talker.says("public");

    story.until("what was said in public", |seen| said(seen, tgid).contains(&"public".to_owned()));
    assert_eq!(said(&story.seen, tgid), ["public"]);
}

#[test]
fn an_undecided_process_is_captured_and_marked_until_it_is_decided() {
    let config = ProbeConfig { default_decision: Decision::Undecided, ..observe_all() };
    let Some(mut story) = Story::begin_with(&config) else { return };
    let mut talker = Talker::start();
    let tgid = talker.tgid();

    talker.says("from the first byte");
    story.until("the first line", |seen| said(seen, tgid).len() == 1);
    let first = story.seen.chunks.iter().find(|chunk| chunk.header.tgid == tgid).unwrap().header;
    assert!(first.undecided);

    story.decide(tgid.0, Decision::Observe);
    talker.says("decided");
    story.until("the second line", |seen| said(seen, tgid).len() == 2);
    let second = story.seen.chunks.iter().rfind(|chunk| chunk.header.tgid == tgid).unwrap().header;
    assert!(!second.undecided);
}

#[test]
fn a_process_that_becomes_another_program_is_decided_anew() {
    let Some(mut story) = Story::begin_with(&observe_all()) else { return };
    // This process is ignored, and its children begin with the same decision; but exec makes them new.
    story.decide(std::process::id(), Decision::Ignore);

    let mut talker = Talker::start();
    let tgid = talker.tgid();
    talker.says("hello");

    story.until("the new program", |seen| said(seen, tgid) == ["hello"]);
    assert!(said(&story.seen, Tgid(std::process::id())).is_empty());
}

#[test]
fn a_cgroup_decides_for_all_below_it_and_the_nearest_wins() {
    let Some(mut story) = Story::begin_with(&only_this_process()) else { return };
    let Some(root) = cgroup_root() else {
        eprintln!("SKIPPED: no cgroup version 2 is mounted");
        return;
    };
    let outer = Cgroup::create(root.join(format!("tidewatch-test-{}", std::process::id())));
    let inner = Cgroup::create(outer.path.join("pod"));
    let innermost = Cgroup::create(inner.path.join("container"));
    let mut talker = Talker::start();
    let tgid = talker.tgid();
    innermost.take(tgid);

    story.probes.set_policy(Subject::Cgroup(outer.id()), Decision::Observe).unwrap();
    talker.says("one");
    story.probes.set_policy(Subject::Cgroup(inner.id()), Decision::Ignore).unwrap();
    talker.says("two");
    story.probes.set_policy(Subject::Process(tgid), Decision::Observe).unwrap();
    talker.says("three");
    story.probes.clear_policy(Subject::Process(tgid)).unwrap();
    talker.says("four");
    story.probes.clear_policy(Subject::Cgroup(inner.id())).unwrap();
    talker.says("five");

    story.until("the last line", |seen| said(seen, tgid).contains(&"five".to_owned()));
    assert_eq!(said(&story.seen, tgid), ["one", "three", "five"]);
    drop(talker);
}

fn cgroup_root() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/mounts").ok()?;
    let line = mounts.lines().find(|line| line.split(' ').nth(2) == Some("cgroup2"))?;
    line.split(' ').nth(1).map(PathBuf::from)
}

struct Cgroup {
    path: PathBuf,
}

impl Cgroup {
    fn create(path: PathBuf) -> Self {
        fs::create_dir(&path).unwrap();
        Self { path }
    }

    fn id(&self) -> CgroupId {
        CgroupId(fs::metadata(&self.path).unwrap().ino())
    }

    fn take(&self, tgid: Tgid) {
        fs::write(self.path.join("cgroup.procs"), tgid.0.to_string()).unwrap();
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // Processes of it may still be leaving.
        while fs::remove_dir(&self.path).is_err_and(|error| error.kind() == std::io::ErrorKind::ResourceBusy) {
            std::thread::yield_now();
        }
    }
}

#[test]
fn connections_with_ourselves_at_either_end_are_dropped() {
    let Some(mut story) = Story::begin_with(&ProbeConfig::default()) else { return };
    let mut talker = Talker::start();
    let tgid = talker.tgid();

    talker.says("to Tidewatch itself");

    assert_eq!(story.probes.own_tgid().unwrap().0, std::process::id());
    story.until("both opens", |seen| {
        let own = seen.opens.iter().find(|open| open.own && open.tgid.0 == std::process::id());
        own.is_some() && seen.opens.iter().any(|open| open.tgid == tgid)
    });
    story.until_counted("a dropped peer", |counters| counters.own_peers > 0);
    let (client, server) = connected();
    send(&client, b"between ourselves", 0);
    receive(&server, 20, 0);
    story.until("our own open", |seen| seen.open_of(&server).is_some_and(|open| open.own));
    assert!(said(&story.seen, tgid).is_empty(), "{:?}", story.seen.chunks);
    assert!(said(&story.seen, Tgid(std::process::id())).is_empty());
}
