//! Stories of the store, by the questions they answer.

mod blocks;
mod identity;
mod memory;
mod support;
