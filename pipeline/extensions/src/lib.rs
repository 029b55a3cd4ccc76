//! What serves the process beside the data: one folder per extension.
//!
//! In this room: extensions.
//! Not here: when they start and stop (`engine`).
//!
//! Enter at [`FACTORIES`].
#![forbid(unsafe_code)]

pub mod health_check;
pub mod topology;

use component::ExtensionFactory;

/// All extensions.
pub static FACTORIES: &[ExtensionFactory] = &[health_check::FACTORY, topology::FACTORY];
