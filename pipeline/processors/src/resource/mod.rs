//! `resource`: adds, changes and removes attributes of resources.
//!
//! In this room: the processor; no item of a batch is looked at, its bytes are passed on as they came.
//! Not here: what an action does (`actions`).
//!
//! Enter at [`ResourceProcessor`].

mod config;
#[cfg(test)]
mod tests;

use component::{BuildContext, BuildError, Output, Processor, ProcessorFactory, Stability};
use pdata::Batch;

use crate::actions::Actions;
pub use config::ResourceConfig;

/// Adds, changes and removes attributes of resources.
pub const FACTORY: ProcessorFactory = ProcessorFactory::of::<ResourceProcessor>("resource").stability(Stability::Beta);

/// Applies its actions to every resource.
pub struct ResourceProcessor {
    actions: Actions,
}

impl Processor for ResourceProcessor {
    type Config = ResourceConfig;

    fn build(config: &Self::Config, _context: &BuildContext) -> Result<Self, BuildError> {
        Ok(Self { actions: Actions::compile(&config.attributes)? })
    }

    fn process(&mut self, mut batch: Batch, output: &mut Output) {
        for mut resource in batch.resources_mut() {
            self.actions.apply(&mut resource.attributes_mut());
        }
        output.send(batch);
    }
}
