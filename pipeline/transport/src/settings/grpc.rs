//! Keys of gRPC clients and servers.

use std::time::Duration;

use component::StartError;
use config::{Check, Config, GoDuration, Pairs, Secret, Validate};
use http::HeaderValue;

use super::compression::{CompressionParams, CompressionType};
use super::tls::ClientTls;
use super::{endpoint, headers, not_negative, unless_zero, user_agent};
use crate::grpc::{GrpcClient, GrpcClientOptions, GrpcServerOptions, Pings};

/// A gRPC client.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(unsupported("auth", "middlewares"))]
pub struct GrpcClientSettings {
    /// Where to send, as `host:port`. `http://` in front means clear text.
    pub endpoint: String,
    /// How messages are compressed: gzip, zstd, snappy, deflate or none. zstd and gzip at level 1 cost the least for
    /// what they save.
    pub compression: CompressionType,
    /// How hard the codec tries (an addition to the Collector's keys).
    pub compression_params: CompressionParams,
    /// TLS. Not supported yet: `insecure: true` is needed.
    pub tls: ClientTls,
    /// Pings on quiet connections. Off unless written.
    pub keepalive: Option<ClientKeepalive>,
    /// Accepted; the sizes of buffers follow the messages.
    pub read_buffer_size: i64,
    /// Accepted; the sizes of buffers follow the messages.
    pub write_buffer_size: i64,
    /// Wait for a destination that cannot be reached, as long as `timeout` allows, instead of failing at once.
    pub wait_for_ready: bool,
    /// Sent with every request.
    pub headers: Pairs<Secret>,
    /// Sent with every request.
    pub user_agent: String,
    /// Accepted: `round_robin` or `pick_first`. One connection is used, to the first address that answers.
    #[config(default = "round_robin")]
    pub balancer_name: String,
    /// Name by which the destination is addressed, if it is not that of the endpoint.
    pub authority: String,
}

/// Pings of a client.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub struct ClientKeepalive {
    /// Ping after this much silence.
    #[config(default = GoDuration::seconds(10))]
    pub time: GoDuration,
    /// Give up after this much more.
    #[config(default = GoDuration::seconds(10))]
    pub timeout: GoDuration,
    /// Ping even when no request runs.
    pub permit_without_stream: bool,
}

impl Validate for GrpcClientSettings {
    fn validate(&self, check: &mut Check<'_, '_>) {
        if self.endpoint.starts_with("unix:") {
            check.error("endpoint", "unix sockets are not supported yet");
        } else if !self.endpoint.is_empty()
            && let Some(problem) = endpoint::problem(endpoint::without_scheme(&self.endpoint))
        {
            check.error("endpoint", problem);
        }
        let balancer = &self.balancer_name;
        let known = ["", "round_robin", "pick_first"].contains(&balancer.as_str());
        check.require(known, "balancer_name", format!("invalid balancer_name: {balancer}"));
        let exists = self.compression.exists_in_grpc();
        check.require(exists, "compression", format!("unsupported compression type {:?}", self.compression.name()));
        self.compression.check_level(&self.compression_params, check);
        not_negative(check, "read_buffer_size", self.read_buffer_size);
        not_negative(check, "write_buffer_size", self.write_buffer_size);
        headers::check(&self.headers, "headers", check);
    }
}

impl GrpcClientSettings {
    /// A client. `timeout` is what the destination is told of the exporter's own.
    ///
    /// # Errors
    /// When the settings ask for TLS.
    pub fn client(&self, timeout: Option<Duration>) -> Result<GrpcClient, StartError> {
        let clear = self.tls.insecure || self.endpoint.starts_with("http://");
        if !clear || self.endpoint.starts_with("https://") {
            return Err(StartError(format!(
                "TLS is not supported yet: to send to {:?} in clear text, set 'tls: {{insecure: true}}'{}",
                self.endpoint,
                if clear { " and remove 'https://' from 'endpoint'" } else { "" },
            )));
        }
        let given = HeaderValue::try_from(self.user_agent.as_str()).ok().filter(|given| !given.is_empty());
        let options = GrpcClientOptions {
            endpoint: endpoint::without_scheme(&self.endpoint).to_owned(),
            authority: Some(self.authority.clone()).filter(|authority| !authority.is_empty()),
            headers: headers::map(&self.headers),
            user_agent: given.unwrap_or_else(user_agent),
            compression: self.compression.for_grpc(&self.compression_params),
            timeout,
            pings: self.keepalive.as_ref().map(ClientKeepalive::pings),
            wait_for_ready: self.wait_for_ready,
        };
        GrpcClient::new(options).map_err(|error| StartError(error.to_string()))
    }
}

