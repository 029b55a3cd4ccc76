use std::time::Duration;

use bytes::Bytes;
use component::{Budget, Refusal};
use http::{HeaderMap, HeaderValue, Method, Request};
use hyper_util::rt::TokioIo;
use pdata::Signal;
use tokio::net::TcpStream;

use super::*;
use crate::admission::Admission;
use crate::body::{Payload, beginning};
use crate::compression::{Codec, Compression};
use crate::delivery::DeliveryError;
use crate::intake::{Encoding, Rejection};
use crate::local::LocalExecutor;
use crate::serve::Serving;
use crate::testing::{Recorder, ample, bounded, door, story};

fn options(endpoint: &str) -> GrpcClientOptions {
    GrpcClientOptions {
        endpoint: endpoint.into(),
        authority: None,
        headers: HeaderMap::new(),
        user_agent: HeaderValue::from_static("test"),
        compression: None,
        timeout: None,
        pings: None,
        wait_for_ready: false,
    }
}

async fn pair(intake: Recorder, admission: Admission) -> (Serving, GrpcClient) {
    let (listener, address) = door().await;
    let server = GrpcServer::serve(listener, intake, admission, GrpcServerOptions::default());
    (server, GrpcClient::new(options(&address)).unwrap())
}

/// A call written by hand: what a client of another make, or a hostile one, may send.
async fn raw(serving: &Serving, request: Request<Payload>) -> (u16, HeaderMap) {
    let stream = TcpStream::connect(serving.address().unwrap()).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(LocalExecutor, TokioIo::new(stream)).await.unwrap();
    tokio::task::spawn_local(connection);
    let (head, body) = sender.send_request(request).await.unwrap().into_parts();
    let mut headers = head.headers;
    headers.extend(beginning(body, 1000).await.unwrap().trailers.unwrap_or_default());
    (head.status.as_u16(), headers)
}

