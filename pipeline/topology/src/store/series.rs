//! The same measures as an answer has, point by point.

use std::collections::BTreeMap;

use super::lane::{RowKey, Speakers, speakers};
use super::observe::Ends;
use super::snapshot::{Snapshot, Tile, View, tiers};
use super::spread::{moment_of, step_of};
use super::tile::tile;
use super::timeline::floor;
use crate::measures::Flow;
use crate::{EntityId, Lane, Measures, Moment, Protocol, SECOND, STEP, Tier, Window};

/// Fewest points that a series shall have, where the data allows.
const POINTS: u64 = 60;

/// Of what a series is asked.
#[derive(Debug, Clone, Default)]
pub struct SeriesQuery {
    /// These edges together.
    pub edges: Vec<(EntityId, EntityId)>,
    /// What these entities answered to callers whom nobody named.
    pub answered: Vec<EntityId>,
    /// First moment.
    pub from: Moment,
    /// First moment after.
    pub to: Moment,
}

/// A series.
#[derive(Debug, Clone)]
pub struct Series {
    /// The range as it could be answered.
    pub window: Window,
    /// Nanoseconds between two points.
    pub step: u64,
    /// The lengths of the blocks it was made from.
    pub tiers: Vec<Tier>,
    /// False if the range began before anything is kept.
    pub complete: bool,
    /// In order, without those in which nothing happened.
    pub points: Vec<SeriesPoint>,
}

/// What happened in one step of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesPoint {
    /// When the step began.
    pub at: Moment,
    /// By protocol.
    pub by_protocol: Vec<(Protocol, Measures)>,
}

impl Snapshot {
    /// The series of edges and nodes. The lane of each is the one that speaks for it in the whole range.
    pub fn series(&self, query: &SeriesQuery) -> Series {
        let view = &self.entities;
        let tier = point_tier(view, query);
        let tiling = tile(&view.timeline, query.from, query.to.min(self.end()), tier);
        let tiles = view.tiles(&tiling);
        let voices = voices(view, &tiles, &wanted(view, query));
        let facts: Vec<(u32, usize)> = voices.iter().enumerate().map(|(place, voice)| (voice.fact, place)).collect();
        let mut points: BTreeMap<u32, BTreeMap<Protocol, Measures>> = BTreeMap::new();
        for Tile { start, blocks, .. } in &tiles {
            let at = floor(*start, tier);
            for (_, block) in blocks {
                block.pick(&facts, |place, sum| {
                    let Some(voice) = voices.get(place) else { return };
                    let point = points.entry(at).or_default().entry(voice.protocol.clone()).or_default();
                    point.add(&voice.say(sum.measures()));
                });
            }
        }
        let points = points
            .into_iter()
            .map(|(at, rows)| SeriesPoint { at: moment_of(at), by_protocol: rows.into_iter().collect() });
        Series {
            window: self.window(&tiling, &tiles),
            step: tier.length(),
            tiers: tiers(&tiling),
            complete: !tiling.cut,
            points: points.collect(),
        }
    }
}

/// What of a fact a series tells.
struct Voice {
    fact: u32,
    protocol: Protocol,
    /// Its lane speaks for requests.
    requests: bool,
    /// Its lane speaks for what the network carried.
    flow: bool,
}

impl Voice {
    fn say(&self, measures: Measures) -> Measures {
        let flow = if self.flow { measures.flow } else { Flow::default() };
        if self.requests { Measures { flow, ..measures } } else { Measures { flow, ..Measures::default() } }
    }
}

/// The facts of the wanted edges that have something to say, by id.
fn voices(view: &View, tiles: &[Tile], wanted: &[Ends]) -> Vec<Voice> {
    let mut facts: Vec<(u32, Lane, Ends)> = Vec::new();
    for (id, fact) in (0_u32..).zip(&view.table.facts) {
        if let Some(edge) = view.table.edges.get(fact.edge as usize) {
            let ends = view.ends(edge.source, edge.target);
            if wanted.binary_search(&ends).is_ok() {
                facts.push((id, fact.lane, ends));
            }
        }
    }
    let placed: Vec<(u32, usize)> = facts.iter().enumerate().map(|(place, (id, ..))| (*id, place)).collect();
    let mut evidence: BTreeMap<Ends, BTreeMap<RowKey, Measures>> = BTreeMap::new();
    for (_, block) in tiles.iter().flat_map(|tile| &tile.blocks) {
        block.pick(&placed, |place, sum| {
            let Some((id, _, ends)) = facts.get(place) else { return };
            let Some((fact, _)) = view.table.get(*id) else { return };
            let key = (fact.lane, view.table.protocol(fact), fact.port, fact.transport);
            evidence.entry(*ends).or_default().entry(key).or_default().add(&sum.measures());
        });
    }
    let speakers: BTreeMap<Ends, Speakers> =
        evidence.iter().filter_map(|(ends, evidence)| Some((*ends, speakers(evidence)?))).collect();
    let heard = facts.into_iter().filter_map(|(id, lane, ends)| {
        let Speakers { requests, network, .. } = speakers.get(&ends)?;
        let (fact, _) = view.table.get(id)?;
        Some(Voice {
            fact: id,
            protocol: view.table.protocol(fact),
            requests: *requests == lane,
            flow: *network == Some(lane),
        })
    });
    heard.filter(|voice| voice.requests || voice.flow).collect()
}

/// The coarsest length with sixty points in the range, or the finest that is kept for it.
fn point_tier(view: &View, query: &SeriesQuery) -> Tier {
    let most = query.to.since(query.from) / POINTS;
    let wanted = Tier::ALL.into_iter().rev().find(|tier| tier.length() <= most.max(STEP)).unwrap_or(Tier::Step);
    let start = step_of(query.from);
    let kept = |tier: &Tier| start.saturating_add(1) >= view.timeline.line(*tier).kept_from;
    Tier::ALL.into_iter().filter(|tier| *tier >= wanted).find(kept).unwrap_or(wanted)
}

/// The ends that are asked for, as they are today, in order.
fn wanted(view: &View, query: &SeriesQuery) -> Vec<Ends> {
    let edges = query.edges.iter().map(|(source, target)| view.ends(Some(*source), *target));
    let answered = query.answered.iter().map(|target| view.ends(None, *target));
    let mut wanted: Vec<Ends> = edges.chain(answered).collect();
    wanted.sort_unstable();
    wanted.dedup();
    wanted
}

const _: () = assert!(STEP == 15 * SECOND, "a minute has four steps");
