//! Brings the programs into the kernel.
//!
//! In this room: the order of loading, the constants, what a refusal means. Not here: using them ([`crate::probes`]).

use std::io::ErrorKind;
use std::path::PathBuf;

use aya::maps::MapError;
use aya::programs::{BtfTracePoint, Iter, ProgramError};
use aya::{Btf, Ebpf, EbpfError, EbpfLoader};

use crate::error::{AttachError, with_causes};
use crate::probes::ProbeConfig;
use crate::programs::{ProgramPlan, SOCKET_ITERATOR, TRACEPOINTS};
use crate::support::{KERNEL_BTF, Support, kernel_release};

static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/probes.o"));

const SMALLEST_RING: u32 = 4096;
/// The consumer is woken each time another eighth of the ring has filled.
const WAKE_UPS_PER_RING: u32 = 8;

/// Programs that the verifier accepted, and that see nothing yet.
pub(crate) struct Loaded {
    pub ebpf: Ebpf,
    pub support: Support,
    pub attachable: Vec<&'static ProgramPlan>,
}

/// Loads all programs that this kernel has a place for.
pub(crate) fn load(config: &ProbeConfig) -> Result<Loaded, AttachError> {
    if !config.ring_bytes.is_power_of_two() || config.ring_bytes < SMALLEST_RING {
        return Err(AttachError::RingSize { given: config.ring_bytes, smallest: SMALLEST_RING });
    }
    let constants = Constants::of(config);
    // A new loader reads the kernel's types for itself; have that copy dropped before ours is made.
    let mut loader = EbpfLoader::new();
    loader.btf(None);
    let btf = kernel_types()?;
    let support = Support::from_btf(Some(&btf));
    if !support.missing_capabilities.is_none() {
        return Err(AttachError::Capability { missing: support.missing_capabilities });
    }
    loader.btf(Some(&btf)).map_max_entries("ring", config.ring_bytes);
    for (name, value) in &constants.0 {
        loader.override_global(name, value, true);
    }
    let mut ebpf = loader.load(OBJECT).map_err(|error| object_error(&error))?;
    let mut attachable = Vec::new();
    for plan in &TRACEPOINTS {
        if load_tracepoint(&mut ebpf, plan, &btf, &support)? {
            attachable.push(plan);
        }
    }
    load_iterator(&mut ebpf, &btf)?;
    Ok(Loaded { ebpf, support, attachable })
}

/// From now on the program sees events.
pub(crate) fn attach(ebpf: &mut Ebpf, plan: &ProgramPlan) -> Result<(), AttachError> {
    let refused = |error: ProgramError| refusal(plan.name, &error);
    tracepoint(ebpf, plan.name).map_err(&refused)?.attach().map_err(refused)?;
    Ok(())
}

fn kernel_types() -> Result<Btf, AttachError> {
    let path = PathBuf::from(KERNEL_BTF);
    let release = kernel_release();
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
    let is_missing = support.is_missing(plan.name);
    if is_missing && plan.required {
        return Err(AttachError::NoTracepoint { release: kernel_release(), tracepoint: plan.name });
    }
    if is_missing {
        return Ok(false);
    }
    let program = tracepoint(ebpf, plan.name).map_err(|error| refusal(plan.name, &error))?;
    program.load(plan.name, btf).map_err(|error| refusal(plan.name, &error))?;
    Ok(true)
}

fn load_iterator(ebpf: &mut Ebpf, btf: &Btf) -> Result<(), AttachError> {
    let refused = |error: ProgramError| refusal(SOCKET_ITERATOR, &error);
    let program = ebpf.program_mut(SOCKET_ITERATOR).ok_or_else(|| refused(ProgramError::NotLoaded))?;
    let iterator: &mut Iter = program.try_into().map_err(&refused)?;
    iterator.load("task_file", btf).map_err(refused)
}

/// The verifier explains itself in its last lines; the rest is its walk through the program.
fn refusal(program: &'static str, error: &ProgramError) -> AttachError {
    let reason = match error {
        ProgramError::LoadError { io_error, verifier_log } => {
            let log = verifier_log.to_string();
            let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
            let last = lines.get(lines.len().saturating_sub(4)..).unwrap_or_default().join(" | ");
            if io_error.kind() == ErrorKind::PermissionDenied && last.is_empty() {
                return AttachError::NotPermitted { reason: io_error.to_string() };
            }
            format!("{io_error}: {last}")
        }
        other => with_causes(other),
    };
    AttachError::Refused { program, release: kernel_release(), reason }
}

fn object_error(error: &EbpfError) -> AttachError {
    let reason = with_causes(error);
    let is_permission = matches!(error, EbpfError::MapError(MapError::CreateError { io_error, .. })
        if io_error.kind() == ErrorKind::PermissionDenied);
    if is_permission {
        return AttachError::NotPermitted { reason };
    }
    AttachError::Object { release: kernel_release(), reason }
}
