//! Listening sockets.

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use tokio::net::{TcpListener, lookup_host};

/// Connections that the kernel keeps for us until we take them.
const BACKLOG: i32 = 1024;

/// A socket could not listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Not an address of this machine.
    #[error("cannot resolve {endpoint}: {reason}; use host:port with a host that this machine can resolve")]
    Resolve {
        /// As configured.
        endpoint: String,
        /// What the resolver said.
        reason: io::Error,
    },
    /// Somebody else listens there.
    #[error(
        "address already in use: {address}; stop the process that listens there or change the 'endpoint' {endpoint}"
    )]
    InUse {
        /// Resolved.
        address: SocketAddr,
        /// As configured.
        endpoint: String,
    },
    /// The kernel said no.
    #[error("cannot listen on {address} (endpoint {endpoint}): {reason}")]
    Refused {
        /// Resolved.
        address: SocketAddr,
        /// As configured.
        endpoint: String,
        /// What the kernel said.
        reason: io::Error,
    },
}

/// Who may listen on the same port beside this socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Nobody.
    Alone,
    /// The other shards of this process; the kernel spreads connections over them.
    WithShards,
}

impl Sharing {
    /// What a component that runs on this many shards needs.
    pub fn among(shards: usize) -> Self {
        if shards > 1 { Self::WithShards } else { Self::Alone }
    }
}

/// Listens on `endpoint`, `host:port`; a missing host means all addresses.
///
/// A port that another program holds is always noticed, with one exception: sockets of [`Sharing::WithShards`] may join
/// those of another process of the same user that shares as well, which is the kernel's rule for SO_REUSEPORT.
pub async fn listen(endpoint: &str, sharing: Sharing) -> Result<TcpListener, ListenError> {
    let host_and_port = match endpoint.strip_prefix(':') {
        Some(port) => format!("[::]:{port}"),
        None => endpoint.to_owned(),
    };
    let unresolved = |reason| ListenError::Resolve { endpoint: endpoint.to_owned(), reason };
    let address = lookup_host(&host_and_port).await.map_err(unresolved)?.next();
    let address = address.ok_or_else(|| unresolved(io::ErrorKind::NotFound.into()))?;
    bind(address, sharing).map_err(|reason| match reason.kind() {
        io::ErrorKind::AddrInUse => ListenError::InUse { address, endpoint: endpoint.to_owned() },
        _ => ListenError::Refused { address, endpoint: endpoint.to_owned(), reason },
    })
}

fn bind(address: SocketAddr, sharing: Sharing) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restart must not wait for connections in TIME_WAIT.
    socket.set_reuse_address(true)?;
    if sharing == Sharing::WithShards {
        socket.set_reuse_port(true)?;
    }
    if address.is_ipv6() && address.ip().is_unspecified() {
        socket.set_only_v6(false)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::from(address))?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_port_is_named_with_its_remedy() {
        let first = listen("127.0.0.1:0", Sharing::Alone).await.unwrap();
        let endpoint = first.local_addr().unwrap().to_string();

        let error = listen(&endpoint, Sharing::Alone).await.unwrap_err().to_string();

        assert!(error.starts_with(&format!("address already in use: {endpoint}; ")), "{error}");
    }

    #[tokio::test]
    async fn shards_share_a_port() {
        let first = listen("localhost:0", Sharing::WithShards).await.unwrap();

        assert!(listen(&first.local_addr().unwrap().to_string(), Sharing::WithShards).await.is_ok());
    }

    #[tokio::test]
    async fn an_endpoint_without_host_listens_everywhere() {
        let everywhere = listen(":0", Sharing::Alone).await.unwrap();

        assert!(everywhere.local_addr().unwrap().ip().is_unspecified());
    }

    #[tokio::test]
    async fn a_name_that_nobody_knows_is_an_error() {
        let error = listen("no such host:1", Sharing::Alone).await.unwrap_err();

        assert!(matches!(error, ListenError::Resolve { .. }), "{error}");
    }
}
