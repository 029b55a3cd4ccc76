//! The programs in the kernel: load them, say who is observed, ask them.
//!
//! In this room: [`Probes`], policy, the order of starting. Not here: the programs themselves (`bpf/`).

use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use aya::maps::{Array, HashMap, Map, MapData, PerCpuArray, RingBuf};
use aya::programs::{BtfTracePoint, Iter, ProgramError};
use aya::{Btf, Ebpf, EbpfError, EbpfLoader};

use crate::counters::Counters;
use crate::error::{AttachError, ProbeError, with_causes};
use crate::layout::{decision, runtime_cell};
use crate::modes::{Mode, Modes};
use crate::programs::{ProgramPlan, ProgramStatistics, SOCKET_ITERATOR, TRACEPOINTS};
use crate::reader::RecordReader;
use crate::record::{CgroupId, SocketCookie, Tgid};
use crate::sockets::{self, ExistingSocket, SocketStatistics};
use crate::support::{KERNEL_BTF, Support};

static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/probes.o"));

/// What to do with the traffic of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// Capture it.
    Observe,
    /// Leave it alone: it pays for a map look-up per socket operation, and nothing else.
    Ignore,
    /// Capture it, marked as such, until it is decided.
    Undecided,
}

impl Decision {
    fn word(self) -> u32 {
        match self {
            Self::Observe => decision::OBSERVE,
            Self::Ignore => decision::IGNORE,
            Self::Undecided => decision::UNDECIDED,
        }
    }
}

/// Whom a decision is about. A process wins over its cgroup, a near cgroup over a far one, all over the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// One process; its children begin with the same decision. Forgotten when it becomes another program, or ends.
    Process(Tgid),
    /// All processes in a cgroup and below.
    Cgroup(CgroupId),
}

/// How to capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeConfig {
    /// Most payload bytes of one turn of a request, and of a connection whose roles are unknown.
    pub request_bytes: u32,
    /// Most payload bytes of one turn of a response.
    pub response_bytes: u32,
    /// Size of the ring: a power of two. The kernel maps its pages twice, but they exist once.
    pub ring_bytes: u32,
    /// For processes about which nothing was decided.
    pub default_decision: Decision,
    /// Leave this process and the other ends of its connections out.
    pub exclude_self: bool,
}

impl Default for ProbeConfig {
    fn default() -> Self {
        Self {
            request_bytes: 64 * 1024,
            response_bytes: 4 * 1024,
            ring_bytes: 8 * 1024 * 1024,
            default_decision: Decision::Observe,
            exclude_self: true,
        }
    }
}

const SMALLEST_RING: u32 = 4096;
/// The consumer is woken each time another eighth of the ring has filled.
const WAKE_UPS_PER_RING: u32 = 8;

/// The running programs. They leave the kernel when this is dropped.
pub struct Probes {
    ebpf: Ebpf,
    support: Support,
    process_policy: HashMap<MapData, u32, u32>,
    cgroup_policy: HashMap<MapData, u64, u32>,
    process_cache: HashMap<MapData, u32, [u32; 2]>,
    runtime: Array<MapData, u32>,
    counters: PerCpuArray<MapData, u64>,
    modes: Modes,
    shared: SharedMaps,
    mode_generation: Arc<AtomicU32>,
    policy_generation: u32,
}

