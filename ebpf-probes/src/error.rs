//! What can go wrong between us and the kernel, and what to do about it.
//!
//! In this room: the error types. Not here: finding out in advance ([`crate::Support`]).

use std::path::PathBuf;

use crate::support::Capabilities;

/// Why the programs could not be started.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// The process may not load programs.
    #[error(
        "cannot load eBPF programs: this process lacks {missing}; run as root or grant it, for instance with `setcap {missing}+ep`"
    )]
    Capability {
        /// What it would need besides what it has.
        missing: Capabilities,
    },
    /// The kernel does not describe its own types.
    #[error(
        "kernel {release} has no BTF at {path}; eBPF needs CONFIG_DEBUG_INFO_BTF (any distribution kernel since 2020)"
    )]
    NoBtf {
        /// The running kernel.
        release: String,
        /// Where its BTF should be.
        path: PathBuf,
    },
    /// The kernel's description of its types cannot be read.
    #[error("cannot read the BTF of kernel {release} at {path}: {reason}")]
    UnreadableBtf {
        /// The running kernel.
        release: String,
        /// Where its BTF is.
        path: PathBuf,
        /// What the reader said.
        reason: String,
    },
    /// The kernel lacks a hook that we cannot do without.
    #[error("kernel {release} has no tracepoint '{tracepoint}'; socket capture needs Linux 6.3 or newer")]
    NoTracepoint {
        /// The running kernel.
        release: String,
        /// The hook.
        tracepoint: &'static str,
    },
    /// The kernel's verifier or its policy refused a program.
    #[error(
        "the kernel refused eBPF program '{program}': {reason}; please report this with the kernel's release ({release})"
    )]
    Refused {
        /// The program.
        program: &'static str,
        /// The running kernel.
        release: String,
        /// The last lines that the kernel gave.
        reason: String,
    },
    /// The kernel refused, although the process has the capabilities.
    #[error(
        "the kernel does not permit eBPF ({reason}); check kernel lockdown (`cat /sys/kernel/security/lockdown`), the container's seccomp profile and user namespaces"
    )]
    NotPermitted {
        /// What the kernel said.
        reason: String,
    },
    /// The ring's size cannot be used.
    #[error("'ring_bytes' must be a power of two of at least {smallest} bytes, not {given}")]
    RingSize {
        /// What was asked for.
        given: u32,
        /// One page.
        smallest: u32,
    },
    /// The object could not be prepared.
    #[error("cannot prepare the eBPF programs for kernel {release}: {reason}")]
    Object {
        /// The running kernel.
        release: String,
        /// What the loader said.
        reason: String,
    },
    /// Something of the running programs could not be used.
    #[error(transparent)]
    Probe(#[from] ProbeError),
}

/// Why a running probe did not answer.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// A map could not be read or written.
    #[error("eBPF map '{map}': {reason}")]
    Map {
        /// The map.
        map: &'static str,
        /// What the kernel said.
        reason: String,
    },
    /// The ring has one reader, and it was handed out.
    #[error("the ring of eBPF records already has its reader")]
    RingTaken,
    /// The list of open sockets could not be read.
    #[error("cannot list open sockets through eBPF: {reason}")]
    Sockets {
        /// What the kernel said.
        reason: String,
    },
    /// The ring could not be waited for.
    #[error("cannot wait for eBPF records: {0}")]
    Wait(#[from] std::io::Error),
}

impl ProbeError {
    pub(crate) fn map(map: &'static str, error: impl std::fmt::Display) -> Self {
        Self::Map { map, reason: error.to_string() }
    }
}

/// A record that the decoder does not understand; the two sides of the crate would have to differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedRecord {
    /// Shorter than its kind, or than its own lengths say.
    #[error("a record of kind {kind} ends too early, at {length} bytes")]
    Short {
        /// Its first byte.
        kind: u8,
        /// All bytes of it.
        length: usize,
    },
    /// A kind that we do not know.
    #[error("unknown record kind {kind}")]
    UnknownKind {
        /// Its first byte.
        kind: u8,
    },
    /// A field with a value that it cannot have.
    #[error("a record of kind {kind} has an impossible '{field}'")]
    Impossible {
        /// Its first byte.
        kind: u8,
        /// The field.
        field: &'static str,
    },
}

/// An error with all that it was caused by; the loader's own texts leave the cause to their sources.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let inner = error.to_string();
        if !text.contains(&inner) {
            text.push_str(": ");
            text.push_str(&inner);
        }
        cause = error.source();
    }
    text
}
