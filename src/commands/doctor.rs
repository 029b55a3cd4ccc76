//! `tidewatch doctor`: what this kernel and these privileges allow.

use std::process::ExitCode;

use ebpf_probes::{Availability, Support};

/// Prints the report; fails if the `ebpf` receiver could not start.
pub fn doctor() -> ExitCode {
    let support = Support::of_this_kernel();
    print!("{support}");
    let is_missing = |availability: &Availability| matches!(availability, Availability::Missing { .. });
    if is_missing(&support.btf) || !support.is_sufficient() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
