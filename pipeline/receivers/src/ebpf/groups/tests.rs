//! Stories of a machine whose control groups are folders of a test, and one of this machine's own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::rc::Rc;
use std::time::Duration;

use hashbrown::HashMap;
use pdata::{Batch, Temporality};

use super::files::Periods;
use super::{GroupCounts, GroupFiles, Groups};
use crate::observe::stories::as_json;
use crate::observe::{Identify, Process};

const SECOND: u64 = 1_000_000_000;

/// A machine: its processes, its groups, and who its processes are.
struct Host {
    root: tempfile::TempDir,
    people: People,
}

#[derive(Default)]
struct People(HashMap<u32, Rc<Process>>);

impl Identify for People {
    fn process(&mut self, id: u32) -> Rc<Process> {
        Rc::clone(&self.0[&id])
    }
}

impl Host {
    /// With version 2 at its usual place.
    fn new() -> Self {
        let host = Self { root: tempfile::tempdir().unwrap(), people: People::default() };
        host.write("cgroup/cgroup.controllers", "cpu memory\n");
        host
    }

    /// With version 1, and version 2 beside it.
    fn of_old() -> Self {
        let host = Self { root: tempfile::tempdir().unwrap(), people: People::default() };
        host.write("cgroup/unified/cgroup.controllers", "\n");
        host
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A process of a service begins.
    fn runs(&mut self, pid: u32, service: &str, cgroup: &str) {
        self.write(&format!("proc/{pid}/cgroup"), cgroup);
        let attributes = [("service.name", service.to_owned()), ("service.instance.id", format!("node:{pid}"))];
        let process = Process {
            pid,
            service_name: service.into(),
            executable: String::new(),
            cgroup: String::new(),
            declares_sdk: false,
            attributes: attributes.map(|(key, value)| (key.to_owned(), value)).into(),
        };
        self.people.0.insert(pid, Rc::new(process));
    }

    fn ends(&self, pid: u32) {
        fs::remove_dir_all(self.root.path().join(format!("proc/{pid}"))).unwrap();
    }

    /// All of its processes are observed.
    fn groups(&self, temporality: Temporality) -> Groups {
        let files = GroupFiles::new(self.root.path().join("proc"), self.root.path().join("cgroup"));
        let mut groups = Groups::new(files, temporality);
        self.people.0.keys().for_each(|pid| groups.observe(*pid));
        groups
    }

    fn report(&mut self, groups: &mut Groups, at: u64) -> Told {
        groups.report(at, &mut self.people).map(|batch| told(&batch)).unwrap_or_default()
    }
}

/// Values by instance and metric.
type Told = BTreeMap<(String, String), f64>;

fn told(batch: &Batch) -> Told {
    let mut told = Told::new();
    for resource in as_json(batch)["resourceMetrics"].as_array().unwrap() {
        let attributes = resource["resource"]["attributes"].as_array().unwrap();
        let instance = attributes.iter().find(|pair| pair["key"] == "service.instance.id").unwrap();
        let instance = instance["value"]["stringValue"].as_str().unwrap();
        for metric in resource["scopeMetrics"][0]["metrics"].as_array().unwrap() {
            let kind = if metric["sum"].is_object() { &metric["sum"] } else { &metric["gauge"] };
            let point = &kind["dataPoints"][0];
            let value = point["asDouble"].as_f64().or_else(|| point["asInt"].as_str()?.parse().ok());
            told.insert((instance.to_owned(), metric["name"].as_str().unwrap().to_owned()), value.unwrap());
        }
    }
    told
}

fn of(instance: &str, values: &[(&str, f64)]) -> Told {
    values.iter().map(|(name, value)| ((instance.to_owned(), format!("container.{name}")), *value)).collect()
}

#[test]
fn a_group_of_version_two_tells_use_limits_and_how_often_they_held_it_back() {
    let mut host = Host::new();
    host.runs(7, "cart", "0::/pods/cart\n");
    host.write("cgroup/pods/cart/cpu.max", "50000 100000\n");
    host.write("cgroup/pods/cart/cpu.stat", "usage_usec 9000000\nuser_usec 1\nnr_periods 100\nnr_throttled 10\n");
    host.write("cgroup/pods/cart/memory.current", "1000000\n");
    host.write("cgroup/pods/cart/memory.stat", "anon 1\ninactive_file 400000\nactive_file 5\n");
    host.write("cgroup/pods/cart/memory.max", "2000000\n");
    let mut groups = host.groups(Temporality::Cumulative);

    let state = [("cpu.limit", 0.5), ("memory.working_set", 600_000.0), ("memory.limit", 2_000_000.0)];
    assert_eq!(host.report(&mut groups, 100 * SECOND), of("node:7", &state));

    // Ten seconds later it has used four more, and of a hundred more periods it was held back in eighty.
    host.write("cgroup/pods/cart/cpu.stat", "usage_usec 13000000\nuser_usec 1\nnr_periods 200\nnr_throttled 90\n");
    let mut grown = of("node:7", &state);
    let cpu = [("cpu.usage", 0.4), ("cpu.time", 4.0), ("cpu.periods", 100.0), ("cpu.throttled_periods", 80.0)];
    grown.extend(of("node:7", &cpu));
    assert_eq!(host.report(&mut groups, 110 * SECOND), grown);
    assert_eq!(groups.counts(), GroupCounts { told: 2, shared: 0, over_limit: 0 });
}

#[test]
fn version_one_limits_and_counts_in_folders_of_their_own() {
    let mut host = Host::of_old();
    host.runs(7, "cart", "9:name=systemd:/\n5:memory:/docker/a\n3:cpuacct:/docker/a\n2:cpu:/docker/a\n0::/\n");
    host.write("cgroup/cpu/docker/a/cpu.cfs_quota_us", "10000\n");
    host.write("cgroup/cpu/docker/a/cpu.cfs_period_us", "100000\n");
    host.write("cgroup/cpu/docker/a/cpu.stat", "nr_periods 10\nnr_throttled 1\nthrottled_time 5\n");
    host.write("cgroup/cpuacct/docker/a/cpuacct.usage", "1000000000\n");
    host.write("cgroup/memory/docker/a/memory.usage_in_bytes", "5000\n");
    host.write("cgroup/memory/docker/a/memory.stat", "inactive_file 1\ntotal_inactive_file 2000\n");
    host.write("cgroup/memory/docker/a/memory.limit_in_bytes", "9223372036854771712\n");
    let mut groups = host.groups(Temporality::Cumulative);
    let state = [("cpu.limit", 0.1), ("memory.working_set", 3000.0)];
    assert_eq!(host.report(&mut groups, SECOND), of("node:7", &state));

    host.write("cgroup/cpuacct/docker/a/cpuacct.usage", "1500000000\n");
    host.write("cgroup/cpu/docker/a/cpu.stat", "nr_periods 30\nnr_throttled 19\nthrottled_time 5\n");

    let mut grown = of("node:7", &state);
    let cpu = [("cpu.usage", 0.1), ("cpu.time", 0.5), ("cpu.periods", 20.0), ("cpu.throttled_periods", 18.0)];
    grown.extend(of("node:7", &cpu));
    assert_eq!(host.report(&mut groups, 6 * SECOND), grown);
}

#[test]
fn no_limit_is_no_value_and_nothing_is_held_back() {
    let mut host = Host::new();
    host.runs(7, "cart", "0::/cart\n");
    host.write("cgroup/cart/cpu.max", "max 100000\n");
    host.write("cgroup/cart/cpu.stat", "usage_usec 0\nnr_periods 0\nnr_throttled 0\n");
    host.write("cgroup/cart/memory.current", "5\n");
    host.write("cgroup/cart/memory.max", "max\n");
    let mut groups = host.groups(Temporality::Cumulative);
    host.report(&mut groups, SECOND);

    let told = host.report(&mut groups, 2 * SECOND);

    assert_eq!(told, of("node:7", &[("cpu.usage", 0.0), ("cpu.time", 0.0), ("memory.working_set", 5.0)]));
}

#[test]
fn deltas_are_what_is_new_and_totals_begin_when_we_first_looked() {
    for (temporality, seconds) in [(Temporality::Delta, [2.0, 3.0]), (Temporality::Cumulative, [2.0, 5.0])] {
        let mut host = Host::new();
        host.runs(7, "cart", "0::/cart\n");
        let mut groups = host.groups(temporality);
        let mut used = |microseconds: u64, at: u64| {
            host.write("cgroup/cart/cpu.stat", &format!("usage_usec {microseconds}\n"));
            host.report(&mut groups, at * SECOND).get(&("node:7".into(), "container.cpu.time".into())).copied()
        };

        assert_eq!(used(1_000_000, 1), None);
        assert_eq!([used(3_000_000, 10), used(6_000_000, 20)], seconds.map(Some));
        // A group that takes the place of another of the same name begins anew.
        assert_eq!(used(500_000, 30), None);
        assert_eq!(used(700_000, 40), Some(0.2));
    }
}

#[test]
fn the_processes_of_one_service_are_told_of_once_and_those_of_several_not() {
    let mut host = Host::new();
    for (pid, service, group) in
        [(9, "web", "web"), (8, "web", "web"), (10, "cart", "session"), (11, "shop", "session")]
    {
        host.runs(pid, service, &format!("0::/{group}\n"));
        host.write(&format!("cgroup/{group}/memory.current"), "5\n");
    }
    let mut groups = host.groups(Temporality::Cumulative);

    assert_eq!(host.report(&mut groups, SECOND), of("node:8", &[("memory.working_set", 5.0)]));
    // Each folder stands for CPU time and for memory.
    assert_eq!(groups.counts(), GroupCounts { told: 2, shared: 2, over_limit: 0 });

    // When one of two services leaves, the group is the other's.
    host.ends(11);
    let told = host.report(&mut groups, 2 * SECOND);
    assert_eq!(told[&("node:10".to_owned(), "container.memory.working_set".to_owned())], 5.0);
}

#[test]
fn the_machine_and_what_lies_outside_of_our_view_are_nobodys() {
    let mut host = Host::new();
    host.write("cgroup/memory.current", "5\n");
    host.write("secret/memory.current", "5\n");
    for (pid, path) in [(1, "/"), (2, "/../secret"), (3, "/a/../../secret"), (4, ""), (5, "secret")] {
        host.runs(pid, "x", &format!("0::{path}\n"));
    }
    host.runs(6, "x", "this is not what the kernel writes");
    let mut groups = host.groups(Temporality::Cumulative);

    assert_eq!(host.report(&mut groups, SECOND), Told::new());
    assert_eq!(groups.counts(), GroupCounts::default());
}

#[test]
fn files_that_say_something_else_say_nothing() {
    let mut host = Host::new();
    host.runs(7, "cart", "0::/cart\n");
    host.write("cgroup/cart/cpu.max", "-5 0\n");
    host.write("cgroup/cart/cpu.stat", "usage_usec many\nnr_periods\n");
    host.write("cgroup/cart/memory.current", "99999999999999999999999\n");
    let mut groups = host.groups(Temporality::Cumulative);
    host.report(&mut groups, SECOND);

    assert_eq!(host.report(&mut groups, 2 * SECOND), Told::new());
}

#[test]
fn there_is_room_for_so_many_processes_and_those_that_end_make_room() {
    let mut host = Host::new();
    host.runs(7, "cart", "0::/cart\n");
    let mut groups = host.groups(Temporality::Cumulative);
    (0..100_000).for_each(|pid| groups.observe(1_000_000 + pid));
    assert_eq!(groups.observed.len(), super::MOST_PROCESSES);

    groups.ended(1_000_000);
    host.report(&mut groups, SECOND);

    assert_eq!(groups.observed.len(), 1, "only one of them is there");
}

/// A group of this machine with a tenth of a CPU, and a process in it that wants a whole one.
struct Held {
    folders: Vec<PathBuf>,
    process: Child,
}

impl Held {
    /// `None` if this test may not make groups here.
    fn new() -> Option<Self> {
        let name = format!("tidewatch-story-{}", std::process::id());
        let hands_out_cpu = |root: &&Path| {
            let controllers = fs::read_to_string(root.join("cgroup.controllers")).unwrap_or_default();
            controllers.split_whitespace().any(|controller| controller == "cpu")
        };
        let two = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].map(Path::new).into_iter().find(hands_out_cpu);
        let (roots, limit) = match two {
            Some(root) => {
                fs::write(root.join("cgroup.subtree_control"), "+cpu").ok()?;
                (vec![root], ("cpu.max", "10000 100000"))
            }
            None => (
                vec![Path::new("/sys/fs/cgroup/cpu"), Path::new("/sys/fs/cgroup/cpuacct")],
                ("cpu.cfs_quota_us", "10000"),
            ),
        };
        let folders: Vec<PathBuf> = roots.iter().map(|root| root.join(&name)).collect();
        let are_made = folders.iter().all(|folder| folder.is_dir() || fs::create_dir(folder).is_ok());
        let process = Command::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap();
        let held = Self { folders, process };
        if !are_made {
            return None;
        }
        fs::write(held.folders[0].join(limit.0), limit.1).unwrap();
        let pid = held.process.id().to_string();
        held.folders.iter().for_each(|folder| fs::write(folder.join("cgroup.procs"), &pid).unwrap());
        Some(held)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        // An empty group that stays behind harms nobody.
        self.folders.iter().for_each(|folder| drop(fs::remove_dir(folder)));
    }
}

#[test]
fn this_machine_tells_of_a_real_process_that_its_limit_holds_back() {
    let Some(held) = Held::new() else {
        eprintln!("skipped: control groups cannot be made here");
        return;
    };
    let files = GroupFiles::new("/proc", "/sys/fs/cgroup");
    let group = files.membership(held.process.id()).and_then(|membership| membership.cpu).expect("it is in a group");

    let is_held_back = || {
        let cpu = files.cpu(&group);
        assert_eq!(cpu.limit, Some(0.1));
        assert!(cpu.used.is_some());
        matches!(cpu.periods, Some(Periods { all, held_back }) if held_back > 0 && held_back <= all)
    };
    // The kernel needs some tenths of a second for it; a busy machine takes longer.
    let tries = std::iter::repeat_with(is_held_back).take(6000);
    let was_seen = tries.inspect(|_| std::thread::sleep(Duration::from_millis(10))).any(|is_held_back| is_held_back);

    assert!(was_seen, "{:?}", files.cpu(&group));
}
