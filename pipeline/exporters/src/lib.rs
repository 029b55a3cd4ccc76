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

use component::ExporterFactory;

/// All exporters.
pub static FACTORIES: &[ExporterFactory] = &[debug::FACTORY, nop::FACTORY];
