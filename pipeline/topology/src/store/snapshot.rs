//! The graph at one moment, never changed: what questions are asked of.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::block::Block;
use super::exemplars::Exemplars;
use super::facts::Table;
use super::intervals::Intervals;
use super::observe::{self, Ends};
use super::spread::{moment_of, step_of};
use super::states::{States, UsagePoint};
use super::tile::{Tiling, tile};
use super::timeline::{Archive, NoFiles, Timeline, distinct_steps};
use crate::{EntityId, Event, Exemplar, Interval, Moment, Name, Observed, Registry, STEP, Tier, Window};

/// The graph at one moment. Cheap to take, shared by all who ask.
pub struct Snapshot {
    pub(crate) revision: u64,
    pub(crate) now: Moment,
    pub(crate) entities: View,
    pub(crate) hosts: View,
    pub(crate) states: Arc<States>,
    pub(crate) exemplars: Exemplars,
    pub(crate) intervals: Arc<Intervals>,
    /// Steps in which the store ran.
    pub(crate) awake: Arc<Vec<Range<u32>>>,
    /// What was lost, by the step in which that was noticed.
    pub(crate) losses: Arc<BTreeMap<u32, BTreeMap<&'static str, u64>>>,
}

/// One sort of things at one moment.
pub(crate) struct View {
    pub(crate) registry: Arc<Registry>,
    pub(crate) whole: Arc<Vec<EntityId>>,
    pub(crate) table: Arc<Table>,
    pub(crate) timeline: Timeline,
    /// What is not in the timeline yet.
    pub(crate) unsettled: Vec<(u32, Arc<Block>)>,
    pub(crate) archive: Arc<dyn Archive + Send + Sync>,
}

/// From so many tiles in files on it is worth a second thread to read them.
const MANY_FROM_FILES: usize = 8;

/// A stretch of a tiling, and what is known of it.
pub(crate) struct Tile {
    pub(crate) tier: Tier,
    /// First step.
    pub(crate) start: u32,
    /// With the first step of each.
    pub(crate) blocks: Vec<(u32, Arc<Block>)>,
}

/// An edge that was ever seen and is not forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownEdge {
    /// The caller.
    pub source: EntityId,
    /// The called.
    pub target: EntityId,
    /// When it was first seen.
    pub first_seen: Moment,
    /// When it was last seen.
    pub last_seen: Moment,
    /// On how many different days of the last 64 before that.
    pub days: u32,
}

impl Snapshot {
    /// Nothing was seen yet.
    pub(crate) fn empty(now: Moment) -> Self {
        let view = || View {
            registry: Arc::default(),
            whole: Arc::default(),
            table: Arc::default(),
            timeline: Timeline::new(now),
            unsettled: Vec::new(),
            archive: Arc::new(NoFiles),
        };
        Self {
            revision: 0,
            now,
            entities: view(),
            hosts: view(),
            states: Arc::default(),
            exemplars: Exemplars::default(),
            intervals: Arc::default(),
            awake: Arc::default(),
            losses: Arc::default(),
        }
    }

    /// Grows with every change.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// When it was taken.
    pub fn now(&self) -> Moment {
        self.now
    }

