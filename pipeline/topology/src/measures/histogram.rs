//! Latency as a base-2 exponential histogram of one fixed scale, so that any two merge without loss.

use smallvec::SmallVec;

/// Buckets per doubling: scale 2 of the OpenTelemetry data model. A quantile is off by at most 9 %.
const PER_DOUBLING: u32 = 4;

/// A base-2 exponential histogram of nanoseconds at scale 2: bucket `i` holds values in `[2^(i/4), 2^((i+1)/4))`.
/// The 256 buckets cover all of `u64`; few are in use, and only those are kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Histogram {
    sum: u64,
    /// Bucket and count, by bucket.
    buckets: SmallVec<[(u8, u64); 1]>,
}

impl Histogram {
    /// `count` observations of `nanoseconds`.
    pub fn of(nanoseconds: u64, count: u64) -> Self {
        let mut histogram = Self::default();
        histogram.add(bucket_of(nanoseconds), count);
        histogram.sum = nanoseconds.saturating_mul(count);
        histogram
    }

    /// From its parts: the exact sum and any pairs of bucket and count.
    pub fn from_parts(sum: u64, buckets: impl IntoIterator<Item = (u8, u64)>) -> Self {
        let mut histogram = Self { sum, ..Self::default() };
        for (bucket, count) in buckets {
            histogram.add(bucket, count);
        }
        histogram
    }

    fn add(&mut self, bucket: u8, count: u64) {
        if count == 0 {
            return;
        }
        match self.buckets.binary_search_by_key(&bucket, |(at, _)| *at) {
            Ok(place) => {
                if let Some((_, held)) = self.buckets.get_mut(place) {
                    *held = held.saturating_add(count);
                }
            }
            Err(place) => self.buckets.insert(place, (bucket, count)),
        }
    }

    /// Adds another's observations.
    pub fn merge(&mut self, other: &Self) {
        self.sum = self.sum.saturating_add(other.sum);
        for (bucket, count) in &other.buckets {
            self.add(*bucket, *count);
        }
    }

    /// True if nothing was observed.
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    /// How many observations.
    pub fn count(&self) -> u64 {
        self.buckets.iter().fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// Exact sum in nanoseconds.
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// Buckets in use, in order, with their counts.
    pub fn buckets(&self) -> impl Iterator<Item = (u8, u64)> + '_ {
        self.buckets.iter().copied()
    }

    /// Mean in milliseconds.
    pub fn mean_ms(&self) -> Option<f64> {
        let count = self.count();
        (count > 0).then(|| self.sum as f64 / count as f64 / 1e6)
    }

    /// The value below which a share of `quantile` (0 to 1) lies, in milliseconds; interpolated within its bucket.
    pub fn quantile_ms(&self, quantile: f64) -> Option<f64> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        let wanted = quantile.clamp(0.0, 1.0) * count as f64;
        let mut below = 0.0;
        let mut last = 0;
        for (bucket, held) in &self.buckets {
            let held = *held as f64;
            if below + held >= wanted {
                let (low, high) = bounds(*bucket);
                return Some((low + (high - low) * ((wanted - below) / held)) / 1e6);
            }
            below += held;
            last = *bucket;
        }
        Some(bounds(last).1 / 1e6)
    }
}

/// The bucket that holds a value; 0 counts as 1 ns.
pub(crate) fn bucket_of(nanoseconds: u64) -> u8 {
    let value = nanoseconds.max(1);
    let doubling = value.ilog2();
    let start = u64::from(doubling * PER_DOUBLING);
    let bucket = (0..u64::from(PER_DOUBLING))
        .rev()
        .map(|quarter| start + quarter)
        .find(|bucket| u8::try_from(*bucket).is_ok_and(|bucket| bounds(bucket).0 <= value as f64));
    bucket.and_then(|bucket| u8::try_from(bucket).ok()).unwrap_or(u8::MAX)
}

/// Lower and upper bound of a bucket in nanoseconds.
pub(crate) fn bounds(bucket: u8) -> (f64, f64) {
    let at = |bucket: f64| (bucket / f64::from(PER_DOUBLING)).exp2();
    (at(f64::from(bucket)), at(f64::from(bucket) + 1.0))
}
