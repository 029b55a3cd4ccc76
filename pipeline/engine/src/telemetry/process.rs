//! Figures of the process, under the Collector's names.

use std::sync::Arc;

use component::{Budget, Clock, Kind, Registry};

/// Registers them. They are read when somebody asks.
pub(super) fn register(registry: &Registry, budget: &Arc<Budget>, clock: Arc<dyn Clock>) {
    let born = clock.now().monotonic;
    registry.reading("otelcol_process_uptime", "Seconds since the process started.", Kind::Counter, &[], move || {
        clock.now().monotonic.saturating_sub(born).as_secs_f64()
    });
    registry.reading("otelcol_process_cpu_seconds", "CPU time, user and system.", Kind::Counter, &[], cpu_seconds);
    registry.reading("otelcol_process_memory_rss", "Resident memory in bytes.", Kind::Gauge, &[], resident_bytes);
    registry.reading(
        "otelcol_process_runtime_heap_alloc_bytes",
        "Private writable memory in bytes, the nearest to a heap.",
        Kind::Gauge,
        &[],
        data_bytes,
    );
    #[expect(clippy::cast_precision_loss, reason = "the text format has only floats")]
    {
        let used = Arc::clone(budget);
        let help = "Bytes in flight or queued.";
        registry.reading("tidewatch_budget_used_bytes", help, Kind::Gauge, &[], move || used.used() as f64);
        let limit = budget.limit() as f64;
        let help = "Bytes that may be in flight or queued.";
        registry.reading("tidewatch_budget_limit_bytes", help, Kind::Gauge, &[], move || limit);
    }
}

/// Fields 14 and 15 of `/proc/self/stat`, in ticks of 1/100 s (proc(5); USER_HZ is 100 on all architectures we build for).
fn cpu_seconds() -> f64 {
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the process, field 2, may hold blanks; what follows its closing parenthesis is field 3.
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = after_name.split_ascii_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() / TICKS_PER_SECOND
}

fn resident_bytes() -> f64 {
    status_bytes("VmRSS:")
}

fn data_bytes() -> f64 {
    status_bytes("RssAnon:")
}

/// A line of `/proc/self/status` that is given in kB.
fn status_bytes(name: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes = line.and_then(|line| line.split_ascii_whitespace().next()).and_then(|kb| kb.parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) * 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_running_test_has_used_memory() {
        assert!(resident_bytes() > 1e6);
        assert!(data_bytes() > 0.0 && data_bytes() <= resident_bytes());
        assert!(cpu_seconds() >= 0.0);
    }
}
