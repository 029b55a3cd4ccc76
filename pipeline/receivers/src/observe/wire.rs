//! The wire key: a name for an exchange that both of its ends compute without talking to each other.
//!
//! Version 1 is SipHash-2-4-128 with key 0 over three big-endian `u32`: the client's first sequence number + 1, the
//! server's + 1, and the position of the request's first byte. All three are known at that byte, and equal at both ends
//! through DNAT and masquerade. Trace and span ids are derived from it, so that a span that is sent again is the same
//! span, and two agents that never talk agree.

use std::fmt;
use std::hash::Hasher;

use siphasher::sip::SipHasher24;
use siphasher::sip128::{Hasher128, SipHasher24 as SipHasher128};

/// The attribute that carries the key, as 32 hexadecimal digits.
pub const WIRE_KEY_ATTRIBUTE: &str = "tidewatch.wire.key";

/// Identity of a connection: the first sequence numbers of both ends, each + 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SequencePair {
    /// Of the end that connected.
    pub client: u32,
    /// Of the end that accepted.
    pub server: u32,
}

/// Name of one exchange.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct WireKey([u8; 16]);

impl WireKey {
    /// The key of the exchange whose request begins at `position` on this connection.
    pub fn new(connection: SequencePair, position: u32) -> Self {
        let mut hasher = SipHasher128::new_with_keys(0, 0);
        for number in [connection.client, connection.server, position] {
            hasher.write(&number.to_be_bytes());
        }
        Self(hasher.finish128().as_bytes())
    }

    /// The key as 32 hexadecimal digits, in the order in which SipHash's reference implementation writes its bytes.
    pub fn hex(self) -> HexKey {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut digits = [0; 32];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.0) {
            if let [high, low] = pair {
                *high = DIGITS.get(usize::from(byte >> 4)).copied().unwrap_or_default();
                *low = DIGITS.get(usize::from(byte & 15)).copied().unwrap_or_default();
            }
        }
        HexKey(digits)
    }

    /// The trace that the exchange begins, if the wire carries no trace context.
    pub fn trace_id(self) -> [u8; 16] {
        non_zero(self.0)
    }

    /// The span of the end that asked.
    pub fn client_span_id(self) -> [u8; 8] {
        self.span_id(1)
    }

    /// The span of the end that answered.
    pub fn server_span_id(self) -> [u8; 8] {
        self.span_id(2)
    }

    /// SipHash-2-4-64 of the key under `(0, side)`, big-endian.
    fn span_id(self, side: u64) -> [u8; 8] {
        let mut hasher = SipHasher24::new_with_keys(0, side);
        hasher.write(&self.0);
        non_zero(hasher.finish().to_be_bytes())
    }
}

/// Ids that are all zero mean "none" (W3C Trace Context).
fn non_zero<const N: usize>(mut id: [u8; N]) -> [u8; N] {
    if id == [0; N] {
        id = [1; N];
    }
    id
}

/// A key in hexadecimal digits, without allocation.
#[derive(Clone, Copy)]
pub struct HexKey([u8; 32]);

impl HexKey {
    /// The digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for WireKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.hex().as_str())
    }
}

impl fmt::Debug for WireKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by an independent implementation of SipHash; other agents must agree with these.
    #[test]
    fn test_vectors() {
        let vectors = [
            ((0, 0, 0), "faf9a16445856a9f8642cc29e4242774", "b8dd2da9c411e6d7", "87625594d68e3bbd"),
            ((1, 2, 3), "6ef7d99dc2996d130b1ddc6e30bfdcd4", "b13b4bd358f64c71", "c203ff9078dd1f51"),
            (
                (0xffff_ffff, 0x8000_0000, 0x1234_5678),
                "b4a5bdc06ff43a02649780e3a36ae1f0",
                "fbc3e21b39950278",
                "f35691ddbd476963",
            ),
        ];
        for ((client, server, position), key, client_span, server_span) in vectors {
            let made = WireKey::new(SequencePair { client, server }, position);
            let hex = |id: [u8; 8]| id.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            assert_eq!(made.to_string(), key);
            assert_eq!(hex(made.client_span_id()), client_span);
            assert_eq!(hex(made.server_span_id()), server_span);
        }
    }

    #[test]
    fn every_request_of_a_connection_has_its_own_key() {
        let connection = SequencePair { client: 10, server: 20 };
        assert_ne!(WireKey::new(connection, 10), WireKey::new(connection, 11));
    }

    #[test]
    fn the_two_spans_of_an_exchange_differ() {
        let key = WireKey::new(SequencePair { client: 10, server: 20 }, 10);
        assert_ne!(key.client_span_id(), key.server_span_id());
    }
}
