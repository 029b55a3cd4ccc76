//! Keys of the `topology` receiver.

use config::{Check, ComponentId, Config, GoDuration, Validate};

/// `topology`: hands findings of the map to pipelines.
#[derive(Debug, Clone, PartialEq, Config)]
pub struct TopologyReceiverConfig {
    /// The extension that keeps the map.
    #[config(default = "topology")]
    pub extension: String,
    /// A finding that stays open is told again after so long. 0: never.
    #[config(default = GoDuration::seconds(3600))]
    pub renotify: GoDuration,
    /// How often metrics are sent.
    #[config(default = GoDuration::seconds(15))]
    pub interval: GoDuration,
}

impl Validate for TopologyReceiverConfig {
    fn validate(&self, check: &mut Check<'_, '_>) {
        let parsed = ComponentId::parse(&self.extension);
        check.require(parsed.is_ok(), "extension", "'extension' must be the id of an extension");
        check.require(!self.renotify.is_negative(), "renotify", "'renotify' must not be negative");
        let ticks = !self.interval.is_negative() && self.interval.as_duration().as_secs() >= 1;
        check.require(ticks, "interval", "'interval' must be at least 1s");
    }
}
