//! Explicit-bucket histograms, as the semantic conventions advise them.

/// Bounds in seconds for durations of requests (semantic conventions, HTTP metrics).
pub const SECONDS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
/// Bounds in bytes for sizes of bodies; the conventions advise none.
pub const BYTES: &[f64] =
    &[0.0, 64.0, 256.0, 1024.0, 4096.0, 16_384.0, 65_536.0, 262_144.0, 1_048_576.0, 4_194_304.0, 16_777_216.0];
/// Bounds in seconds for round trips and handshakes, which are much shorter than requests.
pub const ROUND_TRIPS: &[f64] =
    &[0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0];

/// Observations in buckets.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    bounds: &'static [f64],
    counts: Vec<u64>,
    sum: f64,
    count: u64,
}

impl Histogram {
    /// Nothing observed; `bounds` ascend.
    pub fn new(bounds: &'static [f64]) -> Self {
        Self { bounds, counts: vec![0; bounds.len() + 1], sum: 0.0, count: 0 }
    }

    /// Counts a value. One that equals a bound falls below it (OTLP, `explicit_bounds`).
    pub fn observe(&mut self, value: f64) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get_mut(bucket) {
            *count += 1;
        }
        self.sum += value;
        self.count += 1;
    }

    /// Upper bounds of all buckets but the last.
    pub fn bounds(&self) -> &'static [f64] {
        self.bounds
    }

    /// One count more than bounds.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Of all values.
    pub fn sum(&self) -> f64 {
        self.sum
    }

    /// Of all observations.
    pub fn count(&self) -> u64 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_on_a_bound_falls_below_it() {
        let mut histogram = Histogram::new(&[1.0, 2.0]);
        [0.5, 1.0, 1.5, 2.0, 3.0].into_iter().for_each(|value| histogram.observe(value));

        assert_eq!(histogram.counts(), [2, 2, 1]);
        assert_eq!((histogram.count(), histogram.sum()), (5, 8.0));
    }
}
