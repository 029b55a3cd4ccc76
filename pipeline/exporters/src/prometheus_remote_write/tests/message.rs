//! The messages of remote write 1.0, decoded by prost: what we write by hand must be what others read.

use prost::Message;

#[derive(Clone, PartialEq, Message)]
pub(super) struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    pub(super) timeseries: Vec<TimeSeries>,
    #[prost(message, repeated, tag = "3")]
    pub(super) metadata: Vec<Metadata>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    pub(super) labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    pub(super) samples: Vec<Sample>,
    #[prost(message, repeated, tag = "3")]
    pub(super) exemplars: Vec<Exemplar>,
    #[prost(message, repeated, tag = "4")]
    pub(super) histograms: Vec<Histogram>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Label {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) value: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Sample {
    #[prost(double, tag = "1")]
    pub(super) value: f64,
    #[prost(int64, tag = "2")]
    pub(super) timestamp: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Exemplar {
    #[prost(message, repeated, tag = "1")]
    pub(super) labels: Vec<Label>,
    #[prost(double, tag = "2")]
    pub(super) value: f64,
    #[prost(int64, tag = "3")]
    pub(super) timestamp: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Histogram {
    #[prost(uint64, tag = "1")]
    pub(super) count: u64,
    #[prost(double, tag = "3")]
    pub(super) sum: f64,
    #[prost(sint32, tag = "4")]
    pub(super) schema: i32,
    #[prost(double, tag = "5")]
    pub(super) zero_threshold: f64,
    #[prost(uint64, tag = "6")]
    pub(super) zero_count: u64,
    #[prost(message, repeated, tag = "8")]
    pub(super) negative_spans: Vec<Span>,
    #[prost(sint64, repeated, tag = "9")]
    pub(super) negative_deltas: Vec<i64>,
    #[prost(message, repeated, tag = "11")]
    pub(super) positive_spans: Vec<Span>,
    #[prost(sint64, repeated, tag = "12")]
    pub(super) positive_deltas: Vec<i64>,
    #[prost(int32, tag = "14")]
    pub(super) reset_hint: i32,
    #[prost(int64, tag = "15")]
    pub(super) timestamp: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Span {
    #[prost(sint32, tag = "1")]
    pub(super) offset: i32,
    #[prost(uint32, tag = "2")]
    pub(super) length: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Metadata {
    #[prost(int32, tag = "1")]
    pub(super) kind: i32,
    #[prost(string, tag = "2")]
    pub(super) name: String,
    #[prost(string, tag = "4")]
    pub(super) help: String,
    #[prost(string, tag = "5")]
    pub(super) unit: String,
}

impl WriteRequest {
    /// One text for each series and each metadata, sorted.
    pub(super) fn texts(&self) -> Vec<String> {
        let metadata = self.metadata.iter().map(|metadata| {
            let Metadata { kind, name, help, unit } = metadata;
            format!("metadata {kind} {name} help={help:?} unit={unit}")
        });
        let mut texts: Vec<String> = self.timeseries.iter().map(TimeSeries::text).chain(metadata).collect();
        texts.sort_unstable();
        texts
    }
}

impl TimeSeries {
    fn text(&self) -> String {
        let mut text = labels(&self.labels);
        for sample in &self.samples {
            text += &format!("\n  {} @{}", float(sample.value), sample.timestamp);
        }
        for exemplar in &self.exemplars {
            let (value, timestamp) = (float(exemplar.value), exemplar.timestamp);
            text += &format!("\n  exemplar {} {value} @{timestamp}", labels(&exemplar.labels));
        }
        for histogram in &self.histograms {
            text += &format!(
                "\n  histogram count={} sum={} schema={} zero_threshold={} zero_count={} negative=[{}]{:?} positive=[{}]{:?} reset={} @{}",
                histogram.count,
                float(histogram.sum),
                histogram.schema,
                float(histogram.zero_threshold),
                histogram.zero_count,
                spans(&histogram.negative_spans),
                histogram.negative_deltas,
                spans(&histogram.positive_spans),
                histogram.positive_deltas,
                histogram.reset_hint,
                histogram.timestamp,
            );
        }
        text
    }
}

fn labels(labels: &[Label]) -> String {
    let labels: Vec<String> = labels.iter().map(|label| format!("{}={:?}", label.name, label.value)).collect();
    format!("{{{}}}", labels.join(","))
}

fn spans(spans: &[Span]) -> String {
    let spans: Vec<String> = spans.iter().map(|span| format!("{}:{}", span.offset, span.length)).collect();
    spans.join(" ")
}

fn float(value: f64) -> String {
    if value.to_bits() == super::STALE { "stale".to_owned() } else { format!("{:?}", value + 0.0) }
}
