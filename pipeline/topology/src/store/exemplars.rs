//! Which traces show what a number stands for: per edge and minute the slowest and the first failed one.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::{Exemplar, Moment, SECOND};

const MINUTE: u64 = 60 * SECOND;

/// The traces of the last hour.
#[derive(Debug, Clone, Default)]
pub(crate) struct Exemplars {
    minutes: BTreeMap<u64, Arc<HashMap<u32, Kept>>>,
    held: usize,
}

/// Of one edge in one minute.
#[derive(Debug, Clone, Copy)]
struct Kept {
    slowest: (Moment, Exemplar),
    failed: Option<(Moment, Exemplar)>,
}

/// What became of a trace.
pub(crate) struct Offered {
    pub(crate) kept: bool,
    /// Edge-minutes that had to go for it.
    pub(crate) gone: u64,
}

impl Exemplars {
    /// Keeps a trace if it is slower, or failed earlier, than what is kept.
    pub(crate) fn offer(&mut self, edge: u32, at: Moment, exemplar: Exemplar, most: usize) -> Offered {
        let minute = Arc::make_mut(self.minutes.entry(at.0 / MINUTE).or_default());
        let failed = exemplar.failed.then_some((at, exemplar));
        match minute.get_mut(&edge) {
            Some(kept) => {
                let slower = exemplar.duration > kept.slowest.1.duration;
                if slower {
                    kept.slowest = (at, exemplar);
                }
                let earlier = exemplar.failed && kept.failed.is_none_or(|(held, _)| at < held);
                if earlier {
                    kept.failed = failed;
                }
                return Offered { kept: slower || earlier, gone: 0 };
            }
            None => minute.insert(edge, Kept { slowest: (at, exemplar), failed }),
        };
        self.held = self.held.saturating_add(1);
        let mut gone = 0_u64;
        while self.held > most
            && let Some((_, oldest)) = self.minutes.pop_first()
        {
            self.held = self.held.saturating_sub(oldest.len());
            gone = gone.saturating_add(oldest.len() as u64);
        }
        Offered { kept: true, gone }
    }

    /// Lets go of what is older.
    pub(crate) fn forget_before(&mut self, at: Moment) {
        self.minutes = self.minutes.split_off(&(at.0 / MINUTE));
        self.held = self.minutes.values().map(|minute| minute.len()).sum();
    }

    /// The traces of edges in a window: failed ones first, then by duration, each trace once.
    pub(crate) fn of(&self, edges: &[u32], from: Moment, to: Moment) -> Vec<(Moment, Exemplar)> {
        let minutes = from.0 / MINUTE..to.0.div_ceil(MINUTE);
        if minutes.is_empty() {
            return Vec::new();
        }
        let kept = self.minutes.range(minutes).flat_map(|(_, minute)| edges.iter().filter_map(|edge| minute.get(edge)));
        let mut found: Vec<_> = kept
            .flat_map(|kept| kept.failed.into_iter().chain([kept.slowest]))
            .filter(|(at, _)| (from..to).contains(at))
            .collect();
        found.sort_by_key(|(at, exemplar)| (!exemplar.failed, std::cmp::Reverse(exemplar.duration), *at));
        let mut seen = std::collections::HashSet::new();
        found.retain(|(_, exemplar)| seen.insert(exemplar.trace));
        found
    }

    /// Everything, for the log.
    pub(crate) fn each(&self) -> impl Iterator<Item = (u32, Moment, Exemplar)> + '_ {
        let kept = self.minutes.values().flat_map(|minute| minute.iter());
        kept.flat_map(|(edge, kept)| {
            kept.failed.into_iter().chain([kept.slowest]).map(|(at, exemplar)| (*edge, at, exemplar))
        })
    }
}
