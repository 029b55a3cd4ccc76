//! Where data leaves.
//!
//! In this room: one folder per exporter, and what several of them share.
//! Not here: sockets, queues and retries (`transport`), the order in which exporters start (`engine`).
//!
//! Enter at [`FACTORIES`].
#![forbid(unsafe_code)]

pub mod debug;
pub mod file;
pub mod nop;
pub mod otlp_grpc;
pub mod otlp_http;
mod outbound;
mod partial;
pub mod prometheus;
mod prometheus_names;
pub mod prometheus_remote_write;
pub mod topology;

use component::ExporterFactory;

/// All exporters.
pub static FACTORIES: &[ExporterFactory] = &[
    debug::FACTORY,
    file::FACTORY,
    nop::FACTORY,
    otlp_grpc::FACTORY,
    otlp_http::FACTORY,
    prometheus::FACTORY,
    prometheus_remote_write::FACTORY,
    topology::FACTORY,
];
