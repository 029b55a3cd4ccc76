//! What the files of control groups say, of version 1 and of version 2.

use std::io::Read;
use std::path::{Component, Path, PathBuf};

/// The group that counts and limits the CPU time of a process.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CpuGroup {
    /// Version 2: one folder.
    Two(PathBuf),
    /// Version 1, which limits and counts apart.
    One {
        /// Folder of the controller `cpu`.
        limits: Option<PathBuf>,
        /// Folder of the controller `cpuacct`.
        counts: Option<PathBuf>,
    },
}

/// The group that counts and limits the memory of a process.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemoryGroup {
    /// Version 2.
    Two(PathBuf),
    /// Version 1.
    One(PathBuf),
}

/// Of which groups a process is. The root is nobody's: it is the machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Membership {
    /// For CPU time.
    pub cpu: Option<CpuGroup>,
    /// For memory.
    pub memory: Option<MemoryGroup>,
}

/// What is known of a group's CPU time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cpu {
    /// Nanoseconds used so far.
    pub used: Option<u64>,
    /// CPUs that it may use at a time; `None` if all.
    pub limit: Option<f64>,
    /// How often that limit was looked after.
    pub periods: Option<Periods>,
}

/// Scheduling periods so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Periods {
    /// All in which the group wanted to run.
    pub all: u64,
    /// Those in which the limit held it back.
    pub held_back: u64,
}

/// What is known of a group's memory, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// In use, without the pages of files that could be dropped at once.
    pub working_set: Option<u64>,
    /// What it may use; `None` if all.
    pub limit: Option<u64>,
}

/// Version 1 writes "no limit" as the largest number of whole pages.
const NO_LIMIT: u64 = 1 << 62;

/// The files of this host.
#[derive(Debug, Clone)]
pub struct GroupFiles {
    processes: PathBuf,
    groups: PathBuf,
    /// Folder of the hierarchy of version 2, if there is one.
    unified: Option<PathBuf>,
}

impl GroupFiles {
    /// Outside of tests, `processes` is `/proc` and `groups` is `/sys/fs/cgroup`.
    pub fn new(processes: impl Into<PathBuf>, groups: impl Into<PathBuf>) -> Self {
        let groups = groups.into();
        // Beside version 1, version 2 stands in a folder of its own.
        let unified = [groups.clone(), groups.join("unified")];
        let unified = unified.into_iter().find(|folder| folder.join("cgroup.controllers").exists());
        Self { processes: processes.into(), groups, unified }
    }

    /// The groups of a process; `None` if it is gone.
    pub fn membership(&self, pid: u32) -> Option<Membership> {
        let text = read(&self.processes.join(pid.to_string()).join("cgroup"))?;
        let paths = Paths::read(&text);
        let one = |controller: &str, path: Option<&str>| self.folder(Some(&self.groups.join(controller)), path?);
        let two = paths.unified.and_then(|path| self.folder(self.unified.as_deref(), path));
        let (limits, counts) = (one("cpu", paths.cpu), one("cpuacct", paths.cpuacct));
        let cpu = if limits.is_some() || counts.is_some() {
            Some(CpuGroup::One { limits, counts })
        } else {
            // Version 2 counts time whoever limits it.
            two.clone().map(CpuGroup::Two)
        };
        let memory = match paths.memory {
            Some(_) => one("memory", paths.memory).map(MemoryGroup::One),
            None => two.map(MemoryGroup::Two),
        };
        Some(Membership { cpu, memory })
    }

    /// The folder of a group below that of its hierarchy. `None` for the root, and for what lies outside of our view.
    fn folder(&self, hierarchy: Option<&Path>, path: &str) -> Option<PathBuf> {
        let path = Path::new(path.strip_prefix('/')?);
        let is_below = path.components().all(|part| matches!(part, Component::Normal(_)));
        (is_below && path.components().next().is_some()).then(|| Some(hierarchy?.join(path))).flatten()
    }

    /// What a group says of CPU time.
    pub fn cpu(&self, group: &CpuGroup) -> Cpu {
        match group {
            CpuGroup::Two(folder) => {
                let stat = read(&folder.join("cpu.stat")).unwrap_or_default();
                let used = field(&stat, "usage_usec").map(|used| used.saturating_mul(1000));
                let limit = read(&folder.join("cpu.max")).and_then(|text| quotient(text.split_whitespace()));
                Cpu { used, limit, periods: periods(&stat) }
            }
            CpuGroup::One { limits, counts } => {
                let of_limits = |name: &str| read(&limits.as_deref()?.join(name));
                let used = counts.as_deref().and_then(|folder| number(&folder.join("cpuacct.usage")));
                let (quota, period) = (of_limits("cpu.cfs_quota_us"), of_limits("cpu.cfs_period_us"));
                let limit = quota.zip(period).and_then(|(quota, period)| quotient([quota.trim(), period.trim()]));
                Cpu { used, limit, periods: of_limits("cpu.stat").and_then(|stat| periods(&stat)) }
            }
        }
    }

    /// What a group says of memory.
    pub fn memory(&self, group: &MemoryGroup) -> Memory {
        let (folder, used, limit, droppable) = match group {
            MemoryGroup::Two(folder) => (folder, "memory.current", "memory.max", "inactive_file"),
            MemoryGroup::One(folder) => {
                (folder, "memory.usage_in_bytes", "memory.limit_in_bytes", "total_inactive_file")
            }
        };
        let stat = read(&folder.join("memory.stat"));
        let droppable = stat.and_then(|stat| field(&stat, droppable)).unwrap_or_default();
        Memory {
            working_set: number(&folder.join(used)).map(|used| used.saturating_sub(droppable)),
            limit: number(&folder.join(limit)).filter(|limit| *limit < NO_LIMIT),
        }
    }
}

/// The paths in `/proc/<pid>/cgroup` that matter here.
#[derive(Debug, Default)]
struct Paths<'a> {
    unified: Option<&'a str>,
    cpu: Option<&'a str>,
    cpuacct: Option<&'a str>,
    memory: Option<&'a str>,
}

impl<'a> Paths<'a> {
    fn read(text: &'a str) -> Self {
        let mut paths = Self::default();
        for line in text.lines() {
            let mut parts = line.splitn(3, ':');
            let (Some(_), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next()) else { continue };
            if controllers.is_empty() {
                paths.unified = Some(path);
            }
            for controller in controllers.split(',') {
                match controller {
                    "cpu" => paths.cpu = Some(path),
                    "cpuacct" => paths.cpuacct = Some(path),
                    "memory" => paths.memory = Some(path),
                    _ => {}
                }
            }
        }
        paths
    }
}

fn periods(stat: &str) -> Option<Periods> {
    Some(Periods { all: field(stat, "nr_periods")?, held_back: field(stat, "nr_throttled")? })
}

/// Quota by period; `None` for `max` and for -1.
fn quotient<'a>(quota_and_period: impl IntoIterator<Item = &'a str>) -> Option<f64> {
    let mut numbers = quota_and_period.into_iter().map(|text| text.parse::<u32>().ok().filter(|number| *number > 0));
    Some(f64::from(numbers.next()??) / f64::from(numbers.next()??))
}

/// The number behind a name, in a file of such lines.
fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}

/// The only number in a file.
fn number(path: &Path) -> Option<u64> {
    read(path)?.trim().parse().ok()
}

/// These files are small; one that is larger is not read to its end.
fn read(path: &Path) -> Option<String> {
    const MOST_BYTES: u64 = 16 * 1024;
    let mut text = String::new();
    std::fs::File::open(path).ok()?.take(MOST_BYTES).read_to_string(&mut text).ok()?;
    Some(text)
}
