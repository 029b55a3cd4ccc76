//! What the writers write is what prost would have written, in other words.

use opentelemetry_proto::tonic::metrics::v1::{MetricsData, metric};
use prost::Message;

use super::reread;
use crate::{
    BufferPool, ExemplarFields, ExponentialFields, HistogramFields, LinkFields, LogFields, LogsWriter, MetricsWriter,
    Number, PointFields, Segments, SpanFields, Temporality, TracesWriter, Value,
};

#[test]
fn every_type_of_metric_is_written() {
    let mut writer = MetricsWriter::new();
    let fields = PointFields { start_unix_nano: 1, time_unix_nano: 2, flags: 0 };
    let exemplar =
        ExemplarFields { time_unix_nano: 2, value: Number::Double(0.5), trace_id: &[1; 16], span_id: &[2; 8] };
    writer
        .resource(|attributes| {
            attributes.add("service.name", "cart");
        })
        .scope("tidewatch", "1");
    writer.gauge("g", "", "1", |points| {
        points.number(&fields, Number::Int(-1), |a| {
            a.add("k", true);
        });
    });
    writer.sum("s", "a sum", "By", Temporality::Cumulative, true, |points| {
        points.number_with(&fields, Number::Double(1.5), &[exemplar], |_| {});
        points.number(&fields, Number::Int(2), |_| {});
    });
    let numbers = HistogramFields {
        count: 3,
        sum: Some(4.5),
        bucket_counts: &[1, 2],
        explicit_bounds: &[0.5],
        max: Some(3.0),
        ..HistogramFields::default()
    };
    writer.histogram("h", "", "s", Temporality::Delta, |points| {
        points.histogram(&fields, &numbers, &[exemplar], |a| {
            a.add("k", "v");
        });
    });
    let numbers =
        ExponentialFields { count: 300, scale: -2, positive: (-3, &[300, 0]), ..ExponentialFields::default() };
    writer.exponential_histogram("e", "", "s", Temporality::Delta, |points| {
        points.exponential(&fields, &numbers, &[], |_| {});
    });

    let batch = writer.finish();
    assert_eq!(batch.items(), 5);
    assert_eq!(reread(&batch).items(), 5);
    let data = MetricsData::decode(batch.to_bytes()).unwrap();
    assert_eq!(data, super::oracle::metrics(&batch).without_empty_buckets());
    let metrics = &data.resource_metrics[0].scope_metrics[0].metrics;
    let Some(metric::Data::Sum(sum)) = &metrics[1].data else { panic!("not a sum") };
    assert_eq!((sum.aggregation_temporality, sum.is_monotonic, sum.data_points.len()), (2, true, 2));
    let Some(metric::Data::Histogram(histogram)) = &metrics[2].data else { panic!("not a histogram") };
    assert_eq!(histogram.data_points[0].bucket_counts, [1, 2]);
    assert_eq!((histogram.data_points[0].min, histogram.data_points[0].max), (None, Some(3.0)));
    let Some(metric::Data::ExponentialHistogram(exponential)) = &metrics[3].data else { panic!("not exponential") };
    let positive = exponential.data_points[0].positive.as_ref().unwrap();
    assert_eq!(
        (exponential.data_points[0].scale, positive.offset, &positive.bucket_counts[..]),
        (-2, -3, &[300, 0][..])
    );
}

/// The views do not tell absent buckets from empty ones; the writer leaves empty ones out.
trait WithoutEmptyBuckets {
    fn without_empty_buckets(self) -> Self;
}

impl WithoutEmptyBuckets for MetricsData {
    fn without_empty_buckets(mut self) -> Self {
        let scopes = self.resource_metrics.iter_mut().flat_map(|resource| &mut resource.scope_metrics);
        for metric in scopes.flat_map(|scope| &mut scope.metrics) {
            if let Some(metric::Data::ExponentialHistogram(data)) = &mut metric.data {
                for point in &mut data.data_points {
                    point.negative = None;
                }
            }
        }
        self
    }
}

#[test]
fn a_log_record_with_a_list_for_an_attribute() {
    let mut writer = LogsWriter::new();
    let fields = LogFields {
        time_unix_nano: 5,
        severity_number: 17,
        severity_text: "ERROR",
        body: Some(Value::Str("it broke")),
        event_name: "tidewatch.finding",
        ..LogFields::default()
    };
    writer.record(&fields, |attributes| {
        attributes.add("peers", &["a", "b"][..]).add("ratio", 0.25);
    });

    let batch = reread(&writer.finish());
    let scope = batch.resources().next().unwrap().scopes().next().unwrap();
    let record = scope.logs().next().unwrap();
    assert_eq!((record.severity_text(), record.event_name()), ("ERROR", "tidewatch.finding"));
    assert_eq!(record.body().as_str(), Some("it broke"));
    assert_eq!(record.attribute("peers").unwrap().as_display_string(), r#"["a","b"]"#);
    assert_eq!(record.attribute("ratio").unwrap().as_double(), Some(0.25));
}

#[test]
fn a_span_with_its_link() {
    let mut writer = TracesWriter::new();
    writer.span_with(&SpanFields { name: "inner", status_code: 2, ..SpanFields::default() }, |extras| {
        extras.link(&LinkFields { trace_id: &[3; 16], ..LinkFields::default() }, |a| {
            a.add("evidence", "thread");
        });
    });

    let batch = reread(&writer.finish());
    let scope = batch.resources().next().unwrap().scopes().next().unwrap();
    let span = scope.spans().next().unwrap();
    assert_eq!((span.status_code(), span.links().next().unwrap().trace_id()), (2, &[3; 16][..]));
    assert!(writer.finish().is_empty(), "the writer begins anew");
}

#[test]
fn spans_below_an_edited_resource_are_not_copied() {
    let mut writer = TracesWriter::new();
    writer.resource(|_| {}).scope("big", "");
    for _ in 0..100 {
        writer.span(&SpanFields { name: "a name that makes the span long enough", ..SpanFields::default() }, |_| {});
    }
    let mut batch = writer.finish();
    let original = batch.to_bytes();
    batch.resources_mut().for_each(|mut resource| resource.upsert("k8s.node.name", "n1"));

    let written = batch.to_bytes();
    let rope: Segments = batch.into_segments(&mut BufferPool::default());
    assert_eq!(rope.concat(), written);
    let shared = rope.iter().filter(|piece| original.as_ptr_range().contains(&piece.as_ptr())).map(|piece| piece.len());
    assert!(shared.sum::<usize>() > original.len() * 9 / 10, "most bytes are still those that came");
}
