//! Accepts connections until it is told to stop, then lets them finish.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// Connections at a time; more wait in the kernel's queue.
const MOST_CONNECTIONS: usize = 8192;
/// After a failed accept, mostly for lack of file descriptors.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(100);

/// Tells a connection that its server stops.
#[derive(Debug, Clone)]
pub(crate) struct Stopping(watch::Receiver<bool>);

impl Stopping {
    /// Returns when the server stops.
    pub(crate) async fn begun(&mut self) {
        // An error means that the server itself is gone, which is a stop as well.
        let _ = self.0.wait_for(|stopping| *stopping).await;
    }
}

/// Serves one connection to its end.
pub(crate) trait Connection: 'static {
    /// Returns when the connection is over. Once `stopping` has begun it takes no new requests.
    fn serve(self: Rc<Self>, stream: TcpStream, peer: SocketAddr, stopping: Stopping) -> impl Future<Output = ()>;
}

/// A running server. Dropping it ends it at once; [`Serving::stop`] ends it well.
#[derive(Debug)]
pub struct Serving {
    address: Option<SocketAddr>,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Serving {
    /// Where it listens.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Closes the door, lets running requests end, and returns when the last connection is closed.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Serves each connection to `listener` on its own local task.
pub(crate) fn accept<C: Connection>(listener: TcpListener, connection: C) -> Serving {
    let (stop, stopping) = watch::channel(false);
    let address = listener.local_addr().ok();
    let accepting = tokio::task::spawn_local(accept_all(listener, Rc::new(connection), Stopping(stopping)));
    Serving { address, stop, accepting }
}

async fn accept_all<C: Connection>(listener: TcpListener, connection: Rc<C>, mut stopping: Stopping) {
    let mut connections = JoinSet::new();
    let for_connections = stopping.clone();
    loop {
        tokio::select! {
            biased;
            () = stopping.begun() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < MOST_CONNECTIONS => match accepted {
                Ok((stream, peer)) => {
                    // Replies are small and wait for nothing that Nagle's algorithm could join them with.
                    let _ = stream.set_nodelay(true);
                    connections.spawn_local(Rc::clone(&connection).serve(stream, peer, for_connections.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(PAUSE_AFTER_ERROR).await;
                }
            },
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}
