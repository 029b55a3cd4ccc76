//! What waits in the store, and what comes out of it.

use crate::keys::Role;

/// One end of a call, or both once they have met.
pub trait Half {
    /// Takes in what arrived later under the same key: the other end, or the same one again.
    fn join(&mut self, later: Self);
    /// Whether there is nothing left to wait for.
    fn is_whole(&self) -> bool;
}

/// The ends of a call for callers to whom an end is a value and nothing more. An end that comes again replaces what it
/// said before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends<T> {
    /// What the caller knows of the client or producer.
    pub client: Option<T>,
    /// What the caller knows of the server or consumer.
    pub server: Option<T>,
}

impl<T> Ends<T> {
    /// The end that a span in this role is.
    pub fn one(role: Role, end: T) -> Self {
        if role.is_client() {
            Self { client: Some(end), server: None }
        } else {
            Self { client: None, server: Some(end) }
        }
    }
}

impl<T> Half for Ends<T> {
    fn join(&mut self, later: Self) {
        self.client = later.client.or(self.client.take());
        self.server = later.server.or(self.server.take());
    }

    fn is_whole(&self) -> bool {
        self.client.is_some() && self.server.is_some()
    }
}
