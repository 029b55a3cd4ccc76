//! exporters
#![allow(missing_docs)]
pub static FACTORIES: &[component::ExporterFactory] = &[];
