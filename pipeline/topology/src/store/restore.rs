//! Opening: what the directory has becomes what the store knows.

use std::sync::Arc;

use super::block::Block;
use super::checkpoint::Keeper;
use super::disk::dictionary::Dictionary;
use super::disk::journal::Record;
use super::disk::manifest::{Manifest, PlaneFiles};
use super::disk::{Disk, Opened};
use super::facts::{Edge, Fact, Seen};
use super::plane::Plane;
use super::spread::step_of;
use super::sum::Sum;
use super::timeline::floor;
use super::{Store, StoreConfig};
use crate::{EntityId, Lane, Moment, Outside, OutsideKind, Protocol, Tier, Transport, Who};

impl Store {
    /// Takes what the configured directory has. Gives what somebody should know of it.
    pub(super) fn restore(&mut self, now: Moment) -> Vec<String> {
        let Some(directory) = self.config.directory.clone() else { return Vec::new() };
        let opened = match Disk::open(&directory, fresh(now)) {
            Ok(opened) => opened,
            Err(why) => {
                return vec![format!("{} is not used: {why}; everything is kept in memory only", directory.display())];
            }
        };
        let Opened { disk, dictionaries, frames, mut problems } = opened;
        self.awake = Arc::new(disk.manifest.awake.clone());
        let planes = [&mut self.entities, &mut self.hosts];
        for (number, (plane, dictionary)) in planes.into_iter().zip(dictionaries).enumerate() {
            let files = disk.plane(number);
            plane.timeline.restore(files.saved, files.kept_from);
            plane.archive = Arc::new(disk.files(number));
            plane.learn(dictionary, files);
        }
        let mut keeper = Keeper::new(disk);
        for frame in &frames {
            let mut rest = frame.as_slice();
            while !rest.is_empty() {
                if Record::take(&mut rest).and_then(|record| self.replay(record)).is_none() {
                    problems.push(
                        "the log holds a record that this version cannot read: what follows it is lost".to_owned(),
                    );
                    break;
                }
            }
        }
        keeper.is_named(0, &self.entities);
        keeper.is_named(1, &self.hosts);
        keeper.log(&Record::Awake(step_of(now)));
        self.awoke(step_of(now));
        self.keeper = Some(keeper);
        problems
    }

    /// Learns one record again. `None` if it makes no sense here.
    fn replay(&mut self, record: Record<'_>) -> Option<()> {
        let limits = self.state_limits();
        let StoreConfig { max_exemplars, max_intervals, .. } = self.config;
        match record {
            Record::Entity { plane, who, first, last } => {
                let plane = self.plane(plane)?;
                let id = plane.entities.insert(who, first);
                plane.entities.saw_between(id, first, last);
            }
            Record::Edge { plane, edge } => {
                let plane = self.plane(plane)?;
                let known = plane.entities.list().len();
                let mut ends = edge.source.into_iter().chain([edge.target]);
                if ends.any(|end| end.0 as usize >= known) {
                    return None;
                }
                plane.facts.add_edge(edge);
            }
            Record::Fact { plane, fact, protocol } => {
                let plane = self.plane(plane)?;
                if fact.edge as usize >= plane.facts.table().edges.len() {
                    return None;
                }
                let protocol = plane.facts.protocol(&protocol);
                plane.facts.add_fact(Fact { protocol, ..fact });
            }
            Record::Block { plane, step, bytes } => {
                self.plane(plane)?.replay(step, Block::read(bytes, 1)?);
                // Who writes what just happened runs.
                if let Some(last) = Arc::make_mut(&mut self.awake).last_mut() {
                    last.end = last.end.max(step.saturating_add(1));
                }
            }
            Record::Awake(step) => self.awoke(step),
            Record::State { entity, pod, host, metric, at, value } => {
                self.entities.entities.saw(entity, step_of(at));
                let told = (metric, at, value);
                Arc::make_mut(&mut self.states).set(entity, (pod.as_ref(), host.as_ref()), told, limits);
            }
            Record::Event { entity, at, event } => {
                self.entities.entities.saw(entity, step_of(at));
                Arc::make_mut(&mut self.states).event(entity, at, &event, limits);
            }
            Record::Exemplar { edge, at, exemplar } => {
                self.exemplars.offer(edge, at, exemplar, max_exemplars);
            }
            Record::Interval(interval) => {
                Arc::make_mut(&mut self.intervals).record(interval, max_intervals);
            }
        }
        Some(())
    }

    /// The store runs from this step on; within the step in which it stopped it never did.
    fn awoke(&mut self, step: u32) {
        if self.awake.last().is_none_or(|last| !last.contains(&step)) {
            Arc::make_mut(&mut self.awake).push(step..step.saturating_add(1));
        }
    }

    fn plane(&mut self, plane: u8) -> Option<&mut Plane> {
        match plane {
            0 => Some(&mut self.entities),
            1 => Some(&mut self.hosts),
            _ => None,
        }
    }
}

/// What belongs to a store that begins now.
fn fresh(now: Moment) -> Manifest {
    let start = floor(step_of(now), Tier::Day);
    let files = PlaneFiles { saved: [start; 5], ..PlaneFiles::default() };
    Manifest { log: 1, next: 1, entities: files.clone(), hosts: files, awake: Vec::new() }
}

impl Plane {
    /// Takes the names of a dictionary. Where it is lost, numbers that files use stay taken.
    fn learn(&mut self, dictionary: Option<Dictionary>, files: &PlaneFiles) {
        let Dictionary { entities, edges, facts } =
            dictionary.unwrap_or_else(|| Dictionary { entities: Vec::new(), edges: Vec::new(), facts: Vec::new() });
        for known in entities {
            let id = self.entities.insert(known.who, known.first);
            self.entities.saw_between(id, known.first, known.last);
        }
        for edge in edges {
            self.facts.add_edge(edge);
        }
        for (fact, protocol) in facts {
            let protocol = self.facts.protocol(&protocol);
            self.facts.add_fact(Fact { protocol, ..fact });
        }
        let [entities, edges, facts] = files.named.map(|count| count as usize);
        let nameless = Outside { cluster: "".into(), kind: OutsideKind::Unknown, name: "lost".into() };
        while self.entities.list().len() < entities {
            self.entities.insert(Who::Outside(nameless.clone()), 0);
        }
        let lost = EntityId(entities.saturating_sub(1) as u32);
        while self.facts.table().edges.len() < edges {
            self.facts.add_edge(Edge { source: Some(lost), target: lost, facts: 0, seen: Seen::at(0) });
        }
        while self.facts.table().facts.len() < facts {
            let protocol = self.facts.protocol(&Protocol::unspecified());
            let edge = edges.saturating_sub(1) as u32;
            let (port, transport) = (None, Transport::Unspecified);
            self.facts.add_fact(Fact { edge, lane: Lane::Spans, protocol, port, transport });
        }
    }

    /// Takes a block of the log to its place.
    fn replay(&mut self, step: u32, block: Block) {
        let mut rows = block.rows_from(0);
        let mut passed = Sum::default();
        while let Some(fact) = rows.fact() {
            self.saw(fact, step);
            rows.take(&mut passed);
        }
        self.timeline.add(step, block);
    }
}
