//! Stories about the scraped exporter. What the Collector v0.161 served for the same input is in `testdata`.

use std::time::Duration;

use ::config::assert_readme_table;
use component::{Exporter, promise};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use super::config::PrometheusConfig;
use super::negotiation::Style;
use super::page::write_page;
use super::*;
use crate::prometheus_names::kit::{Process, deltas, everything, from_json, gauge, read, sorted};

struct Served {
    process: Process,
    exporter: PrometheusExporter,
}

/// The exporter with these keys beside its endpoint.
fn exporter(keys: &str) -> Served {
    let process = Process::of("prometheus", 1 << 20);
    let exporter = build(keys, &process).unwrap();
    Served { process, exporter }
}

fn build(keys: &str, process: &Process) -> Result<PrometheusExporter, BuildError> {
    let config: PrometheusConfig = read(&format!("{{endpoint: '127.0.0.1:0', {keys}}}")).unwrap();
    PrometheusExporter::build(&config, &process.context)
}

impl Served {
    fn receives(&mut self, batch: Batch) -> &mut Self {
        self.exporter.accept(batch, Ack::unwatched());
        self
    }

    fn after(&mut self, time: Duration) -> &mut Self {
        self.process.after(time);
        let now = self.process.context.clock.now().monotonic;
        self.exporter.shared.store().expire(now);
        self
    }

    fn page(&self, accept: &str) -> String {
        let page = self.exporter.page;
        let style = Style::negotiate(accept, page.open_metrics, page.timestamps);
        String::from_utf8(write_page(&self.exporter.shared, style)).unwrap()
    }

    fn refused(&self, reason: &str) -> f64 {
        let line =
            format!("otelcol_exporter_prometheus_refused_metric_points{{exporter=\"prometheus\",reason=\"{reason}\"}}");
        self.process.own_metric(&line)
    }
}

const OPEN_METRICS: &str = "application/openmetrics-text;version=1.0.0";
const UTF8: &str = "text/plain;version=1.0.0;escaping=allow-utf-8";

/// The page without the families that the Collector does not serve because two of their labels clash.
fn without_clashes(page: &str) -> Vec<&str> {
    let clash =
        |line: &&str| ["label_rules", "job_clash", "label.rules", "job.clash"].iter().any(|name| line.contains(name));
    sorted(page).into_iter().filter(|line| !clash(line)).collect()
}

#[test]
fn pages_are_those_of_the_collector() {
    let open = "enable_open_metrics: true, send_timestamps: true, const_labels: {zone: z1}, namespace: my-ns, \
                without_scope_info: true, resource_to_telemetry_conversion: {enabled: true}";
    let utf8 = "translation_strategy: NoTranslation, resource_constant_labels: {included: ['host.*']}";
    let cases = [
        ("", "", include_str!("testdata/collector-plain.txt")),
        (open, OPEN_METRICS, include_str!("testdata/collector-open.txt")),
        (utf8, "", include_str!("testdata/collector-utf8.txt")),
        ("translation_strategy: UnderscoreEscapingWithoutSuffixes", "", include_str!("testdata/collector-nosuf.txt")),
        (
            "translation_strategy: NoUTF8EscapingWithSuffixes, namespace: ns",
            UTF8,
            include_str!("testdata/collector-utf8suf.txt"),
        ),
    ];
    for (keys, accept, collectors) in cases {
        let mut served = exporter(keys);

        served.receives(everything());

        let page = served.page(accept);
        let (ours, theirs) = (without_clashes(&page), sorted(collectors));
        let only_ours: Vec<_> = ours.iter().filter(|line| !theirs.contains(line)).collect();
        let only_theirs: Vec<_> = theirs.iter().filter(|line| !ours.contains(line)).collect();
        assert!(
            only_ours.is_empty() && only_theirs.is_empty(),
            "{keys}\nours: {only_ours:#?}\ntheirs: {only_theirs:#?}"
        );
    }
}

#[test]
fn labels_that_clash_are_joined_and_identity_wins() {
    let mut served = exporter("without_scope_info: true");

    served.receives(everything());

    let page = served.page("");
    assert!(page.contains("job_clash{instance=\"cart-1\",job=\"shop/cart\"} 1\n"), "{page}");
    assert!(page.contains(",a_b=\"1;2\",bool=\"true\",empty=\"\",float=\"1.5\",float2=\"1e+21\","), "{page}");
    assert!(page.contains("quote=\"a\\\"b\\\\c\\nd\",x_y=\"u\"} 1\n"), "{page}");
}

