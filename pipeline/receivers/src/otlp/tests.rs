use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use ::config::{Problems, Request, assert_readme_table, decode_component};
use ::http::{HeaderMap, HeaderValue};
use component::{Ack, Consume, Refusal, SystemClock};
use pdata::{SpanFields, TracesWriter};
use transport::{DeliveryError, GrpcClient, GrpcClientOptions, HttpClient, HttpClientOptions, HttpResponse, Target};

use super::*;

/// A pipeline that answers everything in the same way.
struct Pipeline {
    taken: RefCell<Vec<Batch>>,
    answer: Result<(), Refusal>,
}

impl Consume for Pipeline {
    fn consume(&self, batch: Batch, ack: Ack) {
        self.taken.borrow_mut().push(batch);
        ack.resolve(self.answer.clone());
    }
}

/// A running receiver on ports of its own, in front of a pipeline of traces.
struct Scene {
    receiver: OtlpReceiver,
    pipeline: Rc<Pipeline>,
}

impl Scene {
    async fn with(answer: Result<(), Refusal>) -> Self {
        let yaml = "{protocols: {grpc: {endpoint: '127.0.0.1:0'}, http: {endpoint: '127.0.0.1:0'}}}";
        let config = read(yaml).unwrap_or_else(|sentences| panic!("{sentences:?}"));
        let context = BuildContext::new(Arc::new(SystemClock::default()), Budget::new(1 << 20), 1);
        let pipeline = Rc::new(Pipeline { taken: RefCell::default(), answer });
        let next = BTreeMap::from([(Signal::Traces, Rc::clone(&pipeline) as Rc<dyn Consume>)]);
        let outlets = Outlets::new(next, "otlp".into(), Arc::clone(&context.registry));
        let mut receiver = OtlpReceiver::build(&config, outlets, &context).unwrap();
        receiver.start().await.unwrap();
        Self { receiver, pipeline }
    }

    fn address(&self, server: usize) -> String {
        self.receiver.servers[server].address().unwrap().to_string()
    }

    async fn grpc(&self, signal: Signal, message: &[u8]) -> Result<(), DeliveryError> {
        let options = GrpcClientOptions {
            endpoint: self.address(0),
            authority: None,
            headers: HeaderMap::new(),
            user_agent: HeaderValue::from_static("test"),
            compression: None,
            timeout: None,
            pings: None,
            wait_for_ready: false,
        };
        let client = GrpcClient::new(options).unwrap();
        client.export(signal, vec![message.to_vec().into()]).await.map(|_partial| ())
    }

    async fn http(&self, path: &str, content_type: &'static str, body: &[u8]) -> HttpResponse {
        let options = HttpClientOptions {
            headers: HeaderMap::new(),
            user_agent: HeaderValue::from_static("test"),
            compression: None,
            timeout: Some(Duration::from_secs(30)),
            max_idle: 0,
            max_connections: 0,
            idle_time: Duration::ZERO,
            keep_alive: false,
        };
        let client = HttpClient::new(options, Arc::new(SystemClock::default()));
        let target = Target::parse(&format!("http://{}{path}", self.address(1))).unwrap();
        client.post(&target, HeaderValue::from_static(content_type), vec![body.to_vec().into()]).await.unwrap()
    }

    fn names(&self) -> Vec<String> {
        let taken = self.pipeline.taken.borrow();
        let spans = taken.iter().flat_map(|batch| batch.resources()).flat_map(|resource| resource.scopes());
        spans.flat_map(|scope| scope.spans()).map(|span| span.name().to_owned()).collect()
    }
}

fn read(yaml: &str) -> Result<OtlpConfig, Vec<String>> {
    let uris = [format!("yaml:receivers: {{otlp: {yaml}}}")];
    let request = Request { uris: &uris, sets: &[], gates: &[], environment: &|_| None };
    let loaded = ::config::load(&request).unwrap_or_else(|problems| panic!("{}", problems.render()));
    let mut problems = Problems::new();
    let declared = &loaded.receivers[0];
    decode_component(&declared.node, "receivers::otlp", declared.mark, &mut problems)
        .ok_or_else(|| problems.sorted().iter().map(|problem| problem.message.clone()).collect())
}

fn request(name: &str) -> Vec<u8> {
    let mut writer = TracesWriter::new();
    writer.resource(|_| {});
    writer.scope("", "");
    writer.span(&SpanFields { name, ..SpanFields::default() }, |_| {});
    writer.finish().to_bytes().to_vec()
}

fn tell(story: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, story);
}

