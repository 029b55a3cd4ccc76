//! What questions are answered from: immutable, replaced as a whole once a second.

use std::sync::Arc;

use topology::store::Snapshot;
use topology::{Expectations, Judgements, Moment};

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
}

/// What is thought of the map, as of the last step.
#[derive(Debug, Default)]
pub struct Opinion {
    /// The end of the step that it is about; zero before the first.
    pub at: Moment,
    /// By rules.
    pub judgements: Judgements,
    /// By baselines.
    pub expectations: Expectations,
}