#[test]
fn deltas_add_up_as_in_the_collector() {
    let mut served = exporter("");
    let collectors = [
        include_str!("testdata/collector-delta1.txt"),
        include_str!("testdata/collector-delta2.txt"),
        include_str!("testdata/collector-delta3.txt"),
    ];
    for (batch, collectors) in deltas().into_iter().zip(collectors) {
        served.receives(batch);

        let page = served.page("");
        let samples: Vec<&str> = sorted(&page).into_iter().filter(|line| line.starts_with("d_")).collect();
        assert_eq!(samples, sorted(collectors));
    }
}

#[test]
fn what_cannot_be_served_is_counted_by_reason() {
    let mut served = exporter("");

    served.receives(everything());

    // An updown delta and a sum that does not say what it is; a scale of -5; an older point.
    assert_eq!(served.refused("unsupported_temporality"), 2.0);
    assert_eq!(served.refused("unsupported_scale"), 1.0);
    assert_eq!(served.refused("out_of_order"), 1.0);
    let failed = served.process.own_metric("otelcol_exporter_send_failed_metric_points{exporter=\"prometheus\"}");
    assert_eq!(failed, 4.0);
}

#[test]
fn a_series_ends_when_nobody_updates_it() {
    let mut served = exporter("metric_expiration: 1m, without_scope_info: true");
    served.receives(gauge("old", &[], 1, 1.0)).after(Duration::from_secs(40)).receives(gauge("new", &[], 1, 1.0));

    served.after(Duration::from_secs(40));

    assert_eq!(served.page(""), "# HELP new \n# TYPE new gauge\nnew 1\n");
}

#[test]
fn a_point_without_value_ends_its_series_at_once() {
    let mut served = exporter("without_scope_info: true");
    served.receives(gauge("gone", &[], 1, 1.0)).receives(gauge("stays", &[], 1, 1.0));

    served.receives(from_json(
        br#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"gone","gauge":{"dataPoints":[{"flags":1}]}}]}]}]}"#,
    ));

    assert_eq!(served.page(""), "# HELP stays \n# TYPE stays gauge\nstays 1\n");
}

#[test]
fn the_table_does_not_grow_beyond_its_bounds() {
    let mut served = exporter("max_series: 2, without_scope_info: true");
    for name in ["a", "b", "c", "a"] {
        served.receives(gauge(name, &[], 1, 1.0));
    }
    assert_eq!((served.exporter.shared.store().series(), served.refused("series_limit")), (2, 1.0));

    let mut small = exporter("max_series_bytes: 2KiB, without_scope_info: true");
    small.receives(gauge("long", &[("l", &"x".repeat(4096))], 1, 1.0));
    assert_eq!((small.page("").as_str(), small.refused("series_limit")), ("", 1.0));
}

#[test]
fn bytes_of_ended_series_return() {
    let mut served = exporter("max_series_bytes: 2KiB, metric_expiration: 1s");
    for round in 0..100 {
        served.receives(gauge(&format!("m{round}"), &[("l", "x")], 1, 1.0)).after(Duration::from_secs(2));
    }

    assert_eq!(served.refused("series_limit"), 0.0);
}

#[test]
fn one_name_has_one_type() {
    let mut served = exporter("without_scope_info: true");
    served.receives(gauge("requests_total", &[], 1, 1.0));

    served.receives(from_json(
        br#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"requests","sum":{"isMonotonic":true,"aggregationTemporality":2,"dataPoints":[{"asInt":"5"}]}}]}]}]}"#,
    ));

    assert_eq!(served.page(""), "# HELP requests_total \n# TYPE requests_total gauge\nrequests_total 1\n");
    assert_eq!(served.refused("type_conflict"), 1.0);
}

