//! Keys of `topology`.

use config::{Check, ComponentId, Config, GoDuration, Validate};

/// `topology`: tells the map what calls what.
#[derive(Debug, Clone, PartialEq, Config)]
pub struct TopologyConfig {
    /// Id of the extension that keeps the map.
    #[config(default = "topology".to_owned())]
    pub extension: String,
    /// What becomes of data for which the map has no room: `drop` counts it, and the map's answers say that they lack it; `refuse` refuses it to its sender, who repeats it to every branch of the pipeline.
    #[config(default = OnOverflow::Drop)]
    pub on_overflow: OnOverflow,
    /// How the two ends of a call find each other.
    pub pairing: PairingConfig,
    /// How a call is counted once, also when its spans are sent again.
    pub deduplication: DeduplicationConfig,
    /// How metrics are followed.
    pub streams: StreamsConfig,
}

/// `on_overflow`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Config)]
pub enum OnOverflow {
    /// Dropped and counted.
    Drop,
    /// Refused to the sender.
    Refuse,
}

/// `pairing`.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub struct PairingConfig {
    /// How long the span of one end waits for that of the other. Until then the call is not on the map.
    #[config(default = GoDuration::seconds(3))]
    pub wait: GoDuration,
    /// How many spans may wait; beyond it the oldest stop waiting.
    #[config(default = 50_000)]
    pub max_items: usize,
}

/// `deduplication`.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub struct DeduplicationConfig {
    /// How long a counted span is remembered; 0 for not at all.
    #[config(default = GoDuration::seconds(300))]
    pub window: GoDuration,
    /// How many are remembered, 40 bytes each.
    #[config(default = 500_000)]
    pub max_items: usize,
}

/// `streams`.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub struct StreamsConfig {
    /// How many series of cumulative metrics are followed. Points of further ones are dropped and counted.
    #[config(default = 500_000)]
    pub max_items: usize,
    /// How long a series is followed after its last point.
    #[config(default = GoDuration::seconds(900))]
    pub expiration: GoDuration,
}

impl Validate for TopologyConfig {
    fn validate(&self, check: &mut Check<'_, '_>) {
        let id = ComponentId::parse(&self.extension);
        check.require(id.is_ok(), "extension", "'extension' must be the id of an extension");
        check.require(self.pairing.max_items > 0, "pairing::max_items", "'max_items' must be positive");
        check.require(self.streams.max_items > 0, "streams::max_items", "'max_items' must be positive");
        let waits = self.pairing.wait.as_nanoseconds() > 0;
        check.require(waits, "pairing::wait", "'wait' must be positive");
    }
}
