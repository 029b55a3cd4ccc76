//! What is to be told to the world: findings as they leave through pipelines.
//!
//! In this room: a finding in the words of its readers, and the board on which the owner of the map hangs all that are
//! open for the receiver that tells them.
//! Not here: what makes a finding (rules, baselines), OTLP (`receivers::topology`).
//!
//! Enter at [`Board`].

use std::sync::{Arc, Mutex, PoisonError};

use crate::{Class, Level, Moment, Name, NodeId, Protocol, Transport};

/// A finding that is open.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// The same for the same finding, across restarts too: a hash of baseline or rule file, rule and subject.
    pub id: Name,
    /// What was found: `edge.unexpected`, `edge.missing`, `node.missing`, ...
    pub finding: Name,
    /// What sort of problem it is.
    pub class: Class,
    /// How bad it is.
    pub level: Level,
    /// The baseline that says so; empty if a rule does.
    pub baseline: Name,
    /// The line or rule that says so; empty if it is the lack of one.
    pub rule: Name,
    /// The calling end, or the node that the finding is about.
    pub client: NodeId,
    /// The called end, if the finding is about an edge.
    pub server: Option<NodeId>,
    /// The port of the called, if the finding is about one.
    pub port: Option<u16>,
    /// Under the protocol, if known.
    pub transport: Transport,
    /// What they speak, if known.
    pub protocol: Option<Protocol>,
    /// Since when.
    pub first_seen: Moment,
    /// When it was last so.
    pub last_seen: Moment,
    /// How many calls it is about, so far as they were counted.
    pub requests: u64,
    /// A sentence for people.
    pub message: String,
}

/// How a baseline is doing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Standing {
    /// Its name.
    pub baseline: Name,
    /// Its edges by state: `expected`, `unexpected`, `missing`, ...
    pub edges: Vec<(&'static str, u64)>,
    /// Share of requests in its scope that could be judged, 0 to 1.
    pub coverage: Option<f64>,
}

/// All that is open at one moment.
#[derive(Debug, Clone, Default)]
pub struct Notices {
    /// When that was; zero before the first judgement.
    pub at: Moment,
    /// Findings.
    pub open: Vec<Arc<Notice>>,
    /// Baselines.
    pub standings: Vec<Standing>,
}

/// Where the owner of the map hangs what is open, and the receiver reads it.
///
/// A lock, held to exchange a pointer: written once in 15 seconds, read once in one.
#[derive(Debug, Default)]
pub struct Board(Mutex<Arc<Notices>>);

impl Board {
    /// Replaces everything.
    pub fn hang(&self, notices: Notices) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(notices);
    }

    /// Everything that hangs there now.
    pub fn read(&self) -> Arc<Notices> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
