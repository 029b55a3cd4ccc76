//! The configuration blocks that components share, key for key those of the Collector.
//!
//! In this room: keys with defaults and rules; what they mean for the clients, servers and queues of this crate.
//! Not here: the clients, servers and queues.
//!
//! Enter at the block that a component flattens into its own: [`GrpcClientSettings`], [`HttpServerSettings`], ...

mod compression;
mod endpoint;
mod grpc;
mod headers;
mod http_client;
mod http_server;
mod queue;
mod retry;
#[cfg(test)]
mod tests;
mod tls;

pub use compression::{CompressionParams, CompressionType};
pub use grpc::{
    ClientKeepalive, EnforcementPolicy, GrpcClientSettings, GrpcServerSettings, ServerKeepalive, ServerParameters,
};
pub use http_client::HttpClientSettings;
pub use http_server::{HttpKeepalive, HttpServerSettings};
pub use queue::{BatchSettings, QueueSettings, Sizer};
pub use retry::{RetrySettings, TimeoutSettings};
pub use tls::ClientTls;

use config::{Check, GoDuration};

/// A duration of which zero means "none".
fn unless_zero(duration: GoDuration) -> Option<std::time::Duration> {
    Some(duration.as_duration()).filter(|duration| !duration.is_zero())
}

fn not_negative(check: &mut Check<'_, '_>, key: &str, number: i64) {
    check.require(number >= 0, key, format!("'{key}' must be non-negative"));
}

fn user_agent() -> http::HeaderValue {
    let text = format!("tidewatch/{} ({}/{})", env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH);
    http::HeaderValue::try_from(text).unwrap_or(http::HeaderValue::from_static("tidewatch"))
}
