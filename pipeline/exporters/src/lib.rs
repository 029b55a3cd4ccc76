//! Where data leaves.
//!
//! In this room: one folder per exporter.
//! Not here: sockets, queues and retries (`transport`), the order in which exporters start (`engine`).
//!
//! Enter at [`FACTORIES`].

pub mod debug;
pub mod file;
pub mod nop;

use component::ExporterFactory;

/// All exporters.
pub static FACTORIES: &[ExporterFactory] = &[debug::FACTORY, file::FACTORY, nop::FACTORY];
