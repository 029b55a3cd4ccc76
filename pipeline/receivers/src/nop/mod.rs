//! `nop`: brings nothing.
//!
//! In this room: the receiver.
//! Not here: anything else.
//!
//! Enter at [`NopReceiver`].

use component::{BuildContext, BuildError, Outlets, Receiver, ReceiverFactory, Stability, StartError};
use config::Config;
use pdata::Signal;

/// Brings nothing.
pub const FACTORY: ReceiverFactory = ReceiverFactory::of::<NopReceiver>("nop").stability(Stability::Beta);

/// `nop`: brings nothing.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub struct NopConfig {}

/// Starts, and that is all.
pub struct NopReceiver;

#[async_trait::async_trait(?Send)]
impl Receiver for NopReceiver {
    type Config = NopConfig;
    const SIGNALS: &'static [Signal] = &Signal::ALL;
    const ON_EVERY_SHARD: bool = false;

    fn build(_config: &Self::Config, _outlets: Outlets, _context: &BuildContext) -> Result<Self, BuildError> {
        Ok(Self)
    }

    async fn start(&mut self) -> Result<(), StartError> {
        Ok(())
    }

    async fn stop(&mut self) {}
}

#[cfg(test)]
mod tests {
    use config::{Mark, Node, Problems, Value, decode_component};

    use super::*;

    #[test]
    fn it_serves_all_signals_and_has_no_keys() {
        assert_eq!(FACTORY.signals, Signal::ALL);
        assert!((FACTORY.identity.keys)().is_empty());

        let mut problems = Problems::new();
        let node = Node::new(Value::Null, Mark::NOWHERE);
        assert!(decode_component::<NopConfig>(&node, "receivers::nop", Mark::NOWHERE, &mut problems).is_some());
    }
}
