//! Exponential histograms of OTLP as native histograms of Prometheus.
//!
//! Both double their bounds every 2^scale buckets. OTLP's bucket `i` ends at the bound where Prometheus' bucket `i + 1`
//! ends, and Prometheus knows the scales -4 to 8: finer ones are merged, coarser ones have no equal.

use super::STALE;
use super::wire::{PutField, packed_zigzag};

/// The finest scale of Prometheus.
const FINEST: i32 = 8;
/// Its coarsest.
const COARSEST: i32 = -4;
/// The width of the zero bucket where OTLP does not say one.
const ZERO_THRESHOLD: f64 = 1e-128;
/// Runs of empty buckets up to this length are sent as zeros, longer ones start a new span.
const LONGEST_GAP: i64 = 2;

/// Why a histogram cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NativeError {
    /// Prometheus has no buckets that wide.
    #[error("the scale {0} is below -4, the coarsest of Prometheus")]
    TooCoarse(i32),
    /// Not a histogram that anybody recorded.
    #[error("a bucket's index or count does not fit")]
    OutOfRange,
}

/// The buckets of one sign, as OTLP has them.
pub(super) struct Side<C> {
    pub(super) offset: i32,
    pub(super) counts: C,
}

/// A point of an exponential histogram.
pub(super) struct Exponential<C> {
    pub(super) stale: bool,
    pub(super) count: u64,
    pub(super) sum: f64,
    pub(super) scale: i32,
    pub(super) zero_count: u64,
    pub(super) zero_threshold: f64,
    pub(super) positive: Side<C>,
    pub(super) negative: Side<C>,
}

/// Writes the point as a `Histogram` message.
pub(super) fn write<C: Iterator<Item = u64>>(
    point: Exponential<C>,
    time: i64,
    out: &mut Vec<u8>,
) -> Result<(), NativeError> {
    if point.scale < COARSEST {
        return Err(NativeError::TooCoarse(point.scale));
    }
    let merged = u32::try_from(point.scale.saturating_sub(FINEST)).unwrap_or(0);
    let positive = Layout::of(point.positive, merged)?;
    let negative = Layout::of(point.negative, merged)?;
    let stale = f64::from_bits(STALE);
    let (count, sum) = if point.stale { (STALE, stale) } else { (point.count, point.sum) };
    let threshold = if point.zero_threshold == 0.0 { ZERO_THRESHOLD } else { point.zero_threshold };
    out.varint(1, count);
    out.double(3, sum);
    out.zigzag(4, i64::from(point.scale.min(FINEST)));
    out.double(5, threshold);
    out.varint(6, point.zero_count);
    negative.write(8, 9, out);
    positive.write(11, 12, out);
    // Field 14, the reset hint, stays "unknown": the server compares by itself.
    out.varint(15, time.cast_unsigned());
    Ok(())
}

/// Buckets as Prometheus lays them out: spans of neighbours, counts as differences.
#[derive(Debug, Default, PartialEq, Eq)]
struct Layout {
    /// Distance from the end of the span before, and length.
    spans: Vec<(i32, u32)>,
    deltas: Vec<i64>,
}

impl Layout {
    fn of<C: Iterator<Item = u64>>(side: Side<C>, merged: u32) -> Result<Self, NativeError> {
        let mut layout = Building::default();
        let mut open: Option<(i64, u64)> = None;
        for (place, count) in (0_i64..).zip(side.counts) {
            let index = (i64::from(side.offset).saturating_add(place) >> merged.min(63)).saturating_add(1);
            match &mut open {
                Some((at, sum)) if *at == index => *sum = sum.saturating_add(count),
                _ => {
                    layout.bucket(open.replace((index, count)))?;
                }
            }
        }
        layout.bucket(open)?;
        Ok(layout.done)
    }

    fn write(&self, spans: u32, deltas: u32, out: &mut Vec<u8>) {
        for (offset, length) in &self.spans {
            let mut span = Vec::with_capacity(8);
            span.zigzag(1, i64::from(*offset));
            span.varint(2, u64::from(*length));
            out.bytes(spans, &span);
        }
        if !self.deltas.is_empty() {
            out.bytes(deltas, &packed_zigzag(&self.deltas));
        }
    }
}

#[derive(Default)]
struct Building {
    done: Layout,
    /// The index after the last bucket.
    next: i64,
    last: i64,
}

impl Building {
    fn bucket(&mut self, bucket: Option<(i64, u64)>) -> Result<(), NativeError> {
        let Some((index, count)) = bucket.filter(|(_, count)| *count > 0) else { return Ok(()) };
        let count = i64::try_from(count).map_err(|_| NativeError::OutOfRange)?;
        let gap = index.saturating_sub(self.next);
        if self.done.spans.is_empty() || gap > LONGEST_GAP {
            let gap = i32::try_from(gap).map_err(|_| NativeError::OutOfRange)?;
            self.done.spans.push((gap, 0));
        } else {
            (0..gap).for_each(|_| self.push(0));
        }
        self.push(count);
        self.next = index.saturating_add(1);
        Ok(())
    }

    fn push(&mut self, count: i64) {
        self.done.deltas.push(count.saturating_sub(self.last));
        self.last = count;
        if let Some((_, length)) = self.done.spans.last_mut() {
            *length = length.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(offset: i32, counts: &[u64], merged: u32) -> Layout {
        Layout::of(Side { offset, counts: counts.iter().copied() }, merged).unwrap()
    }

    #[test]
    fn short_gaps_are_zeros_and_long_gaps_start_a_span() {
        let laid_out = layout(-2, &[1, 0, 3, 0, 0, 0, 0, 4], 0);

        assert_eq!(laid_out, Layout { spans: vec![(-1, 3), (4, 1)], deltas: vec![1, -1, 3, 1] });
    }

    #[test]
    fn merging_adds_neighbours() {
        // Indices 5..15 of scale 10 are 1..3 of scale 8, one later as Prometheus counts.
        let laid_out = layout(5, &[1; 10], 2);

        assert_eq!(laid_out, Layout { spans: vec![(2, 3)], deltas: vec![3, 1, -1] });
    }

    #[test]
    fn negative_indices_merge_downwards() {
        let laid_out = layout(-3, &[1, 1, 1, 1], 1);

        // -3 and -2 | -1 | 0: floor(i / 2) is -2, -1, -1, 0.
        assert_eq!(laid_out, Layout { spans: vec![(-1, 3)], deltas: vec![1, 1, -1] });
    }

    #[test]
    fn empty_buckets_leave_nothing() {
        assert_eq!(layout(7, &[0, 0, 0], 0), Layout::default());
        assert_eq!(layout(7, &[], 0), Layout::default());
    }

    #[test]
    fn hostile_numbers_are_refused_and_do_not_panic() {
        let huge = Side { offset: i32::MAX, counts: [1, 1].into_iter() };
        assert_eq!(Layout::of(huge, 0), Err(NativeError::OutOfRange));
        let endless = Side { offset: 0, counts: [u64::MAX].into_iter() };
        assert_eq!(Layout::of(endless, 0), Err(NativeError::OutOfRange));
        assert_eq!(layout(i32::MIN, &[1], u32::MAX), Layout { spans: vec![(0, 1)], deltas: vec![1] });
    }
}
