//! Starting, refusing to start, and what is told about it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a surprise ends the test")]

mod common;

use std::process::Command;

use common::{Story, connected, receive, send};
use ebpf_probes::{AttachError, Availability, Capabilities, ProbeConfig, ProbeError, Probes, Support};

#[test]
fn a_ring_of_an_odd_size_is_refused_with_its_rule() {
    let config = ProbeConfig { ring_bytes: 1_000_000, ..ProbeConfig::default() };

    let Err(error) = Probes::load(&config) else { panic!("it was accepted") };

    assert_eq!(error.to_string(), "'ring_bytes' must be a power of two of at least 4096 bytes, not 1000000");
}

#[test]
fn errors_name_the_remedy() {
    let missing = Capabilities { bpf: true, perfmon: true };

    assert_eq!(
        AttachError::Capability { missing }.to_string(),
        "cannot load eBPF programs: this process lacks cap_bpf,cap_perfmon; run as root or grant it, \
         for instance with `setcap cap_bpf,cap_perfmon+ep`"
    );
}

#[test]
fn this_kernel_is_reported_and_its_programs_run() {
    let Some(mut story) = Story::begin() else { return };
    let support = Support::of_this_kernel();

    assert!(support.is_sufficient());
    assert_eq!(&support, story.probes.support());
    assert!(support.programs.iter().all(|program| program.availability == Availability::Available));
    assert!(support.to_string().contains("yes  sock_send_length: bytes that processes send\n"));
    let statistics = story.probes.program_statistics();
    assert_eq!(statistics.len(), support.programs.len());
    assert!(statistics.iter().all(|program| program.verified_instructions > 0 && program.recursion_misses == 0));
    // A reader has the ring for itself.
    assert!(matches!(story.probes.ring(), Err(ProbeError::RingTaken)));
    let (client, server) = connected();
    send(&client, b"alive", 0);
    receive(&server, 5, 0);
    story.sends(&client, 1);
}

#[test]
fn kernel_time_becomes_wall_time() {
    let Some(mut story) = Story::begin() else { return };
    let now = || i64::try_from(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos()).unwrap();
    let (client, server) = connected();

    let before = now();
    send(&client, b"now", 0);
    let after = now();
    receive(&server, 3, 0);

    let sent = i64::try_from(story.sends(&client, 1)[0].header.time.0).unwrap();
    let wall = sent + ebpf_probes::monotonic_to_wall_offset();
    let slack = 1_000_000; // the clock may be slewed between the readings
    assert!(before - slack <= wall && wall <= after + slack, "{before} {wall} {after}");
}

/// Only compiled: the registers of aarch64 are others, the rest is the same text.
#[test]
fn the_programs_compile_for_aarch64() {
    let output = Command::new("clang")
        .args(["-target", "bpf", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter", "-fsyntax-only"])
        .args(["-D__TARGET_ARCH_arm64", "-I/usr/include/x86_64-linux-gnu", "-I/usr/include/aarch64-linux-gnu"])
        .arg(concat!("-I", env!("OUT_DIR")))
        .arg("bpf/probes.c")
        .output()
        .unwrap();

    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
