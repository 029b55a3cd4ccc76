//! What attributes of a span or of a point say of a call: to whom, in which protocol, how it ended.

use pairing::PairKey;
use pdata::{Attributes, ValueKind, ValueView};

use super::names::{LONGEST, shortened};

/// What was said, by the conventions of today and of yesterday.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Said<'a> {
    /// How the caller calls its peer.
    pub(super) address: Option<&'a str>,
    pub(super) port: Option<u16>,
    /// The address that it really spoke to.
    pub(super) peer_address: Option<&'a str>,
    pub(super) url: Option<&'a str>,
    pub(super) peer_service: Option<&'a str>,
    /// The peer's own name: not how the caller calls it.
    pub(super) peer_name: Option<&'a str>,
    pub(super) peer_namespace: Option<&'a str>,
    pub(super) transport: Option<&'a str>,
    pub(super) protocol: Option<&'a str>,
    pub(super) is_http: bool,
    pub(super) http_status: Option<i64>,
    pub(super) rpc_system: Option<&'a str>,
    pub(super) rpc_service: Option<&'a str>,
    pub(super) rpc_status: Option<RpcStatus<'a>>,
    pub(super) db_system: Option<&'a str>,
    pub(super) db_name: Option<&'a str>,
    pub(super) messaging_system: Option<&'a str>,
    pub(super) destination: Option<&'a str>,
    pub(super) operation: Option<&'a str>,
    pub(super) bucket: Option<&'a str>,
    pub(super) is_dns: bool,
    pub(super) error_type: Option<&'a str>,
    pub(super) wire: Option<PairKey>,
}

/// A status of an RPC as it was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RpcStatus<'a> {
    /// gRPC's number.
    Number(i64),
    /// Its name.
    Name(&'a str),
}

impl<'a> Said<'a> {
    /// Reads attributes. Per span and point; no allocation.
    pub(super) fn read(attributes: Attributes<'a>) -> Self {
        let mut said = Self::default();
        for attribute in attributes {
            said.take(attribute.key_bytes(), attribute.value());
        }
        said
    }

    /// Takes one attribute. Labels of Prometheus have `_` for `.`, and mean the same.
    pub(super) fn take(&mut self, key: &[u8], value: ValueView<'a>) {
        match key {
            b"server.address" | b"server_address" => self.address = text(value).or(self.address),
            b"net.peer.name" | b"net.sock.peer.name" => self.address = self.address.or(text(value)),
            b"server.port" | b"server_port" => self.port = port(value).or(self.port),
            b"net.peer.port" => self.port = self.port.or(port(value)),
            b"network.peer.address" | b"net.sock.peer.addr" | b"net.peer.ip" => self.peer_address = text(value),
            b"url.full" | b"http.url" => self.url = value.as_str(),
            b"service.peer.name" => self.peer_name = text(value),
            b"service.peer.namespace" => self.peer_namespace = text(value),
            b"peer.service" | b"peer_service" => self.peer_service = text(value),
            b"network.transport" | b"net.transport" | b"network_transport" => self.transport = text(value),
            b"network.protocol.name" | b"net.app.protocol.name" | b"net.protocol.name" | b"network_protocol_name" => {
                self.protocol = text(value);
            }
            b"http.request.method" | b"http.method" | b"http_request_method" | b"http_method" => self.is_http = true,
            b"http.response.status_code" | b"http.status_code" | b"http_response_status_code" | b"http_status_code" => {
                (self.is_http, self.http_status) = (true, number(value));
            }
            b"rpc.system.name" | b"rpc.system" | b"rpc_system_name" | b"rpc_system" => self.rpc_system = text(value),
            b"rpc.service" => self.rpc_service = text(value),
            b"rpc.status_code"
            | b"rpc.response.status_code"
            | b"rpc.grpc.status_code"
            | b"rpc_response_status_code"
            | b"rpc_grpc_status_code" => {
                self.rpc_status = rpc_status(value);
            }
            b"db.system.name" | b"db.system" | b"db_system_name" | b"db_system" => self.db_system = text(value),
            b"db.namespace" | b"db_namespace" => self.db_name = text(value),
            b"db.name" => self.db_name = self.db_name.or(text(value)),
            b"messaging.system" | b"messaging_system" => self.messaging_system = text(value),
            b"messaging.destination.template" => self.destination = text(value),
            b"messaging.destination.name" | b"messaging.destination" | b"messaging_destination_name" => {
                self.destination = self.destination.or(text(value));
            }
            b"messaging.operation.type" => self.operation = text(value),
            b"messaging.operation" => self.operation = self.operation.or(text(value)),
            b"aws.s3.bucket" => self.bucket = text(value),
            b"dns.question.name" => self.is_dns = true,
            b"error.type" | b"error_type" => self.error_type = text(value),
            b"tidewatch.wire.key" => self.wire = PairKey::on_wire(value),
            _ => {}
        }
    }

    /// The protocol, in its own word where one was said; `None` if nothing was.
    pub(super) fn protocol(&self) -> Option<&'a str> {
        if let Some(system) = self.rpc_system {
            return Some(system);
        }
        if let Some(system) = self.db_system {
            return Some(system);
        }
        if let Some(system) = self.messaging_system {
            return Some(system);
        }
        let plain = if self.is_dns { Some("dns") } else { None };
        plain.or(self.protocol).or(if self.is_http { Some("http") } else { None })
    }

    /// The host in the address, or in the URL where no address was said.
    pub(super) fn host(&self) -> Option<&'a str> {
        self.address.or_else(|| Some(shortened(host_of(self.url?)?, LONGEST)))
    }
}

fn text(value: ValueView<'_>) -> Option<&str> {
    value.as_str().filter(|text| !text.is_empty()).map(|text| shortened(text, LONGEST))
}

fn number(value: ValueView<'_>) -> Option<i64> {
    match value.kind() {
        ValueKind::Int(number) => Some(number),
        ValueKind::Str(digits) => digits.parse().ok(),
        _ => None,
    }
}

fn port(value: ValueView<'_>) -> Option<u16> {
    number(value).and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0)
}

fn rpc_status(value: ValueView<'_>) -> Option<RpcStatus<'_>> {
    number(value).map(RpcStatus::Number).or_else(|| text(value).map(RpcStatus::Name))
}

/// The host of an absolute URL, without user, port and brackets.
fn host_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next()?,
        None => host.split(':').next()?,
    };
    (!host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_a_url_is_what_stands_between() {
        let hosts = [
            ("https://api.example/v1?x=1", Some("api.example")),
            ("http://user:secret@pay.shop:8080/", Some("pay.shop")),
            ("http://[::1]:80/", Some("::1")),
            ("http://", None),
            ("/only/a/path", None),
        ];

        for (url, host) in hosts {
            assert_eq!(host_of(url), host, "{url}");
        }
    }
}