#[test]
fn target_info_is_replaced_when_the_resource_changes() {
    let resource = |host: &str| {
        let attribute = |key: &str, value: &str| format!(r#"{{"key":"{key}","value":{{"stringValue":"{value}"}}}}"#);
        let attributes =
            [attribute("service.name", "s"), attribute("service.instance.id", "i"), attribute("host.name", host)];
        let json = format!(r#"{{"resourceMetrics":[{{"resource":{{"attributes":[{}]}}}}]}}"#, attributes.join(","));
        from_json(json.as_bytes())
    };
    let mut served = exporter("");

    served.receives(resource("one")).receives(resource("two"));

    let samples: Vec<String> = served.page("").lines().skip(2).map(str::to_owned).collect();
    assert_eq!(samples, ["target_info{host_name=\"two\",instance=\"i\",job=\"s\"} 1"]);
}

#[tokio::test]
async fn what_is_taken_is_acknowledged() {
    let mut served = exporter("");
    let (ack, answer) = promise();

    served.exporter.accept(everything(), ack);

    assert_eq!(answer.await, Ok(()));
}

#[tokio::test]
async fn scrapers_find_the_page_behind_one_door_whatever_the_shard() {
    LocalSet::new()
        .run_until(async {
            let mut first = exporter("enable_open_metrics: true, response_headers: {x-mine: 'yes'}");
            let mut second = build("enable_open_metrics: true", &first.process).unwrap();
            first.exporter.start().await.unwrap();
            second.start().await.unwrap();
            second.accept(everything(), Ack::unwatched());
            let address = first.exporter.door.as_ref().and_then(Door::address).unwrap();

            let plain = scrape(address, "GET /metrics", "").await;
            assert!(plain.starts_with("HTTP/1.1 200 OK\r\n"), "{plain}");
            assert!(
                plain.contains("content-type: text/plain; version=0.0.4; charset=utf-8; escaping=underscores\r\n"),
                "{plain}"
            );
            assert!(plain.contains("x-mine: yes\r\n") && plain.contains("\nmemory_used_bytes{"), "{plain}");

            let open = scrape(address, "GET /metrics", &format!("Accept: {OPEN_METRICS}\r\n")).await;
            assert!(open.contains("content-type: application/openmetrics-text; version=1.0.0;"), "{open}");
            assert!(open.ends_with("# EOF\n"), "{open}");

            let packed = scrape(address, "GET /metrics", "Accept-Encoding: gzip\r\n").await;
            assert!(packed.contains("content-encoding: gzip\r\n") && packed.len() < plain.len() / 2);

            assert!(scrape(address, "GET /", "").await.starts_with("HTTP/1.1 404 "));
            assert!(scrape(address, "POST /metrics", "").await.starts_with("HTTP/1.1 405 "));

            first.exporter.stop().await;
            second.stop().await;
            assert!(TcpStream::connect(address).await.is_err());
        })
        .await;
}

#[tokio::test]
async fn a_port_in_use_is_told_with_its_remedy() {
    LocalSet::new()
        .run_until(async {
            let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let endpoint = taken.local_addr().unwrap().to_string();
            let config: PrometheusConfig = read(&format!("{{endpoint: '{endpoint}'}}")).unwrap();
            let process = Process::of("prometheus", 1 << 20);
            let mut exporter = PrometheusExporter::build(&config, &process.context).unwrap();

            let error = exporter.start().await.unwrap_err().to_string();

            assert!(error.starts_with(&format!("address already in use: {endpoint}")), "{error}");
            drop(taken);
            // The failed attempt does not keep the door shut.
            exporter.start().await.unwrap();
        })
        .await;
}

async fn scrape(address: std::net::SocketAddr, what: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("{what} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn wrong_configurations_get_the_collectors_sentences() {
    let refused = |keys: &str| read::<PrometheusConfig>(&format!("{{endpoint: 'x:1', {keys}}}")).unwrap_err();
    assert!(refused("translation_strategy: Nope").contains("invalid translation_strategy: Nope"));
    assert!(refused("resource_constant_labels: {enabled: true}").contains(
        "enabled and exclude_service_attributes are not supported under resource_constant_labels; use included and excluded instead"
    ));
    let both = "resource_to_telemetry_conversion: {enabled: true}, resource_constant_labels: {included: [a]}";
    assert!(
        refused(both).contains("cannot configure both resource_to_telemetry_conversion and resource_constant_labels")
    );

    let process = Process::of("prometheus", 1 << 20);
    let blank: PrometheusConfig = read("{}").unwrap();
    let error = PrometheusExporter::build(&blank, &process.context).err().unwrap();
    assert_eq!(error.to_string(), "expecting a non-blank address to run the Prometheus metrics handler");
    assert!(build("const_labels: {'a.b': x}", &process).is_err());
}

#[test]
fn the_readme_has_every_key() {
    assert_readme_table::<PrometheusConfig>(concat!(env!("CARGO_MANIFEST_DIR"), "/src/prometheus/README.md"));
}
