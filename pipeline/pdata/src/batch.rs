//! A batch: OTLP bytes of one signal, how many items they hold, and the edits made so far.
//!
//! In this room: [`Batch`] and [`Signal`], receipt, merge, handing out bytes.
//! Not here: reading (`view`), editing (`edit`), splitting (`split`), writing edits into bytes (`plan`).
//!
//! Enter at [`Batch::from_otlp`].

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use smallvec::SmallVec;

use crate::edit::Node;
use crate::framing::{Malformed, check};
use crate::normal::normalise;
use crate::plan::Plan;
use crate::pool::BufferPool;
use crate::schema::{self, Message};

/// Pieces of a request that are sent one after the other.
pub type Segments = SmallVec<[Bytes; 1]>;

/// One of the three kinds of telemetry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Signal {
    /// Items are spans.
    Traces,
    /// Items are data points.
    Metrics,
    /// Items are log records.
    Logs,
}

impl Signal {
    /// All signals.
    pub const ALL: [Signal; 3] = [Signal::Traces, Signal::Metrics, Signal::Logs];

    /// As in a pipeline's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Signal::Traces => "traces",
            Signal::Metrics => "metrics",
            Signal::Logs => "logs",
        }
    }

    pub(crate) fn schema(self) -> &'static Message {
        match self {
            Signal::Traces => &schema::TRACES,
            Signal::Metrics => &schema::METRICS,
            Signal::Logs => &schema::LOGS,
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Not the name of a signal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown signal {0:?}: expected traces, metrics or logs")]
pub struct UnknownSignal(pub String);

impl FromStr for Signal {
    type Err = UnknownSignal;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Signal::ALL.into_iter().find(|signal| signal.as_str() == name).ok_or_else(|| UnknownSignal(name.to_owned()))
    }
}

/// OTLP data of one signal. A clone shares the bytes and the edits.
///
/// Invariant: each segment is a whole request in normal form, so that segments may be read, merged and sent apart.
#[derive(Clone)]
pub struct Batch {
    signal: Signal,
    pub(crate) segments: Segments,
    items: usize,
    pub(crate) edits: Option<Arc<Node>>,
}

impl Batch {
    /// Takes the bytes of an export request after checking all of them.
    ///
    /// # Errors
    /// When the bytes are not OTLP; nothing of them is taken then.
    pub fn from_otlp(signal: Signal, bytes: Bytes) -> Result<Batch, Malformed> {
        let framed = check(signal.schema(), &bytes)?;
        if framed.is_normal {
            return Ok(Batch::trusted(signal, bytes, framed.items));
        }
        let mut normal = Vec::with_capacity(bytes.len());
        normalise(signal.schema(), &bytes, &mut normal);
        let items = check(signal.schema(), &normal)?.items;
        Ok(Batch::trusted(signal, Bytes::from(normal), items))
    }

    /// A batch of bytes that we wrote or cut ourselves.
    pub(crate) fn trusted(signal: Signal, bytes: Bytes, items: usize) -> Batch {
        let segments = if bytes.is_empty() { Segments::new() } else { Segments::from_buf([bytes]) };
        Batch::from_parts(signal, segments, items)
    }

    pub(crate) fn from_parts(signal: Signal, segments: Segments, items: usize) -> Batch {
        Batch { signal, segments, items, edits: None }
    }

    /// A batch without items.
    pub fn empty(signal: Signal) -> Batch {
        Batch::from_parts(signal, Segments::new(), 0)
    }

    /// What kind of telemetry this is.
    pub fn signal(&self) -> Signal {
        self.signal
    }

    /// Spans, data points or log records, without the discarded ones.
    pub fn items(&self) -> usize {
        match &self.edits {
            Some(root) if root.any_discarded() => crate::edit::count_live(self),
            _ => self.items,
        }
    }

    /// Whether there is no item.
    pub fn is_empty(&self) -> bool {
        self.items() == 0
    }

    /// How many bytes the batch takes when encoded.
    pub fn size(&self) -> usize {
        if self.edits.is_none() {
            return self.segments.iter().map(Bytes::len).sum();
        }
        Plan::of(self).size()
    }

    /// The encoded batch as a rope. Bytes that no edit touched are slices of what was received; the rest is written
    /// into buffers of the pool.
    pub fn into_segments(self, pool: &mut BufferPool) -> Segments {
        if self.edits.is_none() {
            return self.segments;
        }
        Plan::of(&self).into_segments(pool)
    }

    /// The encoded batch in one piece; without a copy if nothing was edited or merged.
    pub fn to_bytes(&self) -> Bytes {
        match (&self.edits, self.segments.as_slice()) {
            (None, []) => Bytes::new(),
            (None, [only]) => only.clone(),
            _ => Plan::of(self).to_bytes(),
        }
    }

    /// All items of several batches in one. `None` when there is no batch, or when their signals differ.
    pub fn merge(batches: impl IntoIterator<Item = Batch>) -> Option<Batch> {
        let mut batches = batches.into_iter();
        let mut merged = batches.next()?.written();
        for batch in batches {
            if batch.signal != merged.signal {
                return None;
            }
            let batch = batch.written();
            merged.items += batch.items;
            // One request after the other is one request: protobuf merges repeated fields so.
            merged.segments.extend(batch.segments);
        }
        Some(merged)
    }

    /// The same batch with its edits in the bytes.
    pub(crate) fn written(self) -> Batch {
        if self.edits.is_none() {
            return self;
        }
        Batch::trusted(self.signal, self.to_bytes(), self.items())
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("signal", &self.signal)
            .field("items", &self.items())
            .field("bytes", &self.segments.iter().map(Bytes::len).sum::<usize>())
            .field("edited", &self.edits.is_some())
            .finish()
    }
}
