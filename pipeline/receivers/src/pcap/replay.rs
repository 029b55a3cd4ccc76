//! A capture, told as if it happened now: its bytes in, batches of spans and metrics out. Time is that of the capture.

use std::collections::VecDeque;

use pdata::Batch;
use protocols::route::PatternError;
use protocols::{Nanos, StreamLimits};

use super::config::PcapConfig;
use super::connections::Connections;
use super::file::{CaptureReader, Fault, Packet};
use super::frame;
use super::hosts::{Hosts, Names};
use super::telemetry::Telemetry;
use crate::ebpf::config::SdkConfig;
use crate::ebpf::settings::observer_settings;
use crate::observe::{Observer, ObserverSettings};

/// Most connections at a time.
const CONNECTION_LIMIT: usize = 65_536;
/// As many spans leave at once.
const SPANS_PER_BATCH: usize = 512;
const TICK_INTERVAL: u64 = 100_000_000;
/// What is still missing when the file ends was missing for longer than anything waits.
const AFTER_THE_END: u64 = 60_000_000_000;

/// What the observer is told by the configuration.
pub fn settings(config: &PcapConfig) -> Result<ObserverSettings, PatternError> {
    // Processes of one address cannot be told apart, so no process is known to have an SDK.
    let settings = observer_settings(&config.http, &config.ignore, &config.spans, &config.metrics, SdkConfig::Keep)?;
    let stream = StreamLimits { retransmits: true, ..StreamLimits::default() };
    Ok(ObserverSettings { connection_limit: 2 * CONNECTION_LIMIT, stream, ..settings })
}

/// See the module.
pub struct Replay {
    reader: CaptureReader,
    connections: Connections,
    observer: Observer<Hosts>,
    telemetry: Telemetry,
    ready: VecDeque<Batch>,
    /// The latest time in the capture so far.
    now: Nanos,
    ticked: Nanos,
    /// When metrics are due; `None` before the first packet.
    metrics_due: Option<u64>,
    metrics_interval: u64,
}

impl Replay {
    /// Goes on where `reader` is.
    pub fn new(
        reader: CaptureReader,
        settings: ObserverSettings,
        names: Names,
        interval: u64,
        telemetry: Telemetry,
    ) -> Self {
        Self {
            reader,
            connections: Connections::new(CONNECTION_LIMIT),
            observer: Observer::new(settings, Hosts::new(names)),
            telemetry,
            ready: VecDeque::new(),
            now: Nanos(0),
            ticked: Nanos(0),
            metrics_due: None,
            metrics_interval: interval,
        }
    }

    /// Takes more of the file.
    pub fn push(&mut self, bytes: &[u8]) {
        self.reader.push(bytes);
    }

    /// Goes on until a batch is ready; `None` when more of the file is needed.
    pub fn next(&mut self) -> Result<Option<Batch>, Fault> {
        while self.ready.is_empty() {
            let Self { reader, connections, observer, telemetry, now, .. } = self;
            let Some(packet) = reader.next()? else { break };
            *now = (*now).max(packet.time.unwrap_or(*now));
            packet_passed(&packet, *now, connections, observer, telemetry);
            self.look_at_the_clock();
        }
        Ok(self.ready.pop_front())
    }

    /// Nothing more will come: the batches that are left, and whether the file ended where it should.
    pub fn end(&mut self) -> (Vec<Batch>, Result<(), Fault>) {
        self.connections.end(self.now, &mut self.observer);
        self.observer.settle(Nanos(self.now.0.saturating_add(AFTER_THE_END)));
        self.observer.flush();
        self.take_spans();
        self.take_metrics();
        self.telemetry.report(&self.connections, &self.observer);
        (self.ready.drain(..).collect(), self.reader.end())
    }

    /// What was found, for the log.
    pub fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    fn look_at_the_clock(&mut self) {
        let due = *self.metrics_due.get_or_insert(self.now.0.saturating_add(self.metrics_interval));
        if self.now.0.saturating_sub(self.ticked.0) >= TICK_INTERVAL {
            self.ticked = self.now;
            self.observer.tick(self.now);
        }
        if self.observer.spans_ready() >= SPANS_PER_BATCH {
            self.take_spans();
        }
        if self.now.0 >= due {
            self.metrics_due = Some(self.now.0.saturating_add(self.metrics_interval));
            self.connections.report(&mut self.observer);
            self.take_metrics();
            self.telemetry.report(&self.connections, &self.observer);
        }
    }

    fn take_spans(&mut self) {
        self.ready.extend(self.observer.take_spans());
    }

    fn take_metrics(&mut self) {
        self.ready.extend(self.observer.take_metrics(self.now));
    }
}

fn packet_passed(
    packet: &Packet<'_>,
    now: Nanos,
    connections: &mut Connections,
    observer: &mut Observer<Hosts>,
    telemetry: &mut Telemetry,
) {
    telemetry.packet();
    match frame::segment(packet) {
        Ok((segment, is_tagged)) => {
            telemetry.segment(is_tagged, segment.payload.len() < segment.length as usize);
            // Times may go back a little where several interfaces were captured.
            connections.segment(&segment, packet.time.unwrap_or(now), observer);
        }
        Err(skip) => telemetry.skipped(skip),
    }
}
