//! What this kernel and this process allow, and what to do about the rest.
//!
//! In this room: looking, without loading anything. Not here: loading ([`crate::Probes`]).

use std::fmt;
use std::fs;
use std::path::Path;

use aya::Btf;
use aya_obj::btf::BtfKind;

use crate::programs::{SOCKET_ITERATOR, TRACEPOINTS};

pub(crate) const KERNEL_BTF: &str = "/sys/kernel/btf/vmlinux";

/// Linux capabilities, of those that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// May load programs.
    pub bpf: bool,
    /// May trace with them.
    pub perfmon: bool,
}

impl fmt::Display for Capabilities {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match (self.bpf, self.perfmon) {
            (true, true) => "cap_bpf,cap_perfmon",
            (true, false) => "cap_bpf",
            (false, true) => "cap_perfmon",
            (false, false) => "nothing",
        })
    }
}

const CAP_SYS_ADMIN: u32 = 21;
const CAP_PERFMON: u32 = 38;
const CAP_BPF: u32 = 39;

impl Capabilities {
    /// What the process lacks, from the text of `/proc/self/status`. CAP_SYS_ADMIN stands for both.
    pub(crate) fn missing_in(status: &str) -> Self {
        let effective = status
            .lines()
            .find_map(|line| line.strip_prefix("CapEff:"))
            .and_then(|value| u64::from_str_radix(value.trim(), 16).ok())
            .unwrap_or(0);
        let has = |bit: u32| effective >> bit & 1 == 1 || effective >> CAP_SYS_ADMIN & 1 == 1;
        Self { bpf: !has(CAP_BPF), perfmon: !has(CAP_PERFMON) }
    }

    pub(crate) fn is_none(self) -> bool {
        !self.bpf && !self.perfmon
    }
}

/// Whether something can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Availability {
    /// Yes.
    Available,
    /// No, and what would change it.
    Missing {
        /// What to do.
        remedy: String,
    },
}

/// Whether one program can run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramSupport {
    /// The program.
    pub name: &'static str,
    /// What it is for.
    pub purpose: &'static str,
    /// Without it the receiver does not start.
    pub required: bool,
    /// Whether this kernel has its hook.
    pub availability: Availability,
}

/// What this kernel and this process allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Support {
    /// The running kernel.
    pub kernel_release: String,
    /// Whether it describes its types.
    pub btf: Availability,
    /// What the process lacks.
    pub missing_capabilities: Capabilities,
    /// Each program.
    pub programs: Vec<ProgramSupport>,
}

impl Support {
    /// Looks at the running kernel. Loads nothing, so it works without privileges.
    pub fn of_this_kernel() -> Self {
        let btf = Btf::from_sys_fs().ok();
        Self::from_btf(btf.as_ref())
    }

    pub(crate) fn from_btf(btf: Option<&Btf>) -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let has = |type_name: &str, kind| btf.is_some_and(|btf| btf.id_by_type_name_kind(type_name, kind).is_ok());
        let mut programs: Vec<ProgramSupport> = TRACEPOINTS
            .iter()
            .map(|plan| ProgramSupport {
                name: plan.name,
                purpose: plan.purpose,
                required: plan.required,
                availability: available_if(has(&format!("btf_trace_{}", plan.name), BtfKind::Typedef), || {
                    format!("needs a kernel with the typed tracepoint '{}' (Linux 6.3 or newer)", plan.name)
                }),
            })
            .collect();
        programs.push(ProgramSupport {
            name: SOCKET_ITERATOR,
            purpose: "connections that were there before, and periodic sums",
            required: false,
            availability: available_if(has("bpf_iter_task_file", BtfKind::Func), || {
                "needs a kernel with BPF iterators over files (Linux 5.8 or newer)".to_owned()
            }),
        });
        Self {
            kernel_release: kernel_release(),
            btf: available_if(Path::new(KERNEL_BTF).exists(), || {
                format!("no {KERNEL_BTF}: needs a kernel with CONFIG_DEBUG_INFO_BTF=y")
            }),
            missing_capabilities: Capabilities::missing_in(&status),
            programs,
        }
    }

    pub(crate) fn is_missing(&self, program: &str) -> bool {
        let found = self.programs.iter().find(|candidate| candidate.name == program);
        found.is_none_or(|program| program.availability != Availability::Available)
    }

    /// The receiver can start.
    pub fn is_sufficient(&self) -> bool {
        let available = |availability: &Availability| *availability == Availability::Available;
        available(&self.btf)
            && self.missing_capabilities.is_none()
            && self.programs.iter().all(|program| !program.required || available(&program.availability))
    }
}

fn available_if(yes: bool, remedy: impl FnOnce() -> String) -> Availability {
    if yes { Availability::Available } else { Availability::Missing { remedy: remedy() } }
}

pub(crate) fn kernel_release() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    release.trim().to_owned()
}

/// One line per fact, for `doctor` and the start log.
impl fmt::Display for Support {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "kernel {}", self.kernel_release)?;
        match &self.btf {
            Availability::Available => writeln!(out, "yes  BTF")?,
            Availability::Missing { remedy } => writeln!(out, "NO   BTF: {remedy}")?,
        }
        if self.missing_capabilities.is_none() {
            writeln!(out, "yes  capabilities")?;
        } else {
            let missing = self.missing_capabilities;
            writeln!(out, "NO   capabilities: run as root, or `setcap {missing}+ep` on the binary")?;
        }
        for program in &self.programs {
            let ProgramSupport { name, purpose, required, availability } = program;
            match availability {
                Availability::Available => writeln!(out, "yes  {name}: {purpose}")?,
                Availability::Missing { remedy } if *required => writeln!(out, "NO   {name}: {purpose}; {remedy}")?,
                Availability::Missing { remedy } => writeln!(out, "no   {name}: {purpose}; {remedy}")?,
            }
        }
        Ok(())
    }
}
