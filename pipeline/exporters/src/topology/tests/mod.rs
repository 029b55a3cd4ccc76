//! Stories: OTLP comes in, rows come out.

mod events;
mod exporter;
mod kit;
mod metrics;
mod peer;
mod spans;
mod states;
