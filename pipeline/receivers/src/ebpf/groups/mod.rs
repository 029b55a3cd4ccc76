//! What observed processes use of the machine: CPU time, memory and their limits, as their control groups count them.
//!
//! In this room: whose a group is, increments since the last report, the metrics.
//! Not here: who is observed (`selection`), who processes are (`observe`).
//!
//! Enter at [`Groups::report`].

mod files;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::rc::Rc;

use hashbrown::{HashMap, HashSet};
use pdata::{Batch, MetricsWriter, Number, PointFields, Temporality};

pub use self::files::GroupFiles;
use self::files::{Cpu, CpuGroup, Membership, Memory, MemoryGroup};
use crate::observe::{Identify, Process};

/// Most processes whose groups are looked at.
const MOST_PROCESSES: usize = 16_384;
/// Most groups that are told of.
const MOST_GROUPS: usize = 4096;
const SCOPE: &str = "tidewatch";

/// Groups of observed processes.
#[derive(Debug)]
pub struct Groups {
    files: GroupFiles,
    temporality: Temporality,
    observed: HashSet<u32>,
    /// Groups that the last report told of.
    series: HashMap<CpuGroup, Series>,
    counts: GroupCounts,
}

/// How many groups the last report told of, and why not of others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GroupCounts {
    /// Told of.
    pub told: u64,
    /// Left out: processes of different services are in them, so that they are nobody's.
    pub shared: u64,
    /// Left out: too many.
    pub over_limit: u64,
}

/// What a group had used when it was first looked at, and when it last was.
#[derive(Debug, Clone, Copy)]
struct Series {
    first: Sample,
    last: Sample,
}

#[derive(Debug, Clone, Copy)]
struct Sample {
    /// Unix nanoseconds.
    at: u64,
    cpu: Cpu,
}

/// Whose a group is.
#[derive(Debug)]
enum Tenant {
    /// Of this process and others of its service. The one with the lowest id stands for them.
    One(Rc<Process>),
    /// Of several services.
    Many,
}

/// What a process stands for.
#[derive(Debug, Default)]
struct Holdings {
    cpu: Option<CpuGroup>,
    memory: Option<MemoryGroup>,
}

impl Groups {
    /// Nobody is observed yet.
    pub fn new(files: GroupFiles, temporality: Temporality) -> Self {
        let (observed, series) = (HashSet::new(), HashMap::new());
        Self { files, temporality, observed, series, counts: GroupCounts::default() }
    }

    /// A process is observed, from now until it is gone.
    pub fn observe(&mut self, pid: u32) {
        if self.observed.len() < MOST_PROCESSES {
            self.observed.insert(pid);
        }
    }

    /// A process is gone.
    pub fn ended(&mut self, pid: u32) {
        self.observed.remove(&pid);
    }

    /// What the last report told of.
    pub fn counts(&self) -> GroupCounts {
        self.counts
    }

    /// All metrics at `now`, Unix nanoseconds.
    pub fn report(&mut self, now: u64, identify: &mut impl Identify) -> Option<Batch> {
        let held = self.held(identify);
        let mut writer = MetricsWriter::new();
        let mut series = HashMap::with_capacity(held.len());
        for (process, holdings) in held.values() {
            writer.resource(|attributes| {
                process.attributes.iter().for_each(|(key, value)| {
                    attributes.add(key, value.as_str());
                });
            });
            writer.scope(SCOPE, env!("CARGO_PKG_VERSION"));
            if let Some(group) = &holdings.cpu {
                let last = Sample { at: now, cpu: self.files.cpu(group) };
                let known = self.series.get(group).filter(|known| known.last.leads_to(&last));
                write_cpu(&mut writer, known, last, self.temporality);
                series.insert(group.clone(), Series { first: known.map_or(last, |known| known.first), last });
            }
            if let Some(group) = &holdings.memory {
                write_memory(&mut writer, self.files.memory(group), now);
            }
        }
        self.series = series;
        (writer.items() > 0).then(|| writer.finish())
    }

    /// The groups that are somebody's, by the process that stands for them.
    fn held(&mut self, identify: &mut impl Identify) -> BTreeMap<u32, (Rc<Process>, Holdings)> {
        let (mut cpu, mut memory) = (BTreeMap::new(), BTreeMap::new());
        let mut pids: Vec<u32> = self.observed.iter().copied().collect();
        pids.sort_unstable();
        for pid in pids {
            let Some(Membership { cpu: of_cpu, memory: of_memory }) = self.files.membership(pid) else {
                self.observed.remove(&pid);
                continue;
            };
            let process = identify.process(pid);
            of_cpu.into_iter().for_each(|group| join(&mut cpu, group, &process));
            of_memory.into_iter().for_each(|group| join(&mut memory, group, &process));
        }
        self.counts = GroupCounts::default();
        let mut held: BTreeMap<u32, (Rc<Process>, Holdings)> = BTreeMap::new();
        for (group, tenant) in cpu {
            if let Some(process) = self.counts.admit(tenant) {
                held.entry(process.pid).or_insert_with(|| (process, Holdings::default())).1.cpu = Some(group);
            }
        }
        for (group, tenant) in memory {
            if let Some(process) = self.counts.admit(tenant) {
                held.entry(process.pid).or_insert_with(|| (process, Holdings::default())).1.memory = Some(group);
            }
        }
        held
    }
}

