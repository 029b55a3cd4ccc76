//! Which end of a call a span is, and under which keys the other end is found.

use pdata::{SpanView, ValueKind, ValueView};

/// The attribute that carries a wire key: 16 bytes, or their 32 hexadecimal digits.
pub const WIRE_KEY: &str = "tidewatch.wire.key";

/// The part that a span plays in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Asks.
    Client,
    /// Answers.
    Server,
    /// Sends a message.
    Producer,
    /// Gets a message.
    Consumer,
}

impl Role {
    /// The part of this span. `None` for spans inside of a service.
    pub fn of(span: &SpanView<'_>) -> Option<Self> {
        match span.kind() {
            2 => Some(Self::Server),
            3 => Some(Self::Client),
            4 => Some(Self::Producer),
            5 => Some(Self::Consumer),
            _ => None,
        }
    }

    /// Whether the call begins here.
    pub fn is_client(self) -> bool {
        matches!(self, Self::Client | Self::Producer)
    }

    /// Whether what passes is a message: it may have more than one consumer.
    pub fn is_messaging(self) -> bool {
        matches!(self, Self::Producer | Self::Consumer)
    }
}

/// What the two ends of one call have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PairKey {
    /// The trace, and the span of the client in it: the parent of the server's span.
    Trace {
        /// Trace id.
        trace: u128,
        /// Span id of the client's span; 0 for a server without a parent.
        client_span: u64,
    },
    /// The place of the request's first byte on its connection, as both ends of the wire see it.
    Wire(u128),
}

impl PairKey {
    /// The key in the value of [`WIRE_KEY`]. Anything but 16 bytes or 32 hexadecimal digits is no key.
    pub fn on_wire(value: ValueView<'_>) -> Option<Self> {
        let key = match value.kind() {
            ValueKind::Bytes(bytes) => u128::from_be_bytes(bytes.try_into().ok()?),
            ValueKind::Str(digits) if digits.len() == 32 => u128::from_str_radix(digits, 16).ok()?,
            _ => return None,
        };
        Some(Self::Wire(key))
    }

    /// The key by trace of a span in this role.
    pub fn in_trace(span: &SpanView<'_>, role: Role) -> Self {
        let client_span = if role.is_client() { span.span_id() } else { span.parent_span_id() };
        let trace = span.trace_id().try_into().map_or(0, u128::from_be_bytes);
        Self::Trace { trace, client_span: client_span.try_into().map_or(0, u64::from_be_bytes) }
    }
}

/// The keys of an end. It is looked for under the first, then under the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keys {
    /// The surer one.
    pub first: PairKey,
    /// The other, if there are two.
    pub second: Option<PairKey>,
}

impl Keys {
    /// The keys of a span in this role: `wire` before the trace, if there is one. Roots of a trace have no client in it,
    /// so with a wire key that alone is theirs.
    pub fn of(span: &SpanView<'_>, role: Role, wire: Option<PairKey>) -> Self {
        let traced = PairKey::in_trace(span, role);
        let Some(wire) = wire else { return traced.into() };
        let is_root = !role.is_client() && matches!(traced, PairKey::Trace { client_span: 0, .. });
        Self { first: wire, second: (!is_root).then_some(traced) }
    }

    /// The keys, the surer one first.
    pub fn iter(&self) -> impl Iterator<Item = PairKey> {
        [Some(self.first), self.second].into_iter().flatten()
    }
}

impl From<PairKey> for Keys {
    fn from(first: PairKey) -> Self {
        Self { first, second: None }
    }
}
