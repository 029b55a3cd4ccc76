//! How a process of small components lives.

mod kit;

use kit::{ONE_AT_A_TIME, run};

fn alone() -> std::sync::MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[test]
fn what_a_receiver_sends_reaches_every_exporter_and_doors_close_first() {
    let _alone = alone();
    let yaml = "
receivers: {feed: }
exporters: {sink/a: , sink/b: }
service: {pipelines: {traces: {receivers: [feed], exporters: [sink/a, sink/b]}}}";

    let (outcome, reported) = run(yaml);

    assert!(outcome.is_ok());
    let expected = [
        "sink/a starts",
        "sink/b starts",
        "feed starts",
        "sink/a took span 0",
        "sink/b took span 0",
        "feed was answered taken",
        "feed stops",
        "sink/a stops",
        "sink/b stops",
    ];
    assert_eq!(reported, expected);
}

#[test]
fn a_refusal_of_one_branch_is_told_to_the_sender() {
    let _alone = alone();
    let yaml = "
receivers: {feed: }
exporters: {sink/a: , sink/b: {refuses: true}}
service: {pipelines: {traces: {receivers: [feed], exporters: [sink/a, sink/b]}}}";

    let (_, reported) = run(yaml);

    assert!(reported.contains(&"feed was answered never".to_owned()), "{reported:?}");
}

#[test]
fn a_connector_joins_two_pipelines() {
    let _alone = alone();
    let yaml = "
receivers: {feed: }
connectors: {bridge: }
exporters: {sink: }
service:
  pipelines:
    traces/in: {receivers: [feed], exporters: [bridge]}
    traces/out: {receivers: [bridge], exporters: [sink]}";

    let (_, reported) = run(yaml);

    assert!(reported.contains(&"sink took span 0".to_owned()), "{reported:?}");
}

#[test]
fn a_component_that_panics_refuses_its_batch_and_its_shard_comes_back() {
    let _alone = alone();
    let yaml = "
receivers: {feed: {insists: true}}
processors: {bomb: }
exporters: {sink: }
service: {pipelines: {traces: {receivers: [feed], processors: [bomb], exporters: [sink]}}}";

    let (outcome, reported) = run(yaml);

    assert!(outcome.is_ok());
    assert!(reported.contains(&"feed was answered not now".to_owned()), "{reported:?}");
    assert!(
        reported.ends_with(&["feed was answered taken".into(), "feed stops".into(), "sink stops".into()]),
        "{reported:?}"
    );
    assert_eq!(reported.iter().filter(|line| *line == "sink starts").count(), 2, "{reported:?}");
}

#[test]
fn what_a_processor_keeps_back_is_sent_when_the_process_ends() {
    let _alone = alone();
    let yaml = "
receivers: {feed/1: {stops: false}, feed/2: }
processors: {hoarder: }
exporters: {sink/1: , sink/2: }
service:
  pipelines:
    traces/1: {receivers: [feed/1], processors: [hoarder], exporters: [sink/1]}
    traces/2: {receivers: [feed/2], exporters: [sink/2]}";

    let (_, reported) = run(yaml);

    let place = |line: &str| reported.iter().position(|reported| reported == line);
    assert!(place("sink/1 took span 0") > place("feed/1 stops"), "{reported:?}");
    assert!(place("sink/1 took span 0") < place("sink/1 stops"), "{reported:?}");
}

#[test]
fn an_extension_is_there_before_those_who_find_it_and_after_them() {
    let _alone = alone();
    let yaml = "
receivers: {feed: }
exporters: {believer: }
extensions: {oracle: }
service: {extensions: [oracle], pipelines: {traces: {receivers: [feed], exporters: [believer]}}}";

    let (outcome, reported) = run(yaml);

    assert!(outcome.is_ok());
    let expected =
        ["oracle starts", "feed starts", "believer heard 42", "feed was answered taken", "feed stops", "oracle stops"];
    assert_eq!(reported, expected);
}
