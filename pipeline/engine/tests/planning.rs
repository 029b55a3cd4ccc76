//! What the engine says of configurations that cannot be built: the Collector's sentences.

mod kit;

use kit::planned;

fn refused(yaml: &str) -> Vec<String> {
    planned(yaml).err().unwrap_or_default()
}

#[test]
fn a_right_configuration_is_planned_and_an_older_spelling_is_the_same_component() {
    let yaml = "
receivers: {feed: }
exporters: {drain: }
service: {pipelines: {traces: {receivers: [feed], exporters: [drain]}}}";

    assert_eq!(refused(yaml), Vec::<String>::new());
}

#[test]
fn every_unknown_type_is_named_in_one_run() {
    let yaml = "
receivers: {fead: }
exporters: {sinc: }
service: {pipelines: {traces: {receivers: [fead], exporters: [sinc]}}}";

    assert_eq!(
        refused(yaml),
        [
            "'receivers' unknown type: \"fead\" for id: \"fead\" (valid values: [feed])",
            "'exporters' unknown type: \"sinc\" for id: \"sinc\" (valid values: [sink drain believer])",
        ]
    );
}

#[test]
fn a_component_that_only_the_collector_has_is_not_supported_yet() {
    let yaml = "
receivers: {jaeger/1: }
exporters: {sink: }
service: {pipelines: {traces: {receivers: [jaeger/1], exporters: [sink]}}}";

    assert_eq!(refused(yaml), ["receivers::jaeger/1: type \"jaeger\" is not supported yet"]);
}

#[test]
fn a_component_must_know_the_signal_of_its_pipeline() {
    let yaml = "
receivers: {feed: }
exporters: {sink: }
service: {pipelines: {logs: {receivers: [feed], exporters: [sink]}}}";

    let reason = "telemetry type is not supported";
    assert_eq!(
        refused(yaml),
        [
            format!("failed to build pipelines: failed to create \"feed\" receiver for data type \"logs\": {reason}"),
            format!("failed to build pipelines: failed to create \"sink\" exporter for data type \"logs\": {reason}"),
        ]
    );
}

#[test]
fn a_connector_needs_both_ends() {
    let only_exporter = "
receivers: {feed: }
connectors: {bridge: }
exporters: {sink: }
service: {pipelines: {traces: {receivers: [feed], exporters: [sink, bridge]}}}";
    let only_receiver = "
receivers: {feed: }
connectors: {bridge: }
exporters: {sink: }
service: {pipelines: {traces: {receivers: [feed, bridge], exporters: [sink]}}}";

    assert_eq!(
        refused(only_exporter),
        [
            "failed to build pipelines: connector \"bridge\" used as exporter in [traces] pipeline but not used in any supported receiver pipeline"
        ]
    );
    assert_eq!(
        refused(only_receiver),
        [
            "failed to build pipelines: connector \"bridge\" used as receiver in [traces] pipeline but not used in any supported exporter pipeline"
        ]
    );
}

#[test]
fn a_connector_cannot_connect_what_it_does_not_know() {
    let yaml = "
receivers: {feed: }
connectors: {bridge: }
exporters: {sink: }
service:
  pipelines:
    traces: {receivers: [feed], exporters: [bridge]}
    metrics: {receivers: [bridge], exporters: [bridge/other]}";

    let sentences = refused(yaml);

    assert!(
        sentences
            .iter()
            .any(|sentence| sentence.contains("references exporter \"bridge/other\" which is not configured")),
        "{sentences:?}"
    );
    let yaml = yaml.replace("exporters: [bridge/other]", "exporters: [sink]");
    let sentences = refused(&yaml);
    assert!(
        sentences.iter().any(|sentence| sentence
            == "failed to build pipelines: connector \"bridge\" cannot connect from traces to metrics: telemetry type is not supported"),
        "{sentences:?}"
    );
}

#[test]
fn data_may_not_come_back_to_where_it_was() {
    let yaml = "
receivers: {feed: }
connectors: {bridge/1: , bridge/2: }
exporters: {sink: }
service:
  pipelines:
    traces/1: {receivers: [feed, bridge/2], exporters: [bridge/1]}
    traces/2: {receivers: [bridge/1], exporters: [bridge/2, sink]}";

    assert_eq!(
        refused(yaml),
        [
            "failed to build pipelines: cycle detected: connector \"bridge/1\" (traces to traces) -> connector \"bridge/2\" (traces to traces) -> connector \"bridge/1\" (traces to traces)"
        ]
    );
}

#[test]
fn what_needs_an_extension_that_does_not_run_is_refused_with_the_remedy() {
    let yaml = "
receivers: {feed: }
exporters: {believer: }
extensions: {oracle: }
service: {pipelines: {traces: {receivers: [feed], exporters: [believer]}}}";

    let sentences = refused(yaml).join("; ");

    assert!(sentences.contains("failed to create \"believer\" exporter"), "{sentences}");
    assert!(sentences.contains("`oracle` to the list `service::extensions`"), "{sentences}");
}