impl ClientKeepalive {
    fn pings(&self) -> Pings {
        // As in Go's library, which does not ping more often than this.
        let after = self.time.as_duration().max(Duration::from_secs(10));
        Pings { after, timeout: self.timeout.as_duration(), when_idle: self.permit_without_stream }
    }
}

/// A gRPC server.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(unsupported("tls", "auth", "middlewares"))]
pub struct GrpcServerSettings {
    /// Where to listen, as `host:port`.
    pub endpoint: String,
    /// `tcp`, `tcp4` or `tcp6`: all listen where the endpoint resolves to.
    #[config(default = "tcp")]
    pub transport: String,
    /// Largest message in MiB, before and after decompression. 0: 4 MiB.
    pub max_recv_msg_size_mib: i64,
    /// Requests at a time on one connection. 0: 1024.
    pub max_concurrent_streams: u32,
    /// Accepted; the sizes of buffers follow the messages.
    pub read_buffer_size: i64,
    /// Accepted; the sizes of buffers follow the messages.
    pub write_buffer_size: i64,
    /// When connections are pinged, closed and renewed.
    pub keepalive: Option<ServerKeepalive>,
    /// Accepted; no component reads the metadata of clients yet.
    pub include_metadata: bool,
}

/// When connections are pinged, closed and renewed.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub struct ServerKeepalive {
    /// What the server does.
    pub server_parameters: ServerParameters,
    /// What clients may do.
    pub enforcement_policy: EnforcementPolicy,
}

/// What the server does. 0 is the default of each.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub struct ServerParameters {
    /// Close a connection that had no request for this time. 0: never.
    pub max_connection_idle: GoDuration,
    /// Ask clients to connect anew after this time. 0: never.
    pub max_connection_age: GoDuration,
    /// How long requests may still run then. 0: as long as they want.
    pub max_connection_age_grace: GoDuration,
    /// Ping after this much silence. 0: two hours.
    pub time: GoDuration,
    /// Give up after this much more. 0: 20s.
    pub timeout: GoDuration,
}

/// What clients may do. Accepted; clients that ping often are answered.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub struct EnforcementPolicy {
    /// Shortest time between pings of a client.
    pub min_time: GoDuration,
    /// Whether clients may ping when no request runs.
    pub permit_without_stream: bool,
}

impl Validate for GrpcServerSettings {
    fn validate(&self, check: &mut Check<'_, '_>) {
        let tcp = ["tcp", "tcp4", "tcp6"].contains(&self.transport.as_str());
        check.require(tcp, "transport", format!("transport {:?} is not supported yet; use tcp", self.transport));
        not_negative(check, "max_recv_msg_size_mib", self.max_recv_msg_size_mib);
        not_negative(check, "read_buffer_size", self.read_buffer_size);
        not_negative(check, "write_buffer_size", self.write_buffer_size);
    }
}

impl GrpcServerSettings {
    /// What the settings mean for a server.
    pub fn options(&self) -> GrpcServerOptions {
        let base = GrpcServerOptions::default();
        let parameters = self.keepalive.clone().unwrap_or_default().server_parameters;
        let mib = usize::try_from(self.max_recv_msg_size_mib).unwrap_or(0);
        GrpcServerOptions {
            max_message_bytes: if mib > 0 { mib.saturating_mul(1 << 20) } else { base.max_message_bytes },
            max_concurrent_streams: match self.max_concurrent_streams {
                0 => base.max_concurrent_streams,
                most => most,
            },
            ping_after: unless_zero(parameters.time).unwrap_or(base.ping_after),
            ping_timeout: unless_zero(parameters.timeout).unwrap_or(base.ping_timeout),
            max_age: unless_zero(parameters.max_connection_age),
            max_age_grace: unless_zero(parameters.max_connection_age_grace),
            max_idle: unless_zero(parameters.max_connection_idle),
        }
    }
}
