//! Connections that are over for the kernel while the application has yet to read their last bytes.
//!
//! A client that stops sending first meets this with every answer that ends with the connection: the server's FIN ends
//! the socket (net/ipv4/tcp_input.c tcp_fin, tcp_time_wait), and only then the application is woken to read.

use hashbrown::HashMap;
use protocols::Nanos;

use crate::observe::{Closed, EndId};

/// Applications that have not read anything for so long will not.
const PATIENCE_NANOS: u64 = 2_000_000_000;
/// Most connections that linger.
const MOST: usize = 4096;

/// Ends that were closed and wait for their last bytes.
#[derive(Debug, Default)]
pub struct Lingering {
    ends: HashMap<EndId, (Closed, Nanos)>,
}

impl Lingering {
    /// Keeps an end; gives it back if too many linger.
    pub fn keep(&mut self, id: EndId, closed: Closed, now: Nanos) -> Result<(), Closed> {
        if self.ends.len() >= MOST {
            return Err(closed);
        }
        self.ends.insert(id, (closed, now));
        Ok(())
    }

    /// The application has received up to this position; gives the end back if that was all.
    pub fn received(&mut self, id: EndId, until: u32, now: Nanos) -> Option<Closed> {
        let (closed, last) = self.ends.get_mut(&id)?;
        *last = now;
        let is_all = closed.close.received_until == Some(until);
        if is_all { self.ends.remove(&id).map(|(closed, _)| closed) } else { None }
    }

    /// Gives back the ends whose applications have been silent for too long.
    pub fn give_up(&mut self, now: Nanos) -> Vec<(EndId, Closed)> {
        let is_over = |last: &Nanos| now.0.saturating_sub(last.0) >= PATIENCE_NANOS;
        self.ends.extract_if(|_, (_, last)| is_over(last)).map(|(id, (closed, _))| (id, closed)).collect()
    }

    /// Gives back all.
    pub fn finish(&mut self) -> Vec<(EndId, Closed)> {
        self.ends.drain().map(|(id, (closed, _))| (id, closed)).collect()
    }
}

#[cfg(test)]
mod tests {
    use protocols::Close;

    use super::*;

    fn closed(received_until: u32) -> Closed {
        let close = Close { received_until: Some(received_until), ..Close::default() };
        Closed { close, statistics: None }
    }

    #[test]
    fn an_end_lingers_until_its_last_byte_was_read() {
        let mut lingering = Lingering::default();
        lingering.keep(EndId(1), closed(100), Nanos(0)).unwrap();

        assert!(lingering.received(EndId(1), 60, Nanos(1)).is_none());
        assert!(lingering.received(EndId(1), 100, Nanos(2)).is_some());
        assert!(lingering.finish().is_empty());
    }

    #[test]
    fn reading_on_is_a_sign_of_life() {
        let mut lingering = Lingering::default();
        lingering.keep(EndId(1), closed(100), Nanos(0)).unwrap();
        lingering.received(EndId(1), 60, Nanos(PATIENCE_NANOS - 1));

        assert!(lingering.give_up(Nanos(PATIENCE_NANOS)).is_empty());
        assert_eq!(lingering.give_up(Nanos(2 * PATIENCE_NANOS)).len(), 1);
    }

    #[test]
    fn not_everybody_may_linger() {
        let mut lingering = Lingering::default();
        let refused = (0..=MOST as u64).filter(|id| lingering.keep(EndId(*id), closed(1), Nanos(0)).is_err()).count();
        assert_eq!(refused, 1);
    }
}
