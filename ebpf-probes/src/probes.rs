//! The running programs: say who is observed, and ask them.
//!
//! In this room: [`Probes`], policy. Not here: loading ([`crate::loader`]), the programs themselves (`bpf/`).

use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use aya::Ebpf;
use aya::maps::{Array, HashMap, Map, MapData, PerCpuArray, RingBuf};
use aya::programs::{Iter, ProgramError};

use crate::counters::Counters;
use crate::error::{AttachError, ProbeError};
use crate::layout::{decision, runtime_cell};
use crate::loader::{self, Loaded};
use crate::modes::{Mode, Modes};
use crate::programs::{ProgramStatistics, SOCKET_ITERATOR, TRACEPOINTS};
use crate::reader::RecordReader;
use crate::record::{CgroupId, SocketCookie, Tgid};
use crate::sockets::{self, ExistingSocket, SocketStatistics};
use crate::support::Support;

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
    pub(crate) fn word(self) -> u32 {
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
        let Loaded { ebpf, support, attachable } = loader::load(config)?;
        let mut probes = Self::from_loaded(ebpf, support)?;
        // Before the first event: our own process is known, and listeners hand their role to what they accept.
        probes.existing_sockets()?;
        for plan in attachable {
            loader::attach(&mut probes.ebpf, plan)?;
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
