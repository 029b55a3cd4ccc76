//! The keys, as a user writes them.

use component::testkit::{faults, settings};

use super::EbpfConfig;
use super::config::{PortRange, RouteFallback, SdkConfig, TemporalityConfig};

#[test]
fn nothing_is_needed() {
    let config: EbpfConfig = settings("{}");
    assert_eq!(config, EbpfConfig::default());
    assert_eq!(config.spans.ratio, 1.0);
    assert_eq!((config.capture.request_bytes.0, config.capture.response_bytes.0), (64 << 10, 4 << 10));
}

#[test]
fn every_key_is_read() {
    let config: EbpfConfig = settings(
        r#"
include: [{cgroup: "/kubepods/*", executable: "*/nginx", ports: [80, "8000-8100"], pid: 1}]
exclude: [{ports: [9090]}]
capture: {request_bytes: 64KiB, response_bytes: 4KiB, ring_bytes: 8MiB}
http: {routes: ["/users/{id}"], route_fallback: path, headers: [x-tenant], redact_query: false}
ignore: [{path: "/healthz"}, {user_agent: "Prometheus/*", metrics: false}]
spans: {ratio: 0.25}
sdk_instrumented: suppress_spans
metrics: {interval: 30s, temporality: delta}
"#,
    );

    assert_eq!(config.include[0].ports, [PortRange { first: 80, last: 80 }, PortRange { first: 8000, last: 8100 }]);
    assert_eq!(config.exclude[0].ports, [PortRange { first: 9090, last: 9090 }]);
    assert_eq!(config.capture.ring_bytes.0, 8 << 20);
    assert_eq!((config.http.route_fallback, config.http.redact_query), (RouteFallback::Path, false));
    assert_eq!((config.ignore[0].metrics, config.ignore[1].metrics), (true, false));
    assert_eq!((config.spans.ratio, config.sdk_instrumented), (0.25, SdkConfig::SuppressSpans));
    assert_eq!(config.metrics.temporality, TemporalityConfig::Delta);
}

#[test]
fn wrong_values_are_refused_with_a_sentence() {
    for (yaml, sentence) in [
        ("{include: [{}]}", "must have at least one of 'cgroup', 'executable', 'ports' and 'pid'"),
        ("{include: [{ports: [0]}]}", "must be a port from 1 to 65535 or a range such as \"8000-8100\""),
        ("{include: [{ports: [\"9-8\"]}]}", "must be a port from 1 to 65535 or a range such as \"8000-8100\""),
        ("{capture: {ring_bytes: 3MiB}}", "'ring_bytes' must be a power of two from 64KiB to 1GiB"),
        ("{capture: {request_bytes: 1}}", "'request_bytes' must be from 256 to 1MiB"),
        ("{http: {routes: [users]}}", "route \"users\" must begin with '/'"),
        ("{http: {route_fallback: guess}}", "invalid route_fallback: \"guess\""),
        ("{ignore: [{metrics: false}]}", "must have at least one of 'path' and 'user_agent'"),
        ("{spans: {ratio: 2}}", "'ratio' must be from 0 to 1"),
        ("{sdk_instrumented: maybe}", "invalid sdk_instrumented: \"maybe\""),
        ("{metrics: {interval: 10ms}}", "'interval' must be at least 1s"),
        ("{span: {}}", "invalid keys: span"),
    ] {
        let found = faults::<EbpfConfig>(yaml);
        assert!(found.len() == 1 && found[0].contains(sentence), "{yaml}: {found:?}");
    }
}

#[test]
fn the_readme_lists_every_key() {
    ::config::assert_readme_table::<EbpfConfig>(concat!(env!("CARGO_MANIFEST_DIR"), "/src/ebpf/README.md"));
}