impl Probes {
    /// Loads and attaches the programs that this kernel supports. Some 0.2 s, most of it for reading the kernel's types,
    /// which are dropped at the end: the caller may want to have its allocator return the memory.
    pub fn load(config: &ProbeConfig) -> Result<Self, AttachError> {
        if !config.ring_bytes.is_power_of_two() || config.ring_bytes < SMALLEST_RING {
            return Err(AttachError::RingSize { given: config.ring_bytes, smallest: SMALLEST_RING });
        }
        let constants = Constants::of(config);
        let btf;
        // A new loader reads the kernel's types for itself; have that copy dropped before ours is made.
        let mut loader = EbpfLoader::new();
        loader.btf(None);
        btf = kernel_types()?;
        let support = Support::from_btf(Some(&btf));
        if !support.missing_capabilities.is_none() {
            return Err(AttachError::Capability { missing: support.missing_capabilities });
        }
        loader.btf(Some(&btf)).map_max_entries("ring", config.ring_bytes);
        for (name, value) in &constants.0 {
            loader.override_global(name, value, true);
        }
        let mut ebpf = loader.load(OBJECT).map_err(|error| object_error(&error, &support))?;
        let mut attachable = Vec::new();
        for plan in &TRACEPOINTS {
            if load_tracepoint(&mut ebpf, plan, &btf, &support)? {
                attachable.push(plan);
            }
        }
        load_iterator(&mut ebpf, &btf)?;
        drop(loader);
        drop(btf);

        let mut probes = Self::from_loaded(ebpf, support)?;
        // Before the first event: our own process is known, and listeners hand their role to what they accept.
        probes.existing_sockets()?;
        for plan in attachable {
            probes.attach(plan)?;
        }
        Ok(probes)
    }

    fn from_loaded(mut ebpf: Ebpf, support: Support) -> Result<Self, ProbeError> {
        let mode_generation = Arc::new(AtomicU32::new(0));
        let shared =
            SharedMaps {
                modes: take_map_data(&mut ebpf, "modes", |map| {
                    if let Map::LruHashMap(data) = map { Some(data) } else { None }
                })?,
                runtime: take_map_data(&mut ebpf, "runtime", |map| {
                    if let Map::Array(data) = map { Some(data) } else { None }
                })?,
            };
        Ok(Self {
            modes: shared.handle(&mode_generation)?,
            runtime: shared.runtime()?,
            shared,
            process_policy: take_map(&mut ebpf, "process_policy")?,
            cgroup_policy: take_map(&mut ebpf, "cgroup_policy")?,
            process_cache: take_map(&mut ebpf, "process_cache")?,
            counters: take_map(&mut ebpf, "counters")?,
            mode_generation,
            policy_generation: 0,
            ebpf,
            support,
        })
    }

    fn attach(&mut self, plan: &ProgramPlan) -> Result<(), AttachError> {
        let refused = |error: ProgramError| refusal(plan.name, &error, &self.support.kernel_release);
        let program = tracepoint(&mut self.ebpf, plan.name).map_err(|error| refused(error))?;
        program.attach().map_err(|error| refused(error))?;
        Ok(())
    }

    /// What was found on this kernel.
    pub fn support(&self) -> &Support {
        &self.support
    }

    /// The records. There is one reader.
    pub fn ring(&mut self) -> Result<RecordReader, ProbeError> {
        let map = self.ebpf.take_map("ring").ok_or(ProbeError::RingTaken)?;
        RecordReader::new(RingBuf::try_from(map).map_err(|error| ProbeError::map("ring", error))?)
    }

    /// Decides about a process or a cgroup, from its next socket operation on.
    pub fn set_policy(&mut self, subject: Subject, decision: Decision) -> Result<(), ProbeError> {
        match subject {
            Subject::Process(Tgid(tgid)) => {
                let outcome = self.process_policy.insert(tgid, decision.word(), 0);
                outcome.map_err(|error| ProbeError::map("process_policy", error))?;
            }
            Subject::Cgroup(CgroupId(id)) => {
                let outcome = self.cgroup_policy.insert(id, decision.word(), 0);
                outcome.map_err(|error| ProbeError::map("cgroup_policy", error))?;
            }
        }
        self.forget_cached(subject)
    }

    /// Takes a decision back. Taking back what was never decided is fine.
    pub fn clear_policy(&mut self, subject: Subject) -> Result<(), ProbeError> {
        // Absent is what we want, so the answer does not matter.
        let _ = match subject {
            Subject::Process(Tgid(tgid)) => self.process_policy.remove(&tgid),
            Subject::Cgroup(CgroupId(id)) => self.cgroup_policy.remove(&id),
        };
        self.forget_cached(subject)
    }

