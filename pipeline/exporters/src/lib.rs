//! Exporters: where data leaves.
//!
//! In this room: one folder for each exporter, and what several of them share.
//! Not here: sockets, queues and retries (`transport`), the graph that feeds exporters (`engine`).
//!
//! Enter at [`factories`].

mod prometheus;
mod prometheus_names;
mod prometheus_remote_write;

use component::ExporterFactory;

/// All exporters.
pub fn factories() -> Vec<ExporterFactory> {
    vec![prometheus::FACTORY, prometheus_remote_write::FACTORY]
}
