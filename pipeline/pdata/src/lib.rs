//! OTLP protobuf bytes as the data model: what flows through every pipeline.
//!
//! In this room: the checked framing pass, views that read without decoding, the overlay of edits, materialisation,
//! merge and split, writers for data of our own, OTLP/JSON in and out.
//! Not here: I/O, threads, compression (`transport`), components (`component` and above).
//!
//! Enter at [`Batch`]. Bytes come in by [`Batch::from_otlp`] or [`json::decode`], or are made by [`TracesWriter`],
//! [`MetricsWriter`] and [`LogsWriter`]; they leave by [`Batch::into_segments`], [`Batch::to_bytes`] or
//! [`json::encode`].

mod batch;
mod edit;
mod framing;
pub mod json;
mod normal;
mod plan;
mod pool;
mod schema;
mod split;
mod text;
mod view;
mod wire;
mod write;

#[cfg(test)]
mod tests;

pub use batch::{Batch, Segments, Signal, UnknownSignal};
pub use edit::{
    AttributesMut, ItemMut, ItemsMut, MetricMut, MetricsMut, PointMut, PointsMut, RecordMut, RecordsMut, ResourceMut,
    ResourcesMut, ScopeMut, ScopesMut, SpanMut, SpansMut,
};
pub use framing::{MAX_DEPTH, Malformed, Problem};
pub use pool::BufferPool;
pub use split::Limit;
pub use view::{
    AttributeView, Attributes, Buckets, Doubles, EntityRefView, EntityRefs, EventView, Events, ExemplarView, Exemplars,
    ExponentialPointView, ExponentialPoints, Fixed64s, HistogramNumbers, HistogramPointView, HistogramPoints, Keys,
    LinkView, Links, LogView, Logs, MetricData, MetricView, Metrics, Number, NumberPointView, NumberPoints, Quantiles,
    ResourceView, Resources, ScopeView, Scopes, SpanView, Spans, SummaryPointView, SummaryPoints, Temporality,
    ValueKind, ValueView, Values, Varints,
};
pub use write::{
    AttributesWriter, EventFields, ExemplarFields, ExponentialFields, HistogramFields, LinkFields, LogFields,
    LogsWriter, MetricsWriter, PointFields, PointsWriter, SpanExtras, SpanFields, TracesWriter, Value,
};
