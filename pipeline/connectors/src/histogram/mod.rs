//! Distributions of durations.
//!
//! In this room: a histogram with fixed bounds, and one whose exponential buckets fit themselves to what they see.
//! Not here: series, labels, OTLP.
//!
//! Enter at [`Shape::empty`].

mod exponential;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub(crate) use exponential::ExponentialHistogram;

/// How distributions are kept: the same for all series of a metric.
#[derive(Debug, Clone)]
pub(crate) enum Shape {
    /// Buckets between these upper bounds, and one above the last.
    Explicit(Arc<[f64]>),
    /// At most this many buckets, each wider than the one before by a constant factor.
    Exponential(usize),
}

impl Shape {
    /// A distribution that has seen nothing.
    pub(crate) fn empty(&self) -> Histogram {
        match self {
            Self::Explicit(bounds) => {
                let counts = vec![0; bounds.len() + 1].into_boxed_slice();
                Histogram::Explicit(ExplicitHistogram { bounds: Arc::clone(bounds), counts, count: 0, sum: 0.0 })
            }
            Self::Exponential(size) => Histogram::Exponential(ExponentialHistogram::new(*size)),
        }
    }
}

/// The bounds that both connectors have by default, in units of so many nanoseconds.
#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
pub(crate) fn default_bounds(unit: f64) -> Arc<[f64]> {
    const MILLISECONDS: [u64; 16] = [2, 4, 6, 8, 10, 50, 100, 200, 400, 800, 1000, 1400, 2000, 5000, 10_000, 15_000];
    MILLISECONDS.iter().map(|bound| (bound * 1_000_000) as f64 / unit).collect()
}

/// A distribution of one shape or the other.
#[derive(Debug, Clone)]
pub(crate) enum Histogram {
    /// Between fixed bounds.
    Explicit(ExplicitHistogram),
    /// In exponential buckets.
    Exponential(ExponentialHistogram),
}

impl Histogram {
    /// Counts `times` observations of `value`, which is finite and not negative.
    pub(crate) fn observe(&mut self, value: f64, times: u64) {
        match self {
            Self::Explicit(histogram) => histogram.observe(value, times),
            Self::Exponential(histogram) => histogram.observe(value, times),
        }
    }

    /// Forgets everything it has seen.
    pub(crate) fn clear(&mut self) {
        match self {
            Self::Explicit(histogram) => {
                histogram.counts.fill(0);
                histogram.count = 0;
                histogram.sum = 0.0;
            }
            Self::Exponential(histogram) => histogram.clear(),
        }
    }
}

/// A distribution between fixed bounds.
#[derive(Debug, Clone)]
pub(crate) struct ExplicitHistogram {
    bounds: Arc<[f64]>,
    counts: Box<[u64]>,
    count: u64,
    sum: f64,
}

impl ExplicitHistogram {
    #[expect(clippy::cast_precision_loss, reason = "weights are far below 2^53")]
    fn observe(&mut self, value: f64, times: u64) {
        // A value that equals a bound falls below it.
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get_mut(bucket) {
            *count = count.saturating_add(times);
        }
        self.count = self.count.saturating_add(times);
        self.sum += value * times as f64;
    }

    /// Upper bounds.
    pub(crate) fn bounds(&self) -> &[f64] {
        &self.bounds
    }

    /// Observations per bucket: one bucket more than bounds.
    pub(crate) fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// How many observations.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Their sum.
    pub(crate) fn sum(&self) -> f64 {
        self.sum
    }
}
