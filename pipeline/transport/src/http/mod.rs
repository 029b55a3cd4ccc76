//! HTTP/1.1: a server and a client for anything, and OTLP over them.
//!
//! In this room: the accept loop around hyper, the connection pool, `Retry-After`, the OTLP export paths with their
//! error bodies.
//! Not here: gRPC (`grpc`), when to try again (`sending`).
//!
//! Enter at [`HttpServer`] and [`serve_http`] for servers, at [`HttpClient`] for clients.

mod client;
mod otlp_client;
mod otlp_server;
mod patient;
mod pool;
mod retry_after;
mod server;
#[cfg(test)]
mod tests;

pub(crate) use client::content_encoding;
pub use client::{HttpClient, HttpClientOptions, HttpResponse, Target, TargetError};
pub use otlp_client::export_over_http;
pub use otlp_server::{HttpServer, OtlpPaths};
pub use server::{HttpServerOptions, read_body, serve_http};

/// Most of an answer that a client reads.
const LONGEST_ANSWER: usize = 64 * 1024;
