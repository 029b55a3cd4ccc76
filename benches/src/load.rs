//! Sends OTLP traces: at a fixed rate whatever the answers, or as fast as answers come.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use component::SystemClock;
use http::{HeaderMap, HeaderValue};
use pdata::Signal;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, MissedTickBehavior, interval};
use transport::{
    Codec, Compression, DeliveryError, Encoding, GrpcClient, GrpcClientOptions, HttpClient, HttpClientOptions, Target,
    export_over_http,
};

use crate::Fault;
use crate::message::{self, SPANS};

/// Connections: enough that the kernel spreads them over the shards of a receiver.
const CONNECTIONS: usize = 4;
/// Requests at a time of a load at a fixed rate; more are not sent, and counted.
const MOST_IN_FLIGHT: usize = 512;
/// A sender that was refused waits this long: senders with good manners do, and a loop without any measures only itself.
const PAUSE_AFTER_REFUSAL: Duration = Duration::from_millis(5);

/// How the requests travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Protocol {
    /// OTLP over gRPC.
    Grpc,
    /// OTLP over HTTP/1.1, protobuf.
    Http,
}

/// How requests are compressed, if at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Squeeze {
    /// Not.
    None,
    /// gzip, level 1.
    Gzip,
    /// zstd, level 1.
    Zstd,
}

/// How fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Spans a second, whatever the answers.
    Rate(u64),
    /// This many requests at a time, as fast as they are answered.
    Flat(usize),
}

/// What to send.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// How the requests travel.
    pub protocol: Protocol,
    /// Whether they are compressed.
    pub squeeze: Squeeze,
    /// Where to.
    pub target: SocketAddr,
    /// How fast.
    pub pace: Pace,
    /// How long.
    pub duration: Duration,
}

/// Spans by what became of them.
#[derive(Debug, Default)]
pub struct Counters {
    accepted: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
    unsent: AtomicU64,
}

impl Counters {
    /// Acknowledged.
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Refused for now: the sender is told to come back.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Refused for ever.
    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// Due, but too many requests were waiting for their answers.
    pub fn unsent(&self) -> u64 {
        self.unsent.load(Ordering::Relaxed)
    }

    fn count(&self, outcome: &Result<(), DeliveryError>) {
        let counter = match outcome {
            Ok(()) => &self.accepted,
            Err(DeliveryError::Retryable(_) | DeliveryError::Throttled { .. }) => &self.refused,
            Err(DeliveryError::Permanent(_)) => &self.failed,
        };
        counter.fetch_add(SPANS as u64, Ordering::Relaxed);
    }
}

/// A load that runs on a thread of its own.
pub struct Load {
    /// What became of it so far.
    pub counters: Arc<Counters>,
    thread: JoinHandle<Result<(), Fault>>,
}

impl Load {
    /// Begins to send.
    pub fn start(plan: Plan) -> Self {
        let counters = Arc::new(Counters::default());
        let counted = Arc::clone(&counters);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            LocalSet::new().block_on(&runtime, send(plan, counted))
        });
        Self { counters, thread }
    }

    /// Returns when all is sent and answered.
    pub fn finish(self) -> Result<Arc<Counters>, Fault> {
        self.thread.join().map_err(|_| "the load generator panicked")??;
        Ok(self.counters)
    }
}

async fn send(plan: Plan, counters: Arc<Counters>) -> Result<(), Fault> {
    let clients = (0..CONNECTIONS).map(|_| Client::new(&plan)).collect::<Result<Vec<_>, _>>()?;
    let sender = Rc::new(Sender { clients, requests: message::requests(), next: Cell::new(0), counters });
    let end = Instant::now() + plan.duration;
    match plan.pace {
        Pace::Rate(rate) => send_at(rate, end, sender).await,
        Pace::Flat(in_flight) => send_flat_out(in_flight, end, sender).await,
    }
    Ok(())
}

async fn send_at(rate: u64, end: Instant, sender: Rc<Sender>) {
    let mut due = interval(Duration::from_secs(1) * SPANS as u32 / u32::try_from(rate).unwrap_or(u32::MAX).max(1));
    due.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut running = JoinSet::new();
    while due.tick().await < end {
        while running.try_join_next().is_some() {}
        if running.len() >= MOST_IN_FLIGHT {
            sender.counters.unsent.fetch_add(SPANS as u64, Ordering::Relaxed);
            continue;
        }
        let sender = Rc::clone(&sender);
        running.spawn_local(async move { sender.send_next().await });
    }
    while running.join_next().await.is_some() {}
}

async fn send_flat_out(in_flight: usize, end: Instant, sender: Rc<Sender>) {
    let mut running = JoinSet::new();
    for _ in 0..in_flight {
        let sender = Rc::clone(&sender);
        running.spawn_local(async move {
            while Instant::now() < end {
                if !sender.send_next().await {
                    tokio::time::sleep(PAUSE_AFTER_REFUSAL).await;
                }
            }
        });
    }
    while running.join_next().await.is_some() {}
}

struct Sender {
    clients: Vec<Client>,
    requests: Vec<Bytes>,
    next: Cell<usize>,
    counters: Arc<Counters>,
}

impl Sender {
    /// True if the next request in turn was taken.
    async fn send_next(&self) -> bool {
        let turn = self.next.replace(self.next.get().wrapping_add(1));
        let pick = |length: usize| turn.checked_rem(length).unwrap_or(0);
        let client = self.clients.get(pick(self.clients.len()));
        let request = self.requests.get(pick(self.requests.len()));
        let (Some(client), Some(request)) = (client, request) else { return false };
        let outcome = client.send(request.clone()).await;
        self.counters.count(&outcome);
        outcome.is_ok()
    }
}

enum Client {
    Grpc(GrpcClient),
    Http(Box<HttpClient>, Target),
}

impl Client {
    fn new(plan: &Plan) -> Result<Self, Fault> {
        let (headers, user_agent) = (HeaderMap::new(), HeaderValue::from_static("tidewatch-bench"));
        let compression = match plan.squeeze {
            Squeeze::None => None,
            Squeeze::Gzip => Some((Compression { codec: Codec::Gzip, level: Some(1) }, "gzip")),
            Squeeze::Zstd => Some((Compression { codec: Codec::Zstd, level: Some(1) }, "zstd")),
        };
        match plan.protocol {
            Protocol::Grpc => {
                let options = GrpcClientOptions {
                    endpoint: plan.target.to_string(),
                    authority: None,
                    headers,
                    user_agent,
                    compression: compression.map(|(compression, _)| compression),
                    timeout: None,
                    pings: None,
                    wait_for_ready: false,
                };
                Ok(Self::Grpc(GrpcClient::new(options)?))
            }
            Protocol::Http => {
                let options = HttpClientOptions {
                    headers,
                    user_agent,
                    compression: compression.map(|(compression, name)| (compression, HeaderValue::from_static(name))),
                    timeout: None,
                    max_idle: MOST_IN_FLIGHT,
                    max_connections: 0,
                    idle_time: Duration::from_secs(90),
                    keep_alive: true,
                };
                let client = HttpClient::new(options, Arc::new(SystemClock::default()));
                Ok(Self::Http(Box::new(client), Target::parse(&format!("http://{}/v1/traces", plan.target))?))
            }
        }
    }

    async fn send(&self, request: Bytes) -> Result<(), DeliveryError> {
        match self {
            Self::Grpc(client) => client.export(Signal::Traces, [request]).await.map(drop),
            Self::Http(client, target) => {
                export_over_http(client, target, Encoding::Protobuf, [request]).await.map(drop)
            }
        }
    }
}
