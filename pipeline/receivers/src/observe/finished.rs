//! One end's view of one exchange, when it is over.

use std::net::SocketAddr;
use std::rc::Rc;

use protocols::Exchange;

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
    /// Address of this end.
    pub local: SocketAddr,
    /// Address of the other end, as this end knows it.
    pub peer: SocketAddr,
}
