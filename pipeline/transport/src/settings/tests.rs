use component::SystemClock;
use config::{Problems, Request, Secret, Toggle, assert_readme_table, decode_component};

use super::*;
use crate::testing::story;

/// All blocks, under the names that the README gives them.
#[derive(Debug, Clone, PartialEq, config::Config)]
#[config(no_rules)]
struct Blocks {
    #[config(flatten)]
    timeout: TimeoutSettings,
    /// When a batch is attempted again. On by default.
    #[config(default = Toggle::on(RetrySettings::default()))]
    retry_on_failure: Toggle<RetrySettings>,
    /// What waits between the pipeline and the destination. On by default.
    #[config(default = Toggle::on(QueueSettings::default()))]
    sending_queue: Toggle<QueueSettings>,
    /// A gRPC client.
    grpc_client: GrpcClientSettings,
    /// A gRPC server.
    grpc_server: GrpcServerSettings,
    /// An HTTP client.
    http_client: HttpClientSettings,
    /// An HTTP server.
    http_server: HttpServerSettings,
}

fn read(yaml: &str) -> Result<Blocks, Vec<String>> {
    let uris = [format!("yaml:exporters: {{x: {yaml}}}")];
    let request = Request { uris: &uris, sets: &[], gates: &[], environment: &|_| None };
    let loaded = config::load(&request).unwrap_or_else(|problems| panic!("{}", problems.render()));
    let exporter = &loaded.exporters[0];
    let mut problems = Problems::new();
    let decoded = decode_component(&exporter.node, "exporters::x", exporter.mark, &mut problems);
    decoded.ok_or_else(|| problems.sorted().into_iter().map(|problem| problem.message.clone()).collect())
}

fn refused(yaml: &str) -> String {
    match read(yaml) {
        Ok(_) => panic!("{yaml} was accepted"),
        Err(problems) => problems.join("\n"),
    }
}

