//! All that a process can be made of.

use component::{ConnectorFactory, ExporterFactory, ExtensionFactory, Identity, ProcessorFactory, ReceiverFactory};
use config::ComponentId;

/// One list of factories per kind. The binary writes them down; nothing registers itself.
#[derive(Clone, Copy)]
pub struct Tables {
    /// What can be under `receivers:`.
    pub receivers: &'static [ReceiverFactory],
    /// What can be under `processors:`.
    pub processors: &'static [ProcessorFactory],
    /// What can be under `exporters:`.
    pub exporters: &'static [ExporterFactory],
    /// What can be under `connectors:`.
    pub connectors: &'static [ConnectorFactory],
    /// What can be under `extensions:`.
    pub extensions: &'static [ExtensionFactory],
}

/// A factory of any kind.
pub(crate) trait Named: Copy + 'static {
    fn identity(&self) -> &Identity;
}

macro_rules! named {
    ($($factory:ty),*) => {
        $(impl Named for $factory {
            fn identity(&self) -> &Identity {
                &self.identity
            }
        })*
    };
}

named!(ReceiverFactory, ProcessorFactory, ExporterFactory, ConnectorFactory, ExtensionFactory);

/// The factory that is called like the id's type.
pub(crate) fn find<F: Named>(table: &'static [F], id: &ComponentId) -> Option<F> {
    table.iter().find(|factory| factory.identity().is_called(id.kind())).copied()
}

/// Every spelling in a table, for error messages.
pub(crate) fn names<F: Named>(table: &'static [F]) -> Vec<&'static str> {
    table.iter().flat_map(|factory| [Some(factory.identity().name), factory.identity().alias]).flatten().collect()
}
