//! Blocks, and what must hold of them for any input.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::support::*;
use crate::store::SeriesQuery;
use crate::store::block::{Block, Merge, block_of};
use crate::store::spread::spread;
use crate::*;

pub(crate) fn any_measures() -> impl Strategy<Value = Measures> {
    let histogram = || {
        (0_u64..1 << 40, prop::collection::vec((any::<u8>(), 1_u64..1000), 0..6))
            .prop_map(|(sum, buckets)| Histogram::from_parts(sum, buckets))
    };
    let side = move || (0_u64..5, 0_u64..5, histogram());
    let requests = (0_u64..1 << 33, 0_u64..9, 0_u64..9);
    let flow = (0_u64..1 << 50, 0_u64..9, 0_u64..9, 0_u64..1 << 40);
    (requests, side(), side(), -1_000_000_i64..1_000_000, 0_u64..9, flow).prop_map(
        |(requests, client, server, gap, gaps, flow)| Measures {
            requests: Requests { paired: requests.0, client_only: requests.1, server_only: requests.2 },
            client: Side { errors: client.0, client_errors: client.1, latency: client.2 },
            server: Side { errors: server.0, client_errors: server.1, latency: server.2 },
            gap: Gap { sum: gap, count: gaps },
            flow: Flow {
                bytes_sent: flow.0,
                connections: flow.1,
                rtt_count: flow.2,
                rtt_sum: flow.3,
                ..Flow::default()
            },
        },
    )
}

fn any_rows() -> impl Strategy<Value = BTreeMap<u32, Measures>> {
    prop::collection::btree_map(prop_oneof![0_u32..300, any::<u32>()], any_measures(), 0..150)
}

fn block(rows: &BTreeMap<u32, Measures>) -> Block {
    block_of(rows.iter().map(|(fact, measures)| (*fact, measures)))
}

fn read(block: &Block) -> BTreeMap<u32, Measures> {
    let mut rows = BTreeMap::new();
    block.each(|fact, sum| drop(rows.insert(fact, sum.measures())));
    rows
}

