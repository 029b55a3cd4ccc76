//! Keeps repeated messages down: of equal messages in one second, the first few and then each so many-th.

use std::time::Duration;

/// Messages are told apart by a hash; as in the Collector, two that share a place count together.
const PLACES: usize = 4096;

const SECOND: Duration = Duration::from_secs(1);

/// Counts messages, in 96 KiB.
pub(crate) struct Sampler {
    initial: u64,
    thereafter: u64,
    /// Empty when nothing is ever left out.
    counts: Vec<Count>,
}

#[derive(Clone, Copy, Default)]
struct Count {
    messages: u64,
    second: Option<Duration>,
}

impl Sampler {
    pub(crate) fn new(initial: i64, thereafter: i64) -> Self {
        let number = |number: i64| u64::try_from(number).unwrap_or(0);
        let counts = if thereafter == 1 { Vec::new() } else { vec![Count::default(); PLACES] };
        Self { initial: number(initial), thereafter: number(thereafter), counts }
    }

    /// Whether a message is to be shown.
    pub(crate) fn takes(&mut self, message: &str, now: Duration) -> bool {
        let place = place(message);
        let Some(count) = self.counts.get_mut(place) else { return true };
        if count.second.is_none_or(|second| now.saturating_sub(second) >= SECOND) {
            *count = Count { messages: 0, second: Some(now) };
        }
        count.messages += 1;
        match count.messages.checked_sub(self.initial) {
            None | Some(0) => true,
            Some(further) => further.checked_rem(self.thereafter) == Some(0),
        }
    }
}

/// FNV-1a, cut to the number of places.
fn place(message: &str) -> usize {
    let hash = message.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    usize::try_from(hash).unwrap_or(0) % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(sampler: &mut Sampler, messages: usize, now: Duration) -> Vec<usize> {
        (1..=messages).filter(|_| sampler.takes("Traces", now)).collect()
    }

    #[test]
    fn the_first_few_and_then_each_so_many_th() {
        let mut sampler = Sampler::new(2, 5);

        assert_eq!(taken(&mut sampler, 13, Duration::ZERO), [1, 2, 7, 12]);
        assert_eq!(taken(&mut sampler, 1, Duration::from_millis(999)), [0; 0]);
        assert_eq!(taken(&mut sampler, 3, SECOND), [1, 2], "a new second begins anew");
    }

    #[test]
    fn without_a_rate_only_the_first_few() {
        assert_eq!(taken(&mut Sampler::new(2, 0), 10, Duration::ZERO), [1, 2]);
    }

    #[test]
    fn another_message_counts_for_itself() {
        let mut sampler = Sampler::new(1, 0);

        assert!(sampler.takes("Traces", SECOND));
        assert!(sampler.takes("Logs", SECOND));
        assert!(!sampler.takes("Logs", SECOND));
    }

    #[test]
    fn by_default_all_are_shown() {
        assert_eq!(taken(&mut Sampler::new(2, 1), 100, Duration::ZERO).len(), 100);
    }
}
