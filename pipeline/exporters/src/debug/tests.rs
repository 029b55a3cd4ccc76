//! The text of a Collector v0.161, byte for byte.

use component::Refusal;
use component::testkit::{Stage, exporter, exporter_on, faults};
use pdata::json;

use super::*;

/// What the exporter writes for a batch of this signal.
fn shown(signal: Signal, request: &str, settings: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out");
    let yaml = format!("{{use_internal_logger: false, output_paths: [{}], {settings}}}", path.display());
    let mut story = exporter::<DebugExporter>(signal, &yaml);

    let outcome = story.delivers(json::decode(signal, request.as_bytes()).unwrap());

    assert_eq!(outcome, Ok(()));
    std::fs::read_to_string(path).unwrap()
}

/// A readable difference: the first line that differs.
fn assert_same(shown: &str, golden: &str) {
    for (number, (shown, golden)) in shown.lines().zip(golden.lines()).enumerate() {
        assert_eq!(shown, golden, "line {}", number + 1);
    }
    assert_eq!(shown, golden);
}

macro_rules! golden {
    ($($name:ident: $signal:ident $verbosity:literal from $input:literal is $output:literal;)*) => {
        $(
            #[test]
            fn $name() {
                let input = include_str!(concat!("testdata/", $input));
                let text = shown(Signal::$signal, input, concat!("verbosity: ", $verbosity));
                assert_same(&text, include_str!(concat!("testdata/", $output)));
            }
        )*
    };
}

golden! {
    traces_in_short: Traces "basic" from "traces.json" is "traces.basic.txt";
    traces_by_line: Traces "normal" from "traces.json" is "traces.normal.txt";
    traces_in_full: Traces "detailed" from "traces.json" is "traces.detailed.txt";
    metrics_in_short: Metrics "basic" from "metrics.json" is "metrics.basic.txt";
    metrics_by_line: Metrics "normal" from "metrics.json" is "metrics.normal.txt";
    metrics_in_full: Metrics "detailed" from "metrics.json" is "metrics.detailed.txt";
    logs_in_short: Logs "basic" from "logs.json" is "logs.basic.txt";
    logs_by_line: Logs "normal" from "logs.json" is "logs.normal.txt";
    logs_in_full: Logs "detailed" from "logs.json" is "logs.detailed.txt";
}

const ONE_SPAN: &str = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"x"}]}]}]}"#;

fn one_span() -> Batch {
    json::decode(Signal::Traces, ONE_SPAN.as_bytes()).unwrap()
}

#[test]
fn repeated_messages_are_sampled() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out");
    let mut story = exporter::<DebugExporter>(
        Signal::Traces,
        &format!(
            "{{use_internal_logger: false, output_paths: [{}], sampling_initial: 1, sampling_thereafter: 0}}",
            path.display()
        ),
    );

    for _ in 0..5 {
        assert_eq!(story.delivers(one_span()), Ok(()));
    }
    story.stage.clock.advance(std::time::Duration::from_secs(1));
    assert_eq!(story.delivers(one_span()), Ok(()));

    assert_eq!(std::fs::read_to_string(path).unwrap().lines().count(), 2);
    assert_eq!(story.stage.metric("otelcol_exporter_sent_spans", &[("exporter", "story")]), 6.0);
}

#[test]
fn the_log_of_the_process_takes_data_too() {
    let mut story = exporter::<DebugExporter>(Signal::Traces, "{verbosity: detailed}");

    assert_eq!(story.delivers(one_span()), Ok(()));
}

#[test]
fn a_full_disk_refuses_the_data_to_its_sender() {
    let mut story =
        exporter::<DebugExporter>(Signal::Traces, "{use_internal_logger: false, output_paths: [/dev/full]}");

    let outcome = story.delivers(one_span());

    assert!(matches!(outcome, Err(Refusal::Retryable(_))), "{outcome:?}");
    assert_eq!(story.stage.metric("otelcol_exporter_send_failed_spans", &[]), 1.0);
}

#[test]
fn a_file_that_cannot_be_opened_is_named() {
    let stage = Stage::new(Signal::Traces, 1 << 20);
    let yaml = "{use_internal_logger: false, output_paths: [/nowhere/at/all]}";

    let error = exporter_on::<DebugExporter>(stage, yaml).err().unwrap().0;

    assert!(error.contains("/nowhere/at/all"), "{error}");
}

#[test]
fn settings_that_contradict_are_refused_in_the_collectors_words() {
    let cases = [
        ("{verbosity: loud}", "'verbosity' unknown metrics level \"loud\""),
        ("{verbosity: none}", "verbosity level \"None\" is not supported"),
        ("{output_paths: [stderr]}", "output_paths is not supported when use_internal_logger is true"),
        (
            "{use_internal_logger: false, output_paths: []}",
            "output_paths must not be empty when use_internal_logger is false",
        ),
        ("{sending_queue: {}}", "'sending_queue' is not supported yet"),
    ];
    for (yaml, sentence) in cases {
        assert_eq!(faults::<DebugConfig>(yaml), [sentence], "{yaml}");
    }
    assert!(faults::<DebugConfig>("{verbosity: Detailed}").is_empty());
}

#[test]
fn the_readme_has_the_keys() {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/src/debug/README.md");
    ::config::assert_readme_table::<DebugConfig>(readme);
}
