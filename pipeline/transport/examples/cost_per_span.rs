//! What a span costs on the way through loopback, in CPU time of the receiving and of the sending thread.
//! Run it with `--release`; it prints one line per protocol and codec.

use std::error::Error;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use component::{Budget, SystemClock};
use http::{HeaderMap, HeaderValue};
use pdata::Signal;
use tokio::task::LocalSet;
use transport::{
    Admission, Codec, Compression, DeliveryError, Encoding, Export, GrpcClient, GrpcClientOptions, GrpcServer,
    GrpcServerOptions, HttpClient, HttpClientOptions, HttpServer, HttpServerOptions, Intake, OtlpPaths, Rejection,
    Sharing, Target, export_over_http, listen,
};

const SPANS: usize = 500;
const SPAN_BYTES: usize = 400;
const REQUESTS: usize = 4000;
const IN_FLIGHT: usize = 4;

struct Sink;

impl Intake for Sink {
    fn wants(&self, _: Signal) -> bool {
        true
    }

    async fn take(&self, _: Export) -> Result<(), Rejection> {
        Ok(())
    }
}

/// Nanoseconds that this thread has been on a CPU.
fn cpu_time() -> Result<u64, Box<dyn Error>> {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(statistics.split(' ').next().unwrap_or_default().parse()?)
}

/// Serves on a thread of its own until told; returns its address, and later its CPU time.
type Server = (SocketAddr, tokio::sync::oneshot::Sender<()>, std::thread::JoinHandle<u64>);

fn server(grpc: bool) -> Result<Server, Box<dyn Error>> {
    let (ready, address) = std::sync::mpsc::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serve = async move {
        let listener = listen("127.0.0.1:0", Sharing::Alone).await?;
        let admission = Admission::new(Budget::new(256 << 20), Budget::new(256 << 20));
        ready.send(listener.local_addr()?)?;
        let serving = if grpc {
            GrpcServer::serve(listener, Sink, admission, GrpcServerOptions::default())
        } else {
            HttpServer::serve(listener, Sink, admission, HttpServerOptions::default(), OtlpPaths::default())
        };
        let _ = stopped.await;
        drop(serving);
        cpu_time()
    };
    let thread = std::thread::spawn(move || local(serve).unwrap_or_default());
    Ok((address.recv()?, stop, thread))
}

fn local<T>(work: impl Future<Output = Result<T, Box<dyn Error>>>) -> Result<T, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, work)
}

enum Client {
    Grpc(GrpcClient),
    Http(Box<HttpClient>, Target),
}

impl Client {
    fn new(
        grpc: bool,
        address: SocketAddr,
        compression: Option<(Compression, HeaderValue)>,
    ) -> Result<Self, Box<dyn Error>> {
        let (headers, user_agent) = (HeaderMap::new(), HeaderValue::from_static("cost"));
        if grpc {
            let compression = compression.map(|(compression, _)| compression);
            let options = GrpcClientOptions {
                endpoint: address.to_string(),
                authority: None,
                headers,
                user_agent,
                compression,
                timeout: None,
                pings: None,
                wait_for_ready: false,
            };
            return Ok(Self::Grpc(GrpcClient::new(options)?));
        }
        let options = HttpClientOptions {
            headers,
            user_agent,
            compression,
            timeout: None,
            max_idle: IN_FLIGHT,
            max_connections: 0,
            idle_time: Duration::from_secs(90),
            keep_alive: true,
        };
        let client = HttpClient::new(options, Arc::new(SystemClock::default()));
        Ok(Self::Http(Box::new(client), Target::parse(&format!("http://{address}/v1/traces"))?))
    }

    async fn send(&self, message: Bytes) -> Result<(), DeliveryError> {
        match self {
            Self::Grpc(client) => client.export(Signal::Traces, [message]).await.map(drop),
            Self::Http(client, target) => {
                export_over_http(client, target, Encoding::Protobuf, [message]).await.map(drop)
            }
        }
    }
}

async fn send_all(client: Client, message: Bytes) -> Result<u64, Box<dyn Error>> {
    let client = Rc::new(client);
    let before = cpu_time()?;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let (client, message) = (Rc::clone(&client), message.clone());
        tasks.spawn_local(async move {
            for _ in 0..REQUESTS / IN_FLIGHT {
                client.send(message.clone()).await?;
            }
            Ok::<_, DeliveryError>(())
        });
    }
    while let Some(outcome) = tasks.join_next().await {
        outcome??;
    }
    Ok(cpu_time()? - before)
}

/// Looks like spans to a compressor: long common parts, some digits that differ.
fn message() -> Bytes {
    let mut text = String::with_capacity(SPANS * SPAN_BYTES);
    for span in 0..SPANS {
        let mut attributes = format!("{:032x}", (span as u128).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835));
        while attributes.len() < SPAN_BYTES {
            attributes.push_str("http.request.method=GET url.path=/orders/");
            attributes.push_str(&(span * attributes.len() * 7919 % 100_003).to_string());
        }
        attributes.truncate(SPAN_BYTES);
        text.push_str(&attributes);
    }
    text.into()
}

fn main() -> Result<(), Box<dyn Error>> {
    let codec = |codec, level, name| Some((Compression { codec, level: Some(level) }, HeaderValue::from_static(name)));
    let cases = [("none", None), ("zstd-1", codec(Codec::Zstd, 1, "zstd")), ("gzip-1", codec(Codec::Gzip, 1, "gzip"))];
    println!("{:<6}{:<8}{:>16}{:>16}", "", "", "receive ns/span", "send ns/span");
    for (protocol, grpc) in [("gRPC", true), ("HTTP", false)] {
        for (name, compression) in cases.clone() {
            let (address, stop, thread) = server(grpc)?;
            let client = Client::new(grpc, address, compression)?;
            let sent = local(send_all(client, message()))?;
            let _ = stop.send(());
            let received = thread.join().map_err(|_| "the server panicked")?;
            let per_span = |nanoseconds: u64| nanoseconds / (REQUESTS * SPANS) as u64;
            println!("{protocol:<6}{name:<8}{:>16}{:>16}", per_span(received), per_span(sent));
        }
    }
    Ok(())
}
