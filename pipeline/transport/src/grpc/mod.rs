//! OTLP over gRPC, unary, on bare HTTP/2.
//!
//! In this room: message framing, the server, the client, the status that travels in headers and trailers. Messages are
//! bytes; nobody here looks inside.
//! Not here: what becomes of a message (`intake`), when to try again (`sending`).
//!
//! Enter at [`GrpcServer`] and [`GrpcClient`].

mod client;
mod headers;
mod message;
mod server;
#[cfg(test)]
mod tests;

pub use client::{GrpcClient, GrpcClientOptions, Pings};
pub use server::{GrpcServer, GrpcServerOptions};

use pdata::Signal;

/// The largest frame of HTTP/2 that we take and the windows we open: on a 200 kB request the frames of the standard's
/// 16 KiB cost 40 % more CPU than these.
const FRAME_SIZE: u32 = 1 << 20;
const WINDOW: u32 = 8 << 20;

fn path(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    }
}

fn signal(of: &str) -> Option<Signal> {
    Signal::ALL.into_iter().find(|signal| path(*signal) == of)
}