#[test]
fn spans_come_in_over_both_protocols_and_in_both_encodings() {
    tell(async {
        let scene = Scene::with(Ok(())).await;

        scene.grpc(Signal::Traces, &request("by gRPC")).await.unwrap();
        let protobuf = scene.http("/v1/traces", "application/x-protobuf", &request("by HTTP")).await;
        let json = br#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"by JSON"}]}]}]}"#;
        let json = scene.http("/v1/traces", "application/json", json).await;

        assert_eq!((protobuf.status.as_u16(), json.status.as_u16()), (200, 200));
        assert_eq!(scene.names(), ["by gRPC", "by HTTP", "by JSON"]);
    });
}

#[test]
fn bytes_that_are_not_otlp_are_refused_for_good_and_nothing_of_them_is_taken() {
    tell(async {
        let scene = Scene::with(Ok(())).await;
        let cut = &request("cut")[..9];

        let grpc = scene.grpc(Signal::Traces, cut).await;
        let http = scene.http("/v1/traces", "application/x-protobuf", cut).await;
        let json = scene.http("/v1/traces", "application/json", b"{\"resourceSpans\":[{").await;

        assert!(matches!(grpc, Err(DeliveryError::Permanent(_))), "{grpc:?}");
        assert_eq!((http.status.as_u16(), json.status.as_u16()), (400, 400));
        assert!(scene.names().is_empty());
    });
}

#[test]
fn what_the_pipeline_answers_reaches_the_client_in_its_own_words() {
    tell(async {
        let scene = Scene::with(Err(Refusal::overload("sending queue is full"))).await;
        assert!(matches!(scene.grpc(Signal::Traces, &request("a")).await, Err(DeliveryError::Throttled { .. })));
        let answer = scene.http("/v1/traces", "application/x-protobuf", &request("a")).await;
        assert_eq!((answer.status.as_u16(), answer.retry_after), (429, Some(Duration::from_secs(1))));

        let scene = Scene::with(Err(Refusal::Retryable("back end is away".into()))).await;
        assert!(matches!(scene.grpc(Signal::Traces, &request("a")).await, Err(DeliveryError::Retryable(_))));
        assert_eq!(scene.http("/v1/traces", "application/x-protobuf", &request("a")).await.status.as_u16(), 503);

        let scene = Scene::with(Err(Refusal::Permanent("no".into()))).await;
        assert!(matches!(scene.grpc(Signal::Traces, &request("a")).await, Err(DeliveryError::Permanent(_))));
        assert_eq!(scene.http("/v1/traces", "application/x-protobuf", &request("a")).await.status.as_u16(), 500);
    });
}

#[test]
fn a_signal_that_no_pipeline_wants_is_unimplemented() {
    tell(async {
        let scene = Scene::with(Ok(())).await;

        assert!(matches!(scene.grpc(Signal::Logs, &[]).await, Err(DeliveryError::Permanent(_))));
        assert_eq!(scene.http("/v1/logs", "application/x-protobuf", &[]).await.status.as_u16(), 404);
    });
}

#[test]
fn an_empty_request_is_a_success() {
    tell(async {
        let scene = Scene::with(Ok(())).await;

        scene.grpc(Signal::Traces, &[]).await.unwrap();

        assert!(scene.pipeline.taken.borrow().is_empty());
    });
}

#[test]
fn what_was_taken_and_refused_is_counted_by_transport() {
    tell(async {
        let scene = Scene::with(Err(Refusal::Permanent("no".into()))).await;
        let _ = scene.grpc(Signal::Traces, &request("a")).await;

        let text = scene.receiver.context.registry.prometheus_text();

        assert!(text.contains("otelcol_receiver_refused_spans{receiver=\"otlp\",transport=\"grpc\"} 1"), "{text}");
        assert!(text.contains("otelcol_receiver_accepted_spans{receiver=\"otlp\",transport=\"grpc\"} 0"), "{text}");
    });
}

#[test]
fn a_protocol_is_on_when_it_is_written_and_one_must_be() {
    let config = read("{protocols: {http: }}").unwrap();
    assert!(config.protocols.grpc.get().is_none());
    assert_eq!(config.protocols.http.get().unwrap().server.endpoint, "localhost:4318");

    let sentence = "receivers::otlp: must specify at least one protocol when using the OTLP receiver";
    assert_eq!(read("").unwrap_err(), [sentence]);
}

#[test]
fn the_readme_has_every_key() {
    assert_readme_table::<OtlpConfig>(concat!(env!("CARGO_MANIFEST_DIR"), "/src/otlp/README.md"));
}
