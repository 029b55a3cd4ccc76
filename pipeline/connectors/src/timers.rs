//! Things that are done again and again.

use std::time::Duration;

/// When something is due next. It keeps its beat: being late once does not move what follows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Beat {
    interval: Duration,
    due: Duration,
}

impl Beat {
    /// Due every `interval`, first one interval after `now`. `None` if the interval is zero.
    pub(crate) fn every(interval: Duration, now: Duration) -> Option<Self> {
        (!interval.is_zero()).then(|| Self { interval, due: now.saturating_add(interval) })
    }

    /// When it is due.
    pub(crate) fn due(&self) -> Duration {
        self.due
    }

    /// Whether it is due; then the next time is one interval later. Times that were missed are not made up for.
    pub(crate) fn strikes(&mut self, now: Duration) -> bool {
        if now < self.due {
            return false;
        }
        self.due = self.due.saturating_add(self.interval);
        if self.due <= now {
            self.due = now.saturating_add(self.interval);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn second(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn it_keeps_its_beat_and_makes_up_for_nothing() {
        let mut beat = Beat::every(second(10), second(5)).unwrap();

        assert!(!beat.strikes(second(14)));
        assert!(beat.strikes(second(16)));
        assert_eq!(beat.due(), second(25));
        assert!(beat.strikes(second(80)));
        assert_eq!(beat.due(), second(90));
        assert!(Beat::every(second(0), second(5)).is_none());
    }
}
