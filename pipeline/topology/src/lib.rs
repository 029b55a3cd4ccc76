//! What calls what, how well, and whether anybody expected it.
//!
//! In this room: identity of the ends of a call, the rows that evidence is turned into, what a window of time shows
//! ([`Observed`]), and what is thought of it ([`Judgements`], [`Expectations`]).
//! Not here: reading OTLP (`exporters::topology`), HTTP and threads (`extensions::topology`), clocks: time is passed in.
//!
//! Enter at [`Rows`], which come in, and [`Observed`], which comes out.
#![forbid(unsafe_code)]

pub mod baseline;
pub mod entity;
pub mod explain;
pub mod export;
pub mod filter;
pub mod intake;
pub mod judgement;
pub mod layout;
pub mod measures;
pub mod notice;
pub mod observed;
pub mod query;
pub mod rows;
pub mod rules;
pub mod store;
#[cfg(test)]
mod story;
pub mod when;

pub use entity::{
    End, EntityId, Inside, Kind, Name, NodeId, Outside, OutsideKind, Service, ServiceOrigin, View, Who, Workload,
};
pub use intake::{Full, Intake, Taken};
pub use judgement::{Class, Expectation, Expectations, Health, Interval, Judgements, Level, Reason, Subject};
pub use measures::{FailedConnects, Flow, Gap, Histogram, Measures, Requests, Side};
pub use notice::{Board, Notice, Notices, Standing};
pub use observed::{
    Denominator, EdgeRow, Entity, EntityEdge, Instance, NodeFacts, Observed, Phase, Registry, Replicas, STEP, Tier,
    Usage, Window,
};
pub use rows::{Event, EventRow, Exemplar, FactRow, Lane, Protocol, Rows, StateMetric, StateRow, Transport};

/// A moment, in nanoseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize)]
pub struct Moment(pub u64);

impl Moment {
    /// The moment `nanoseconds` later.
    pub fn plus(self, nanoseconds: u64) -> Self {
        Self(self.0.saturating_add(nanoseconds))
    }

    /// The moment `nanoseconds` earlier.
    pub fn minus(self, nanoseconds: u64) -> Self {
        Self(self.0.saturating_sub(nanoseconds))
    }

    /// Nanoseconds since `earlier`; 0 if that is later.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// One second in nanoseconds.
pub const SECOND: u64 = 1_000_000_000;
