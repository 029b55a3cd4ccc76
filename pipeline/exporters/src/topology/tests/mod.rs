//! Stories: OTLP comes in, rows come out.

mod exporter;
mod kit;
mod spans;
