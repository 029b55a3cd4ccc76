//! Base-2 exponential histogram, as the OpenTelemetry metrics data model defines it: bucket `i` at scale `s` holds the
//! values in (base^i, base^(i+1)], base = 2^(2^-s). The scale starts at its finest and is halved whenever the values
//! seen do not fit into the given number of buckets.

const FINEST_SCALE: i32 = 20;
/// At this scale all numbers that a float can hold lie in three buckets.
const COARSEST_SCALE: i32 = -10;
const SMALLEST_NORMAL_EXPONENT: i32 = -1022;
const FRACTION_BITS: u32 = 52;

/// Values are durations: not negative. There is no negative half.
#[derive(Debug, Clone)]
pub(crate) struct ExponentialHistogram {
    size: usize,
    scale: i32,
    offset: i32,
    counts: Vec<u64>,
    zeros: u64,
    count: u64,
    sum: f64,
    least: f64,
    most: f64,
}

impl ExponentialHistogram {
    /// At most `size` buckets; between 2 and 16384 makes sense, anything else is taken as the nearest of these.
    pub(crate) fn new(size: usize) -> Self {
        Self {
            size: size.clamp(2, 16_384),
            scale: FINEST_SCALE,
            offset: 0,
            counts: Vec::new(),
            zeros: 0,
            count: 0,
            sum: 0.0,
            least: 0.0,
            most: 0.0,
        }
    }

    // Per span. Some 0.1 us, next to nothing of it once the scale has settled but the logarithm.
    #[expect(clippy::cast_precision_loss, reason = "weights are far below 2^53")]
    pub(crate) fn observe(&mut self, value: f64, times: u64) {
        if times == 0 {
            return;
        }
        let value = if value.is_finite() { value.max(0.0) } else { 0.0 };
        self.least = if self.count == 0 { value } else { self.least.min(value) };
        self.most = if self.count == 0 { value } else { self.most.max(value) };
        self.count = self.count.saturating_add(times);
        if value == 0.0 {
            self.zeros = self.zeros.saturating_add(times);
            return;
        }
        self.sum += value * times as f64;
        self.make_room_for(value);
        let index = index_at(self.scale, value).max(self.offset);
        let bucket = usize::try_from(index - self.offset).unwrap_or(0).min(self.counts.len().saturating_sub(1));
        if let Some(count) = self.counts.get_mut(bucket) {
            *count = count.saturating_add(times);
        }
    }

    /// Forgets everything, also the scale.
    pub(crate) fn clear(&mut self) {
        let mut counts = std::mem::take(&mut self.counts);
        counts.clear();
        *self = Self { counts, ..Self::new(self.size) };
    }

    /// The scale; 0 as long as every value was zero.
    pub(crate) fn scale(&self) -> i32 {
        if self.counts.is_empty() { 0 } else { self.scale }
    }

    /// Index of the first bucket.
    pub(crate) fn offset(&self) -> i32 {
        self.offset
    }

    /// Observations per bucket.
    pub(crate) fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Observations of exactly zero.
    pub(crate) fn zeros(&self) -> u64 {
        self.zeros
    }

    /// How many observations.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Their sum.
    pub(crate) fn sum(&self) -> f64 {
        self.sum
    }

    /// The smallest and the largest, if there was any.
    pub(crate) fn extremes(&self) -> Option<(f64, f64)> {
        (self.count > 0).then_some((self.least, self.most))
    }

    /// Widens the range of buckets, after lowering the scale if need be, so that it covers `value`.
    fn make_room_for(&mut self, value: f64) {
        let index = index_at(self.scale, value);
        if self.counts.is_empty() {
            self.offset = index;
            self.counts.push(0);
            return;
        }
        let (mut low, mut high) = (self.offset.min(index), self.last().max(index));
        let mut steps = 0;
        while span(low, high) > self.size {
            low >>= 1;
            high >>= 1;
            steps += 1;
        }
        self.halve(steps);
        // Calculated anew, not shifted: near a bound the logarithm at the coarser scale decides.
        let index = index_at(self.scale, value);
        if index < self.offset && span(index, self.last()) <= self.size {
            let missing = span(index, self.offset).saturating_sub(1);
            self.counts.splice(..0, std::iter::repeat_n(0, missing));
            self.offset = index;
        }
        let needed = span(self.offset, index).min(self.size);
        if index > self.last() && needed > self.counts.len() {
            self.counts.resize(needed, 0);
        }
    }

    fn last(&self) -> i32 {
        let buckets = i32::try_from(self.counts.len()).unwrap_or(i32::MAX);
        self.offset.saturating_add(buckets).saturating_sub(1)
    }

    /// Merges 2^steps neighbours into one.
    fn halve(&mut self, steps: i32) {
        let steps = steps.min(self.scale - COARSEST_SCALE);
        if steps <= 0 {
            return;
        }
        let first = self.offset >> steps;
        let mut merged: Vec<u64> = Vec::with_capacity(self.counts.len());
        for (index, count) in (self.offset..).zip(&self.counts) {
            let bucket = usize::try_from((index >> steps) - first).unwrap_or(0);
            if bucket >= merged.len() {
                merged.resize(bucket + 1, 0);
            }
            if let Some(sum) = merged.get_mut(bucket) {
                *sum = sum.saturating_add(*count);
            }
        }
        self.counts = merged;
        self.offset = first;
        self.scale -= steps;
    }
}

/// How many buckets lie between two indices, both included.
fn span(low: i32, high: i32) -> usize {
    usize::try_from(i64::from(high) - i64::from(low) + 1).unwrap_or(0)
}

/// The bucket of a positive value.
fn index_at(scale: i32, value: f64) -> i32 {
    let bits = value.to_bits();
    let fraction = bits & ((1 << FRACTION_BITS) - 1);
    let biased = i32::try_from((bits >> FRACTION_BITS) & 0x7ff).unwrap_or(0);
    // Subnormal values share the bucket of the smallest normal one.
    let exponent = (biased - 1023).max(SMALLEST_NORMAL_EXPONENT);
    let is_power_of_two = fraction == 0 || biased == 0;
    if scale <= 0 {
        return (exponent - i32::from(is_power_of_two)) >> -scale;
    }
    if is_power_of_two {
        return (exponent << scale) - 1;
    }
    let factor = std::f64::consts::LOG2_E * f64::from(1u32 << scale);
    #[expect(clippy::cast_possible_truncation, reason = "at scale 20 indices stay within 31 bits")]
    let index = (value.ln() * factor).floor() as i32;
    index.min((1024 << scale) - 1)
}