#[test]
fn the_readme_has_every_key() {
    assert_readme_table::<Blocks>(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md"));
}

#[test]
fn defaults_are_those_of_the_collector() {
    let blocks = read("{}").unwrap();

    assert_eq!(blocks, Blocks::default());
    let retry = blocks.retry_on_failure.get().unwrap();
    assert_eq!(retry.max_elapsed_time, GoDuration::seconds(300));
    let queue = blocks.sending_queue.get().unwrap();
    assert_eq!((queue.queue_size, queue.num_consumers, queue.batch.is_on()), (1000, 10, false));
    assert_eq!(blocks.grpc_server.options().max_message_bytes, 4 << 20);
    assert_eq!(blocks.http_server.options().max_body_bytes, 20 << 20);
}

#[test]
fn everything_at_once_is_read() {
    let blocks = read(
        "{timeout: 3s, retry_on_failure: {enabled: true, initial_interval: 1s, max_interval: 10s, max_elapsed_time: 0s, \
         multiplier: 2, randomization_factor: 0.1}, sending_queue: {enabled: true, num_consumers: 3, queue_size: 77, \
         sizer: items, block_on_overflow: true, wait_for_result: false, batch: {flush_timeout: 1s, min_size: 5, \
         max_size: 50}}, grpc_client: {endpoint: 'http://localhost:4317', compression: '', headers: {x-a: b}}, \
         http_client: {compression: x-snappy-framed, headers: [{name: x-a, value: b}]}}",
    )
    .unwrap();

    let queue = blocks.sending_queue.get().unwrap();
    assert_eq!((queue.sizer, queue.batch.get().unwrap().max_size), (Some(Sizer::Items), 50));
    assert_eq!(blocks.grpc_client.compression, CompressionType::None);
    assert_eq!(blocks.http_client.compression, CompressionType::XSnappyFramed);
    assert_eq!(blocks.http_client.headers.get("x-a").map(Secret::expose), Some("b"));
}

#[test]
fn mistakes_are_named_in_the_words_of_the_collector() {
    for (yaml, sentence) in [
        ("{grpc_client: {endpoint: localhost}}", "address localhost: missing port in address"),
        ("{grpc_client: {endpoint: 'localhost:x'}}", "invalid port \"x\""),
        ("{grpc_client: {compression: brotli}}", "'compression' unsupported compression type \"brotli\""),
        ("{grpc_client: {compression: lz4}}", "unsupported compression type \"lz4\""),
        ("{grpc_client: {balancer_name: best}}", "invalid balancer_name: best"),
        ("{grpc_client: {headers: {'a b': c}}}", "invalid header name \"a b\""),
        ("{grpc_client: {tls: {ca_file: /x}}}", "'ca_file' is not supported yet"),
        ("{grpc_client: {auth: {authenticator: x}}}", "'auth' is not supported yet"),
        ("{grpc_server: {max_recv_msg_size_mib: -1}}", "'max_recv_msg_size_mib' must be non-negative"),
        ("{http_client: {proxy_url: 'http://p'}}", "'proxy_url' is not supported yet"),
        (
            "{http_client: {compression: snappy, compression_params: {level: 3}}}",
            "unsupported parameters {Level:3} for compression type \"snappy\"",
        ),
        ("{http_server: {compression_algorithms: [br]}}", "unsupported compression type \"br\""),
        ("{timeout: -1s}", "timeout value must be greater than or equal to 0"),
        ("{sending_queue: {queue_size: 0}}", "sending_queue: `queue_size` must be positive"),
        ("{sending_queue: {num_consumers: 0}}", "sending_queue: `num_consumers` must be positive"),
        ("{sending_queue: {sizer: spans}}", "'sizer' invalid sizer: \"spans\""),
        ("{sending_queue: {batchx: {}}}", "has invalid keys: batchx"),
        ("{sending_queue: {storage: file}}", "'storage' is not supported yet"),
        (
            "{sending_queue: {batch: {min_size: 10, max_size: 5}}}",
            "sending_queue: batch: `max_size` (5) must be greater or equal to `min_size` (10)",
        ),
        ("{sending_queue: {batch: {flush_timeout: 0s}}}", "batch: `flush_timeout` must be positive, found 0"),
        (
            "{sending_queue: {batch: {sizer: requests}}}",
            "batch: `batch` supports only `items` or `bytes` sizer, found \"requests\"",
        ),
        (
            "{sending_queue: {sizer: items, queue_size: 10, batch: {min_size: 11}}}",
            "sending_queue: `min_size` must be less than or equal to `queue_size`",
        ),
        (
            "{retry_on_failure: {initial_interval: -1s}}",
            "retry_on_failure: initial_interval value must be greater than or equal to 0",
        ),
        (
            "{retry_on_failure: {initial_interval: 10s, max_interval: 1s, max_elapsed_time: 5s}}",
            "retry_on_failure: 'max_elapsed_time' must not be less than 'initial_interval'",
        ),
        (
            "{retry_on_failure: {randomization_factor: 1.5}}",
            "randomization_factor value must be less than or equal to 1",
        ),
        (
            "{retry_on_failure: {randomization_factor: -0.1}}",
            "randomization_factor value must be greater than or equal to 0",
        ),
        (
            "{sending_queue: {sizer: requests, queue_size: 10000, batch: {}}}",
            "batch: `batch` supports only `items` or `bytes` sizer, found \"requests\"",
        ),
    ] {
        let problems = refused(yaml);
        assert!(problems.contains(sentence), "{yaml}: {problems}");
    }
}

#[test]
fn rules_of_what_is_off_do_not_count() {
    assert!(read("{sending_queue: {enabled: false, queue_size: 0}}").is_ok());
}

#[test]
fn a_client_that_would_need_tls_says_so_when_it_starts() {
    let start =
        |yaml: &str| read(yaml).unwrap().grpc_client.client(None).map(|_| ()).map_err(|error| error.to_string());

    let default = start("{grpc_client: {endpoint: 'a:1'}}").unwrap_err();
    let https = start("{grpc_client: {endpoint: 'https://a:1', tls: {insecure: true}}}").unwrap_err();

    assert_eq!(default, "TLS is not supported yet: to send to \"a:1\" in clear text, set 'tls: {insecure: true}'");
    assert!(https.contains("remove 'https://'"), "{https}");
    assert_eq!(start("{grpc_client: {endpoint: 'a:1', tls: {insecure: true}}}"), Ok(()));
    assert_eq!(start("{grpc_client: {endpoint: 'http://a:1'}}"), Ok(()));
}

#[test]
fn settings_reach_the_wire() {
    story(async {
        let (listener, address) = crate::testing::door().await;
        let seen = std::rc::Rc::new(std::cell::RefCell::new(http::HeaderMap::new()));
        let taken = std::rc::Rc::clone(&seen);
        let server = read("{http_server: {response_headers: {x-b: c}}}").unwrap().http_server.options();
        let _serving = crate::serve_http(listener, server, move |request, _| {
            taken.replace(request.headers().clone());
            async { http::Response::new(crate::Payload::default()) }
        });
        let blocks = read("{http_client: {compression: zstd, headers: {x-a: b}}}").unwrap();
        let client = blocks.http_client.client(std::sync::Arc::new(SystemClock::default()));
        let target = crate::Target::parse(&format!("http://{address}/")).unwrap();

        let answer =
            client.post(&target, http::HeaderValue::from_static("text/plain"), vec!["x".into()]).await.unwrap();

        let seen = seen.borrow();
        assert_eq!((&seen["x-a"], &seen["content-encoding"]), (&"b".parse().unwrap(), &"zstd".parse().unwrap()));
        assert!(seen["user-agent"].to_str().unwrap().starts_with("tidewatch/"));
        assert_eq!(answer.headers["x-b"], "c");
    });
}