proptest! {
    #[test]
    fn a_block_holds_what_was_put_in(rows in any_rows()) {
        let held = block(&rows);

        prop_assert_eq!(read(&held), rows.clone());
        prop_assert_eq!(read(&Block::read(held.bytes(), 1).unwrap()), rows);
    }

    #[test]
    fn blocks_add_up_however_they_are_cut(parts in prop::collection::vec(any_rows(), 0..5)) {
        let mut sum: BTreeMap<u32, Measures> = BTreeMap::new();
        for (fact, measures) in parts.iter().flatten() {
            sum.entry(*fact).or_default().add(measures);
        }
        let blocks: Vec<Block> = parts.iter().map(block).collect();

        prop_assert_eq!(read(&Merge::of(&blocks).into_block(1)), sum);
    }

    #[test]
    fn single_facts_are_found(rows in any_rows(), other in any::<u32>()) {
        let held = block(&rows);
        let wanted: Vec<u32> = rows.keys().copied().step_by(3).chain((!rows.contains_key(&other)).then_some(other)).collect();
        let mut wanted: Vec<(u32, usize)> = wanted.into_iter().map(|fact| (fact, fact as usize)).collect();
        wanted.sort_unstable();
        let mut found = BTreeMap::new();
        held.pick(&wanted, |place, sum| drop(found.insert(place as u32, sum.measures())));

        let expected: BTreeMap<_, _> = rows.into_iter().step_by(3).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn bytes_from_elsewhere_are_a_block_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Some(block) = Block::read(&bytes, 1) {
            prop_assert_eq!(read(&block).len(), block.rows() as usize);
        }
    }

    #[test]
    fn shares_of_an_increment_add_up_to_it(
        whole in any_measures(),
        at in 0_u64..3 * HOUR,
        over in 0_u64..2 * HOUR,
    ) {
        let mut sum = Measures::default();
        spread(NOON.plus(at), over, &whole, |_, share| sum.add(&share));

        prop_assert_eq!(sum, whole);
    }

    #[test]
    fn order_and_portions_of_what_comes_do_not_change_totals(
        calls_at in prop::collection::vec((0_u64..3 * HOUR, 0_u8..4, 1_u64..5), 1..40),
        seed in any::<u64>(),
        portion in 1_usize..10,
    ) {
        let row = |(at, target, count): &(u64, u8, u64)| {
            let target = end(workload("shop", &format!("t{target}")));
            calls(NOON.plus(*at), end(workload("shop", "front")), target, *count, 10)
        };
        let answer = |order: &[(u64, u8, u64)], portion: usize| {
            let mut story = story();
            story.sleeps(3 * HOUR);
            for some in order.chunks(portion) {
                story.store.apply(Rows { facts: some.iter().map(row).collect(), ..Rows::default() }, story.now);
                story.after(SECOND);
            }
            edges(&story.last(4 * HOUR))
        };
        let mut other = calls_at.clone();
        other.sort_by_key(|(at, ..)| at.wrapping_mul(seed | 1));

        prop_assert_eq!(answer(&calls_at, 1), answer(&other, portion));
    }

    #[test]
    fn every_window_tells_what_happened_in_it(
        calls_at in prop::collection::vec((0_u64..30 * HOUR, 1_u64..5), 1..30),
        from in 0_u64..30 * HOUR,
        length in 0_u64..30 * HOUR,
        cut in 0_usize..30,
    ) {
        let row = |(at, count): &(u64, u64)| {
            calls(NOON.plus(*at), end(workload("shop", "front")), end(workload("shop", "cart")), *count, 10)
        };
        let mut story = story();
        let (early, late) = calls_at.split_at(cut.min(calls_at.len()));
        story.sleeps(29 * HOUR + 55 * MINUTE);
        story.store.apply(Rows { facts: early.iter().map(row).collect(), ..Rows::default() }, story.now);
        story.sleeps(10 * MINUTE);
        story.store.apply(Rows { facts: late.iter().map(row).collect(), ..Rows::default() }, story.now);
        story.after(SECOND);

        let asked = (NOON.plus(from), NOON.plus(from.saturating_add(length)));
        let snapshot = story.store.snapshot();
        let observed = snapshot.observe(asked.0, asked.1);

        // Without files hours are kept for two days: no window of this story is older.
        prop_assert!(observed.complete, "{:?}", observed.dropped);
        let Window { from, to, .. } = observed.window;
        // Nothing is told of what is not yet.
        let until = asked.1.min(snapshot.end());
        prop_assert!(from <= asked.0 && until <= to, "{from:?} to {to:?}");
        prop_assert!(asked.0.since(from) < HOUR && to.since(until) < HOUR, "{from:?} to {to:?}");
        let within = calls_at.iter().filter(|(at, _)| (from..to).contains(&NOON.plus(*at)));
        let expected: u64 = within.map(|(_, count)| count).sum();
        prop_assert_eq!(requests(&observed), expected);

        let edges = observed.edges.iter().map(|edge| (edge.source, edge.target)).collect();
        let series = snapshot.series(&SeriesQuery { edges, from, to, ..SeriesQuery::default() });
        let points = series.points.iter().flat_map(|point| &point.by_protocol);
        prop_assert_eq!((series.complete, points.map(|(_, row)| row.requests()).sum::<u64>()), (true, expected));
    }
}

#[test]
fn a_window_that_ends_in_what_only_longer_blocks_tell_is_rounded_to_them() {
    let mut story = story();
    story.sleeps(29 * HOUR + 55 * MINUTE);
    story.receives(calls(
        NOON.plus(28 * HOUR + 2 * MINUTE),
        end(workload("shop", "front")),
        end(workload("shop", "cart")),
        3,
        10,
    ));
    story.sleeps(10 * MINUTE);

    // Minutes are kept from 28:05 on, so the minutes before are only told by the ten minutes from 28:00 on.
    let (from, to) = (NOON.plus(18 * HOUR + 29 * MINUTE), NOON.plus(28 * HOUR + 5 * MINUTE + SECOND));
    let observed = story.store.snapshot().observe(from, to);

    assert!(observed.complete, "{:?}", observed.dropped);
    assert_eq!(observed.window.to, NOON.plus(28 * HOUR + 10 * MINUTE));
    assert_eq!(requests(&observed), 3);
}

#[test]
fn a_window_that_begins_before_what_is_kept_says_so() {
    let mut story = story();
    story.receives(calls(NOON, end(workload("shop", "front")), end(workload("shop", "cart")), 3, 10));
    story.sleeps(DAY);
    story.receives(calls(story.now, end(workload("shop", "front")), end(workload("shop", "cart")), 4, 10));
    story.sleeps(30 * DAY);
    let kept_from = NOON.plus(12 * HOUR);

    let whole = story.store.snapshot().observe(kept_from, story.now);
    assert_eq!((whole.complete, requests(&whole)), (true, 4));

    let cut = story.store.snapshot().observe(kept_from.minus(1), story.now);
    assert_eq!(cut.dropped.keys().copied().collect::<Vec<_>>(), ["not_kept_that_long"]);
    assert_eq!((cut.window.from, requests(&cut)), (kept_from, 4));
}