    /// The kernel side keeps outcomes per process. One process is forgotten alone; a cgroup may be any number of them.
    fn forget_cached(&mut self, subject: Subject) -> Result<(), ProbeError> {
        match subject {
            Subject::Process(Tgid(tgid)) => {
                // Not being there is the usual case.
                let _ = self.process_cache.remove(&tgid);
                Ok(())
            }
            Subject::Cgroup(_) => {
                self.policy_generation = self.policy_generation.wrapping_add(1);
                let outcome = self.runtime.set(runtime_cell::POLICY_GENERATION, self.policy_generation, 0);
                outcome.map_err(|error| ProbeError::map("runtime", error))
            }
        }
    }

    /// Sets how much of one connection is captured.
    pub fn set_mode(&mut self, cookie: SocketCookie, mode: Mode) -> Result<(), ProbeError> {
        self.modes.set(cookie, mode)
    }

    /// Another handle that sets modes, for a thread of its own.
    pub fn modes(&self) -> Result<Modes, ProbeError> {
        self.shared.handle(&self.mode_generation)
    }

    /// What the kernel side counted, by reason.
    pub fn counters(&self) -> Result<Counters, ProbeError> {
        Counters::read(&self.counters)
    }

    /// All TCP sockets of all processes in all network namespaces. Also makes listeners that came before us hand down
    /// their role, so call it again when more processes are observed.
    pub fn existing_sockets(&mut self) -> Result<Vec<ExistingSocket>, ProbeError> {
        let program =
            self.ebpf.program_mut(SOCKET_ITERATOR).ok_or(ProbeError::Sockets { reason: "not loaded".into() })?;
        let iterator: &mut Iter =
            program.try_into().map_err(|error: ProgramError| ProbeError::Sockets { reason: error.to_string() })?;
        sockets::list(iterator)
    }

    /// The sums of all TCP connections, each once. For the periodic sweep.
    pub fn sweep(&mut self) -> Result<Vec<SocketStatistics>, ProbeError> {
        Ok(sockets::statistics(&self.existing_sockets()?))
    }

    /// What the programs did and cost.
    pub fn program_statistics(&self) -> Vec<ProgramStatistics> {
        let names = TRACEPOINTS.iter().map(|plan| plan.name).chain([SOCKET_ITERATOR]);
        names.filter_map(|name| ProgramStatistics::read(name, self.ebpf.program(name)?)).collect()
    }

    /// This process's number in the first pid namespace, as records show it.
    pub fn own_tgid(&self) -> Result<Tgid, ProbeError> {
        let value = self.runtime.get(&runtime_cell::OWN_TGID, 0).map_err(|error| ProbeError::map("runtime", error))?;
        Ok(Tgid(value))
    }
}

fn kernel_types() -> Result<Btf, AttachError> {
    let path = PathBuf::from(KERNEL_BTF);
    let release = crate::support::kernel_release();
    if !path.exists() {
        return Err(AttachError::NoBtf { release, path });
    }
    Btf::from_sys_fs().map_err(|error| AttachError::UnreadableBtf { release, path, reason: error.to_string() })
}

