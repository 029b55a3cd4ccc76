//! From a loaded configuration to a running process.
//!
//! In this room: resolving names to factories, the Collector's rules for graphs, shards, timers, the order of start and
//! stop, restart of a shard that panicked, and what the process reports about itself.
//! Not here: any component (the tables are passed in), the command line, sockets for data (`transport`).
//!
//! Enter at [`plan`] (is this configuration right?) and [`run`] (run it).

mod graph;
mod known;
mod node;
mod plan;
mod service;
mod shard;
mod tables;
mod telemetry;
mod timer;

pub use plan::{Plan, plan};
pub use service::{RunError, RunOptions, run};
pub use tables::Tables;
