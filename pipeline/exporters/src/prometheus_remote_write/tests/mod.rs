//! Stories about the pushing exporter. What the Collector v0.161 sent for the same input is in `testdata`.

mod backend;
mod message;

use ::config::assert_readme_table;
use component::{Answer, promise};
use tokio::task::LocalSet;

use self::backend::{Backend, Prometheus};
use super::config::RemoteWriteConfig;
use super::*;
use crate::prometheus_names::kit::{Process, deltas, everything, from_json, gauge, read};

struct Writer {
    process: Process,
    exporter: RemoteWriteExporter,
}

/// An exporter that writes to `url`, with these keys beside its endpoint.
async fn writer(url: &str, keys: &str) -> Writer {
    let process = Process::of("prometheus_remote_write", 1 << 20);
    let config: RemoteWriteConfig = read(&format!("{{http: {{endpoint: '{url}'}}, {keys}}}")).unwrap();
    let mut exporter = RemoteWriteExporter::build(&config, &process.context).unwrap();
    exporter.start().await.unwrap();
    Writer { process, exporter }
}

impl Writer {
    fn receives(&mut self, batch: Batch) -> Answer {
        let (ack, answer) = promise();
        self.exporter.accept(batch, ack);
        answer
    }

    fn own_metric(&self, name: &str) -> f64 {
        self.process.own_metric(&format!("otelcol_exporter_{name}{{exporter=\"prometheus_remote_write\"}}"))
    }

    fn dropped(&self, reason: &str) -> f64 {
        let line = format!(
            "otelcol_exporter_prometheusremotewrite_dropped_metric_points{{exporter=\"prometheus_remote_write\",reason=\"{reason}\"}}"
        );
        self.process.own_metric(&line)
    }
}

/// The series of a golden text: the lines of each belong together.
fn series_of(golden: &str) -> Vec<String> {
    let mut series: Vec<String> = Vec::new();
    for line in golden.lines() {
        match series.last_mut() {
            Some(last) if line.starts_with(' ') => *last += &format!("\n{line}"),
            _ => series.push(line.to_owned()),
        }
    }
    series
}

#[tokio::test]
async fn series_are_those_of_the_collector() {
    let rich = "external_labels: {zone: z1, route: ext, 'a.b': x}, namespace: my-ns, disable_scope_info: true, \
                resource_constant_labels: {included: ['host.*']}, translation_strategy: UnderscoreEscapingWithoutSuffixes";
    // Metadata of metrics that are not sent, and a series without samples.
    let only_collectors = [
        "metadata 1 delta_requests_total",
        "metadata 1 unspecified_total",
        "metadata 2 delta_updown",
        "metadata 3 delta_hist_milliseconds",
        "{__name__=\"coarse_hist_seconds\"",
        "{__name__=\"my_ns_coarse_hist\"",
    ];
    let cases = [
        ("send_metadata: true", include_str!("../testdata/collector-plain.txt")),
        (rich, include_str!("../testdata/collector-rich.txt")),
    ];
    for (keys, collectors) in cases {
        LocalSet::new()
            .run_until(async {
                let backend = Backend::answering(&[]).await;
                let mut writer = writer(&backend.url, keys).await;

                writer.receives(everything()).await.unwrap();
                writer.exporter.stop().await;

                let ours = backend.texts();
                // The Collector escapes the namespace for some metrics only.
                let theirs = series_of(&collectors.replace("my-ns_", "my_ns_"));
                let expected = |text: &&String| !only_collectors.iter().any(|only| text.starts_with(only));
                let missing: Vec<_> = theirs.iter().filter(expected).filter(|text| !ours.contains(text)).collect();
                let more: Vec<_> = ours.iter().filter(|text| !theirs.contains(text)).collect();
                assert!(missing.is_empty() && more.is_empty(), "missing: {missing:#?}\nmore: {more:#?}");
            })
            .await;
    }
}

#[tokio::test]
async fn requests_say_what_they_are() {
    LocalSet::new()
        .run_until(async {
            let backend = Backend::answering(&[]).await;
            let mut writer = writer(&backend.url, "").await;

            writer.receives(gauge("up", &[], 1_000_000, 1.0)).await.unwrap();
            backend.got(1).await;

            let headers = backend.requests.borrow()[0].0.clone();
            assert!(headers.starts_with("post /api/v1/write http/1.1\r\n"), "{headers}");
            for header in [
                "content-encoding: snappy",
                "content-type: application/x-protobuf",
                "x-prometheus-remote-write-version: 0.1.0",
                "user-agent: tidewatch/",
            ] {
                assert!(headers.contains(&format!("\r\n{header}")), "{headers}");
            }
        })
        .await;
}

