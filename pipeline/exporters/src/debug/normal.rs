//! One line for each item, in the Collector's layout.

use std::fmt::{self, Write};

use pdata::{
    Attributes, Batch, ExponentialPointView, HistogramPointView, LogView, MetricData, MetricView, Number, ScopeView,
    Signal, SpanView,
};

use super::go::{Fixed, Id, Shortest};
use super::points::Bounds;

/// The text of a batch.
pub(crate) fn write(batch: &Batch, out: &mut String) -> fmt::Result {
    let (resources, scopes) = match batch.signal() {
        Signal::Traces => ("ResourceTraces", "ScopeTraces"),
        Signal::Metrics => ("ResourceMetrics", "ScopeMetrics"),
        Signal::Logs => ("ResourceLog", "ScopeLog"),
    };
    for (number, resource) in batch.resources().enumerate() {
        write!(out, "{resources} #{number}")?;
        if !resource.schema_url().is_empty() {
            write!(out, " [{}]", resource.schema_url())?;
        }
        write_attributes(out, " ", resource.attributes())?;
        out.push('\n');
        for (number, scope) in resource.scopes().enumerate() {
            write!(out, "{scopes} #{number}")?;
            write_scope(out, &scope)?;
            scope.spans().try_for_each(|span| write_span(out, &span))?;
            scope.metrics().try_for_each(|metric| write_metric(out, &metric))?;
            scope.logs().try_for_each(|record| write_record(out, &record))?;
        }
    }
    Ok(())
}

/// ` name@version [schema] attributes`, without what is missing.
fn write_scope(out: &mut String, scope: &ScopeView<'_>) -> fmt::Result {
    let (name, version, schema) = (scope.name(), scope.version(), scope.schema_url());
    if !name.is_empty() || !version.is_empty() {
        write!(out, " {name}")?;
    }
    if !version.is_empty() {
        write!(out, "@{version}")?;
    }
    if !schema.is_empty() {
        write!(out, " [{schema}]")?;
    }
    write_attributes(out, " ", scope.attributes())?;
    out.push('\n');
    Ok(())
}

/// `key=value` for each, with something in front of each.
fn write_attributes(out: &mut String, before: &str, attributes: Attributes<'_>) -> fmt::Result {
    for attribute in attributes {
        write!(out, "{before}{}={}", attribute.key(), attribute.value().as_display_string())?;
    }
    Ok(())
}

fn write_span(out: &mut String, span: &SpanView<'_>) -> fmt::Result {
    write!(out, "{} {} {}", span.name(), Id(span.trace_id()), Id(span.span_id()))?;
    write_attributes(out, " ", span.attributes())?;
    out.push('\n');
    Ok(())
}

fn write_record(out: &mut String, record: &LogView<'_>) -> fmt::Result {
    out.push_str(&record.body().as_display_string());
    // One blank even when nothing follows.
    if record.attributes().next().is_none() {
        out.push(' ');
    }
    write_attributes(out, " ", record.attributes())?;
    out.push('\n');
    Ok(())
}

fn write_metric(out: &mut String, metric: &MetricView<'_>) -> fmt::Result {
    match metric.data() {
        MetricData::Empty => {}
        MetricData::Gauge(points) | MetricData::Sum { points, .. } => {
            for point in points {
                write_series(out, metric, point.attributes())?;
                match point.value() {
                    Some(Number::Int(value)) => write!(out, "{value}")?,
                    Some(Number::Double(value)) => write!(out, "{}", Shortest(value))?,
                    None => {}
                }
                out.push('\n');
            }
        }
        MetricData::Histogram { points, .. } => {
            for point in points {
                write_series(out, metric, point.attributes())?;
                write_histogram(out, &point)?;
            }
        }
        MetricData::ExponentialHistogram { points, .. } => {
            for point in points {
                write_series(out, metric, point.attributes())?;
                write_exponential(out, &point)?;
            }
        }
        MetricData::Summary(points) => {
            for point in points {
                write_series(out, metric, point.attributes())?;
                write!(out, "count={} sum={}", point.count(), Fixed(point.sum()))?;
                for (quantile, value) in point.quantiles() {
                    write!(out, " q{}={}", Shortest(quantile), Shortest(value))?;
                }
                out.push('\n');
            }
        }
    }
    Ok(())
}

/// `name{key=value,key=value} `.
fn write_series(out: &mut String, metric: &MetricView<'_>, attributes: Attributes<'_>) -> fmt::Result {
    write!(out, "{}{{", metric.name())?;
    for (number, attribute) in attributes.enumerate() {
        let comma = if number == 0 { "" } else { "," };
        write!(out, "{comma}{}={}", attribute.key(), attribute.value().as_display_string())?;
    }
    out.push_str("} ");
    Ok(())
}

fn write_totals(out: &mut String, count: u64, totals: [(&str, Option<f64>); 3]) -> fmt::Result {
    write!(out, "count={count}")?;
    for (name, value) in totals {
        if let Some(value) = value {
            write!(out, " {name}={}", Shortest(value))?;
        }
    }
    Ok(())
}

fn write_histogram(out: &mut String, point: &HistogramPointView<'_>) -> fmt::Result {
    write_totals(out, point.count(), [("sum", point.sum()), ("min", point.min()), ("max", point.max())])?;
    let mut bounds = point.explicit_bounds();
    for count in point.bucket_counts() {
        match bounds.next() {
            Some(bound) => write!(out, " le{}={count}", Shortest(bound))?,
            None => write!(out, " {count}")?,
        }
    }
    out.push('\n');
    Ok(())
}

fn write_exponential(out: &mut String, point: &ExponentialPointView<'_>) -> fmt::Result {
    write_totals(out, point.count(), [("sum", point.sum()), ("min", point.min()), ("max", point.max())])?;
    let bounds = Bounds::of(point.scale());
    let negative = point.negative();
    let counts: Vec<u64> = negative.counts().collect();
    for (place, count) in counts.into_iter().enumerate().rev() {
        let (lower, _) = bounds.around(negative.offset(), place);
        write!(out, " le{}={count}", Shortest(-lower))?;
    }
    if point.zero_count() != 0 {
        write!(out, " zero={}", point.zero_count())?;
    }
    let positive = point.positive();
    for (place, count) in positive.counts().enumerate() {
        let (_, upper) = bounds.around(positive.offset(), place);
        write!(out, " le{}={count}", Shortest(upper))?;
    }
    out.push('\n');
    Ok(())
}
