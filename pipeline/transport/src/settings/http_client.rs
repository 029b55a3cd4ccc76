//! Keys of HTTP clients.

use std::sync::Arc;

use component::Clock;
use config::{Check, Config, GoDuration, Pairs, Secret, Validate};

use super::compression::{CompressionParams, CompressionType};
use super::tls::ClientTls;
use super::{headers, not_negative, unless_zero, user_agent};
use crate::http::{HttpClient, HttpClientOptions, content_encoding};

/// An HTTP client.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(unsupported("proxy_url", "auth", "cookies", "middlewares"))]
pub struct HttpClientSettings {
    /// Where to send, as a URL. `https` is not supported yet.
    pub endpoint: String,
    /// TLS. Not supported yet.
    pub tls: ClientTls,
    /// Accepted; the sizes of buffers follow the bodies.
    pub read_buffer_size: i64,
    /// Accepted; the sizes of buffers follow the bodies.
    pub write_buffer_size: i64,
    /// Longest time of one request, until its answer is read. 0 or less: no limit.
    pub timeout: GoDuration,
    /// Sent with every request.
    pub headers: Pairs<Secret>,
    /// How bodies are compressed.
    pub compression: CompressionType,
    /// How hard the codec tries.
    pub compression_params: CompressionParams,
    /// Most idle connections.
    #[config(default = 100)]
    pub max_idle_conns: i64,
    /// Most idle connections to one host. 0: as `max_idle_conns`.
    pub max_idle_conns_per_host: i64,
    /// Most connections to one host. 0: no limit.
    pub max_conns_per_host: i64,
    /// How long an idle connection is kept. 0: for ever.
    #[config(default = GoDuration::seconds(90))]
    pub idle_conn_timeout: GoDuration,
    /// Use a connection for one request only.
    pub disable_keep_alives: bool,
    /// Accepted; HTTP/1.1 is spoken, as the Collector does without TLS.
    pub http2_read_idle_timeout: GoDuration,
    /// Accepted; HTTP/1.1 is spoken.
    #[config(default = GoDuration::seconds(15))]
    pub http2_ping_timeout: GoDuration,
    /// Accepted; HTTP/1.1 is spoken.
    #[config(default = true)]
    pub force_attempt_http2: bool,
}

impl Validate for HttpClientSettings {
    fn validate(&self, check: &mut Check<'_, '_>) {
        self.compression.check_level(&self.compression_params, check);
        for (key, number) in [
            ("read_buffer_size", self.read_buffer_size),
            ("write_buffer_size", self.write_buffer_size),
            ("max_idle_conns", self.max_idle_conns),
            ("max_idle_conns_per_host", self.max_idle_conns_per_host),
            ("max_conns_per_host", self.max_conns_per_host),
        ] {
            not_negative(check, key, number);
        }
        headers::check(&self.headers, "headers", check);
    }
}

impl HttpClientSettings {
    /// A client. The clock is for dates in `Retry-After`.
    pub fn client(&self, clock: Arc<dyn Clock>) -> HttpClient {
        let count = |number: i64| usize::try_from(number).unwrap_or(0);
        let per_host =
            [self.max_idle_conns_per_host, self.max_idle_conns].map(count).into_iter().find(|most| *most > 0);
        let options = HttpClientOptions {
            headers: headers::map(&self.headers),
            user_agent: user_agent(),
            compression: content_encoding(self.compression.name(), self.compression_params.chosen()),
            timeout: unless_zero(self.timeout),
            max_idle: per_host.unwrap_or(100),
            max_connections: count(self.max_conns_per_host),
            idle_time: self.idle_conn_timeout.as_duration(),
            keep_alive: !self.disable_keep_alives,
        };
        HttpClient::new(options, clock)
    }
}
