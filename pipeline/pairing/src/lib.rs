//! Brings together the two ends of one call.
//!
//! In this room: which span is which end of a call, and under which keys its other end is found; the store in which one
//! end waits for the other, with its bounds and its ages; the memory of what was counted already, so that a repeat counts
//! once; for how many spans a sampled one counts; names of ends, kept once.
//! Not here: what is to be known of an end (the caller brings it along), edges and metrics (`connectors`), threads and
//! clocks (the caller says what time it is).
//!
//! Enter at [`Role::of`] and [`Keys::of`], then [`PairStore::meet`].
#![forbid(unsafe_code)]

mod arrivals;
mod counted;
mod ends;
mod keys;
mod names;
mod store;
#[cfg(test)]
mod tests;
mod weight;

pub use counted::Counted;
pub use ends::{Ends, Half};
pub use keys::{Keys, PairKey, Role, WIRE_KEY};
pub use names::Names;
pub use store::{Met, PairStore};
pub use weight::{Weight, Weights};
