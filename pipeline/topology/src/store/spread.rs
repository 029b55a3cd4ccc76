//! Which steps an increment belongs to: one for a single exchange, all that it grew over for a counter.

use super::sum::{counts, measures};
use crate::measures::{Gap, Histogram, Measures};
use crate::{Moment, STEP};

/// An increment over more steps than these lands on this many of them, evenly.
const MOST_SHARES: u64 = 64;

/// The step of a moment.
pub(crate) fn step_of(at: Moment) -> u32 {
    u32::try_from(at.0 / STEP).unwrap_or(u32::MAX)
}

/// The first moment of a step.
pub(crate) fn moment_of(step: u32) -> Moment {
    Moment(u64::from(step).saturating_mul(STEP))
}

/// Cuts what grew evenly during the `over` nanoseconds before `at` into steps. The shares add up to the whole, exactly.
pub(crate) fn spread(at: Moment, over: u64, whole: &Measures, mut visit: impl FnMut(u32, Measures)) {
    let from = at.minus(over);
    // An interval that ends where a step begins has nothing in that step.
    let (first, last) = (step_of(from), step_of(at.minus(1)));
    let steps = u64::from(last.saturating_sub(first)).saturating_add(1);
    let stride = steps.div_ceil(MOST_SHARES).max(1);
    let mut done = Measures::default();
    let mut step = first;
    loop {
        let next = u32::try_from(u64::from(step).saturating_add(stride)).unwrap_or(u32::MAX);
        if next > last || next == step {
            break;
        }
        let grown = portion(whole, moment_of(next).since(from), over);
        let share = difference(&grown, &done);
        if !share.is_empty() {
            visit(step, share);
        }
        (done, step) = (grown, next);
    }
    let rest = difference(whole, &done);
    if !rest.is_empty() {
        visit(step, rest);
    }
}

/// What of `value` has come after `part` of `whole` nanoseconds, rounded down.
fn scaled(value: u64, part: u64, whole: u64) -> u64 {
    let product = u128::from(value) * u128::from(part);
    u64::try_from(product / u128::from(whole.max(1))).unwrap_or(value)
}

/// What has come after `part` of `over` nanoseconds.
fn portion(whole: &Measures, part: u64, over: u64) -> Measures {
    let counts = counts(whole).map(|count| scaled(count, part, over));
    let gap_count = scaled(whole.gap.count, part, over);
    let gap_sum = scaled(whole.gap.sum.unsigned_abs(), gap_count, whole.gap.count);
    let gap = Gap {
        sum: i64::try_from(gap_sum).unwrap_or(i64::MAX).saturating_mul(whole.gap.sum.signum()),
        count: gap_count,
    };
    measures(&counts, gap, portion_of(&whole.client.latency, part, over), portion_of(&whole.server.latency, part, over))
}

/// The sum follows the observations, so that no share has time without any. Buckets are rounded each at another phase:
/// of many that hold one observation, not all come in the last share.
fn portion_of(whole: &Histogram, part: u64, over: u64) -> Histogram {
    let phases = (1_u64..).map(|place| place.wrapping_mul(618) % 1000);
    let buckets: Vec<_> = whole
        .buckets()
        .zip(phases)
        .map(|((bucket, count), phase)| {
            let thousandths = u128::from(count) * u128::from(part) * 1000 / u128::from(over.max(1)) + u128::from(phase);
            (bucket, u64::try_from(thousandths / 1000).unwrap_or(count).min(count))
        })
        .collect();
    let come = buckets.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
    Histogram::from_parts(scaled(whole.sum(), come, whole.count()), buckets)
}

/// `more` without `less`, which it contains.
fn difference(more: &Measures, less: &Measures) -> Measures {
    let (mut left, taken) = (counts(more), counts(less));
    for (left, taken) in left.iter_mut().zip(taken) {
        *left = left.saturating_sub(taken);
    }
    let gap =
        Gap { sum: more.gap.sum.saturating_sub(less.gap.sum), count: more.gap.count.saturating_sub(less.gap.count) };
    let without = |more: &Histogram, less: &Histogram| {
        let mut taken = less.buckets().peekable();
        let left = more.buckets().map(|(bucket, count)| {
            while taken.next_if(|(other, _)| *other < bucket).is_some() {}
            let taken = taken.next_if(|(other, _)| *other == bucket).map_or(0, |(_, count)| count);
            (bucket, count.saturating_sub(taken))
        });
        Histogram::from_parts(more.sum().saturating_sub(less.sum()), left.collect::<Vec<_>>())
    };
    measures(
        &left,
        gap,
        without(&more.client.latency, &less.client.latency),
        without(&more.server.latency, &less.server.latency),
    )
}