impl Sample {
    /// Whether a later sample counts on from this one: not if another group of the same name took the place of this one.
    fn leads_to(&self, later: &Self) -> bool {
        let (before, after) = (&self.cpu, &later.cpu);
        let used = (before.used, after.used);
        let periods = (before.periods.map(|periods| periods.all), after.periods.map(|periods| periods.all));
        [used, periods].iter().all(|(before, after)| before.is_some() == after.is_some() && before <= after)
    }
}

impl GroupCounts {
    /// The process that stands for a group, if the group is told of.
    fn admit(&mut self, tenant: Tenant) -> Option<Rc<Process>> {
        let (count, process) = match tenant {
            Tenant::Many => (&mut self.shared, None),
            Tenant::One(_) if self.told >= MOST_GROUPS as u64 => (&mut self.over_limit, None),
            Tenant::One(process) => (&mut self.told, Some(process)),
        };
        *count = count.saturating_add(1);
        process
    }
}

fn join<G: Ord>(groups: &mut BTreeMap<G, Tenant>, group: G, process: &Rc<Process>) {
    let tenant = groups.entry(group).or_insert_with(|| Tenant::One(Rc::clone(process)));
    if matches!(tenant, Tenant::One(other) if service(other) != service(process)) {
        *tenant = Tenant::Many;
    }
}

/// What processes of one service have in common.
fn service(process: &Process) -> (&str, Option<&str>, Option<&str>) {
    (&process.service_name, process.workload(), process.attribute("k8s.namespace.name"))
}

fn write_cpu(writer: &mut MetricsWriter, known: Option<&Series>, now: Sample, temporality: Temporality) {
    let Sample { at, cpu } = now;
    gauge(writer, "container.cpu.limit", "CPUs that may be used.", "{cpu}", at, cpu.limit.map(Number::Double));
    let Some(known) = known else { return };
    let usage = usage(&known.last, &now).map(Number::Double);
    gauge(writer, "container.cpu.usage", "CPUs in use.", "{cpu}", at, usage);
    let since = if temporality == Temporality::Delta { known.last } else { known.first };
    let mut sum = |name: &str, description: &str, unit: &str, value: Option<Number>| {
        let Some(value) = value else { return };
        let fields = PointFields { start_unix_nano: since.at, time_unix_nano: at, flags: 0 };
        writer.sum(name, description, unit, temporality, true, |points| {
            points.number(&fields, value, |_| {});
        });
    };
    let used = cpu.used.zip(since.cpu.used).map(|(now, since)| seconds(now.saturating_sub(since)));
    sum("container.cpu.time", "CPU time used.", "s", used.map(Number::Double));
    // Only who has a limit is held back by it.
    let Some((now, since)) = cpu.limit.and(cpu.periods.zip(since.cpu.periods)) else { return };
    let grown = |now: u64, since: u64| i64::try_from(now.saturating_sub(since)).ok().map(Number::Int);
    let description = "Scheduling periods in which it wanted to run.";
    sum("container.cpu.periods", description, "{period}", grown(now.all, since.all));
    let description = "Scheduling periods in which its limit held it back.";
    sum("container.cpu.throttled_periods", description, "{period}", grown(now.held_back, since.held_back));
}

fn write_memory(writer: &mut MetricsWriter, memory: Memory, at: u64) {
    let bytes = |bytes: Option<u64>| bytes.and_then(|bytes| i64::try_from(bytes).ok()).map(Number::Int);
    let description = "Memory in use, without pages of files that could be dropped.";
    gauge(writer, "container.memory.working_set", description, "By", at, bytes(memory.working_set));
    gauge(writer, "container.memory.limit", "Memory that may be used.", "By", at, bytes(memory.limit));
}

fn gauge(writer: &mut MetricsWriter, name: &str, description: &str, unit: &str, at: u64, value: Option<Number>) {
    let Some(value) = value else { return };
    let fields = PointFields { time_unix_nano: at, ..PointFields::default() };
    writer.gauge(name, description, unit, |points| {
        points.number(&fields, value, |_| {});
    });
}

/// CPUs in use between two looks.
fn usage(before: &Sample, now: &Sample) -> Option<f64> {
    let passed = now.at.checked_sub(before.at).filter(|passed| *passed > 0)?;
    let used = now.cpu.used?.checked_sub(before.cpu.used?)?;
    Some(seconds(used) / seconds(passed))
}

fn seconds(nanoseconds: u64) -> f64 {
    std::time::Duration::from_nanos(nanoseconds).as_secs_f64()
}
