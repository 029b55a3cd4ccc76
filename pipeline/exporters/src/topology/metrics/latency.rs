//! Buckets of any layout become those of the map.

use hashbrown::HashMap;
use pdata::{Doubles, ExponentialPointView};
use smallvec::SmallVec;
use topology::Histogram;

use super::streams::Increment;

/// Layouts that are kept; further ones share the last place and lose their buckets, not their sums.
const MOST: usize = 256;
/// Most buckets of a point; those of one with more are not kept, as if it had none.
pub(super) const MOST_BUCKETS: usize = 256;
/// Buckets of the map per doubling.
const PER_DOUBLING: f64 = 4.0;
/// Exponential buckets are kept from the map's bucket of 1 us to that of 18 minutes; what lies outside falls into these.
const FIRST: u8 = 40;
const LAST: u8 = 160;

/// The layouts of explicit buckets seen so far. A layout's number is its position.
#[derive(Debug, Default)]
pub(super) struct Layouts {
    known: HashMap<Box<[u64]>, u32>,
    spreads: Vec<Spread>,
    scratch: Vec<u64>,
    /// The layout that was looked up last: that of the next point, nearly always.
    last: (Vec<u64>, u32),
}

/// Where the measurements of each bucket go: bounds in nanoseconds.
#[derive(Debug)]
struct Spread {
    /// Lower and upper bound of each bucket.
    bounds: Box<[(f64, f64)]>,
}

/// The layout of exponential buckets, which are brought to the map's own scale before they are compared.
pub(super) const EXPONENTIAL: u32 = u32::MAX;
/// No buckets.
pub(super) const NONE: u32 = u32::MAX - 1;

impl Layouts {
    /// The layout of a point with these bounds; `unit` is how many nanoseconds one is.
    pub(super) fn of(&mut self, bounds: Doubles<'_>, unit: f64) -> u32 {
        self.scratch.clear();
        self.scratch.push(unit.to_bits());
        self.scratch.extend(bounds.take(MOST_BUCKETS).map(f64::to_bits));
        if self.last.0 == self.scratch {
            return self.last.1;
        }
        let number = self.find(bounds, unit);
        std::mem::swap(&mut self.last.0, &mut self.scratch);
        self.last.1 = number;
        number
    }

    fn find(&mut self, bounds: Doubles<'_>, unit: f64) -> u32 {
        // The last bucket has no bound, the first number is the unit.
        if self.scratch.len() > MOST_BUCKETS {
            return NONE;
        }
        if let Some(known) = self.known.get(self.scratch.as_slice()) {
            return *known;
        }
        let Ok(number) = u32::try_from(self.spreads.len()) else { return NONE };
        if self.spreads.len() >= MOST {
            return NONE;
        }
        self.spreads.push(Spread::of(bounds.map(|bound| bound * unit)));
        self.known.insert(self.scratch.as_slice().into(), number);
        number
    }

    /// What an increment says about latency.
    pub(super) fn histogram(&self, increment: &Increment, shape: u32, unit: f64) -> Histogram {
        let sum = nanoseconds(increment.sum * unit);
        if increment.count == 0 {
            return Histogram::default();
        }
        let mut parts: SmallVec<[(u8, u64); 8]> = SmallVec::new();
        match (shape, usize::try_from(shape).ok().and_then(|shape| self.spreads.get(shape))) {
            (EXPONENTIAL, _) => {
                let used = (FIRST..=LAST).zip(&increment.buckets).filter(|(_, count)| **count > 0);
                parts.extend(used.map(|(bucket, count)| (bucket, *count)));
            }
            (_, Some(spread)) => spread.share(&increment.buckets, &mut parts),
            _ => {}
        }
        let placed = parts.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
        let mean = increment.sum * unit / increment.count as f64;
        // What no bucket tells lies at the mean.
        if let Some(rest) = increment.count.checked_sub(placed).filter(|rest| *rest > 0) {
            parts.push((bucket_of(mean), rest));
        }
        Histogram::from_parts(sum, parts)
    }
}

impl Spread {
    fn of(bounds: impl Iterator<Item = f64>) -> Self {
        let mut pairs = Vec::new();
        let mut low = 0.0;
        for bound in bounds {
            pairs.push((low, bound));
            low = bound;
        }
        pairs.push((low, low * 2.0));
        Self { bounds: pairs.into() }
    }

