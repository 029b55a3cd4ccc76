//! What questions are answered from: immutable, replaced as a whole once a second.

use std::sync::{Arc, Mutex, PoisonError};

use topology::store::Snapshot;
use topology::{Moment, Notices, Observed};

use super::opinion::Opinion;

/// The map at one moment.
pub struct Published {
    /// One more with each publication.
    pub serial: u64,
    /// One more whenever what is drawn may have changed.
    pub revision: u64,
    /// When it was published: what `now` means in questions.
    pub now: Moment,
    /// What was seen.
    pub snapshot: Arc<Snapshot>,
    /// What was last thought of it.
    pub opinion: Arc<Opinion>,
    /// What of that is told to the world.
    pub notices: Arc<Notices>,
    windows: Windows,
}

/// What was added up already: a page asks several questions about one window.
///
/// A lock, held to copy a pointer; what is missing is added up outside of it.
#[derive(Default)]
struct Windows(Mutex<Vec<(Window, Arc<Observed>)>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    from: Moment,
    to: Moment,
    of_hosts: bool,
}

/// Windows that are kept: of a large map each takes some 10 MB.
const MOST_WINDOWS: usize = 2;

impl Published {
    /// The first publication.
    pub fn first(now: Moment, snapshot: Arc<Snapshot>) -> Self {
        let (opinion, notices, windows) = (Arc::default(), Arc::default(), Windows::default());
        Self { serial: 0, revision: 0, now, snapshot, opinion, notices, windows }
    }

    /// The publication after this one.
    pub fn next(&self, now: Moment, snapshot: Arc<Snapshot>, opinion: Arc<Opinion>, notices: Arc<Notices>) -> Self {
        let has_changed = snapshot.revision() != self.snapshot.revision() || opinion.at != self.opinion.at;
        Self {
            serial: self.serial.saturating_add(1),
            revision: self.revision.saturating_add(u64::from(has_changed)),
            now,
            snapshot,
            opinion,
            notices,
            windows: Windows::default(),
        }
    }

    /// What a window shows, and beside it whom a baseline requires and nobody has seen.
    pub fn observe(&self, from: Moment, to: Moment) -> Arc<Observed> {
        self.window(Window { from, to, of_hosts: false })
    }

    /// The same of machines.
    pub fn observe_hosts(&self, from: Moment, to: Moment) -> Arc<Observed> {
        self.window(Window { from, to, of_hosts: true })
    }

    fn window(&self, window: Window) -> Arc<Observed> {
        let find = |kept: &[(Window, Arc<Observed>)]| {
            kept.iter().find(|(of, _)| *of == window).map(|(_, observed)| Arc::clone(observed))
        };
        if let Some(found) = find(&self.windows.0.lock().unwrap_or_else(PoisonError::into_inner)) {
            return found;
        }
        let Window { from, to, of_hosts } = window;
        let observed = match of_hosts {
            true => self.snapshot.observe_hosts(from, to),
            false => self.opinion.absent.beside(self.snapshot.observe(from, to)),
        };
        let observed = Arc::new(observed);
        let mut kept = self.windows.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST_WINDOWS {
            kept.remove(0);
        }
        kept.push((window, Arc::clone(&observed)));
        observed
    }
}
