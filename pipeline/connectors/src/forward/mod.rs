//! `forward`: joins pipelines of the same signal.
//!
//! In this room: nothing but the passing on.
//! Not here: anything that changes or chooses data.
//!
//! Enter at [`Forward`].

#[cfg(test)]
mod tests;

use component::{BuildContext, BuildError, Connector, ConnectorFactory, Output, Stability};
use config::Config;
use pdata::{Batch, Signal};

/// Passes data from pipelines to pipelines of the same signal.
pub const FACTORY: ConnectorFactory = ConnectorFactory::of::<Forward>("forward").stability(Stability::Beta);

/// `forward` has no keys.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub struct ForwardConfig {}

/// Passes on what comes, with its promise.
pub struct Forward;

impl Connector for Forward {
    type Config = ForwardConfig;
    const PAIRS: &'static [(Signal, Signal)] =
        &[(Signal::Traces, Signal::Traces), (Signal::Metrics, Signal::Metrics), (Signal::Logs, Signal::Logs)];

    fn build(_config: &Self::Config, _to: Signal, _context: &BuildContext) -> Result<Self, BuildError> {
        Ok(Self)
    }

    fn consume(&mut self, batch: Batch, output: &mut Output) {
        output.send(batch);
    }
}