#[tokio::test]
async fn throttled_and_failed_requests_are_sent_again_and_order_is_kept() {
    LocalSet::new()
        .run_until(async {
            let answers =
                ["429 Too Many Requests\r\ncontent-length: 0\r\n\r\n", "503 Away\r\ncontent-length: 0\r\n\r\n", ""];
            let backend = Backend::answering(&answers).await;
            let mut writer = writer(&backend.url, "retry_on_failure: {initial_interval: 1ms}").await;

            for time in 1..=5_u64 {
                writer.receives(gauge("up", &[], time * 1_000_000, 1.0)).await.unwrap();
            }
            // Three failures, then the first batch again; the others, in one request or more, while the exporter stops.
            backend.got(4).await;
            writer.exporter.stop().await;

            let requests = backend.requests.borrow();
            let times: Vec<Vec<i64>> = requests
                .iter()
                .map(|(_, request)| {
                    request
                        .timeseries
                        .iter()
                        .flat_map(|series| &series.samples)
                        .map(|sample| sample.timestamp)
                        .collect()
                })
                .collect();
            assert!(times[0..4].iter().all(|sent| *sent == times[0]), "{times:?}");
            let arrived: Vec<i64> = times[3..].iter().flatten().copied().collect();
            assert_eq!(arrived, [1, 2, 3, 4, 5]);
        })
        .await;
}

#[tokio::test]
async fn what_the_server_will_never_take_is_not_sent_again() {
    LocalSet::new()
        .run_until(async {
            let backend =
                Backend::answering(&["400 Bad Request\r\ncontent-length: 20\r\n\r\nout of order sample\n"]).await;
            let mut writer = writer(&backend.url, "remote_write_queue: {enabled: false}").await;

            let answer = writer.receives(gauge("up", &[], 1, 1.0)).await;

            let reason = "remote write request failed: the server answered 400 Bad Request: out of order sample";
            assert_eq!(answer, Err(Refusal::Permanent(reason.into())));
            assert_eq!(backend.requests.borrow().len(), 1);
            assert_eq!(writer.own_metric("send_failed_metric_points"), 1.0);
        })
        .await;
}

