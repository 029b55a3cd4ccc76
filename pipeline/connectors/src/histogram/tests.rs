use super::*;

fn exponential(size: usize, values: &[f64]) -> ExponentialHistogram {
    let mut histogram = ExponentialHistogram::new(size);
    for value in values {
        histogram.observe(*value, 1);
    }
    histogram
}

/// The bounds of the bucket at `position`.
fn bucket(histogram: &ExponentialHistogram, position: usize) -> (f64, f64) {
    let base = 2f64.powf(2f64.powi(-histogram.scale()));
    let index = histogram.offset() + i32::try_from(position).unwrap();
    (base.powi(index), base.powi(index + 1))
}

#[test]
fn a_value_that_equals_a_bound_falls_below_it() {
    let mut histogram = Shape::Explicit([1.0, 2.0].into()).empty();

    for value in [0.5, 1.0, 1.5, 2.0, 2.5] {
        histogram.observe(value, 1);
    }

    let Histogram::Explicit(histogram) = histogram else { panic!("asked for bounds") };
    assert_eq!(histogram.counts(), [2, 2, 1]);
    assert_eq!((histogram.count(), histogram.sum()), (5, 7.5));
}

#[test]
fn the_weight_of_a_sampled_span_counts() {
    let mut histogram = Shape::Explicit([1.0].into()).empty();

    histogram.observe(3.0, 4);

    let Histogram::Explicit(histogram) = histogram else { panic!("asked for bounds") };
    assert_eq!((histogram.counts(), histogram.count(), histogram.sum()), (&[0, 4][..], 4, 12.0));
}

#[test]
fn one_value_is_kept_at_the_finest_scale() {
    let histogram = exponential(160, &[20.0]);

    let (low, high) = bucket(&histogram, 0);
    assert_eq!((histogram.scale(), histogram.counts()), (20, &[1][..]));
    assert!(low < 20.0 && 20.0 <= high && high - low < 0.0001, "({low}, {high}]");
}

#[test]
fn every_value_lies_in_its_bucket_and_all_buckets_fit() {
    let mut seed = 1u64;
    let mut values = Vec::new();
    for _ in 0..5_000 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        values.push(1.0e-6 * 10f64.powf((seed >> 40) as f64 / 2_000_000.0));
    }

    for size in [2, 7, 20, 160] {
        let mut histogram = ExponentialHistogram::new(size);
        for value in &values {
            histogram.observe(*value, 1);
            assert!(histogram.counts().len() <= size);
        }
        for position in 0..histogram.counts().len() {
            let (low, high) = bucket(&histogram, position);
            // The last digits of `powi` are not exact: leave values alone that are that close to a bound.
            let inside = values.iter().filter(|value| **value > low * 1.000_000_1 && **value <= high * 0.999_999_9);
            let touched = values.iter().filter(|value| **value > low * 0.999_999_9 && **value <= high * 1.000_000_1);
            let count = usize::try_from(histogram.counts()[position]).unwrap();
            assert!(
                inside.count() <= count && count <= touched.count(),
                "size {size}, bucket ({low}, {high}]: {count}"
            );
        }
        assert_eq!(histogram.counts().iter().sum::<u64>(), 5_000);
    }
}

#[test]
fn powers_of_two_close_their_bucket() {
    let histogram = exponential(4, &[1.0, 2.0, 4.0, 8.0]);

    assert_eq!((histogram.scale(), histogram.offset(), histogram.counts()), (0, -1, &[1, 1, 1, 1][..]));
}

#[test]
fn smaller_values_after_larger_ones_extend_it_downward() {
    let falling = exponential(4, &[8.0, 4.0, 2.0, 1.0]);
    let rising = exponential(4, &[1.0, 2.0, 4.0, 8.0]);

    assert_eq!(
        (falling.scale(), falling.offset(), falling.counts()),
        (rising.scale(), rising.offset(), rising.counts())
    );
}

#[test]
fn zeros_are_counted_apart() {
    let histogram = exponential(160, &[0.0, 0.0, 3.0]);

    assert_eq!((histogram.zeros(), histogram.count(), histogram.sum()), (2, 3, 3.0));
    assert_eq!(histogram.extremes(), Some((0.0, 3.0)));
    assert_eq!(exponential(160, &[0.0]).scale(), 0);
}

#[test]
fn the_extremes_of_floats_fit_into_two_buckets() {
    let histogram = exponential(2, &[f64::MIN_POSITIVE / 4.0, f64::MIN_POSITIVE, 1.0, f64::MAX]);

    assert_eq!(histogram.counts().iter().sum::<u64>(), 4);
    assert!(histogram.scale() >= COARSEST);
}

const COARSEST: i32 = -10;

#[test]
fn a_cleared_histogram_is_as_new() {
    let mut histogram = exponential(4, &[1.0, 1000.0]);

    histogram.clear();
    histogram.observe(20.0, 1);

    let fresh = exponential(4, &[20.0]);
    assert_eq!(
        (histogram.scale(), histogram.offset(), histogram.counts()),
        (fresh.scale(), fresh.offset(), fresh.counts())
    );
    assert_eq!(histogram.extremes(), Some((20.0, 20.0)));
}
