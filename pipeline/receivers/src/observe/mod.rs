//! From what happens on connections to spans and metrics.
//!
//! In this room: the two ends of a connection and their processes, wire keys, parents, joining both ends of an exchange,
//! spans by semantic convention, HTTP and TCP metrics. No I/O, no clock: events carry their times.
//! Not here: where events come from (`ebpf`, `pcap`), finding exchanges in bytes (`protocols`).
//!
//! Enter at [`Observer`].

mod end;
mod events;
mod finished;
mod histogram;
mod http_metrics;
mod lineage;
mod observer;
mod process;
mod report;
mod sdk;
mod series;
mod settings;
mod spans;
mod tcp_metrics;
mod waiting;
mod wire;

pub use events::{Closed, Counts, Failed, Identify, Opened, Statistics};
pub use finished::EndId;
pub use observer::Observer;
pub use process::{Declared, Process, ProcessFiles};
pub use settings::{HttpRules, IgnoreRule, ObserverSettings, SdkInstrumented, Temporality, glob};
