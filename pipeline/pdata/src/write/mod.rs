//! Writers of OTLP for data of our own: straight into bytes, no tree between.
//!
//! In this room: [`TracesWriter`], [`MetricsWriter`], [`LogsWriter`], attributes and their values.
//! Not here: changing what others wrote (`edit`).
//!
//! Enter at a writer's `new`. Call `resource`, then `scope`, then items; `finish` gives the batch. Nothing is allocated
//! per item but the growth of one buffer.

mod attributes;
mod log;
mod metric;
mod nest;
mod trace;

pub(crate) use attributes::put_key_value;
pub use attributes::{AttributesWriter, Value};
pub use log::{LogFields, LogsWriter};
pub use metric::{ExemplarFields, ExponentialFields, HistogramFields, MetricsWriter, PointFields, PointsWriter};
pub use trace::{EventFields, LinkFields, SpanExtras, SpanFields, TracesWriter};
