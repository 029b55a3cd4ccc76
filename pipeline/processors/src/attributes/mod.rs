//! `attributes`: adds, changes and removes attributes of spans, data points and log records.
//!
//! In this room: the processor, and which items it means.
//! Not here: what an action does (`actions`).
//!
//! Enter at [`AttributesProcessor`].

mod config;
mod filter;
mod names;
mod refusals;
#[cfg(test)]
mod tests;

use component::{BuildContext, BuildError, Output, Processor, ProcessorFactory, Stability};
use pdata::{Batch, ScopeMut, Signal};

use crate::actions::Actions;
pub use config::{AttributeConfig, AttributesConfig, LibraryConfig, MatchConfig, RegexpConfig, SeverityConfig};
use filter::{Filter, Verdict};

/// Adds, changes and removes attributes of spans, data points and log records.
pub const FACTORY: ProcessorFactory =
    ProcessorFactory::of::<AttributesProcessor>("attributes").stability(Stability::Beta);

/// Applies its actions to every item that its filter means.
pub struct AttributesProcessor {
    actions: Actions,
    filter: Filter,
}

impl Processor for AttributesProcessor {
    type Config = AttributesConfig;

    fn build(config: &Self::Config, context: &BuildContext) -> Result<Self, BuildError> {
        let actions = Actions::compile(&config.actions)?;
        let signal = context.signal.unwrap_or(Signal::Traces);
        let filter = Filter::compile(config, signal).map_err(BuildError)?;
        Ok(Self { actions, filter })
    }

    fn process(&mut self, mut batch: Batch, output: &mut Output) {
        for mut resource in batch.resources_mut() {
            let view = resource.view();
            let verdict = self.filter.narrow(self.filter.open(), |criteria| criteria.matches_resource(&view));
            if verdict.is_hopeless() {
                continue;
            }
            for mut scope in resource.scopes_mut() {
                let view = scope.view();
                let verdict = self.filter.narrow(verdict, |criteria| criteria.matches_scope(&view));
                if !verdict.is_hopeless() {
                    self.edit(&mut scope, verdict);
                }
            }
        }
        output.send(batch);
    }
}

impl AttributesProcessor {
    /// Whatever the signal is, the loops over the other two find nothing.
    fn edit(&self, scope: &mut ScopeMut<'_>, verdict: Verdict) {
        for mut span in scope.spans_mut() {
            if self.filter.narrow(verdict, |criteria| criteria.matches_span(&span.view())).is_meant() {
                self.actions.apply(&mut span.attributes_mut());
            }
        }
        for mut record in scope.records_mut() {
            if self.filter.narrow(verdict, |criteria| criteria.matches_log(&record.view())).is_meant() {
                self.actions.apply(&mut record.attributes_mut());
            }
        }
        for mut metric in scope.metrics_mut() {
            if self.filter.narrow(verdict, |criteria| criteria.matches_metric(&metric.view())).is_meant() {
                for mut point in metric.points_mut() {
                    self.actions.apply(&mut point.attributes_mut());
                }
            }
        }
    }
}
