//! For how many spans a sampled one stands: the threshold in its W3C tracestate.

/// 2^56: thresholds are 56-bit numbers.
const EVERYTHING: u64 = 1 << 56;

/// Weighs spans.
///
/// A weight that is no whole number is rounded up or down so that the sum stays right: what one span was given too
/// little the next one gets. Spans of one trace share a tracestate, so the last one is remembered.
#[derive(Debug, Default)]
pub struct Weights {
    last: String,
    last_rejected: u64,
    owed: f64,
}

/// The weight of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weight {
    /// For how many spans it stands.
    pub spans: u64,
    /// Whether the span says so itself.
    pub is_extrapolated: bool,
}

const ONE: Weight = Weight { spans: 1, is_extrapolated: false };
/// W3C asks for 512 characters at least; the Go Collector reads no more than these.
const LONGEST: usize = 1024;
/// Stands for "there is no threshold".
const NONE: u64 = u64::MAX;

impl Weights {
    /// The weight of a span with this tracestate. No allocation unless it is longer than all before.
    pub fn of(&mut self, trace_state: &str) -> Weight {
        if trace_state.is_empty() || trace_state.len() > LONGEST {
            return ONE;
        }
        if trace_state != self.last {
            self.last.clear();
            self.last.push_str(trace_state);
            self.last_rejected = threshold(trace_state).unwrap_or(NONE);
        }
        if self.last_rejected >= EVERYTHING {
            return ONE;
        }
        Weight { spans: self.share(EVERYTHING - self.last_rejected), is_extrapolated: true }
    }

    #[expect(clippy::cast_precision_loss, reason = "the error of the quotient is 2^-52 of a span")]
    fn share(&mut self, kept: u64) -> u64 {
        let whole = EVERYTHING / kept;
        self.owed += (EVERYTHING % kept) as f64 / kept as f64;
        if self.owed < 1.0 {
            return whole;
        }
        self.owed -= 1.0;
        whole + 1
    }
}

/// `ot=...;th:HEX;...`: of 2^56 random numbers, how many are rejected. Trailing zeros of HEX are left out.
fn threshold(trace_state: &str) -> Option<u64> {
    const DIGITS: usize = 14;
    let ot = trace_state.split(',').find_map(|member| member.trim_matches([' ', '\t']).strip_prefix("ot="))?;
    let digits = ot.split(';').find_map(|member| member.strip_prefix("th:"))?;
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit));
    if digits.is_empty() || digits.len() > DIGITS || !is_hex {
        return None;
    }
    let shift = 4 * u32::try_from(DIGITS - digits.len()).ok()?;
    u64::from_str_radix(digits, 16).ok()?.checked_shl(shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(trace_state: &str) -> u64 {
        Weights::default().of(trace_state).spans
    }

    #[test]
    fn a_span_kept_with_one_half_stands_for_two() {
        assert_eq!(spans("ot=th:8"), 2);
        assert_eq!(spans("vendor=1, ot=rv:00000000000000;th:c"), 4);
        assert_eq!(spans("ot=th:0"), 1);
        assert!(Weights::default().of("ot=th:0").is_extrapolated);
    }

    #[test]
    fn a_span_without_a_threshold_that_can_be_read_is_itself() {
        for odd in
            ["", "congo=t61rcWkgMzE", "ot=", "ot=th:", "ot=th:zz", "ot=th:123456789012345", "ot=rv:00000000000001"]
        {
            assert_eq!(Weights::default().of(odd), ONE, "{odd}");
        }
    }

    #[test]
    fn a_tracestate_that_is_too_long_is_not_read() {
        let long = format!("vendor={},ot=th:8", "x".repeat(1024));

        assert_eq!(Weights::default().of(&long), ONE);
    }

    #[test]
    fn weights_that_are_no_whole_numbers_add_up() {
        let mut weights = Weights::default();

        // Rejects 0x5555... of 2^56: keeps two thirds, so a span stands for one and a half.
        let sum: u64 = (0..1000).map(|_| weights.of("ot=th:55555555555555").spans).sum();

        assert!((1499..=1501).contains(&sum), "{sum}");
    }
}
