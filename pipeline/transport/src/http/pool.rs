//! Connections that are kept for the next request.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::body::Payload;

/// What a pool keeps, and for how long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Idle connections to one host.
    pub idle: usize,
    /// Connections to one host at a time; 0 is no limit.
    pub connections: usize,
    /// Age at which an idle connection is closed; zero is never.
    pub idle_time: Duration,
}

struct Idle {
    sender: SendRequest<Payload>,
    since: Instant,
}

struct Host {
    idle: Vec<Idle>,
    permits: Option<std::sync::Arc<Semaphore>>,
}

/// By `host:port`. The hosts are those of the configuration, so they are few.
pub(super) struct Pool {
    limits: Limits,
    hosts: RefCell<HashMap<Rc<str>, Host>>,
}

/// A connection in use. It goes back with [`Pool::keep`], or is closed when dropped.
pub(super) struct Lease {
    pub sender: SendRequest<Payload>,
    /// True if it served a request before: the server may have closed it meanwhile.
    pub used: bool,
    host: Rc<str>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Pool {
    pub fn new(limits: Limits) -> Self {
        Self { limits, hosts: RefCell::default() }
    }

    /// An idle connection to the host, or a new one. Waits while there are as many as allowed.
    pub async fn lease(&self, host: &Rc<str>) -> Result<Lease, String> {
        let permits = self.hosts.borrow_mut().entry(Rc::clone(host)).or_insert_with(|| self.host()).permits.clone();
        let permit = match permits {
            Some(permits) => permits.acquire_owned().await.ok(),
            None => None,
        };
        while let Some(mut sender) = self.newest_idle(host) {
            if sender.ready().await.is_ok() {
                return Ok(Lease { sender, used: true, host: Rc::clone(host), _permit: permit });
            }
        }
        let sender = connect(host).await?;
        Ok(Lease { sender, used: false, host: Rc::clone(host), _permit: permit })
    }

    /// Takes back a connection whose answer was read to its end.
    pub fn keep(&self, lease: Lease) {
        let mut hosts = self.hosts.borrow_mut();
        let Some(host) = hosts.get_mut(&lease.host) else { return };
        let idle_time = self.limits.idle_time;
        host.idle.retain(|idle| !idle.sender.is_closed() && (idle_time.is_zero() || idle.since.elapsed() < idle_time));
        if host.idle.len() < self.limits.idle && !lease.sender.is_closed() {
            host.idle.push(Idle { sender: lease.sender, since: Instant::now() });
        }
    }

    fn host(&self) -> Host {
        let permits =
            (self.limits.connections > 0).then(|| std::sync::Arc::new(Semaphore::new(self.limits.connections)));
        Host { idle: Vec::new(), permits }
    }

    /// The newest is the least likely to have been closed by the server.
    fn newest_idle(&self, host: &Rc<str>) -> Option<SendRequest<Payload>> {
        let mut hosts = self.hosts.borrow_mut();
        let idle = hosts.get_mut(host)?.idle.pop()?;
        let idle_time = self.limits.idle_time;
        (idle_time.is_zero() || idle.since.elapsed() < idle_time).then_some(idle.sender)
    }
}

async fn connect(host: &str) -> Result<SendRequest<Payload>, String> {
    let failed = |error: &dyn std::error::Error| format!("cannot connect to {host}: {error}");
    let stream = TcpStream::connect(host).await.map_err(|error| failed(&error))?;
    let _ = stream.set_nodelay(true);
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| failed(&error))?;
    tokio::task::spawn_local(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "an HTTP connection broke off");
        }
    });
    Ok(sender)
}
