//! Which blocks a range of time is added up from: the coarsest that are whole, finer ones at the edges.

use std::ops::Range;

use super::spread::step_of;
use super::timeline::{Timeline, ceil, floor};
use crate::{Moment, STEP, Tier};

/// A coarse block at the edge of a range may stick out by this share of it: what is drawn has about sixty points.
const POINTS: u64 = 60;

/// A range as it can be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tiling {
    /// In steps.
    pub(crate) range: Range<u32>,
    /// Tiles in order.
    pub(crate) tiles: Vec<(Tier, u32)>,
    /// True if nothing is kept of a part of the range, which is where it begins.
    pub(crate) cut: bool,
}

/// Tiles a range with blocks no longer than `longest`.
pub(crate) fn tile(timeline: &Timeline, from: Moment, to: Moment, longest: Tier) -> Tiling {
    let (from_step, to_step) = (step_of(from), u32::try_from(to.0.div_ceil(STEP)).unwrap_or(u32::MAX));
    let by_range = range_tier(from, to).min(longest);
    let (start, mut cut) = match edge_tier(timeline, from_step, by_range) {
        Some(tier) => (floor(from_step, tier), false),
        None => (from_step.max(oldest(timeline)), true),
    };
    let last = edge_tier(timeline, to_step.saturating_sub(1), by_range).unwrap_or(Tier::Step);
    // A block that sticks out must be whole; what is not rolled yet is in steps.
    let end = Some(ceil(to_step, last)).filter(|end| last == Tier::Step || *end <= timeline.line(last).rolled);
    let end = end.unwrap_or(to_step).max(start);
    let mut tiles = Vec::new();
    let mut at = start;
    while at < end {
        // Where finer blocks are kept only from further on, the last one sticks out.
        let Some(tier) = coarsest(timeline, at, end, longest).or_else(|| finest(timeline, at, longest)) else {
            cut = true;
            at = next_kept(timeline, at).min(end);
            continue;
        };
        tiles.push((tier, at));
        at = at.saturating_add(tier.steps());
    }
    Tiling { range: start..end.max(at), tiles, cut }
}

/// The coarsest length that keeps about sixty points in the range.
fn range_tier(from: Moment, to: Moment) -> Tier {
    let most = to.since(from) / POINTS;
    Tier::ALL.into_iter().rev().find(|tier| tier.length() <= most).unwrap_or(Tier::Step)
}

/// The length to round an edge to: what is in memory is at hand, however coarse the rest; else by the length of the
/// range, or the next coarser that is kept.
fn edge_tier(timeline: &Timeline, step: u32, by_range: Tier) -> Option<Tier> {
    let at_hand = |tier: &Tier| {
        let line = timeline.line(*tier);
        floor(step, *tier) >= line.memory_from.max(line.kept_from)
    };
    let wanted = Tier::ALL.into_iter().find(at_hand).unwrap_or(by_range).min(by_range);
    Tier::ALL.into_iter().filter(|tier| *tier >= wanted).find(|tier| is_kept(timeline, *tier, floor(step, *tier)))
}

/// The first step of which anything is kept.
fn oldest(timeline: &Timeline) -> u32 {
    Tier::ALL.into_iter().map(|tier| ceil(timeline.line(tier).kept_from, tier)).min().unwrap_or_default()
}

/// The next step after `at` where some length begins to be kept, or that a longer block may begin at.
fn next_kept(timeline: &Timeline, at: u32) -> u32 {
    let after = at.saturating_add(1);
    let starts = Tier::ALL.into_iter().map(|tier| ceil(after.max(timeline.line(tier).kept_from), tier));
    starts.min().unwrap_or(after).max(after)
}

/// The longest block that begins at a step and ends within the range.
fn coarsest(timeline: &Timeline, at: u32, end: u32, longest: Tier) -> Option<Tier> {
    let within = |tier: &Tier| at.saturating_add(tier.steps()) <= end;
    Tier::ALL
        .into_iter()
        .rev()
        .filter(|tier| *tier <= longest && within(tier))
        .find(|tier| is_kept(timeline, *tier, at))
}

/// The shortest block that begins at a step.
fn finest(timeline: &Timeline, at: u32, longest: Tier) -> Option<Tier> {
    Tier::ALL.into_iter().filter(|tier| *tier <= longest).find(|tier| is_kept(timeline, *tier, at))
}

/// True if a whole block of a length begins at a step and is kept.
fn is_kept(timeline: &Timeline, tier: Tier, at: u32) -> bool {
    let line = timeline.line(tier);
    let is_whole = tier == Tier::Step || at.saturating_add(tier.steps()) <= line.rolled;
    at.is_multiple_of(tier.steps()) && is_whole && at >= line.kept_from
}
