//! Keys of HTTP servers.

use config::{ByteSize, Check, Config, GoDuration, Pairs, Secret, Validate};

use super::{headers, unless_zero};
use crate::compression::Codec;
use crate::http::HttpServerOptions;

/// An HTTP server.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(unsupported("tls", "cors", "auth", "middlewares"))]
pub struct HttpServerSettings {
    /// Where to listen, as `host:port`.
    pub endpoint: String,
    /// `tcp`, `tcp4` or `tcp6`: all listen where the endpoint resolves to.
    #[config(default = "tcp")]
    pub transport: String,
    /// Largest body, before and after decompression.
    #[config(default = ByteSize::mib(20))]
    pub max_request_body_size: ByteSize,
    /// Accepted; no component reads the headers of clients yet.
    pub include_metadata: bool,
    /// Sent with every answer.
    pub response_headers: Pairs<Secret>,
    /// Codecs that are taken; an empty one is no compression.
    #[config(default = ["", "gzip", "zstd", "zlib", "snappy", "deflate", "lz4"].map(str::to_owned).to_vec())]
    pub compression_algorithms: Vec<String>,
    /// Longest time for a body to come in. 0: one minute.
    pub read_timeout: GoDuration,
    /// Longest time for the headers of a request to come in. 0: no limit.
    #[config(default = GoDuration::seconds(60))]
    pub read_header_timeout: GoDuration,
    /// Accepted; answers are small and are given up when their connection breaks.
    #[config(default = GoDuration::seconds(30))]
    pub write_timeout: GoDuration,
    /// Accepted; an idle connection is closed after `read_header_timeout`.
    #[config(default = GoDuration::seconds(60))]
    pub idle_timeout: GoDuration,
    /// Keep connections for more than one request.
    #[config(default = true)]
    pub keep_alives_enabled: bool,
    /// The newer place of the two keys above.
    pub keepalive: Option<HttpKeepalive>,
}

/// Connections that are used more than once.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub struct HttpKeepalive {
    /// Keep connections for more than one request.
    #[config(default = true)]
    pub enabled: bool,
    /// Accepted; an idle connection is closed after `read_header_timeout`.
    #[config(default = GoDuration::seconds(60))]
    pub idle_timeout: GoDuration,
}

impl Validate for HttpServerSettings {
    fn validate(&self, check: &mut Check<'_, '_>) {
        let tcp = ["tcp", "tcp4", "tcp6"].contains(&self.transport.as_str());
        check.require(tcp, "transport", format!("transport {:?} is not supported yet; use tcp", self.transport));
        for name in &self.compression_algorithms {
            let known = Codec::of_content_encoding(name).is_ok();
            check.require(known, "compression_algorithms", format!("unsupported compression type {name:?}"));
        }
        headers::check(&self.response_headers, "response_headers", check);
    }
}

impl HttpServerSettings {
    /// What the settings mean for a server.
    pub fn options(&self) -> HttpServerOptions {
        let base = HttpServerOptions::default();
        let body = self.max_request_body_size.as_usize();
        let extra = self.response_headers.iter();
        HttpServerOptions {
            max_body_bytes: if body > 0 { body } else { base.max_body_bytes },
            body_timeout: unless_zero(self.read_timeout).unwrap_or(base.body_timeout),
            header_timeout: unless_zero(self.read_header_timeout),
            keep_alive: self.keepalive.as_ref().map_or(self.keep_alives_enabled, |keepalive| keepalive.enabled),
            codecs: Some(self.compression_algorithms.clone()),
            response_headers: extra.filter_map(|(name, value)| headers::header(name, value.expose(), false)).collect(),
            write_patience: base.write_patience,
        }
    }
}
