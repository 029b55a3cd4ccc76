//! What happens to data on its way.
//!
//! In this room: one folder per processor, and the attribute actions that two of them share.
//! Not here: the order in which processors run (`engine`), reading and editing bytes (`pdata`).
//!
//! Enter at [`FACTORIES`].
#![forbid(unsafe_code)]

mod actions;
pub mod attributes;
pub mod batch;
pub mod memory_limiter;
pub mod resource;
#[cfg(test)]
mod stories;

use component::ProcessorFactory;

/// All processors.
pub static FACTORIES: &[ProcessorFactory] =
    &[attributes::FACTORY, batch::FACTORY, memory_limiter::FACTORY, resource::FACTORY];
