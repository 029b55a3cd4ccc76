//! Connectors: the end of pipelines of one signal and the start of pipelines of another.
//!
//! In this room: one folder per connector.
//! Not here: the pairing of the two ends of a call (`pairing`), the graph in which connectors stand (`engine`), the
//! metrics' way out (`exporters`).
//!
//! Enter at [`FACTORIES`], then at a folder's `FACTORY`.
#![forbid(unsafe_code)]

mod emit;
pub mod forward;
mod histogram;
mod labels;
mod series;
pub mod service_graph;
pub mod span_metrics;
#[cfg(test)]
mod story;
mod timers;
mod wanted;

use component::ConnectorFactory;

/// All connectors.
pub static FACTORIES: &[ConnectorFactory] = &[forward::FACTORY, service_graph::FACTORY, span_metrics::FACTORY];
