//! What the receiver counts about itself.

use component::{BuildContext, Counter};

use super::connections::Connections;
use super::frame::Skip;
use super::hosts::Hosts;
use crate::observe::Observer;

/// Counters of one receiver.
pub struct Telemetry {
    packets: Counter,
    tagged: Counter,
    cut: Counter,
    skipped: [(Skip, Counter); Skip::ALL.len()],
    over_limit: Counter,
    connections: Counter,
    found: Counter,
    unpaired: Counter,
    unseen: Counter,
    untimed: Counter,
    malformed: Counter,
}

impl Telemetry {
    /// Registers them.
    pub fn new(context: &BuildContext) -> Self {
        let receiver = context.id.to_string();
        let plain = |name, help| context.registry.counter(name, help, &[("receiver", &receiver)]);
        let skipped = |reason| {
            let help = "Packets that gave nothing, by reason.";
            context.registry.counter(
                "tidewatch_pcap_skipped_packets",
                help,
                &[("receiver", &receiver), ("reason", reason)],
            )
        };
        let exchanges = |result| {
            let help = "Ends of exchanges, by what became of them.";
            context.registry.counter("tidewatch_pcap_exchanges", help, &[("receiver", &receiver), ("result", result)])
        };
        Self {
            packets: plain("tidewatch_pcap_packets", "Packets read."),
            tagged: plain("tidewatch_pcap_vlan_packets", "Packets with VLAN tags; they are read all the same."),
            cut: plain("tidewatch_pcap_cut_packets", "TCP segments of which the capture kept only the beginning."),
            skipped: Skip::ALL.map(|skip| (skip, skipped(skip.name()))),
            over_limit: skipped("connection_limit"),
            connections: plain("tidewatch_pcap_connections", "Connections seen."),
            found: exchanges("found"),
            unpaired: exchanges("unpaired"),
            unseen: exchanges("unseen"),
            untimed: exchanges("untimed"),
            malformed: exchanges("malformed"),
        }
    }

    /// A packet was read.
    pub fn packet(&self) {
        self.packets.add(1);
    }

    /// It held a segment.
    pub fn segment(&self, is_tagged: bool, is_cut: bool) {
        self.tagged.add(u64::from(is_tagged));
        self.cut.add(u64::from(is_cut));
    }

    /// It held nothing.
    pub fn skipped(&self, reason: Skip) {
        if let Some((_, counter)) = self.skipped.iter().find(|(known, _)| *known == reason) {
            counter.add(1);
        }
    }

    /// Takes over the sums that others keep.
    pub fn report(&self, connections: &Connections, observer: &Observer<Hosts>) {
        let counts = observer.counts();
        for (counter, sum) in [
            (&self.over_limit, connections.over_limit()),
            (&self.connections, connections.seen()),
            (&self.found, counts.exchanges),
            (&self.unpaired, counts.unpaired),
            (&self.unseen, counts.unseen),
            (&self.untimed, counts.untimed),
            (&self.malformed, counts.malformed),
        ] {
            counter.add(sum.saturating_sub(counter.get()));
        }
    }

    /// Writes into the log what the file held.
    pub fn tell(&self, path: &str) {
        let skipped: u64 = self.skipped.iter().map(|(_, counter)| counter.get()).sum();
        tracing::info!(
            path,
            packets = self.packets.get(),
            skipped,
            connections = self.connections.get(),
            exchanges = self.found.get() / 2,
            "The capture has been read"
        );
    }
}