    /// Everybody who is known.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.entities.registry
    }

    /// What a window shows. It is rounded to whole blocks; the answer says to which.
    pub fn observe(&self, from: Moment, to: Moment) -> Observed {
        let mut observed = self.observe_view(&self.entities, from, to);
        let answered = std::mem::take(&mut observed.nodes);
        let Window { from, to, .. } = observed.window;
        let mut nodes = self.states.observe(from, to, &self.entities.whole);
        for facts in answered {
            nodes
                .entry(facts.entity)
                .and_modify(|node| node.answered.clone_from(&facts.answered))
                .or_insert_with(|| facts);
        }
        observed.nodes = nodes.into_values().collect();
        observed
    }

    /// The same of machines. The registry of the answer is one of machines, too.
    pub fn observe_hosts(&self, from: Moment, to: Moment) -> Observed {
        self.observe_view(&self.hosts, from, to)
    }

    fn observe_view(&self, view: &View, from: Moment, to: Moment) -> Observed {
        let lost_before = view.archive.lost();
        let tiling = tile(&view.timeline, from, to.min(self.end()), Tier::Day);
        let tiles = view.tiles(&tiling);
        let (edges, nodes) = observe::edges(view, &tiles);
        let mut dropped = self.lost_in(&tiling.range);
        if tiling.cut {
            dropped.insert("not_kept_that_long", 1);
        }
        let unreadable = view.archive.lost().saturating_sub(lost_before);
        if unreadable > 0 {
            dropped.insert("unreadable_files", unreadable);
        }
        Observed {
            window: self.window(&tiling, &tiles),
            complete: dropped.is_empty(),
            dropped,
            registry: Arc::clone(&view.registry),
            edges,
            nodes,
            tiers: tiers(&tiling),
        }
    }

    /// After this nothing can have been taken.
    pub(crate) fn end(&self) -> Moment {
        self.now.plus(super::AHEAD).plus(STEP)
    }

    /// What was lost while the steps of a range ran.
    fn lost_in(&self, range: &Range<u32>) -> BTreeMap<&'static str, u64> {
        let mut dropped: BTreeMap<&'static str, u64> = BTreeMap::new();
        for (reason, count) in self.losses.range(range.clone()).flat_map(|(_, losses)| losses) {
            let sum = dropped.entry(reason).or_default();
            *sum = sum.saturating_add(*count);
        }
        dropped
    }

    /// The window of a tiling; covered is where the store ran, or data came later of what happened when it did not.
    pub(crate) fn window(&self, tiling: &Tiling, tiles: &[Tile]) -> Window {
        let mut covered = 0_u64;
        let now = step_of(self.now).saturating_add(1);
        for Tile { tier, start, blocks } in tiles {
            let span = *start..start.saturating_add(tier.steps()).min(now.max(*start));
            let awake = self.awake.iter().map(|awake| overlap(awake, &span)).fold(0, u32::saturating_add);
            let active = distinct_steps(blocks, *tier);
            covered = covered.saturating_add(u64::from(awake.max(active).min(tier.steps())));
        }
        let (from, to) = (moment_of(tiling.range.start), moment_of(tiling.range.end));
        let until_now = if to > self.now { to.since(self.now).min(STEP) } else { 0 };
        Window { from, to, covered: covered.saturating_mul(STEP).saturating_sub(until_now) }
    }

    /// The traces that show what an edge's numbers stand for: failed ones first, then the slowest. Kept for an hour.
    pub fn exemplars(&self, source: EntityId, target: EntityId, from: Moment, to: Moment) -> Vec<(Moment, Exemplar)> {
        let view = &self.entities;
        let (source, target) = view.ends(Some(source), target);
        let edges = view.table.edges.iter().enumerate();
        let same = edges.filter(|(_, edge)| view.ends(edge.source, edge.target) == (source, target));
        let same: Vec<u32> = same.filter_map(|(place, _)| u32::try_from(place).ok()).collect();
        self.exemplars.of(&same, from, to)
    }

    /// What happened to an entity in a window, newest first.
    pub fn events(&self, entity: EntityId, from: Moment, to: Moment) -> Vec<(Moment, Event)> {
        let mut events: Vec<_> =
            self.entities.members(entity).flat_map(|member| self.states.events(member, from, to)).collect();
        events.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        events
    }

    /// Use of resources by each pod of an entity, by minute, for the last hour.
    pub fn usage(&self, entity: EntityId, from: Moment, to: Moment) -> Vec<(Name, Vec<UsagePoint>)> {
        self.entities.members(entity).flat_map(|member| self.states.usage(member, from, to)).collect()
    }

    /// What was judged in a window.
    pub fn intervals(&self, from: Moment, to: Moment) -> Vec<Interval> {
        self.intervals.between(from, to)
    }

    /// Every edge that was ever seen, with traffic now or not.
    pub fn known_edges(&self) -> Vec<KnownEdge> {
        let view = &self.entities;
        let mut known: BTreeMap<Ends, super::facts::Seen> = BTreeMap::new();
        for edge in &view.table.edges {
            let ends = view.ends(edge.source, edge.target);
            known.entry(ends).and_modify(|seen| *seen = seen.and(edge.seen)).or_insert(edge.seen);
        }
        let with_source = known.into_iter().filter_map(|((source, target), seen)| Some((source?, target, seen)));
        with_source
            .map(|(source, target, seen)| KnownEdge {
                source,
                target,
                first_seen: moment_of(seen.first),
                last_seen: moment_of(seen.last),
                days: seen.days.count_ones(),
            })
            .collect()
    }
}

