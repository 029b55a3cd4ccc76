//! A graph of one sort of things: of entities, or of the machines they run on. Both are kept in the same way.

use std::sync::Arc;

use hashbrown::HashMap;

use super::block::{Block, block_of};
use super::entities::{Entities, Found};
use super::facts::{Fact, Facts};
use super::spread::{spread, step_of};
use super::timeline::{Archive, NoFiles, Timeline};
use crate::{FactRow, Measures, Moment, Tier, Who};

/// Cells that are added up before they become blocks, whatever the second.
const MOST_CELLS: usize = 100_000;

/// A graph of one sort of things.
pub(crate) struct Plane {
    pub(crate) entities: Entities,
    pub(crate) facts: Facts,
    pub(crate) timeline: Timeline,
    /// Blocks that are no longer in memory.
    pub(crate) archive: Arc<dyn Archive + Send + Sync>,
    /// What came since the last block, by step and fact.
    cells: HashMap<(u32, u32), Measures, foldhash::fast::FixedState>,
    /// Blocks made of cells since they were last taken.
    fresh: Vec<(u32, Block)>,
}

/// Where a row went.
pub(crate) struct Placed {
    pub(crate) edge: u32,
    /// True if a bucket stands for one of its ends.
    pub(crate) bucketed: bool,
    /// True if its port or protocol is no longer told apart.
    pub(crate) nameless: bool,
}

impl Plane {
    pub(crate) fn new(max_entities: usize, max_edges: usize, birth: Moment) -> Self {
        Self {
            entities: Entities::new(max_entities),
            facts: Facts::new(max_edges),
            timeline: Timeline::new(birth),
            archive: Arc::new(NoFiles),
            cells: HashMap::default(),
            fresh: Vec::new(),
        }
    }

    /// Adds what a row says, as being between these two. `None` if not even a bucket has room.
    pub(crate) fn add(&mut self, row: &FactRow, source: Option<&Who>, target: &Who) -> Option<Placed> {
        let step = step_of(row.at.minus(u64::from(row.over > 0)));
        let (edge, bucketed) = self.place(source, target, step)?;
        let (lane, port, transport) = (row.lane, row.port, row.transport);
        let protocol = self.facts.protocol(&row.protocol);
        let fact = self.facts.fact(Fact { edge, lane, protocol, port, transport })?;
        let nameless = !self.facts.tells(fact, &row.protocol, port);
        if row.over == 0 {
            self.cells.entry((step, fact)).or_default().add(&row.measures);
        } else {
            let cells = &mut self.cells;
            spread(row.at, row.over, &row.measures, |step, share| cells.entry((step, fact)).or_default().add(&share));
        }
        if self.cells.len() >= MOST_CELLS {
            self.condense();
        }
        Some(Placed { edge, bucketed, nameless })
    }

    /// The edge of two, and if a bucket stands for one of them.
    fn place(&mut self, source: Option<&Who>, target: &Who, step: u32) -> Option<(u32, bool)> {
        let from = source.map(|who| self.entities.find(who, step));
        let to = self.entities.find(target, step);
        let bucketed = to.bucketed || from.as_ref().is_some_and(|from| from.bucketed);
        if let Some(edge) = self.facts.edge(from.map(|from| from.id), to.id, step, false) {
            return Some((edge, bucketed));
        }
        let from = source.map(|who| self.entities.bucket(who, step));
        let to = self.entities.bucket(target, step);
        let edge = self.facts.edge(from, to, step, true)?;
        Some((edge, true))
    }

    /// What something is said about.
    pub(crate) fn entity(&mut self, who: &Who, step: u32) -> Found {
        let found = self.entities.find(who, step);
        self.entities.saw(found.id, step);
        found
    }

    /// Makes blocks of cells and notes who was seen.
    pub(crate) fn condense(&mut self) {
        let mut cells: Vec<_> = self.cells.drain().collect();
        cells.sort_unstable_by_key(|(place, _)| *place);
        for ((step, fact), _) in &cells {
            self.saw(*fact, *step);
        }
        for of_step in cells.chunk_by(|((one, _), _), ((other, _), _)| one == other) {
            if let Some(((step, _), _)) = of_step.first() {
                let block = block_of(of_step.iter().map(|((_, fact), measures)| (*fact, measures)));
                self.fresh.push((*step, block));
            }
        }
    }

    /// Notes that a fact was seen in a step.
    pub(crate) fn saw(&mut self, fact: u32, step: u32) {
        if let Some((source, target)) = self.facts.saw(fact, step) {
            for end in source.into_iter().chain([target]) {
                self.entities.saw(end, step);
            }
        }
    }

    /// Makes longer blocks of what is complete.
    pub(crate) fn roll(&mut self, now: Moment) {
        self.timeline.roll(now, self.archive.as_ref());
    }

    /// Bytes of all blocks in memory.
    pub(crate) fn size(&self) -> usize {
        Tier::ALL.map(|tier| self.timeline.size(tier)).iter().sum()
    }

    /// True if something came that no block has.
    pub(crate) fn has_fresh(&self) -> bool {
        !self.cells.is_empty() || !self.fresh.is_empty()
    }

    /// Moves what came to its place in time; `each` sees every block on its way.
    pub(crate) fn settle(&mut self, mut each: impl FnMut(u32, &Block)) {
        self.condense();
        for (step, block) in self.fresh.drain(..) {
            each(step, &block);
            self.timeline.add(step, block);
        }
    }

    /// What came and was not settled, as a snapshot needs it.
    pub(crate) fn unsettled(&self) -> Vec<(u32, Arc<Block>)> {
        let mut blocks: Vec<_> = self.fresh.iter().map(|(step, block)| (*step, Arc::new(block.clone()))).collect();
        let mut cells: Vec<_> = self.cells.iter().collect();
        cells.sort_unstable_by_key(|(place, _)| **place);
        for of_step in cells.chunk_by(|((one, _), _), ((other, _), _)| one == other) {
            if let Some(((step, _), _)) = of_step.first() {
                blocks.push((*step, Arc::new(block_of(of_step.iter().map(|((_, fact), row)| (*fact, *row))))));
            }
        }
        blocks
    }
}