#[tokio::test]
async fn without_a_queue_delivery_is_the_answer() {
    LocalSet::new()
        .run_until(async {
            let backend = Backend::answering(&["500 Oops\r\ncontent-length: 0\r\n\r\n"]).await;
            let keys = "remote_write_queue: {enabled: false}, retry_on_failure: {initial_interval: 1ms}";
            let mut writer = writer(&backend.url, keys).await;

            assert_eq!(writer.receives(everything()).await, Ok(()));

            assert!(backend.requests.borrow().len() >= 2);
        })
        .await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_given_up_when_the_exporter_stops() {
    LocalSet::new()
        .run_until(async {
            let mut writer = writer(
                "http://127.0.0.1:1/w",
                "retry_on_failure: {initial_interval: 1h, max_interval: 1h, max_elapsed_time: 0}",
            )
            .await;
            writer.receives(gauge("up", &[], 1, 1.0)).await.unwrap();

            writer.exporter.stop().await;

            assert_eq!(writer.own_metric("send_failed_metric_points"), 1.0);
            assert_eq!(writer.process.context.budget.used(), 0);
        })
        .await;
}

#[tokio::test]
async fn a_full_queue_refuses_to_the_sender() {
    LocalSet::new()
        .run_until(async {
            let mut writer = writer("http://127.0.0.1:1/w", "remote_write_queue: {queue_size: 1}").await;

            assert_eq!(writer.receives(gauge("up", &[], 1, 1.0)).await, Ok(()));
            assert_eq!(
                writer.receives(gauge("up", &[], 2, 1.0)).await,
                Err(Refusal::overload("sending queue is full"))
            );
            assert_eq!(writer.own_metric("enqueue_failed_metric_points"), 1.0);
            let queued = "otelcol_exporter_queue_size{exporter=\"prometheus_remote_write\",data_type=\"metrics\"}";
            assert_eq!(writer.process.own_metric(queued), 1.0);
            writer.exporter.stop().await;
            assert_eq!(writer.process.own_metric(queued), 0.0);
        })
        .await;
}

#[tokio::test]
async fn queued_bytes_count_against_the_budget_of_the_process() {
    LocalSet::new()
        .run_until(async {
            let mut writer = writer("http://127.0.0.1:1/w", "").await;
            let other = writer.process.context.budget.take((1 << 20) - 10).unwrap();

            assert_eq!(writer.receives(gauge("up", &[], 1, 1.0)).await, Ok(()), "the first is taken in any case");
            assert!(writer.process.context.budget.used() > 1 << 20);
            assert!(writer.receives(gauge("up", &[], 2, 1.0)).await.is_err());
            drop(other);
            assert_eq!(writer.receives(gauge("up", &[], 3, 1.0)).await, Ok(()));
        })
        .await;
}

#[tokio::test]
async fn deltas_are_refused_and_counted() {
    LocalSet::new()
        .run_until(async {
            let backend = Backend::answering(&[]).await;
            let mut writer = writer(&backend.url, "").await;
            let [first, ..] = deltas();

            writer.receives(first).await.unwrap();
            writer.exporter.stop().await;

            assert_eq!(writer.dropped("unsupported_temporality"), 3.0);
            assert!(backend.requests.borrow().is_empty());
        })
        .await;
}

#[tokio::test]
async fn large_batches_are_cut_into_requests() {
    LocalSet::new()
        .run_until(async {
            let backend = Backend::answering(&[]).await;
            let keys = "max_batch_size_bytes: 1000, max_batch_request_parallelism: 1, target_info: {enabled: false}";
            let mut writer = writer(&backend.url, keys).await;

            writer.receives(everything()).await.unwrap();
            writer.exporter.stop().await;

            assert!(backend.requests.borrow().len() > 5);
            assert!(!backend.texts().iter().any(|text| text.contains("target_info")));
        })
        .await;
}

#[tokio::test]
async fn a_real_prometheus_answers_with_what_was_written() {
    LocalSet::new()
        .run_until(async {
            let Some(prometheus) = Prometheus::start().await else {
                assert!(std::env::var("CI").is_err(), "prometheus is not installed; `make setup` installs it");
                eprintln!("SKIPPED: prometheus is not installed; `make setup` installs it");
                return;
            };
            let mut writer = writer(&prometheus.url(), "remote_write_queue: {enabled: false}").await;
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
            let json = include_str!("../../prometheus_names/testdata/everything.json");
            let json = json.replace("1700000060", &now.to_string()).replace("1700000059", &(now - 1).to_string());

            assert_eq!(writer.receives(from_json(json.as_bytes())).await, Ok(()));

            let time = now + 1;
            for (query, value) in [
                ("http_requests_total{http_request_method=\"GET\",job=\"shop/cart\"}", "10"),
                ("http_server_request_duration_seconds_bucket{le=\"0.25\"}", "3"),
                ("histogram_count(rpc_duration_seconds)", "12"),
                ("histogram_sum(rpc_duration_seconds)", "20.5"),
                ("histogram_count(fine_hist_seconds)", "10"),
                ("gc_pause_seconds{quantile=\"0.99\"}", "0.9"),
                ("target_info{host_name=\"n1\"}", "1"),
                ("label_rules{a_b=\"1;2\"}", "1"),
            ] {
                let query = query.replace('{', "%7B").replace('}', "%7D").replace('"', "%22").replace(';', "%3B");
                let answer = prometheus.query(&query, time).await;
                assert!(answer.contains(&format!("\"value\":[{time},\"{value}\"]")), "{query}: {answer}");
            }
            let stale = prometheus.query("stale_gauge", time).await;
            assert!(stale.contains("\"result\":[]"), "{stale}");
            writer.exporter.stop().await;
        })
        .await;
}

#[test]
fn wrong_configurations_get_the_collectors_sentences() {
    for (keys, sentence) in [
        ("compression: gzip", "compression type must be snappy"),
        ("http: {endpoint: 'http://a', compression: zstd}", "compression type must be snappy"),
        ("remote_write_queue: {queue_size: 0}", "a 0 size queue will drop all the data"),
        ("remote_write_queue: {queue_size: -1}", "remote write queue size can't be negative"),
        ("remote_write_queue: {num_consumers: -1}", "remote write consumer number can't be negative"),
        ("max_batch_size_bytes: -1", "max_batch_size_bytes must be greater than 0"),
        ("max_batch_request_parallelism: 0", "max_batch_request_parallelism can't be set to below 1"),
        ("protobuf_message: io.prometheus.write.v2.Request", "remote write v2 is only supported with the feature gate"),
        (
            "translation_strategy: NoTranslation",
            "translation strategy NoTranslation requires Prometheus Remote Write 2.0",
        ),
        ("translation_strategy: Nope", "invalid translation_strategy: Nope"),
        ("wal: {directory: /x}", "'wal' is not supported yet"),
        ("include_metadata_keys: [a]", "'include_metadata_keys' is not supported yet"),
    ] {
        let problems = read::<RemoteWriteConfig>(&format!("{{{keys}}}")).unwrap_err();
        assert!(problems.contains(sentence), "{keys}: {problems}");
    }
}

#[test]
fn the_client_is_configured_flat_or_in_its_block() {
    assert_eq!(read::<RemoteWriteConfig>("{}").unwrap().client().endpoint, "http://some.url:9411/api/prom/push");
    assert_eq!(read::<RemoteWriteConfig>("{endpoint: 'http://flat'}").unwrap().client().endpoint, "http://flat");
    let both: RemoteWriteConfig = read("{endpoint: 'http://flat', http: {endpoint: 'http://block'}}").unwrap();
    assert_eq!(both.client().endpoint, "http://block");
    assert_eq!(both.client().timeout, ::config::GoDuration::seconds(5));

    let process = Process::of("prometheus_remote_write", 1);
    let empty: RemoteWriteConfig = read("{external_labels: {a: ''}}").unwrap();
    let error = RemoteWriteExporter::build(&empty, &process.context).err().unwrap().to_string();
    assert_eq!(error, "prometheus remote write: external labels configuration contains an empty key or value");
}

#[test]
fn the_readme_has_every_key() {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/src/prometheus_remote_write/README.md");
    assert_readme_table::<RemoteWriteConfig>(readme);
}
