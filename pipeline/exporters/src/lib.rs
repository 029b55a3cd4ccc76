//! exporters
#![allow(missing_docs)]
pub static FACTORIES: &[component::ExporterFactory] = &[];
//! Where data leaves.
//!
//! In this room: one folder per exporter.
//! Not here: sockets, queues and retries (`transport`), the order in which exporters start (`engine`).
//!
//! Enter at [`FACTORIES`].

pub mod debug;
pub mod nop;
//! Exporters: where data leaves.
//!
//! In this room: one folder for each exporter, and what several of them share.
//! Not here: sockets, queues and retries (`transport`), the graph that feeds exporters (`engine`).
//!
//! Enter at [`factories`].

mod prometheus;
mod prometheus_names;

use component::ExporterFactory;

/// All exporters.
pub static FACTORIES: &[ExporterFactory] = &[debug::FACTORY, nop::FACTORY];
pub fn factories() -> Vec<ExporterFactory> {
    vec![
        prometheus::FACTORY,
    ]
}
