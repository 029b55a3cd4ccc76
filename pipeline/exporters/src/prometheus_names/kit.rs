//! What stories about both exporters need: configurations as users write them, batches, a process around them.

use std::sync::Arc;
use std::time::Duration;

use component::{Budget, BuildContext, SteppedClock};
use config::{ComponentId, Problems, Request, Section, decode_component};
use pdata::{Batch, Signal};

/// One of everything: all types, units, label rules and odd values.
pub(crate) fn everything() -> Batch {
    from_json(include_bytes!("testdata/everything.json"))
}

/// Three batches of deltas: a beginning, a continuation, a restart after a gap.
pub(crate) fn deltas() -> [Batch; 3] {
    [
        from_json(include_bytes!("testdata/delta1.json")),
        from_json(include_bytes!("testdata/delta2.json")),
        from_json(include_bytes!("testdata/delta3.json")),
    ]
}

/// A batch from OTLP/JSON.
pub(crate) fn from_json(json: &[u8]) -> Batch {
    pdata::json::decode(Signal::Metrics, json).unwrap_or_else(|error| panic!("{error}"))
}

/// One gauge point of this series.
pub(crate) fn gauge(name: &str, labels: &[(&str, &str)], time: u64, value: f64) -> Batch {
    let attributes: Vec<String> =
        labels.iter().map(|(key, value)| format!(r#"{{"key":"{key}","value":{{"stringValue":"{value}"}}}}"#)).collect();
    let attributes = attributes.join(",");
    let point = format!(r#"{{"attributes":[{attributes}],"timeUnixNano":"{time}","asDouble":{value}}}"#);
    let metric = format!(r#"{{"name":"{name}","gauge":{{"dataPoints":[{point}]}}}}"#);
    from_json(format!(r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{metric}]}}]}}]}}"#).as_bytes())
}

/// Reads the configuration of an exporter, or says what is wrong with it.
pub(crate) fn read<C: Section>(yaml: &str) -> Result<C, String> {
    let uris = [format!("yaml:exporters: {{x: {yaml}}}")];
    let request = Request { uris: &uris, sets: &[], gates: &[], environment: &|_| None };
    let loaded = config::load(&request).map_err(|problems| problems.render())?;
    let exporter = &loaded.exporters[0];
    let mut problems = Problems::new();
    let decoded = decode_component(&exporter.node, "exporters::x", exporter.mark, &mut problems);
    decoded.ok_or_else(|| problems.render())
}

/// A process with a clock that stands still.
pub(crate) struct Process {
    pub(crate) clock: Arc<SteppedClock>,
    pub(crate) context: BuildContext,
}

impl Process {
    pub(crate) fn of(component: &str, budget: usize) -> Self {
        let clock = Arc::new(SteppedClock::at(1_700_000_000_000_000_000));
        let mut context = BuildContext::new(Arc::clone(&clock) as _, Budget::new(budget), 1);
        context.id = ComponentId::of(component);
        context.signal = Some(Signal::Metrics);
        Self { clock, context }
    }

    pub(crate) fn after(&self, time: Duration) {
        self.clock.advance(time);
    }

    /// The value of an own metric, by the beginning of its line.
    pub(crate) fn own_metric(&self, line: &str) -> f64 {
        let text = self.context.registry.prometheus_text();
        let found = text.lines().find_map(|candidate| candidate.strip_prefix(line)?.strip_prefix(' '));
        found.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {line} in:\n{text}"))
    }
}

/// Sorted lines, for comparing texts whose order does not matter.
pub(crate) fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}
