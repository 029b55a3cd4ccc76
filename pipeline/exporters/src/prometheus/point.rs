//! The last value of a series, and how the next one changes it.

use super::store::Refused;

/// What is known of a series at a time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Point {
    /// Nanoseconds since 1970 at which the value held.
    pub(super) time: u64,
    pub(super) value: Value,
}

/// A value, with exemplars as OpenMetrics text writes them.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Number {
        value: f64,
        exemplar: Option<Box<str>>,
    },
    Histogram {
        /// Ascending upper bounds, without infinity.
        bounds: Box<[f64]>,
        /// Not cumulative, one for each bound.
        counts: Box<[u64]>,
        sum: f64,
        count: u64,
        /// None, or one place for each bound and one for infinity.
        exemplars: Box<[Option<Box<str>>]>,
    },
    /// An exponential histogram: the text formats have no words for its buckets.
    Total {
        sum: f64,
        count: u64,
    },
    Summary {
        /// Quantile and value, ascending.
        quantiles: Box<[(f64, f64)]>,
        sum: f64,
        count: u64,
    },
}

/// How a point relates to the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// It replaces it.
    To,
    /// It counts from this start on and is added to it.
    Since(u64),
}

impl Point {
    /// Takes the next point of the series in. A late one is refused: the newest value is what is served.
    pub(super) fn absorb(&mut self, next: Self, change: Change) -> Result<(), Refused> {
        match change {
            Change::To if next.time < self.time => return Err(Refused::OutOfOrder),
            Change::To => *self = next,
            Change::Since(start) if start == self.time => {
                self.value.add(next.value);
                self.time = self.time.max(next.time);
            }
            // What overlaps with what is already counted would be counted twice.
            Change::Since(start) if start < self.time => return Err(Refused::MisalignedDelta),
            // The writer started over after a gap, and so does the series: a counter reset.
            Change::Since(_) => *self = next,
        }
        Ok(())
    }

    /// Bytes on the heap.
    pub(super) fn bytes(&self) -> usize {
        let text = |exemplar: &Option<Box<str>>| exemplar.as_ref().map_or(0, |text| text.len());
        match &self.value {
            Value::Number { exemplar, .. } => text(exemplar),
            Value::Total { .. } => 0,
            Value::Summary { quantiles, .. } => size_of_val(quantiles.as_ref()),
            Value::Histogram { bounds, counts, exemplars, .. } => {
                let texts: usize = exemplars.iter().map(text).sum();
                size_of_val(bounds.as_ref()) + size_of_val(counts.as_ref()) + size_of_val(exemplars.as_ref()) + texts
            }
        }
    }
}

impl Value {
    /// Adds a delta. Kinds or bounds that differ cannot be added: the newer value starts over.
    fn add(&mut self, delta: Self) {
        match (&mut *self, delta) {
            (Self::Number { value, exemplar }, Self::Number { value: more, exemplar: newer }) => {
                *value += more;
                *exemplar = newer;
            }
            (Self::Total { sum, count }, Self::Total { sum: more, count: newer }) => {
                *sum += more;
                *count = count.saturating_add(newer);
            }
            (
                Self::Histogram { bounds, counts, sum, count, exemplars },
                Self::Histogram { bounds: same, counts: newer, sum: more, count: further, exemplars: latest },
            ) if *bounds == same => {
                for (count, more) in counts.iter_mut().zip(newer) {
                    *count = count.saturating_add(more);
                }
                *sum += more;
                *count = count.saturating_add(further);
                *exemplars = latest;
            }
            (before, delta) => *before = delta,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(time: u64, value: f64) -> Point {
        Point { time, value: Value::Number { value, exemplar: None } }
    }

    fn histogram(time: u64, bounds: &[f64], counts: &[u64]) -> Point {
        let value = Value::Histogram {
            bounds: bounds.into(),
            counts: counts.into(),
            sum: 1.0,
            count: counts.iter().sum(),
            exemplars: Box::default(),
        };
        Point { time, value }
    }

    #[test]
    fn the_newest_cumulative_value_stays() {
        let mut series = number(20, 5.0);

        assert_eq!(series.absorb(number(10, 4.0), Change::To), Err(Refused::OutOfOrder));
        assert_eq!(series.absorb(number(20, 6.0), Change::To), Ok(()));

        assert_eq!(series, number(20, 6.0));
    }

    #[test]
    fn a_delta_that_follows_is_added() {
        let mut series = number(20, 5.0);

        series.absorb(number(30, 2.0), Change::Since(20)).unwrap();

        assert_eq!(series, number(30, 7.0));
    }

    #[test]
    fn a_delta_after_a_gap_starts_over_and_an_overlapping_one_is_refused() {
        let mut series = number(20, 5.0);

        assert_eq!(series.absorb(number(30, 1.0), Change::Since(15)), Err(Refused::MisalignedDelta));
        series.absorb(number(50, 2.0), Change::Since(40)).unwrap();

        assert_eq!(series, number(50, 2.0));
    }

    #[test]
    fn delta_histograms_add_up_bucket_by_bucket_until_their_bounds_change() {
        let mut series = histogram(20, &[1.0, 2.0], &[1, 0]);

        series.absorb(histogram(30, &[1.0, 2.0], &[2, 3]), Change::Since(20)).unwrap();
        let Value::Histogram { counts, count, .. } = &series.value else { panic!("{series:?}") };
        assert_eq!((counts.as_ref(), *count), ([3, 3].as_slice(), 6));

        series.absorb(histogram(40, &[5.0], &[7]), Change::Since(30)).unwrap();
        assert_eq!(series, histogram(40, &[5.0], &[7]));
    }
}
