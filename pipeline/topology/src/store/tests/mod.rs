//! Stories of the store, by the questions they answer.

mod blocks;
mod durable;
mod identity;
mod memory;
mod support;
mod writing;
