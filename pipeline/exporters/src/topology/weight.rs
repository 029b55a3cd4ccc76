//! For how many spans a sampled one stands: the threshold in its W3C tracestate.

/// 2^56: thresholds are numbers of 56 bits.
const EVERYTHING: u64 = 1 << 56;
/// W3C asks for 512 characters at least.
const LONGEST: usize = 1024;

/// Weighs spans. A weight that is no whole number is rounded up or down so that the total stays right: what one span was
/// given too little the next one gets. Spans of a trace share a tracestate, so the last one is remembered.
#[derive(Debug, Default)]
pub(super) struct Weights {
    last: String,
    last_rejected: Option<u64>,
    owed: f64,
}

impl Weights {
    /// The weight of a span with this tracestate.
    pub(super) fn of(&mut self, trace_state: &str) -> u64 {
        if trace_state.is_empty() || trace_state.len() > LONGEST {
            return 1;
        }
        if trace_state != self.last {
            self.last.clear();
            self.last.push_str(trace_state);
            self.last_rejected = threshold(trace_state);
        }
        let kept = self.last_rejected.and_then(|rejected| EVERYTHING.checked_sub(rejected)).filter(|kept| *kept > 0);
        kept.map_or(1, |kept| self.share(kept))
    }

    #[expect(clippy::cast_precision_loss, reason = "the error of the quotient is 2^-52 of a span")]
    fn share(&mut self, kept: u64) -> u64 {
        let whole = EVERYTHING.checked_div(kept).unwrap_or(1);
        self.owed += EVERYTHING.checked_rem(kept).unwrap_or(0) as f64 / kept as f64;
        if self.owed < 1.0 {
            return whole;
        }
        self.owed -= 1.0;
        whole.saturating_add(1)
    }
}

/// `ot=...;th:HEX;...`: of 2^56 random numbers, how many are rejected. Trailing zeros of HEX are left out.
fn threshold(trace_state: &str) -> Option<u64> {
    const DIGITS: usize = 14;
    let ot = trace_state.split(',').find_map(|member| member.trim_matches([' ', '\t']).strip_prefix("ot="))?;
    let digits = ot.split(';').find_map(|member| member.strip_prefix("th:"))?;
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit));
    if digits.is_empty() || !is_hex {
        return None;
    }
    let missing = DIGITS.checked_sub(digits.len())?;
    let shift = u32::try_from(missing).ok()?.checked_mul(4)?;
    u64::from_str_radix(digits, 16).ok()?.checked_shl(shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_stands_for_those_that_were_not_kept() {
        assert_eq!(Weights::default().of("ot=th:8"), 2);
        assert_eq!(Weights::default().of("vendor=1, ot=rv:00000000000000;th:c"), 4);
        assert_eq!(Weights::default().of("ot=th:0"), 1);
    }

    #[test]
    fn a_span_without_a_threshold_that_can_be_read_is_itself() {
        let long = format!("vendor={},ot=th:8", "x".repeat(1024));
        for odd in ["", "a=b", "ot=", "ot=th:", "ot=th:zz", "ot=th:123456789012345", "ot=rv:00000000000001", &long] {
            assert_eq!(Weights::default().of(odd), 1, "{odd}");
        }
    }

    #[test]
    fn weights_that_are_no_whole_numbers_add_up() {
        let mut weights = Weights::default();

        // Rejects 0x5555... of 2^56: keeps two thirds, so a span stands for one and a half.
        let sum: u64 = (0..1000).map(|_| weights.of("ot=th:55555555555555")).sum();

        assert!((1499..=1501).contains(&sum), "{sum}");
    }
}
