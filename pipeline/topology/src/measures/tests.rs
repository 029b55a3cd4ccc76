use proptest::prelude::*;

use super::histogram::{bounds, bucket_of};
use super::*;

const MS: u64 = 1_000_000;

#[test]
fn an_exchange_that_both_ends_saw_counts_once() {
    let requests = Requests { paired: 5, client_only: 2, server_only: 3 };

    assert_eq!(Measures { requests, ..Measures::default() }.requests(), 8);
}

#[test]
fn the_mean_is_exact_and_the_quantile_near() {
    let mut latency = Histogram::of(10 * MS, 90);
    latency.merge(&Histogram::of(1000 * MS, 10));

    assert_eq!(latency.mean_ms(), Some(109.0));
    let p95 = latency.quantile_ms(0.95).unwrap();
    assert!((850.0..1200.0).contains(&p95), "p95 was {p95}");
}

proptest! {
    #[test]
    fn every_value_lies_in_its_bucket(value in 1_u64..) {
        let (low, high) = bounds(bucket_of(value));
        let value = value as f64;

        prop_assert!(low <= value && value <= high, "{value} outside [{low}, {high})");
    }

    #[test]
    fn merging_is_the_same_in_any_order(values in prop::collection::vec(1_u64..1 << 40, 0..20), cut in 0_usize..20) {
        let all: Vec<_> = values.iter().map(|value| Histogram::of(*value, 1)).collect();
        let merged = |parts: &[Histogram]| parts.iter().fold(Histogram::default(), |mut sum, part| { sum.merge(part); sum });
        let (left, right) = all.split_at(cut.min(all.len()));
        let mut halves = merged(right);
        halves.merge(&merged(left));

        prop_assert_eq!(merged(&all), halves);
    }
}
