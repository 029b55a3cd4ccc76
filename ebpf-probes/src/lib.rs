//! ebpf-probes
