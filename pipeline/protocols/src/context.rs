//! Trace context as it stands on the wire: W3C `traceparent` and B3.
//!
//! In this room: strict, total parsing; what is not exactly right is not a context.
//! Not here: who becomes whose parent (the receiver).
//!
//! Enter at [`TraceContext`].

/// A trace and the span that the sender was in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceContext {
    /// Trace id, never all zero.
    pub trace_id: [u8; 16],
    /// The sender's span id, never all zero.
    pub span_id: [u8; 8],
    /// Whether the sender records; `None` if it leaves that to the receiver (B3).
    pub sampled: Option<bool>,
}

impl TraceContext {
    /// `traceparent`, <https://www.w3.org/TR/trace-context/>: `00-<32>-<16>-<2>` in lower-case hexadecimal. Of later
    /// versions the first four fields count.
    pub fn from_traceparent(value: &[u8]) -> Option<Self> {
        let value = value.trim_ascii();
        let [version] = hex::<1>(value.get(..2)?, Case::Lower)?;
        let complete = match version {
            0 => value.len() == 55,
            0xff => false,
            _ => value.len() == 55 || value.get(55) == Some(&b'-'),
        };
        let dashes = [2, 35, 52].iter().all(|place| value.get(*place) == Some(&b'-'));
        if !complete || !dashes {
            return None;
        }
        let [flags] = hex::<1>(value.get(53..55)?, Case::Lower)?;
        Self::new(hex(value.get(3..35)?, Case::Lower)?, hex(value.get(36..52)?, Case::Lower)?, Some(flags & 1 == 1))
    }

    /// Single `b3` header: `<16 or 32>-<16>[-<0|1|d>[-<16>]]`. A lone sampling decision names no trace.
    pub fn from_b3(value: &[u8]) -> Option<Self> {
        let mut fields = value.trim_ascii().split(|byte| *byte == b'-');
        let trace_id = b3_trace_id(fields.next()?)?;
        let span_id = hex(fields.next()?, Case::Any)?;
        let sampled = match fields.next() {
            None => None,
            Some(b"0") => Some(false),
            Some(b"1" | b"d") => Some(true),
            Some(_) => return None,
        };
        if let Some(parent) = fields.next() {
            hex::<8>(parent, Case::Any)?;
        }
        if fields.next().is_some() {
            return None;
        }
        Self::new(trace_id, span_id, sampled)
    }

    fn new(trace_id: [u8; 16], span_id: [u8; 8], sampled: Option<bool>) -> Option<Self> {
        (trace_id != [0; 16] && span_id != [0; 8]).then_some(Self { trace_id, span_id, sampled })
    }
}

/// The `x-b3-*` headers of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct B3Headers {
    trace_id: Option<[u8; 16]>,
    span_id: Option<[u8; 8]>,
    sampled: Option<bool>,
    debug: bool,
}

impl B3Headers {
    /// `x-b3-traceid`.
    pub fn trace_id(&mut self, value: &[u8]) {
        self.trace_id = b3_trace_id(value.trim_ascii());
    }

    /// `x-b3-spanid`.
    pub fn span_id(&mut self, value: &[u8]) {
        self.span_id = hex(value.trim_ascii(), Case::Any);
    }

    /// `x-b3-sampled`; old senders write words.
    pub fn sampled(&mut self, value: &[u8]) {
        self.sampled = match value.trim_ascii() {
            b"1" | b"true" => Some(true),
            b"0" | b"false" => Some(false),
            _ => None,
        };
    }

    /// `x-b3-flags`: `1` is debug, and implies sampling.
    pub fn flags(&mut self, value: &[u8]) {
        self.debug = value.trim_ascii() == b"1";
    }

    /// The context, if trace and span were both named.
    pub fn context(&self) -> Option<TraceContext> {
        let sampled = if self.debug { Some(true) } else { self.sampled };
        TraceContext::new(self.trace_id?, self.span_id?, sampled)
    }
}

fn b3_trace_id(value: &[u8]) -> Option<[u8; 16]> {
    if value.len() == 32 {
        return hex(value, Case::Any);
    }
    let low = hex::<8>(value, Case::Any)?;
    Some(u128::from(u64::from_be_bytes(low)).to_be_bytes())
}

#[derive(Clone, Copy, PartialEq)]
enum Case {
    Lower,
    Any,
}

fn hex<const N: usize>(text: &[u8], case: Case) -> Option<[u8; N]> {
    if text.len() != N.checked_mul(2)? {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        for digit in pair {
            if case == Case::Lower && digit.is_ascii_uppercase() {
                return None;
            }
            let value = char::from(*digit).to_digit(16)?;
            *byte = (*byte << 4) | u8::try_from(value).ok()?;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn traceparent_names_trace_span_and_decision() {
        let context = TraceContext::from_traceparent(TRACEPARENT.as_bytes()).unwrap();

        assert_eq!(u128::from_be_bytes(context.trace_id), 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
        assert_eq!(u64::from_be_bytes(context.span_id), 0x00f0_67aa_0ba9_02b7);
        assert_eq!(context.sampled, Some(true));
    }

    #[test]
    fn a_later_version_may_be_longer_and_version_zero_may_not() {
        let later = format!("cc{}-what-the-future-brings", &TRACEPARENT[2..]);
        let longer = format!("{TRACEPARENT}-more");

        assert!(TraceContext::from_traceparent(later.as_bytes()).is_some());
        assert_eq!(TraceContext::from_traceparent(longer.as_bytes()), None);
    }

    #[test]
    fn a_traceparent_that_is_nearly_right_is_none() {
        let wrong = [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
            "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01",
        ];
        for value in wrong {
            assert_eq!(TraceContext::from_traceparent(value.as_bytes()), None, "{value}");
        }
    }

    #[test]
    fn b3_may_be_short_may_defer_and_may_be_only_a_decision() {
        let short = TraceContext::from_b3(b"a3ce929d0e0e4736-00f067aa0ba902b7").unwrap();
        assert_eq!(u128::from_be_bytes(short.trace_id), 0xa3ce_929d_0e0e_4736);
        assert_eq!(short.sampled, None);

        let full = b"80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-d-05e3ac9a4f6e3b90";
        assert_eq!(TraceContext::from_b3(full).unwrap().sampled, Some(true));

        for value in ["0", "d", "", "a3ce929d0e0e4736", "a3ce929d0e0e4736-00f067aa0ba902b7-2"] {
            assert_eq!(TraceContext::from_b3(value.as_bytes()), None, "{value}");
        }
    }

    #[test]
    fn b3_in_several_headers_needs_trace_and_span() {
        let mut headers = B3Headers::default();
        headers.trace_id(b"80f198ee56343ba864fe8b2a57d3eff7");
        assert_eq!(headers.context(), None);

        headers.span_id(b"e457b5a2e4d86bd1");
        headers.sampled(b"0");
        assert_eq!(headers.context().unwrap().sampled, Some(false));

        headers.flags(b"1");
        assert_eq!(headers.context().unwrap().sampled, Some(true));
    }
}