/// What the programs know as constants. The loader borrows the values until it has loaded.
struct Constants([(&'static str, u32); 5]);

impl Constants {
    fn of(config: &ProbeConfig) -> Self {
        Self([
            ("request_budget", config.request_bytes),
            ("response_budget", config.response_bytes),
            ("default_decision", config.default_decision.word()),
            ("exclude_self", u32::from(config.exclude_self)),
            ("wake_shift", (config.ring_bytes / WAKE_UPS_PER_RING).ilog2()),
        ])
    }
}

fn tracepoint<'a>(ebpf: &'a mut Ebpf, name: &str) -> Result<&'a mut BtfTracePoint, ProgramError> {
    ebpf.program_mut(name).ok_or(ProgramError::NotLoaded)?.try_into()
}

/// False when the kernel does not have the hook, and we can do without.
fn load_tracepoint(ebpf: &mut Ebpf, plan: &ProgramPlan, btf: &Btf, support: &Support) -> Result<bool, AttachError> {
    let release = &support.kernel_release;
    let is_missing = support.is_missing(plan.name);
    if is_missing && plan.required {
        return Err(AttachError::NoTracepoint { release: release.clone(), tracepoint: plan.name });
    }
    if is_missing {
        return Ok(false);
    }
    let program = tracepoint(ebpf, plan.name).map_err(|error| refusal(plan.name, &error, release))?;
    program.load(plan.name, btf).map_err(|error| refusal(plan.name, &error, release))?;
    Ok(true)
}

fn load_iterator(ebpf: &mut Ebpf, btf: &Btf) -> Result<(), AttachError> {
    let release = crate::support::kernel_release();
    let refused = |error: ProgramError| refusal(SOCKET_ITERATOR, &error, &release);
    let program = ebpf.program_mut(SOCKET_ITERATOR).ok_or_else(|| refused(ProgramError::NotLoaded))?;
    let iterator: &mut Iter = program.try_into().map_err(|error| refused(error))?;
    iterator.load("task_file", btf).map_err(|error| refused(error))
}

/// The verifier explains itself in its last lines; the rest is its walk through the program.
fn refusal(program: &'static str, error: &ProgramError, release: &str) -> AttachError {
    let reason = match error {
        ProgramError::LoadError { io_error, verifier_log } => {
            let log = verifier_log.to_string();
            let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
            let last = lines.get(lines.len().saturating_sub(4)..).unwrap_or_default().join(" | ");
            if io_error.kind() == std::io::ErrorKind::PermissionDenied && last.is_empty() {
                return AttachError::NotPermitted { reason: io_error.to_string() };
            }
            format!("{io_error}: {last}")
        }
        other => with_causes(other),
    };
    AttachError::Refused { program, release: release.to_owned(), reason }
}

fn object_error(error: &EbpfError, support: &Support) -> AttachError {
    let reason = with_causes(error);
    let is_permission = matches!(error, EbpfError::MapError(aya::maps::MapError::CreateError { io_error, .. })
        if io_error.kind() == std::io::ErrorKind::PermissionDenied);
    if is_permission {
        return AttachError::NotPermitted { reason };
    }
    AttachError::Object { release: support.kernel_release.clone(), reason }
}

fn take_map<T>(ebpf: &mut Ebpf, name: &'static str) -> Result<T, ProbeError>
where
    T: TryFrom<Map>,
    T::Error: std::fmt::Display,
{
    let map = ebpf.take_map(name).ok_or_else(|| ProbeError::map(name, "is not in the object"))?;
    T::try_from(map).map_err(|error| ProbeError::map(name, error))
}

fn take_map_data(
    ebpf: &mut Ebpf,
    name: &'static str,
    expected: impl FnOnce(Map) -> Option<MapData>,
) -> Result<MapData, ProbeError> {
    ebpf.take_map(name).and_then(expected).ok_or_else(|| ProbeError::map(name, "is not in the object"))
}

/// Maps of which there are several handles.
struct SharedMaps {
    modes: MapData,
    runtime: MapData,
}

impl SharedMaps {
    fn runtime(&self) -> Result<Array<MapData, u32>, ProbeError> {
        let map = Map::Array(duplicate(&self.runtime, "runtime")?);
        Array::try_from(map).map_err(|error| ProbeError::map("runtime", error))
    }

    fn handle(&self, generation: &Arc<AtomicU32>) -> Result<Modes, ProbeError> {
        let map = HashMap::try_from(Map::LruHashMap(duplicate(&self.modes, "modes")?));
        let map = map.map_err(|error| ProbeError::map("modes", error))?;
        Ok(Modes::new(map, self.runtime()?, Arc::clone(generation)))
    }
}

/// A second descriptor of the same map.
fn duplicate(map: &MapData, name: &'static str) -> Result<MapData, ProbeError> {
    let descriptor = map.fd().as_fd().try_clone_to_owned().map_err(|error| ProbeError::map(name, error))?;
    MapData::from_fd(descriptor).map_err(|error| ProbeError::map(name, error))
}
