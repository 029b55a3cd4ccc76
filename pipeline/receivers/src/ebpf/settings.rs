//! From keys to what an observer is told.

use std::rc::Rc;
use std::time::Duration;

use protocols::StreamLimits;
use protocols::http::HttpSettings;
use protocols::redact::QueryRedaction;
use protocols::route::{Fallback, PatternError, Routes};
use protocols::semconv::HttpNaming;

use super::config::{
    EbpfConfig, HttpConfig, IgnoreConfig, MetricsConfig, RouteFallback, SdkConfig, SpansConfig, TemporalityConfig,
};
use crate::observe::{HttpRules, IgnoreRule, ObserverSettings, SdkInstrumented, Temporality};

/// Most series of HTTP metrics, and as many of TCP metrics.
const SERIES_LIMIT: usize = 10_000;
/// Cumulative series that nothing was added to for so long are forgotten.
const SERIES_AGE: Duration = Duration::from_secs(15 * 60);
/// How long one end of an exchange waits for the other.
const PATIENCE: Duration = Duration::from_secs(2);
/// Most connections watched at a time.
const CONNECTION_LIMIT: usize = 65_536;

/// What an observer is told by the configuration.
pub fn settings(config: &EbpfConfig) -> Result<ObserverSettings, PatternError> {
    observer_settings(&config.http, &config.ignore, &config.spans, &config.metrics, config.sdk_instrumented)
}

/// What an observer is told by the keys that all its sources share.
pub fn observer_settings(
    http: &HttpConfig,
    ignore: &[IgnoreConfig],
    spans: &SpansConfig,
    metrics: &MetricsConfig,
    sdk: SdkConfig,
) -> Result<ObserverSettings, PatternError> {
    Ok(ObserverSettings {
        http: http_rules(http)?,
        ignore: ignore.iter().map(ignore_rule).collect(),
        ratio: spans.ratio,
        sdk_instrumented: match sdk {
            SdkConfig::Auto => SdkInstrumented::Auto,
            SdkConfig::Keep => SdkInstrumented::Keep,
            SdkConfig::SuppressSpans => SdkInstrumented::SuppressSpans,
        },
        temporality: match metrics.temporality {
            TemporalityConfig::Cumulative => Temporality::Cumulative,
            TemporalityConfig::Delta => Temporality::Delta,
        },
        series_limit: SERIES_LIMIT,
        series_age: SERIES_AGE,
        patience: PATIENCE,
        connection_limit: CONNECTION_LIMIT,
        stream: StreamLimits::default(),
    })
}

/// What of HTTP is told, and how.
pub fn http_rules(config: &HttpConfig) -> Result<HttpRules, PatternError> {
    let fallback = match config.route_fallback {
        RouteFallback::Heuristic => Fallback::Heuristic,
        RouteFallback::Path => Fallback::Path,
        RouteFallback::None => Fallback::None,
    };
    let redaction = if config.redact_query { QueryRedaction::Values } else { QueryRedaction::Secrets };
    let headers: Vec<String> = config.headers.iter().map(|name| name.to_ascii_lowercase()).collect();
    let naming = HttpNaming::new(Routes::new(&config.routes, fallback)?, redaction, &headers);
    Ok(HttpRules { naming: Rc::new(naming), parser: HttpSettings { headers: headers.into() } })
}

fn ignore_rule(config: &IgnoreConfig) -> IgnoreRule {
    let pattern = |text: &String| (!text.is_empty()).then(|| text.clone());
    IgnoreRule { path: pattern(&config.path), user_agent: pattern(&config.user_agent), metrics: config.metrics }
}
