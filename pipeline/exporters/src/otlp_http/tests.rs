use ::config::assert_readme_table;
use component::testkit;

use super::*;

fn settings(yaml: &str) -> OtlpHttpConfig {
    testkit::settings(yaml)
}

#[test]
fn each_signal_goes_to_its_own_path() {
    let config = settings("{endpoint: 'http://localhost:4318/', logs_endpoint: 'http://logs:1/in'}");

    assert_eq!(config.url(Signal::Traces), "http://localhost:4318/v1/traces");
    assert_eq!(config.url(Signal::Metrics), "http://localhost:4318/v1/metrics");
    assert_eq!(config.url(Signal::Logs), "http://logs:1/in");
}

#[test]
fn one_endpoint_is_needed() {
    assert_eq!(testkit::faults::<OtlpHttpConfig>("{}"), ["at least one endpoint must be specified"]);
    assert!(testkit::faults::<OtlpHttpConfig>("{metrics_endpoint: 'http://m:1/in'}").is_empty());
}

#[test]
fn an_unknown_encoding_is_refused_in_the_collectors_words() {
    let faults = testkit::faults::<OtlpHttpConfig>("{endpoint: 'http://a:1', encoding: xml}");
    assert!(faults[0].ends_with("'encoding' invalid encoding type: xml"), "{faults:?}");
}

#[test]
fn the_readme_has_every_key() {
    assert_readme_table::<OtlpHttpConfig>(concat!(env!("CARGO_MANIFEST_DIR"), "/src/otlp_http/README.md"));
}
