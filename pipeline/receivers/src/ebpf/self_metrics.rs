//! `tidewatch.ebpf.*`: what the receiver saw, and what it did not.

use ebpf_probes::Counters;
use pdata::{Batch, MetricsWriter, Number, PointFields, PointsWriter, Temporality};

use super::groups::GroupCounts;
use crate::observe::Counts;

/// Sums since the receiver started.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    /// From the kernel side.
    pub kernel: Counters,
    /// Runs of programs that the kernel left out because one was running on that CPU.
    pub missed_runs: u64,
    /// From the observer.
    pub observer: Counts,
    /// Ends of exchanges that left without the other end.
    pub unjoined: u64,
    /// Requests whose parent is one of several and was not guessed.
    pub ambiguous_parents: u64,
    /// Exchanges whose trace was forgotten for want of room.
    pub forgotten: u64,
    /// Processes remembered.
    pub processes: u64,
    /// Control groups, as of the last report.
    pub groups: GroupCounts,
    /// Records that could not be decoded.
    pub malformed_records: u64,
    /// Spans and points that found the pipeline full.
    pub overflowed: u64,
}

/// One batch with all of them, at `now`, Unix nanoseconds.
pub fn encode(figures: &Figures, now: u64) -> Batch {
    let mut writer = MetricsWriter::new();
    writer.resource(|attributes| {
        attributes.add("service.name", "tidewatch");
    });
    writer.scope("tidewatch.ebpf", env!("CARGO_PKG_VERSION"));
    let kernel = &figures.kernel;
    sum(&mut writer, "tidewatch.ebpf.chunks", "Sends and receives seen.", "{chunk}", now, &[("all", kernel.chunks)]);
    let exchanges = [
        ("found", figures.observer.exchanges),
        ("unjoined", figures.unjoined),
        ("parent_ambiguous", figures.ambiguous_parents),
        ("trace_forgotten", figures.forgotten),
    ];
    sum(&mut writer, "tidewatch.ebpf.exchanges", "Exchanges found.", "{exchange}", now, &exchanges);
    let bytes = [
        ("captured", kernel.captured_bytes),
        ("unix_sent", kernel.unix_sent_bytes),
        ("unix_received", kernel.unix_received_bytes),
        ("udp_sent", kernel.udp_sent_bytes),
        ("udp_received", kernel.udp_received_bytes),
    ];
    sum(&mut writer, "tidewatch.ebpf.bytes", "Bytes captured, or counted and not captured.", "By", now, &bytes);
    sum(&mut writer, "tidewatch.ebpf.lost", "What was not seen, or not told, by reason.", "1", now, &lost(figures));
    let fields = PointFields { time_unix_nano: now, ..PointFields::default() };
    writer.gauge("tidewatch.ebpf.processes", "Processes remembered.", "{process}", |points| {
        points.number(&fields, Number::Int(clamped(figures.processes)), |_| {});
    });
    let GroupCounts { told, shared, over_limit } = figures.groups;
    writer.gauge("tidewatch.ebpf.groups", "Control groups of observed processes.", "{group}", |points| {
        for (state, count) in [("told", told), ("shared", shared), ("over_limit", over_limit)] {
            points.number(&fields, Number::Int(clamped(count)), |attributes| {
                attributes.add("state", state);
            });
        }
    });
    writer.finish()
}

fn clamped(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn lost(figures: &Figures) -> Vec<(&'static str, u64)> {
    let Figures { kernel, observer, .. } = figures;
    vec![
        ("ring_full_chunk", kernel.lost_chunks),
        ("ring_full_connection", kernel.lost_connection_events),
        ("ring_full_process", kernel.lost_process_events),
        ("recursion_missed", figures.missed_runs),
        ("no_user_buffer", kernel.no_user_buffer),
        ("compat_call", kernel.compat_calls),
        ("user_fault", kernel.user_faults),
        ("too_scattered", kernel.too_scattered),
        ("no_socket_storage", kernel.no_socket_storage),
        ("uncertain_identity", kernel.uncertain_identities),
        ("malformed_record", figures.malformed_records),
        ("connection_limit", observer.connections_over_limit),
        ("request_unpaired", observer.unpaired),
        ("request_unseen", observer.unseen),
        ("exchange_untimed", observer.untimed),
        ("malformed_bytes", observer.malformed),
        ("pipeline_full", figures.overflowed),
    ]
}

fn sum(writer: &mut MetricsWriter, name: &str, description: &str, unit: &str, now: u64, values: &[(&str, u64)]) {
    writer.sum(name, description, unit, Temporality::Cumulative, true, |points: &mut PointsWriter<'_>| {
        let fields = PointFields { time_unix_nano: now, ..PointFields::default() };
        for (reason, value) in values {
            points.number(&fields, Number::Int(clamped(*value)), |attributes| {
                attributes.add("reason", *reason);
            });
        }
    });
}
