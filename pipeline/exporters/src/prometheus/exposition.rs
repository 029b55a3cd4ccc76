//! The two text formats: Prometheus 0.0.4 and OpenMetrics 1.0.

use std::io::Write;

use super::negotiation::{Format, Style};
use super::point::{Point, Value};
use super::store::{Family, Kind, SeriesKey};
use crate::prometheus_names::general;

/// Appends a family with all its series.
pub(super) fn write_family(out: &mut Vec<u8>, name: &str, family: &Family, style: Style) {
    let mut page = Page { out, style };
    page.heading(name, family);
    for (key, series) in &family.series {
        page.series(name, key, &series.point);
    }
}

/// Appends what stands after the last family.
pub(super) fn write_end(out: &mut Vec<u8>, style: Style) {
    if style.format == Format::OpenMetrics {
        out.extend_from_slice(b"# EOF\n");
    }
}

struct Page<'a> {
    out: &'a mut Vec<u8>,
    style: Style,
}

/// What a line tells beside the labels of its series.
struct Line<'a> {
    suffix: &'static str,
    /// `le` or `quantile`.
    extra: Option<(&'static str, f64)>,
    value: Printed,
    exemplar: Option<&'a str>,
}

enum Printed {
    Float(f64),
    Count(u64),
}

impl Page<'_> {
    fn heading(&mut self, name: &str, family: &Family) {
        let (name, kind) = match (self.style.format, family.kind) {
            (Format::OpenMetrics, Kind::Counter) => match name.strip_suffix("_total") {
                Some(base) => (base, "counter"),
                None => (name, "unknown"),
            },
            (_, Kind::Counter) => (name, "counter"),
            (_, Kind::Gauge) => (name, "gauge"),
            (_, Kind::Histogram) => (name, "histogram"),
            (_, Kind::Summary) => (name, "summary"),
        };
        self.out.extend_from_slice(b"# HELP ");
        self.name(name.as_bytes(), b"");
        self.out.push(b' ');
        self.escaped(family.help.as_bytes(), self.style.format == Format::OpenMetrics);
        self.out.extend_from_slice(b"\n# TYPE ");
        self.name(name.as_bytes(), b"");
        self.text(" ");
        self.text(kind);
        self.text("\n");
    }

    fn series(&mut self, name: &str, key: &SeriesKey, point: &Point) {
        let mut line = |suffix, extra, value, exemplar: Option<&str>| {
            self.line(name, key, point.time, &Line { suffix, extra, value, exemplar });
        };
        match &point.value {
            Value::Number { value, exemplar } => line("", None, Printed::Float(*value), exemplar.as_deref()),
            Value::Histogram { bounds, counts, sum, count, exemplars } => {
                let mut total = 0_u64;
                for (place, (bound, more)) in bounds.iter().zip(counts).enumerate() {
                    total = total.saturating_add(*more);
                    let exemplar = exemplars.get(place).and_then(Option::as_deref);
                    line("_bucket", Some(("le", *bound)), Printed::Count(total), exemplar);
                }
                let exemplar = exemplars.get(bounds.len()).and_then(Option::as_deref);
                line("_bucket", Some(("le", f64::INFINITY)), Printed::Count(*count), exemplar);
                line("_sum", None, Printed::Float(*sum), None);
                line("_count", None, Printed::Count(*count), None);
            }
            Value::Total { sum, count } => {
                line("_bucket", Some(("le", f64::INFINITY)), Printed::Count(*count), None);
                line("_sum", None, Printed::Float(*sum), None);
                line("_count", None, Printed::Count(*count), None);
            }
            Value::Summary { quantiles, sum, count } => {
                for (quantile, value) in quantiles {
                    line("", Some(("quantile", *quantile)), Printed::Float(*value), None);
                }
                line("_sum", None, Printed::Float(*sum), None);
                line("_count", None, Printed::Count(*count), None);
            }
        }
    }

    fn line(&mut self, name: &str, key: &SeriesKey, time: u64, line: &Line) {
        let suffix = line.suffix.as_bytes();
        let inside = self.style.utf8 && !is_legacy(name.as_bytes());
        let mut separator = b'{';
        if inside {
            self.out.push(b'{');
            separator = b',';
        }
        self.name(name.as_bytes(), suffix);
        for (label, value) in key.pairs() {
            self.out.push(separator);
            self.name(label, b"");
            self.text("=\"");
            self.escaped(value, true);
            self.text("\"");
            separator = b',';
        }
        if let Some((label, value)) = line.extra {
            self.out.push(separator);
            self.text(label);
            self.text("=\"");
            self.float(value);
            self.text("\"");
            separator = b',';
        }
        if separator == b',' {
            self.text("}");
        }
        self.text(" ");
        match line.value {
            Printed::Float(value) => self.float(value),
            Printed::Count(count) => self.number(count),
        }
        self.time(time);
        if let Some(exemplar) = line.exemplar.filter(|_| self.style.format == Format::OpenMetrics) {
            self.text(" # ");
            self.text(exemplar);
        }
        self.text("\n");
    }

    fn time(&mut self, nanos: u64) {
        // Zero is no time: `target_info` was never measured.
        if !self.style.timestamps || nanos == 0 {
            return;
        }
        self.text(" ");
        let millis = nanos / 1_000_000;
        match self.style.format {
            Format::Text => self.number(millis),
            Format::OpenMetrics => {
                let seconds = open_metrics_seconds(millis, 1_000.0);
                self.text(&seconds);
            }
        }
    }

    fn name(&mut self, name: &[u8], suffix: &[u8]) {
        let legacy = is_legacy(name);
        if self.style.utf8 && !legacy {
            self.text("\"");
            self.escaped(name, true);
            self.out.extend_from_slice(suffix);
            self.text("\"");
            return;
        }
        if legacy {
            self.out.extend_from_slice(name);
        } else {
            write_with_underscores(self.out, name);
        }
        self.out.extend_from_slice(suffix);
    }

    fn escaped(&mut self, text: &[u8], quotes: bool) {
        let mut rest = text;
        while let Some(at) = rest.iter().position(|byte| matches!(byte, b'\\' | b'\n') || (quotes && *byte == b'"')) {
            let (before, from) = rest.split_at(at);
            self.out.extend_from_slice(before);
            let Some((special, after)) = from.split_first() else { break };
            self.out.extend_from_slice(&[b'\\', if *special == b'\n' { b'n' } else { *special }]);
            rest = after;
        }
        self.out.extend_from_slice(rest);
    }

    fn float(&mut self, value: f64) {
        let text = general(value);
        self.text(&text);
        if self.style.format == Format::OpenMetrics && looks_like_an_integer(&text) {
            self.text(".0");
        }
    }

    fn number(&mut self, number: u64) {
        // Writing to a vector cannot fail.
        let _ = write!(self.out, "{number}");
    }

    fn text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }
}

/// A number as OpenMetrics wants it: never an integer.
pub(super) fn open_metrics_number(value: f64) -> String {
    let mut text = general(value);
    if looks_like_an_integer(&text) {
        text.push_str(".0");
    }
    text
}

/// A time in seconds, from a count of its parts.
#[expect(clippy::cast_precision_loss, reason = "the format has only floats; the Collector's have the same digits")]
pub(super) fn open_metrics_seconds(time: u64, parts: f64) -> String {
    open_metrics_number(time as f64 / parts)
}

fn looks_like_an_integer(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
}

fn is_legacy(name: &[u8]) -> bool {
    let digit_first = name.first().is_some_and(u8::is_ascii_digit);
    !name.is_empty() && !digit_first && name.iter().all(|byte| is_legal(*byte))
}

fn is_legal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':')
}

/// One underscore for each character that old scrapers do not know, not for each of its bytes.
fn write_with_underscores(out: &mut Vec<u8>, name: &[u8]) {
    for (place, byte) in name.iter().enumerate() {
        let continues = matches!(byte, 0x80..0xc0);
        if is_legal(*byte) && !(place == 0 && byte.is_ascii_digit()) {
            out.push(*byte);
        } else if !continues {
            out.push(b'_');
        }
    }
}
