//! Criteria that cannot be asked of a signal, and the Collector's sentences for them.

use pdata::Signal;

use super::config::MatchConfig;

const KINDS: [&str; 5] =
    ["SPAN_KIND_CLIENT", "SPAN_KIND_CONSUMER", "SPAN_KIND_INTERNAL", "SPAN_KIND_PRODUCER", "SPAN_KIND_SERVER"];

pub(crate) fn of_match(config: &MatchConfig, signal: Signal) -> Result<(), String> {
    let fault = match signal {
        Signal::Traces => of_spans(config),
        Signal::Logs => of_logs(config),
        Signal::Metrics => of_metrics(config),
    };
    fault.map_or(Ok(()), Err)
}

fn of_spans(config: &MatchConfig) -> Option<String> {
    let foreign = [
        (!config.log_bodies.is_empty(), "log_bodies"),
        (!config.log_severity_texts.is_empty(), "log_severity_texts"),
        (config.log_severity_number.is_some(), "log_severity_number"),
        (!config.metric_names.is_empty(), "metric_names"),
    ];
    if let Some((_, key)) = foreign.into_iter().find(|(is_set, _)| *is_set) {
        return Some(format!("{key} should not be specified for trace spans"));
    }
    let asks_nothing = config.services.is_empty()
        && config.span_names.is_empty()
        && config.span_kinds.is_empty()
        && asks_nothing_common(config);
    if asks_nothing {
        // Two blanks, as there.
        return Some("at least one of \"attributes\", \"libraries\",  or \"resources\" field must be specified".into());
    }
    let is_unknown = |kind: &String| !KINDS.contains(&kind.as_str());
    (config.match_type == "strict" && config.span_kinds.iter().any(is_unknown)).then(|| {
        let kinds = KINDS.join(" ");
        format!("span_kinds string must match one of the standard span kinds when match_type=strict: [{kinds}]")
    })
}

fn asks_nothing_common(config: &MatchConfig) -> bool {
    config.attributes.is_empty() && config.libraries.is_empty() && config.resources.is_empty()
}

fn of_logs(config: &MatchConfig) -> Option<String> {
    let is_foreign = !config.span_names.is_empty()
        || !config.services.is_empty()
        || !config.span_kinds.is_empty()
        || !config.metric_names.is_empty();
    if is_foreign {
        return Some("services, span_names, span_kinds and metric_names are not valid for log records".into());
    }
    let asks_nothing = config.log_bodies.is_empty()
        && config.log_severity_texts.is_empty()
        && config.log_severity_number.is_none()
        && asks_nothing_common(config);
    asks_nothing.then(|| {
        "at least one of \"attributes\", \"libraries\", \"span_kinds\", \"resources\", \"log_bodies\", \"log_severity_texts\" or \"log_severity_number\" field must be specified".into()
    })
}

fn of_metrics(config: &MatchConfig) -> Option<String> {
    let is_foreign = !config.log_bodies.is_empty()
        || !config.log_severity_texts.is_empty()
        || config.log_severity_number.is_some()
        || !config.span_names.is_empty()
        || !config.span_kinds.is_empty()
        || !config.services.is_empty()
        || !config.attributes.is_empty()
        || !config.libraries.is_empty();
    if is_foreign {
        return Some(
            "\"span_names\", \"span_kinds\", \"log_bodies\", \"log_severity_texts\", \"log_severity_number\", \"services\", \"attributes\" and \"libraries\" are not valid for metrics"
                .into(),
        );
    }
    let asks_nothing = config.metric_names.is_empty() && config.resources.is_empty();
    asks_nothing.then(|| "at least one of \"metric_names\" or \"resources\" field must be specified".into())
}