impl View {
    /// Today's entities of an edge's ends.
    pub(crate) fn ends(&self, source: Option<EntityId>, target: EntityId) -> Ends {
        let whole = |id: EntityId| self.whole.get(id.0 as usize).copied().unwrap_or(id);
        (source.map(whole), whole(target))
    }

    /// All ids that are one entity with this one.
    pub(crate) fn members(&self, entity: EntityId) -> impl Iterator<Item = EntityId> + '_ {
        let (_, whole) = self.ends(None, entity);
        let same = self.whole.iter().enumerate().filter(move |(_, of)| **of == whole);
        same.filter_map(|(place, _)| u32::try_from(place).ok().map(EntityId))
    }

    /// All blocks of a tiling. Some come from files, so an answer takes them once; if many do, two threads read them.
    pub(crate) fn tiles(&self, tiling: &Tiling) -> Vec<Tile> {
        let is_in_file = |(tier, start): &&(Tier, u32)| *start < self.timeline.line(*tier).memory_from;
        if tiling.tiles.iter().filter(is_in_file).count() < MANY_FROM_FILES {
            return self.some_tiles(&tiling.tiles);
        }
        // Neighbours lie in one file: halves in order share no more than one chunk.
        let (first, second) = tiling.tiles.split_at(tiling.tiles.len() / 2);
        std::thread::scope(|scope| {
            let helper = std::thread::Builder::new().name("map-read".to_owned());
            let helper = helper.spawn_scoped(scope, || self.some_tiles(second));
            let mut tiles = self.some_tiles(first);
            match helper.map(std::thread::ScopedJoinHandle::join) {
                Ok(Ok(read)) => tiles.extend(read),
                Ok(Err(panic)) => std::panic::resume_unwind(panic),
                Err(_) => tiles.extend(self.some_tiles(second)),
            }
            tiles
        })
    }

    fn some_tiles(&self, tiles: &[(Tier, u32)]) -> Vec<Tile> {
        let tile =
            |(tier, start): &(Tier, u32)| Tile { tier: *tier, start: *start, blocks: self.blocks_at(*tier, *start) };
        tiles.iter().map(tile).collect()
    }

    fn blocks_at(&self, tier: Tier, start: u32) -> Vec<(u32, Arc<Block>)> {
        let steps = start..start.saturating_add(1);
        let mut parts = self.timeline.parts(tier, steps, self.archive.as_ref());
        let within = start..start.saturating_add(tier.steps());
        parts.extend(self.unsettled.iter().filter(|(step, _)| within.contains(step)).cloned());
        parts
    }
}

fn overlap(one: &Range<u32>, other: &Range<u32>) -> u32 {
    one.end.min(other.end).saturating_sub(one.start.max(other.start))
}

/// The lengths of the tiles, finest first.
pub(crate) fn tiers(tiling: &Tiling) -> Vec<Tier> {
    let mut tiers: Vec<Tier> = tiling.tiles.iter().map(|(tier, _)| *tier).collect();
    tiers.sort_unstable();
    tiers.dedup();
    tiers
}

/// Keeps the compiler honest about what readers on other threads may hold.
const _: fn() = || {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Snapshot>();
};
