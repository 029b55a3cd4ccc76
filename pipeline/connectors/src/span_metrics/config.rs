//! The keys of `span_metrics`.

use std::collections::HashSet;

use config::{Check, Config, GoDuration, Toggle, Validate};

use super::glob::Glob;

/// `span_metrics`: makes request, error and duration metrics from spans.
#[derive(Debug, Clone, PartialEq, Config)]
pub struct SpanMetricsConfig {
    /// What metric names begin with.
    #[config(default = "traces.span.metrics")]
    pub namespace: String,
    /// The durations.
    pub histogram: HistogramConfig,
    /// Attributes that become labels of all metrics, looked up in the span, then in the resource.
    pub dimensions: Vec<DimensionConfig>,
    /// More labels, of `calls` only.
    pub calls_dimensions: Vec<DimensionConfig>,
    /// Which of `service.name`, `span.name`, `span.kind`, `status.code` and `collector.instance.id` are no labels.
    pub exclude_dimensions: Vec<String>,
    /// `AGGREGATION_TEMPORALITY_CUMULATIVE` or `AGGREGATION_TEMPORALITY_DELTA`; anything else is cumulative.
    #[config(default = "AGGREGATION_TEMPORALITY_CUMULATIVE")]
    pub aggregation_temporality: String,
    /// Most series of one metric of one resource; those beyond count in one series `otel.metric.overflow="true"`. 0 for no limit.
    #[config(default = 0)]
    pub aggregation_cardinality_limit: i64,
    /// Without effect.
    #[config(default = 0, deprecated = "use `aggregation_cardinality_limit`")]
    pub dimensions_cache_size: i64,
    /// How many resources are kept; the least recently used one goes.
    #[config(default = 1000)]
    pub resource_metrics_cache_size: i64,
    /// Which attributes tell one resource from another. Empty for all.
    pub resource_metrics_key_attributes: Vec<String>,
    /// How often metrics are sent.
    #[config(default = GoDuration::seconds(60))]
    pub metrics_flush_interval: GoDuration,
    /// A resource without spans for so long is dropped with all its series; 0 for never.
    pub metrics_expiration: GoDuration,
    /// A series without spans for so long is dropped; 0 for never.
    pub series_expiration: GoDuration,
    /// Delta only: of how many series the time of their last point is remembered.
    #[config(default = 1000)]
    pub metric_timestamp_cache_size: i64,
    /// Links from points to spans.
    pub exemplars: ExemplarsConfig,
    /// The metric `events`.
    pub events: EventsConfig,
    /// Instrumentation scopes whose name and version become labels of their spans.
    pub include_instrumentation_scope: Vec<String>,
    /// Has no effect as long as the resource's attributes are kept, which is always.
    #[config(default = false)]
    pub add_resource_attributes: bool,
    /// Adds the label `sampling.method`: `extrapolated` where tracestate carries a threshold, else `counted`.
    #[config(default = false)]
    pub enable_metrics_sampling_method: bool,

    /// Tidewatch: most series over all resources and metrics; those beyond count in their resource's overflow series. 0 for no limit.
    #[config(default = 100_000)]
    pub series_limit: usize,
    /// Tidewatch: sends what is not sent yet when the process stops.
    #[config(default = true)]
    pub flush_on_shutdown: bool,
}

/// `histogram`.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub struct HistogramConfig {
    /// Makes no durations.
    #[config(default = false)]
    pub disable: bool,
    /// `ms` or `s`.
    #[config(default = Unit::Milliseconds)]
    pub unit: Unit,
    /// Buckets with fixed bounds; what is made unless `exponential` is asked for.
    #[config(default = Toggle::off(ExplicitConfig::default()))]
    pub explicit: Toggle<ExplicitConfig>,
    /// Buckets that fit themselves to the durations.
    #[config(default = Toggle::off(ExponentialConfig::default()))]
    pub exponential: Toggle<ExponentialConfig>,
    /// More labels, of `duration` only.
    pub dimensions: Vec<DimensionConfig>,
}

/// `histogram.explicit`.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub struct ExplicitConfig {
    /// Upper bounds. Without `explicit`: 2ms 4ms 6ms 8ms 10ms 50ms 100ms 200ms 400ms 800ms 1s 1.4s 2s 5s 10s 15s.
    pub buckets: Vec<GoDuration>,
}

/// `histogram.exponential`.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub struct ExponentialConfig {
    /// Most buckets; 0 for 160.
    #[config(default = 0)]
    pub max_size: i32,
}

/// One label made of an attribute, or several made of all attributes that match a pattern.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub struct DimensionConfig {
    /// The attribute.
    pub name: String,
    /// The label's value where the attribute is missing; without it there is no label then.
    pub default: Option<String>,
    /// A pattern for attributes: `*` stays within two dots, `**` does not.
    pub glob: String,
}

/// `exemplars`.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub struct ExemplarsConfig {
    /// Makes them.
    #[config(default = false)]
    pub enabled: bool,
    /// How many at most.
    #[config(default = 5)]
    pub max_per_data_point: i64,
}