    /// The measurements of a bucket are taken to lie evenly in it.
    fn share(&self, counts: &[u64], parts: &mut SmallVec<[(u8, u64); 8]>) {
        for ((low, high), count) in self.bounds.iter().zip(counts).filter(|(_, count)| **count > 0) {
            let (first, last) = (bucket_of(low.max(high / 16.0)), bucket_of(*high));
            let width = (high - low).max(1.0);
            let mut placed = 0_u64;
            for bucket in first..last {
                let upper = upper_bound(bucket);
                let until = ((upper - low) / width).clamp(0.0, 1.0) * *count as f64;
                let more = (until.round() as u64).saturating_sub(placed);
                if more > 0 {
                    parts.push((bucket, more));
                    placed = placed.saturating_add(more);
                }
            }
            if let Some(rest) = count.checked_sub(placed).filter(|rest| *rest > 0) {
                parts.push((last, rest));
            }
        }
    }
}

/// Brings exponential buckets to the map's scale: one count for each bucket from [`FIRST`] to [`LAST`].
pub(super) fn rescale(point: &ExponentialPointView<'_>, unit: f64, out: &mut Vec<u64>) {
    out.clear();
    out.resize(usize::from(LAST.saturating_sub(FIRST)).saturating_add(1), 0);
    let mut add = |bucket: u8, count: u64| {
        if let Some(held) = out.get_mut(usize::from(bucket.clamp(FIRST, LAST).saturating_sub(FIRST))) {
            *held = held.saturating_add(count);
        }
    };
    add(0, point.zero_count());
    let positive = point.positive();
    let per_doubling = f64::from(point.scale()).exp2();
    for (index, count) in (i64::from(positive.offset())..).zip(positive.counts()) {
        let middle = ((index as f64 + 0.5) / per_doubling).exp2() * unit;
        add(bucket_of(middle), count);
    }
}

/// The map's bucket for so many nanoseconds: 4 per doubling.
fn bucket_of(nanoseconds: f64) -> u8 {
    (nanoseconds.max(1.0).log2() * PER_DOUBLING).floor().clamp(0.0, 255.0) as u8
}

fn upper_bound(bucket: u8) -> f64 {
    ((f64::from(bucket) + 1.0) / PER_DOUBLING).exp2()
}

/// A sum as whole nanoseconds; nonsense is none.
pub(super) fn nanoseconds(value: f64) -> u64 {
    value.max(0.0).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(bounds: &[f64], counts: &[u64], sum: f64) -> Histogram {
        let layouts = Layouts { spreads: vec![Spread::of(bounds.iter().copied())], ..Layouts::default() };
        let count = counts.iter().sum();
        layouts.histogram(&Increment { count, sum, buckets: SmallVec::from_slice(counts), over: 0 }, 0, 1.0)
    }

    #[test]
    fn the_mean_is_exact_and_quantiles_lie_in_the_senders_bucket() {
        let latency = histogram(&[10e6, 50e6, 100e6], &[0, 100, 0, 0], 3000e6);

        assert_eq!((latency.count(), latency.mean_ms()), (100, Some(30.0)));
        let p95 = latency.quantile_ms(0.95).unwrap();
        assert!((40.0..=55.0).contains(&p95), "p95 was {p95}");
    }

    #[test]
    fn every_measurement_is_placed_once_whatever_the_bounds() {
        for bounds in [&[][..], &[0.0], &[1.0, 1.0], &[f64::NAN, 3.0], &[-5.0, 1e300], &[5.0, 1.0]] {
            let counts: Vec<u64> = (0..=bounds.len() as u64).map(|count| count * 3 + 1).collect();

            let latency = histogram(bounds, &counts, 50.0);

            assert_eq!(latency.count(), counts.iter().sum::<u64>(), "{bounds:?}");
        }
    }

    #[test]
    fn a_histogram_without_buckets_lies_at_its_mean() {
        let layouts = Layouts::default();
        let latency = layouts.histogram(&Increment { count: 4, sum: 0.2, ..Increment::default() }, NONE, 1e9);

        assert_eq!((latency.count(), latency.mean_ms()), (4, Some(50.0)));
    }
}
