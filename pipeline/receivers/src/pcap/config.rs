//! Keys of the `pcap` receiver.

use std::collections::BTreeMap;

use config::{Check, Config, Validate};

use super::hosts::Names;
use crate::ebpf::config::{HttpConfig, IgnoreConfig, MetricsConfig, SpansConfig};

/// `pcap`: what a capture file holds, as spans and metrics.
#[derive(Debug, Clone, PartialEq, Config)]
pub struct PcapConfig {
    /// The capture: pcap or pcapng. `/dev/stdin` reads what another program captures.
    pub path: String,
    /// End the process with success when everything in the file has been delivered.
    pub exit_at_eof: bool,
    /// Service names by address ("10.0.0.1"), or by address and port ("127.0.0.1:8080", "[::1]:80"). An address without one is its own name.
    pub names: BTreeMap<String, String>,
    /// How HTTP is told.
    pub http: HttpConfig,
    /// Exchanges that give no spans.
    pub ignore: Vec<IgnoreConfig>,
    /// Which spans are told.
    pub spans: SpansConfig,
    /// How metrics are told; time is that of the capture.
    pub metrics: MetricsConfig,
}

impl Validate for PcapConfig {
    fn validate(&self, check: &mut Check<'_, '_>) {
        check.require(!self.path.is_empty(), "path", "'path' must be the path of a capture file");
        if let Err(key) = Names::read(&self.names) {
            let message = format!(
                "{key:?} must be an address such as \"10.0.0.1\", or an address and port such as \"127.0.0.1:8080\""
            );
            check.require(false, "names", &message);
        }
    }
}
