//! Joins small batches and cuts large ones.

use std::time::Duration;

use pdata::{Batch, Limit};

use super::load::Load;
use crate::settings::{BatchSettings, Sizer};

/// When a batch is large enough, and when too large.
#[derive(Debug, Clone, Copy)]
pub(super) struct BatchRules {
    pub flush_after: Duration,
    smallest: u64,
    largest: Option<u64>,
    sizer: Sizer,
}

impl BatchRules {
    pub fn of(settings: &BatchSettings, queue_sizer: Option<Sizer>) -> Self {
        Self {
            flush_after: settings.flush_timeout.as_duration(),
            smallest: settings.min_size.unsigned_abs(),
            largest: Some(settings.max_size.unsigned_abs()).filter(|largest| *largest > 0),
            sizer: settings.sizer_within(queue_sizer),
        }
    }

    fn limit(&self) -> Option<Limit> {
        let largest = usize::try_from(self.largest?).unwrap_or(usize::MAX);
        Some(if self.sizer == Sizer::Bytes { Limit::Bytes(largest) } else { Limit::Items(largest) })
    }
}

/// How much a batch is, in the unit of a sizer.
pub(super) fn measure(sizer: Sizer, batch: &Batch) -> u64 {
    match sizer {
        Sizer::Requests => 1,
        Sizer::Items => batch.items() as u64,
        Sizer::Bytes => batch.size() as u64,
    }
}

/// Loads that wait to become large enough.
pub(super) struct Batcher {
    rules: BatchRules,
    open: Vec<Load>,
    size: u64,
}

impl Batcher {
    pub fn new(rules: BatchRules) -> Self {
        Self { rules, open: Vec::new(), size: 0 }
    }

    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Takes a load; returns what is large enough to go.
    pub fn push(&mut self, load: Load) -> Vec<Load> {
        self.size = self.size.saturating_add(measure(self.rules.sizer, &load.batch));
        self.open.push(load);
        let too_large = self.rules.largest.is_some_and(|largest| self.size > largest);
        if self.size < self.rules.smallest && !too_large {
            return Vec::new();
        }
        let mut ready = self.flush();
        // The last piece of a cut may be small again; it waits for more.
        if ready.len() > 1
            && let Some(last) = ready.pop_if(|last| measure(self.rules.sizer, &last.batch) < self.rules.smallest)
        {
            self.size = measure(self.rules.sizer, &last.batch);
            self.open.push(last);
        }
        ready
    }

    /// All that waits, whatever its size.
    pub fn flush(&mut self) -> Vec<Load> {
        self.size = 0;
        let Some(merged) = Load::merge(std::mem::take(&mut self.open)) else {
            return Vec::new();
        };
        match self.rules.limit() {
            Some(limit) if measure(self.rules.sizer, &merged.batch) > self.rules.largest.unwrap_or(u64::MAX) => {
                merged.split(limit)
            }
            _ => vec![merged],
        }
    }
}
