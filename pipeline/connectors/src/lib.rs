//! connectors
#![allow(missing_docs)]
pub static FACTORIES: &[component::ConnectorFactory] = &[];
