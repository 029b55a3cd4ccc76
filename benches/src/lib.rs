//! Measures Tidewatch as a whole, with a peer beside it in the same run.
//!
//! In this room: OTLP and HTTP load, a sink that counts, a tested process and what it costs, the rows and their report.
//! Not here: anything that ships. Small parts are measured in `micro/`.
//!
//! Enter at [`rows::all`]; `benches/run` builds what it needs and calls it.
#![forbid(unsafe_code)]

pub mod counting;
pub mod load;
pub mod message;
pub mod requests;
pub mod rows;
pub mod sink;
pub mod subject;

/// What a measurement may fail with: shown to a person, never matched on.
pub type Fault = Box<dyn std::error::Error + Send + Sync>;
