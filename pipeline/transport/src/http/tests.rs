use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use component::{Refusal, SteppedClock};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use pdata::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::client::content_encoding;
use super::*;
use crate::body::Payload;
use crate::compression::{Codec, Compression, compress};
use crate::delivery::DeliveryError;
use crate::intake::{Encoding, Rejection};
use crate::serve::Serving;
use crate::testing::{Recorder, ample, bounded, door, story};

fn options(compression: Option<&str>) -> HttpClientOptions {
    HttpClientOptions {
        headers: HeaderMap::new(),
        user_agent: HeaderValue::from_static("test"),
        compression: compression.map(|name| content_encoding(name, None).unwrap()),
        timeout: None,
        max_idle: 10,
        max_connections: 0,
        idle_time: Duration::from_secs(90),
        keep_alive: true,
    }
}

fn client(compression: Option<&str>) -> HttpClient {
    with(options(compression))
}

fn with(options: HttpClientOptions) -> HttpClient {
    HttpClient::new(options, Arc::new(SteppedClock::at(784_111_777_000_000_000)))
}

async fn otlp(intake: Recorder, options: HttpServerOptions) -> (Serving, Target) {
    let (listener, address) = door().await;
    let serving = HttpServer::serve(listener, intake, ample(), options, OtlpPaths::default());
    (serving, Target::parse(&format!("http://{address}/v1/traces")).unwrap())
}

/// What a server answers to bytes written by hand.
async fn raw(serving: &Serving, request: &str, body: &[u8]) -> String {
    let mut stream = TcpStream::connect(serving.address().unwrap()).await.unwrap();
    stream.write_all(request.replace('\n', "\r\n").as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).replace("\r\n", "\n")
}

/// A destination that always answers the same, and how many connections it saw.
async fn destination(answer: impl Fn() -> Response<Payload> + 'static) -> (Serving, Target, Rc<RefCell<Vec<u16>>>) {
    let (listener, address) = door().await;
    let ports = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&ports);
    let serving = serve_http(listener, HttpServerOptions::default(), move |_, peer| {
        seen.borrow_mut().push(peer.port());
        let answer = answer();
        async move { answer }
    });
    (serving, Target::parse(&format!("http://{address}/")).unwrap(), ports)
}

