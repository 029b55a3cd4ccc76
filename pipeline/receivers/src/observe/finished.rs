//! One end's view of one exchange, when it is over, and its addresses.

use std::net::SocketAddr;
use std::rc::Rc;

use protocols::Exchange;
use protocols::semconv::{Endpoint, Endpoints};

use super::lineage::Side;
use super::process::Process;
use super::wire::WireKey;

/// An end of a connection: the socket's cookie, or a number that a capture's reader chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EndId(pub u64);

/// An exchange as one end saw it.
#[derive(Debug, Clone)]
pub struct Finished {
    /// Its name.
    pub key: WireKey,
    /// False if the key was made up because the connection's beginning was not seen; then it is not told to others.
    pub is_key_genuine: bool,
    /// Which end.
    pub side: Side,
    /// What happened.
    pub exchange: Exchange,
    /// Who was at this end.
    pub process: Rc<Process>,
    /// Who was at the other end, if that is known.
    pub peer_process: Option<Rc<Process>>,
    /// Where both ends are.
    pub addresses: Rc<Addresses>,
}

/// Addresses of both ends of a connection, with their texts, which are made once and not for every exchange.
#[derive(Debug)]
pub struct Addresses {
    /// Of the observed end.
    pub local: SocketAddr,
    /// Of the other end, as the observed one knows it.
    pub peer: SocketAddr,
    local_text: Box<str>,
    peer_text: Box<str>,
}

impl Addresses {
    /// Of these two.
    pub fn new(local: SocketAddr, peer: SocketAddr) -> Self {
        let text = |address: SocketAddr| address.ip().to_string().into_boxed_str();
        Self { local, peer, local_text: text(local), peer_text: text(peer) }
    }

    /// Both ends as the describer wants them.
    pub fn endpoints(&self, side: Side) -> Endpoints<'_> {
        let local = Endpoint { address: &self.local_text, port: self.local.port() };
        let peer = Endpoint { address: &self.peer_text, port: self.peer.port() };
        match side {
            Side::Client => Endpoints { client: local, server: peer },
            Side::Server => Endpoints { client: peer, server: local },
        }
    }
}
