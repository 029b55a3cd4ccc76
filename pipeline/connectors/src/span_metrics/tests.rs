use std::time::Duration;

use super::*;
use crate::story::{BEGIN, Point, Span, Story, client, decode, server, story, story_on};

const CALLS: &str = "traces.span.metrics.calls";
const DURATION: &str = "traces.span.metrics.duration";

fn metrics(settings: &str) -> Story {
    story(&FACTORY, settings)
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn named(name: &str) -> Span {
    server("cart", 1).named(name)
}

/// `span name: count`, sorted; `...` for the overflow series.
fn counts(metrics: &Story, metric: &str) -> Vec<String> {
    let count = |point: &Point| format!("{}: {}", point.label("span.name").unwrap_or("..."), point.count);
    let mut counts: Vec<String> = metrics.points(metric).iter().map(count).collect();
    counts.sort();
    counts
}

#[test]
fn spans_of_all_shards_are_counted_together() {
    let mut metrics = story_on(2, &FACTORY, "");

    metrics.shard_receives(0, &[named("a").lasts(10)]).shard_receives(1, &[named("a").lasts(30)]);

    metrics.after(seconds(120));
    assert_eq!(counts(&metrics, CALLS), ["a: 2"]);
    assert_eq!(metrics.points(DURATION)[0].sum, 40.0);
    assert_eq!(metrics.times_told(), 2, "one shard tells for all");
}

#[test]
fn what_was_not_told_is_told_at_the_end_with_its_true_value() {
    let mut metrics = metrics("");
    metrics.receives(&[named("a")]);

    metrics.stops();

    assert_eq!(counts(&metrics, CALLS), ["a: 1"]);
}

#[test]
fn there_are_no_more_series_than_the_limit_and_one_for_the_rest_of_a_resource() {
    let mut metrics = metrics("series_limit: 3");
    let many: Vec<Span> = (0..10).map(|name| named(&name.to_string())).collect();

    metrics.receives(&many).after(seconds(120));

    assert_eq!(counts(&metrics, CALLS), ["...: 8", "0: 1", "1: 1"]);
    assert_eq!(counts(&metrics, DURATION), ["...: 9", "0: 1"]);
}

#[test]
fn each_point_of_a_delta_begins_where_the_last_one_ended() {
    let mut metrics = metrics("aggregation_temporality: AGGREGATION_TEMPORALITY_DELTA");
    metrics.receives(&[named("a")]).after(seconds(60));
    let first = metrics.points(CALLS);

    metrics.after(seconds(60));
    assert_eq!(metrics.times_told(), 1, "nothing came, nothing is told");
    metrics.receives(&[named("a"), named("a")]).after(seconds(60));

    let second = metrics.points(CALLS);
    assert_eq!((first[0].count, second[0].count), (1, 2));
    assert_eq!((first[0].start, second[0].start), (BEGIN, first[0].time));
}

#[test]
fn delta_remembers_the_last_point_of_so_many_series_only() {
    let delta = "aggregation_temporality: AGGREGATION_TEMPORALITY_DELTA";
    let mut metrics = metrics(&format!("{delta}, metric_timestamp_cache_size: 4"));
    let many: Vec<Span> = (0..10).map(|name| named(&name.to_string())).collect();
    metrics.receives(&many).after(seconds(60));

    metrics.receives(&many).after(seconds(60));

    let forgotten = |point: &&Point| point.start == BEGIN + 60_000_000_000;
    assert_eq!(metrics.points(CALLS).iter().filter(forgotten).count(), 10, "the flush and the batch are one moment");
    assert_eq!(counts(&metrics, CALLS).len(), 10);
}

#[test]
fn a_limit_counts_only_what_is_in_this_delta() {
    let delta = "aggregation_temporality: AGGREGATION_TEMPORALITY_DELTA";
    let mut metrics = metrics(&format!("{delta}, aggregation_cardinality_limit: 1"));
    metrics.receives(&[named("a")]).after(seconds(60));

    metrics.receives(&[named("b"), named("a")]).after(seconds(60));

    assert_eq!(counts(&metrics, CALLS), ["...: 1", "b: 1"]);
}

#[test]
fn the_resource_that_was_used_least_recently_goes_after_it_was_told_once_more() {
    let mut metrics = metrics("resource_metrics_cache_size: 2");
    metrics.receives(&[server("a", 1), server("b", 2), server("c", 3), server("a", 4)]).after(seconds(60));
    assert_eq!(metrics.points(CALLS).len(), 3);

    metrics.after(seconds(60));

    let services: Vec<String> =
        metrics.points(CALLS).iter().map(|point| point.label("service.name").unwrap().to_owned()).collect();
    assert_eq!(services, ["a", "c"]);
}

#[test]
fn resources_without_end_are_not_kept_without_end() {
    let mut metrics = metrics("resource_metrics_cache_size: 2");
    let many: Vec<Span> = (0..1000).map(|name| server(&name.to_string(), 1)).collect();

    metrics.receives(&many).after(seconds(60));

    assert!(metrics.points(CALLS).len() <= 4, "{}", metrics.points(CALLS).len());
}

#[test]
fn a_resource_without_spans_goes_with_its_series() {
    let mut metrics = metrics("metrics_expiration: 5m");
    metrics.receives(&[server("a", 1)]).after(seconds(240));
    metrics.receives(&[server("b", 1)]).after(seconds(120));

    assert_eq!(metrics.points(CALLS).len(), 1);
    assert_eq!(metrics.points(CALLS)[0].label("service.name"), Some("b"));
}

#[test]
fn a_series_that_comes_back_begins_when_it_comes_back() {
    let mut metrics = metrics("series_expiration: 90s");
    metrics.receives(&[named("a")]).after(seconds(240));
    metrics.receives(&[named("a")]).after(seconds(120));

    let point = &metrics.points(CALLS)[0];
    assert_eq!((point.count, point.start), (1, BEGIN + 240_000_000_000));
}

#[test]
fn the_resource_of_the_spans_is_the_resource_of_the_metrics() {
    let mut metrics = metrics("resource_metrics_key_attributes: [service.name]");

    metrics.receives(&[client("cart", 1).of_resource("pod", "one"), client("cart", 2).of_resource("pod", "two")]);

    metrics.after(seconds(120));
    assert_eq!(counts(&metrics, CALLS), ["GET /cart: 2"]);
}

#[test]
fn settings_that_make_no_sense_are_refused_in_the_words_of_the_collector() {
    let cases = [
        (
            "dimensions: [{name: service.name}]",
            "failed validating dimensions: duplicate dimension name \"service.name\"",
        ),
        ("dimensions: [{name: a}, {name: a}]", "failed validating dimensions: duplicate dimension name \"a\""),
        (
            "calls_dimensions: [{}]",
            "failed validating calls dimensions: dimension entry must set one of `name` or `glob`",
        ),
        ("dimensions: [{glob: 'span.*'}]", "conflicting with glob \"span.*\""),
        ("dimensions: [{glob: 'x.*', default: d}]", "`default` is not supported on `glob` dimension \"x.*\""),
        ("events: {enabled: true}", "failed validating event dimensions: no dimensions configured for events"),
        (
            "histogram: {explicit: {buckets: [1ms]}, exponential: {max_size: 10}}",
            "use either `explicit` or `exponential` buckets histogram",
        ),
        ("metrics_flush_interval: -1s", "invalid metrics_flush_interval: -1s, the duration should be positive"),
        ("series_expiration: -1s", "invalid series_expiration: -1s, the duration should be positive"),
        ("histogram: {unit: h}", "unknown Unit \"h\", allowed units are \"ms\" and \"s\""),
        (
            "aggregation_cardinality_limit: -1",
            "invalid aggregation_cardinality_limit: -1, the limit should be positive",
        ),
    ];
    for (settings, sentence) in cases {
        let problems = decode(&FACTORY, settings).err().unwrap_or_default();
        assert!(problems.contains(sentence), "{settings} gave {problems:?} and not {sentence:?}");
    }
}

#[test]
fn everything_that_can_be_set_is_accepted() {
    let settings = "
        histogram: {unit: s, explicit: {buckets: [5ms, 100ms, 1s]}, dimensions: [{name: y}]},
        dimensions: [{name: http.method, default: GET}, {name: http.status_code}, {glob: 'k8s.**'}],
        exclude_dimensions: ['status.code'], calls_dimensions: [{name: x}], dimensions_cache_size: 500,
        resource_metrics_key_attributes: [service.name], resource_metrics_cache_size: 100,
        aggregation_temporality: AGGREGATION_TEMPORALITY_CUMULATIVE, metrics_flush_interval: 15s,
        metrics_expiration: 5m, series_expiration: 5m, metric_timestamp_cache_size: 10,
        exemplars: {enabled: true, max_per_data_point: 5}, namespace: ns, aggregation_cardinality_limit: 1000,
        events: {enabled: true, dimensions: [{name: exception.type}]}, include_instrumentation_scope: [lib],
        add_resource_attributes: true, enable_metrics_sampling_method: true,
        series_limit: 10, flush_on_shutdown: false";

    assert_eq!(decode(&FACTORY, settings).err(), None);
}

#[test]
fn the_readme_lists_every_key() {
    ::config::assert_readme_table::<SpanMetricsConfig>(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/span_metrics/README.md"
    ));
}