fn call(path: &str, body: &'static [u8]) -> Request<Payload> {
    Request::post(format!("http://test{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Payload::from(body))
        .unwrap()
}

const TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

#[test]
fn a_request_arrives_as_it_was_sent() {
    story(async {
        let intake = Recorder::default();
        let (_server, client) = pair(intake.clone(), ample()).await;

        for signal in Signal::ALL {
            let answer = client.export(signal, vec!["one".into(), "two".into()]).await.unwrap();
            assert!(answer.is_empty());
        }

        let expected = Signal::ALL.map(|signal| (signal, Encoding::Protobuf, Bytes::from_static(b"onetwo")));
        assert_eq!(*intake.taken.borrow(), expected);
    });
}

#[test]
fn a_request_of_many_frames_and_every_codec_arrives_whole() {
    story(async {
        let large = Bytes::from((0..3_000_000_u32).map(|number| (number % 251) as u8).collect::<Vec<_>>());
        for codec in [None, Some(Codec::Gzip), Some(Codec::Zlib), Some(Codec::Zstd), Some(Codec::SnappyFramed)] {
            let intake = Recorder::default();
            let (listener, address) = door().await;
            let _server = GrpcServer::serve(listener, intake.clone(), ample(), GrpcServerOptions::default());
            let compression = codec.map(|codec| Compression { codec, level: None });
            let client = GrpcClient::new(GrpcClientOptions { compression, ..options(&address) }).unwrap();

            client.export(Signal::Logs, vec![large.slice(..7), large.slice(7..)]).await.unwrap();

            assert!(intake.messages() == [large.clone()], "{codec:?}");
        }
    });
}

#[test]
fn what_the_pipeline_answers_reaches_the_client() {
    story(async {
        let told = |refusal: Rejection| async move {
            let (_server, client) = pair(Recorder::rejecting(refusal), ample()).await;
            client.export(Signal::Traces, vec!["x".into()]).await.unwrap_err()
        };

        let malformed = told(Rejection::Malformed("bad tag".into())).await;
        let permanent = told(Refusal::Permanent("schema".into()).into()).await;
        let retryable = told(Refusal::Retryable("away".into()).into()).await;
        let wait = Some(Duration::from_secs(7));
        let full = told(Refusal::Overload { reason: "sending queue is full".into(), retry_after: wait }.into()).await;

        let text = "rpc error: code = InvalidArgument desc = bad tag";
        assert_eq!(malformed, DeliveryError::Permanent(text.into()));
        let text = "rpc error: code = Internal desc = Permanent error: schema";
        assert_eq!(permanent, DeliveryError::Permanent(text.into()));
        let text = "rpc error: code = Unavailable desc = away";
        assert_eq!(retryable, DeliveryError::Retryable(text.into()));
        let reason = "rpc error: code = ResourceExhausted desc = sending queue is full".into();
        assert_eq!(full, DeliveryError::Throttled { after: Duration::from_secs(7), reason });
    });
}

#[test]
fn bytes_in_flight_are_bounded_and_come_back() {
    story(async {
        let (admission, budget) = bounded(1000);
        let other = budget.take(500).unwrap();
        let (_server, client) = pair(Recorder::default(), admission).await;
        let message = || vec![Bytes::from(vec![1; 600])];

        let refused = client.export(Signal::Traces, message()).await.unwrap_err();
        drop(other);
        client.export(Signal::Traces, message()).await.unwrap();

        assert!(
            matches!(&refused, DeliveryError::Throttled { reason, .. } if reason.contains("bytes in flight")),
            "{refused}"
        );
        assert_eq!(budget.used(), 0);
    });
}

#[test]
fn a_bomb_is_refused_and_the_connection_lives_on() {
    story(async {
        let (admission, budget) = bounded(64 << 20);
        let intake = Recorder::default();
        let (listener, address) = door().await;
        let _server = GrpcServer::serve(listener, intake.clone(), admission, GrpcServerOptions::default());
        let compression = Some(Compression { codec: Codec::Gzip, level: Some(1) });
        let client = GrpcClient::new(GrpcClientOptions { compression, ..options(&address) }).unwrap();

        // The client compresses what it is given: zeros become the bomb on the way.
        let refused = client.export(Signal::Traces, vec![vec![0; 100 << 20].into()]).await.unwrap_err();
        client.export(Signal::Traces, vec!["small".into()]).await.unwrap();

        let text = "rpc error: code = ResourceExhausted desc = grpc: received message after decompression larger than max 4194304; raise 'max_recv_msg_size_mib' to take it";
        assert_eq!(refused, DeliveryError::Permanent(text.into()));
        assert_eq!(intake.messages(), ["small"]);
        assert_eq!(budget.used(), 0);
    });
}

#[test]
fn a_message_over_the_limit_is_refused_in_the_words_of_grpc() {
    story(async {
        let (_server, client) = pair(Recorder::default(), ample()).await;

        let refused = client.export(Signal::Traces, vec![vec![0; (4 << 20) + 1].into()]).await.unwrap_err();

        let text = "rpc error: code = ResourceExhausted desc = grpc: received message larger than max (4194305 vs. 4194304); raise 'max_recv_msg_size_mib' to take it";
        assert_eq!(refused, DeliveryError::Permanent(text.into()));
    });
}

#[test]
fn requests_of_another_kind_are_told_what_is_wrong() {
    story(async {
        let intake = Recorder { unwanted: Some(Signal::Logs), ..Recorder::default() };
        let (server, _client) = pair(intake, ample()).await;
        let status = |headers: &HeaderMap| {
            let text = |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap().to_owned());
            (text("grpc-status").unwrap_or_default(), text("grpc-message").unwrap_or_default())
        };
        let told = |code: &str, message: &str| (code.to_owned(), message.to_owned());

        let (http, headers) = raw(&server, call("/helloworld.Greeter/SayHello", b"\0\0\0\0\0")).await;
        assert_eq!((http, status(&headers)), (200, told("12", "unknown service helloworld.Greeter")));
        assert_eq!(headers["content-type"], "application/grpc");

        let service = TRACES.replace("Export", "Import");
        let (_, headers) = raw(&server, call(&service, b"\0\0\0\0\0")).await;
        let text = "unknown method Import for service opentelemetry.proto.collector.trace.v1.TraceService";
        assert_eq!(status(&headers), told("12", text));

        let (_, headers) = raw(&server, call(path(Signal::Logs), b"\0\0\0\0\0")).await;
        assert_eq!(status(&headers).0, "12");

        let mut request = call(TRACES, b"\0\0\0\0\0");
        request.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
        assert_eq!(raw(&server, request).await.0, 415);

        let mut request = call(TRACES, b"");
        *request.method_mut() = Method::GET;
        assert_eq!(raw(&server, request).await.0, 405);

        let mut request = call(TRACES, b"\x01\0\0\0\0");
        request.headers_mut().insert("grpc-encoding", HeaderValue::from_static("lzma"));
        let (_, headers) = raw(&server, request).await;
        assert_eq!(status(&headers), told("12", "grpc: Decompressor is not installed for grpc-encoding \"lzma\""));
        assert_eq!(headers["grpc-accept-encoding"], "gzip,zstd,deflate,snappy,identity");
    });
}

#[test]
fn broken_messages_are_refused_and_never_taken() {
    story(async {
        let intake = Recorder::default();
        let (server, _client) = pair(intake.clone(), ample()).await;

        for broken in [&b""[..], b"\0\0", b"\x02\0\0\0\0", b"\0\0\0\0\x05abc", b"\0\0\0\0\x01ab", b"\x01\0\0\0\x01a"] {
            let (_, headers) = raw(&server, call(TRACES, broken)).await;
            assert_ne!(headers["grpc-status"], "0", "{broken:?}");
        }

        assert_eq!(intake.messages(), [""; 0]);
    });
}

#[test]
fn an_empty_message_is_a_message() {
    story(async {
        let intake = Recorder::default();
        let (server, _client) = pair(intake.clone(), ample()).await;

        let (_, headers) = raw(&server, call(TRACES, b"\0\0\0\0\0")).await;

        assert_eq!(headers["grpc-status"], "0");
        assert_eq!(intake.messages(), [""]);
    });
}

#[test]
fn a_deadline_of_the_client_is_kept() {
    story(async {
        let intake = Recorder { stalls: true, ..Recorder::default() };
        let (server, _client) = pair(intake, ample()).await;
        let mut request = call(TRACES, b"\0\0\0\0\0");
        request.headers_mut().insert("grpc-timeout", HeaderValue::from_static("1m"));

        let (_, headers) = raw(&server, request).await;

        assert_eq!(headers["grpc-status"], "4");
    });
}

#[test]
fn a_destination_that_is_away_may_come_back() {
    story(async {
        let (listener, address) = door().await;
        drop(listener);
        let client = GrpcClient::new(options(&address)).unwrap();

        let away = client.export(Signal::Traces, vec!["x".into()]).await.unwrap_err();
        let intake = Recorder::default();
        let listener = crate::listen::listen(&address, crate::listen::Sharing::Alone).await.unwrap();
        let server = GrpcServer::serve(listener, intake.clone(), ample(), GrpcServerOptions::default());
        client.export(Signal::Traces, vec!["back".into()]).await.unwrap();
        server.stop().await;
        let gone = client.export(Signal::Traces, vec!["x".into()]).await.unwrap_err();

        assert!(matches!(&away, DeliveryError::Retryable(text) if text.contains("cannot connect")), "{away}");
        assert!(matches!(gone, DeliveryError::Retryable(_)), "{gone}");
        assert_eq!(intake.messages(), ["back"]);
    });
}

#[test]
fn stopping_lets_a_running_request_end() {
    story(async {
        let intake = Recorder::default();
        let budget = Budget::new(1 << 20);
        let (server, client) = pair(intake.clone(), Admission::new(budget, Budget::new(1 << 20))).await;
        let client = std::rc::Rc::new(client);
        let calling = std::rc::Rc::clone(&client);
        let call =
            tokio::task::spawn_local(
                async move { calling.export(Signal::Traces, vec![vec![1; 500_000].into()]).await },
            );
        while intake.messages().is_empty() {
            tokio::task::yield_now().await;
        }

        server.stop().await;

        assert!(call.await.unwrap().is_ok());
    });
}

#[test]
fn a_connection_that_is_too_old_is_replaced_without_a_failure() {
    story(async {
        let intake = Recorder::default();
        let (listener, address) = door().await;
        let young = GrpcServerOptions { max_age: Some(Duration::ZERO), ..GrpcServerOptions::default() };
        let _server = GrpcServer::serve(listener, intake.clone(), ample(), young);
        let client = GrpcClient::new(options(&address)).unwrap();

        for _ in 0..5 {
            client.export(Signal::Traces, vec!["x".into()]).await.unwrap();
        }

        assert_eq!(intake.messages().len(), 5);
    });
}