fn answering(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Response<Payload> {
    let mut response = Response::new(Payload::from(body.to_owned()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    for (name, value) in headers {
        response.headers_mut().insert(*name, HeaderValue::from_static(value));
    }
    response
}

async fn told(status: u16, headers: &'static [(&'static str, &'static str)], body: &'static str) -> DeliveryError {
    let (_serving, target, _) = destination(move || answering(status, headers, body)).await;
    let error = export_over_http(&client(None), &target, Encoding::Protobuf, vec!["x".into()]).await.unwrap_err();
    // The port is another in each run.
    match error {
        DeliveryError::Permanent(text) => DeliveryError::Permanent(text.replace(target.url(), "URL")),
        DeliveryError::Retryable(text) => DeliveryError::Retryable(text.replace(target.url(), "URL")),
        DeliveryError::Throttled { after, reason } => {
            DeliveryError::Throttled { after, reason: reason.replace(target.url(), "URL") }
        }
    }
}

#[test]
fn a_request_arrives_in_every_codec() {
    story(async {
        let large = Bytes::from("a span and another ".repeat(50_000));
        for codec in [
            None,
            Some("gzip"),
            Some("zlib"),
            Some("deflate"),
            Some("zstd"),
            Some("snappy"),
            Some("x-snappy-framed"),
            Some("lz4"),
        ] {
            let intake = Recorder::default();
            let (_serving, target) = otlp(intake.clone(), HttpServerOptions::default()).await;

            let segments = vec![large.slice(..9), large.slice(9..)];
            let answer = export_over_http(&client(codec), &target, Encoding::Protobuf, segments).await.unwrap();

            assert!(answer.is_empty());
            assert!(*intake.taken.borrow() == [(Signal::Traces, Encoding::Protobuf, large.clone())], "{codec:?}");
        }
    });
}

#[test]
fn requests_share_a_connection() {
    story(async {
        let (_serving, target, ports) = destination(|| answering(200, &[], "")).await;
        let client = client(None);

        for _ in 0..3 {
            client.post(&target, HeaderValue::from_static("text/plain"), vec!["x".into()]).await.unwrap();
        }

        let ports = ports.borrow();
        assert_eq!(ports.len(), 3);
        assert!(ports.iter().all(|port| *port == ports[0]), "{ports:?}");
    });
}

#[test]
fn a_connection_that_the_server_closed_costs_no_request() {
    story(async {
        let closing = || answering(200, &[("connection", "close")], "");
        let (_serving, target, ports) = destination(closing).await;
        let client = client(None);

        for _ in 0..3 {
            client.post(&target, HeaderValue::from_static("text/plain"), vec!["x".into()]).await.unwrap();
        }

        assert_eq!(ports.borrow().len(), 3);
    });
}

#[test]
fn answers_are_read_as_the_specification_says() {
    story(async {
        let text = |status, rest| {
            format!("error exporting items, request to URL responded with HTTP Status Code {status}{rest}")
        };
        let json: &'static [_] = &[("content-type", "application/json")];

        let bad = told(400, json, r#"{"code":3,"message":"no"}"#).await;
        let limited = told(429, &[("retry-after", "30")], "").await;
        let away = told(503, &[("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT")], "").await;
        let plain = told(502, &[], "bad gateway").await;
        let broken = told(500, &[], "").await;

        assert_eq!(bad, DeliveryError::Permanent(text(400, ", Message=no")));
        assert_eq!(limited, DeliveryError::Throttled { after: Duration::from_secs(30), reason: text(429, "") });
        assert_eq!(away, DeliveryError::Throttled { after: Duration::from_secs(10), reason: text(503, "") });
        assert_eq!(plain, DeliveryError::Retryable(text(502, ", Message=bad gateway")));
        assert_eq!(broken, DeliveryError::Permanent(text(500, "")));
    });
}

#[test]
fn an_endless_answer_is_read_to_64_kib_and_no_further() {
    story(async {
        let (_serving, target, _) = destination(|| answering(200, &[], &"x".repeat(1 << 20))).await;

        let answer = client(None).post(&target, HeaderValue::from_static("text/plain"), vec![]).await.unwrap();

        assert_eq!(answer.body.len(), 64 * 1024);
    });
}

#[test]
fn a_destination_that_says_nothing_is_given_up_in_time() {
    story(async {
        let (listener, address) = door().await;
        let silent =
            serve_http(listener, HttpServerOptions::default(), |_, _| std::future::pending::<Response<Payload>>());
        let target = Target::parse(&format!("http://{address}/")).unwrap();
        let client = with(HttpClientOptions { timeout: Some(Duration::from_millis(1)), ..options(None) });

        let error = client.post(&target, HeaderValue::from_static("text/plain"), vec![]).await.unwrap_err();

        assert!(
            matches!(&error, DeliveryError::Retryable(text) if text.contains("no answer within 0.001s")),
            "{error}"
        );
        drop(silent);
    });
}

#[test]
fn other_methods_paths_and_types_are_told_what_is_wrong() {
    story(async {
        let (serving, _) = otlp(Recorder::default(), HttpServerOptions::default()).await;

        let get = raw(&serving, "GET /v1/traces HTTP/1.1\nhost: a\nconnection: close\n\n", b"").await;
        assert!(get.starts_with("HTTP/1.1 405 "), "{get}");
        assert!(get.ends_with("\n\n405 method not allowed, supported: [POST]"), "{get}");

        let text = raw(
            &serving,
            "POST /v1/traces HTTP/1.1\nhost: a\nconnection: close\ncontent-type: text/plain\ncontent-length: 1\n\n",
            b"x",
        )
        .await;
        assert!(text.starts_with("HTTP/1.1 415 "), "{text}");
        assert!(
            text.ends_with("415 unsupported media type, supported: [application/json, application/x-protobuf]"),
            "{text}"
        );

        let lost =
            raw(&serving, "POST /v1/spans HTTP/1.1\nhost: a\nconnection: close\ncontent-length: 0\n\n", b"").await;
        assert!(lost.starts_with("HTTP/1.1 404 "), "{lost}");
    });
}

#[test]
fn json_is_answered_in_json() {
    story(async {
        let intake = Recorder::default();
        let (serving, _) = otlp(intake.clone(), HttpServerOptions::default()).await;
        let head = "POST /v1/logs HTTP/1.1\nhost: a\nconnection: close\ncontent-type: application/json; charset=utf-8\ncontent-length: 2\n\n";

        let taken = raw(&serving, head, b"{}").await;
        intake.answers.borrow_mut().push_back(Rejection::Malformed("not \"OTLP\"".into()));
        let refused = raw(&serving, head, b"[]").await;

        assert!(taken.ends_with("\n\n{\"partialSuccess\":{}}"), "{taken}");
        assert!(refused.starts_with("HTTP/1.1 400 "), "{refused}");
        assert!(refused.ends_with(r#"{"code":3,"message":"not \"OTLP\""}"#), "{refused}");
        assert_eq!(intake.taken.borrow()[0], (Signal::Logs, Encoding::Json, "{}".into()));
    });
}

#[test]
fn what_the_pipeline_answers_becomes_a_status() {
    story(async {
        let told = |refusal: Refusal| async move {
            let (serving, _) = otlp(Recorder::rejecting(refusal), HttpServerOptions::default()).await;
            raw(&serving, "POST /v1/traces HTTP/1.1\nhost: a\nconnection: close\ncontent-type: application/x-protobuf\ncontent-length: 1\n\n", b"x").await
        };

        let full =
            told(Refusal::Overload { reason: "full".into(), retry_after: Some(Duration::from_millis(1500)) }).await;
        let away = told(Refusal::Retryable("away".into())).await;
        let never = told(Refusal::Permanent("never".into())).await;

        assert!(full.starts_with("HTTP/1.1 429 ") && full.contains("retry-after: 2\n"), "{full}");
        assert!(away.starts_with("HTTP/1.1 503 ") && away.contains("away"), "{away}");
        assert!(never.starts_with("HTTP/1.1 500 "), "{never}");
        assert!(full.contains("content-type: application/x-protobuf\n"), "{full}");
    });
}

#[test]
fn bodies_over_the_limit_are_refused_told_or_not() {
    story(async {
        let intake = Recorder::default();
        let small = || HttpServerOptions { max_body_bytes: 10, ..HttpServerOptions::default() };
        let (serving, target) = otlp(intake.clone(), small()).await;
        let head = "POST /v1/traces HTTP/1.1\nhost: a\nconnection: close\ncontent-type: application/json\n";

        let told = raw(&serving, &format!("{head}content-length: 11\n\n"), b"{         }").await;
        let chunked =
            raw(&serving, &format!("{head}transfer-encoding: chunked\n\n"), b"b\r\n{         }\r\n0\r\n\r\n").await;
        let packed =
            export_over_http(&client(Some("zstd")), &target, Encoding::Protobuf, vec![vec![0; 5000].into()]).await;

        for refused in [told, chunked, packed.unwrap_err().to_string()] {
            let text = "http: request body too large: more than 10 bytes; raise 'max_request_body_size' to take it";
            assert!(refused.contains(text), "{refused}");
            assert!(refused.contains(" 413"), "{refused}");
            assert!(!refused.contains("Retry"), "{refused}");
        }
        assert!(intake.messages().is_empty());
    });
}

#[test]
fn a_bomb_is_refused_and_gives_its_bytes_back() {
    story(async {
        let bomb = compress(Compression { codec: Codec::Gzip, level: Some(9) }, &[vec![0; 100 << 20].into()]).unwrap();
        let (admission, budget) = bounded(64 << 20);
        let (listener, _) = door().await;
        let intake = Recorder::default();
        let serving =
            HttpServer::serve(listener, intake.clone(), admission, HttpServerOptions::default(), OtlpPaths::default());
        let head = format!(
            "POST /v1/traces HTTP/1.1\nhost: a\nconnection: close\ncontent-type: application/x-protobuf\ncontent-encoding: gzip\ncontent-length: {}\n\n",
            bomb.len()
        );

        let answer = raw(&serving, &head, &bomb).await;

        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        assert!(answer.contains("http: request body too large: more than 20971520 bytes"), "{answer}");
        assert_eq!((budget.used(), intake.messages().len()), (0, 0));
    });
}

#[test]
fn bytes_in_flight_are_bounded_and_a_refused_sender_gets_to_read_why() {
    story(async {
        let (admission, budget) = bounded(1 << 20);
        let _other = budget.take(1 << 19).unwrap();
        let (listener, address) = door().await;
        let _serving = HttpServer::serve(
            listener,
            Recorder::default(),
            admission,
            HttpServerOptions::default(),
            OtlpPaths::default(),
        );
        let target = Target::parse(&format!("http://{address}/v1/traces")).unwrap();

        // More than the socket buffers take: without reading it the server could only reset the connection.
        let refused =
            export_over_http(&client(None), &target, Encoding::Protobuf, vec![vec![0; 16 << 20].into()]).await;

        let error = refused.unwrap_err();
        assert!(
            matches!(&error, DeliveryError::Throttled { after, .. } if *after == Duration::from_secs(1)),
            "{error}"
        );
        assert_eq!(budget.used(), 1 << 19);
    });
}

#[test]
fn an_unknown_codec_is_named() {
    story(async {
        let (serving, _) = otlp(Recorder::default(), HttpServerOptions::default()).await;
        let head = "POST /v1/traces HTTP/1.1\nhost: a\nconnection: close\ncontent-type: application/json\ncontent-encoding: br\ncontent-length: 2\n\n";

        let answer = raw(&serving, head, b"{}").await;

        assert!(answer.contains("unsupported Content-Encoding: br"), "{answer}");
    });
}

#[test]
fn headers_of_the_configuration_are_sent_both_ways() {
    story(async {
        let (listener, address) = door().await;
        let extra = vec![(http::HeaderName::from_static("x-served-by"), HeaderValue::from_static("us"))];
        let serving = HttpServerOptions { response_headers: extra, ..HttpServerOptions::default() };
        let echo = |request: http::Request<hyper::body::Incoming>, _| async move {
            let tenant = request.headers()["x-tenant"].to_str().unwrap().to_owned();
            Response::new(Payload::from(format!("{tenant} {}", request.headers()["authorization"].to_str().unwrap())))
        };
        let _serving = serve_http(listener, serving, echo);
        let target = Target::parse(&format!("http://me:pw@{address}/")).unwrap();
        let headers =
            HeaderMap::from_iter([(http::HeaderName::from_static("x-tenant"), HeaderValue::from_static("blue"))]);
        let client = with(HttpClientOptions { headers, ..options(None) });

        let answer = client.post(&target, HeaderValue::from_static("text/plain"), vec![]).await.unwrap();

        assert_eq!(answer.body, "blue Basic bWU6cHc=");
        assert_eq!(answer.headers["x-served-by"], "us");
        assert!(answer.headers.get(CONTENT_TYPE).is_none());
    });
}