/// `events`.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub struct EventsConfig {
    /// Counts span events.
    #[config(default = false)]
    pub enabled: bool,
    /// More labels, of `events` only: looked up in the span, the event, the resource.
    pub dimensions: Vec<DimensionConfig>,
}

/// `histogram.unit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Config)]
#[config(ignore_case, unknown = "unknown Unit {:?}, allowed units are \"ms\" and \"s\"")]
pub enum Unit {
    /// `ms`.
    #[config(rename = "ms")]
    Milliseconds,
    /// `s`.
    #[config(rename = "s")]
    Seconds,
}

impl SpanMetricsConfig {
    /// Whether points tell only what came since the last ones.
    pub fn is_delta(&self) -> bool {
        self.aggregation_temporality == "AGGREGATION_TEMPORALITY_DELTA"
    }
}

impl Validate for SpanMetricsConfig {
    /// One sentence for the first fault, in the Collector's order.
    fn validate(&self, check: &mut Check<'_, '_>) {
        let fault = self.dimension_fault().or_else(|| self.histogram_fault()).or_else(|| self.number_fault());
        if let Some((key, sentence)) = fault {
            check.error(key, sentence);
        }
    }
}

type Fault = (&'static str, String);

impl SpanMetricsConfig {
    fn dimension_fault(&self) -> Option<Fault> {
        let check = |key, what, dimensions: &[DimensionConfig]| {
            let sentence = dimensions_fault(dimensions)?;
            Some((key, format!("failed validating {what}: {sentence}")))
        };
        check("dimensions", "dimensions", &self.dimensions)
            .or_else(|| check("calls_dimensions", "calls dimensions", &self.calls_dimensions))
            .or_else(|| check("histogram", "histogram dimensions", &self.histogram.dimensions))
            .or_else(|| {
                if self.events.enabled && self.events.dimensions.is_empty() {
                    let sentence = "failed validating event dimensions: no dimensions configured for events";
                    return Some(("events", sentence.to_owned()));
                }
                let dimensions = if self.events.enabled { self.events.dimensions.as_slice() } else { &[] };
                check("events", "event dimensions", dimensions)
            })
    }

    fn histogram_fault(&self) -> Option<Fault> {
        let both = self.histogram.explicit.is_on() && self.histogram.exponential.is_on();
        both.then(|| ("histogram", "use either `explicit` or `exponential` buckets histogram".to_owned()))
    }

    fn number_fault(&self) -> Option<Fault> {
        let durations = [
            ("metrics_flush_interval", self.metrics_flush_interval),
            ("metrics_expiration", self.metrics_expiration),
            ("series_expiration", self.series_expiration),
        ];
        for (key, duration) in durations {
            if duration.is_negative() {
                return Some((key, format!("invalid {key}: {duration}, the duration should be positive")));
            }
        }
        if self.metrics_flush_interval.is_zero() {
            let sentence = "invalid metrics_flush_interval: 0s, the duration should be positive";
            return Some(("metrics_flush_interval", sentence.to_owned()));
        }
        let cache = self.metric_timestamp_cache_size;
        if self.is_delta() && cache <= 0 {
            let sentence = format!(
                "invalid delta timestamp cache size: {cache}, \
                 the maximum number of the items in the cache should be positive"
            );
            return Some(("metric_timestamp_cache_size", sentence));
        }
        let limit = self.aggregation_cardinality_limit;
        if limit < 0 {
            let sentence = format!("invalid aggregation_cardinality_limit: {limit}, the limit should be positive");
            return Some(("aggregation_cardinality_limit", sentence));
        }
        let exemplars = self.exemplars.max_per_data_point;
        if self.exemplars.enabled && exemplars < 0 {
            let sentence = format!("invalid max_per_data_point: {exemplars}, the value should be positive");
            return Some(("exemplars", sentence));
        }
        None
    }
}

/// Labels that are there without being asked for.
pub(super) const BUILT_IN: [&str; 5] =
    ["service.name", "span.kind", "status.code", "span.name", "collector.instance.id"];

fn dimensions_fault(dimensions: &[DimensionConfig]) -> Option<String> {
    let mut names: HashSet<&str> = BUILT_IN.into();
    let mut globs = Vec::new();
    for DimensionConfig { name, default, glob } in dimensions {
        match (name.is_empty(), glob.is_empty()) {
            (false, false) => {
                return Some(format!(
                    "dimension entry must set only one of `name` or `glob`, got both: name={name:?} glob={glob:?}"
                ));
            }
            (true, true) => return Some("dimension entry must set one of `name` or `glob`".to_owned()),
            (false, true) if !names.insert(name) => return Some(format!("duplicate dimension name {name:?}")),
            (false, true) => {}
            (true, false) if default.is_some() => {
                return Some(format!("`default` is not supported on `glob` dimension {glob:?}"));
            }
            (true, false) => match Glob::new(glob) {
                Ok(compiled) => globs.push((glob, compiled)),
                Err(error) => return Some(format!("invalid dimension glob {glob:?}: {error}")),
            },
        }
    }
    let conflict = |(glob, compiled): &(&String, Glob)| {
        let name = names.iter().find(|name| compiled.matches(name))?;
        Some(format!("duplicate dimension name {name:?} conflicting with glob {glob:?}"))
    };
    globs.iter().find_map(conflict)
}
