//! Stories that look into the kernel: with privileges, one at a time.

use std::fs::File;
use std::path::Path;

use super::Tidewatch;

/// The kernel, for one story alone: programs of several stories at a time would slow each other down.
pub struct Kernel {
    _alone: File,
}

impl Kernel {
    /// Waits for its turn. `None` without root: a loud line says so; in CI it is a failure.
    pub fn to_observe() -> Option<Self> {
        if !is_root() {
            let in_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
            assert!(!in_ci, "this story needs root: it loads eBPF programs");
            eprintln!("SKIPPED: this story needs root, because it loads eBPF programs");
            return None;
        }
        let lock = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kernel.lock");
        let lock = File::create(lock).expect("the target folder can be written");
        lock.lock().expect("a file can be locked");
        Some(Self { _alone: lock })
    }

    /// Tidewatch, watching connections to this port; `keys` are more keys of the receiver in flow style.
    pub fn watch(&self, port: u16, keys: &str) -> Tidewatch {
        self.watch_ports(&port.to_string(), keys)
    }

    /// The same for a list of ports.
    pub fn watch_ports(&self, ports: &str, keys: &str) -> Tidewatch {
        let comma = if keys.is_empty() { "" } else { ", " };
        Tidewatch::start(&format!(
            "receivers: {{ebpf: {{include: [{{ports: [{ports}]}}]{comma}{keys}}}}}
exporters: {{file: {{path: \"${{env:ROOM}}/told.json\"}}}}
service:
  pipelines:
    traces: {{receivers: [ebpf], exporters: [file]}}
    metrics: {{receivers: [ebpf], exporters: [file]}}
"
        ))
    }
}

fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().any(|line| line.starts_with("Uid:") && line.split_ascii_whitespace().nth(2) == Some("0"))
}
