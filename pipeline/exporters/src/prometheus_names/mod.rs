//! What an OTLP metric is called in Prometheus.
//!
//! In this room: metric names with unit and type suffixes, label names, the labels of a series from resource, scope and
//! point, Go's notation of numbers, and the configuration blocks about all that which both exporters have.
//! Not here: values, formats, HTTP (`prometheus`, `prometheus_remote_write`).
//!
//! Enter at [`MetricNamer::name`] for a metric and [`Labeller::labels`] for a series.
//!
//! The rules are those of the OpenTelemetry specification, "Prometheus and OpenMetrics Compatibility", read as the
//! Collector v0.161 reads them.

mod attributes;
mod config;
#[cfg(test)]
pub(crate) mod kit;
mod label;
mod labels;
mod metric;
mod number;
mod unit;

pub(crate) use attributes::{Labeller, ResourceLabels, ResourcePart, ScopeLabels, ScopePart};
pub(crate) use config::{ResourceLabelSettings, TranslationStrategy};
pub(crate) use label::LabelNamer;
pub(crate) use labels::Labels;
pub(crate) use metric::{MetricNamer, NameError, Role};
pub(crate) use number::{decimal, general};
pub(crate) use unit::unit_word;
