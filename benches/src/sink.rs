//! Where tested processes send: an OTLP server that counts, and may take its time.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use component::Budget;
use pdata::{Batch, MetricData, Signal};
use tokio::sync::oneshot;
use tokio::task::LocalSet;
use transport::{
    Admission, Export, GrpcServer, GrpcServerOptions, HttpServer, HttpServerOptions, Intake, OtlpPaths, Rejection,
    Sharing, listen,
};

use crate::{Fault, counting};

/// The sink must never be what refuses.
const ROOM: usize = 4 << 30;
const LARGEST_MESSAGE: usize = 64 << 20;

/// What came in so far.
#[derive(Debug, Default)]
pub struct Counters {
    spans: AtomicU64,
    servers: AtomicU64,
    clients: AtomicU64,
    requests: AtomicU64,
    /// Last value of `tidewatch.ebpf.lost` by reason.
    lost: Mutex<BTreeMap<String, u64>>,
}

impl Counters {
    /// Spans that arrived.
    pub fn spans(&self) -> u64 {
        self.spans.load(Ordering::Relaxed)
    }

    /// Spans of kind server.
    pub fn servers(&self) -> u64 {
        self.servers.load(Ordering::Relaxed)
    }

    /// Spans of kind client.
    pub fn clients(&self) -> u64 {
        self.clients.load(Ordering::Relaxed)
    }

    /// Export requests of traces.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// What the `ebpf` receiver said it lost, by reason, without the reasons that lost nothing.
    pub fn lost(&self) -> BTreeMap<String, u64> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn count(&self, export: &Export) {
        match export.signal {
            Signal::Traces => {
                let counted = counting::spans(&export.message);
                self.spans.fetch_add(counted.all, Ordering::Relaxed);
                self.servers.fetch_add(counted.servers, Ordering::Relaxed);
                self.clients.fetch_add(counted.clients, Ordering::Relaxed);
                self.requests.fetch_add(1, Ordering::Relaxed);
            }
            Signal::Metrics => self.note_losses(export),
            Signal::Logs => {}
        }
    }

    fn note_losses(&self, export: &Export) {
        let Ok(batch) = Batch::from_otlp(Signal::Metrics, export.message.clone()) else { return };
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        for resource in batch.resources() {
            for metric in resource.scopes().flat_map(|scope| scope.metrics()) {
                let MetricData::Sum { points, .. } = metric.data() else { continue };
                if metric.name() != "tidewatch.ebpf.lost" {
                    continue;
                }
                for point in points {
                    let reason = point.attribute("reason").and_then(|value| value.as_str());
                    let value = point.value().map_or(0.0, |number| number.as_f64()) as u64;
                    if let Some(reason) = reason.filter(|_| value > 0) {
                        lost.insert(reason.to_owned(), value);
                    }
                }
            }
        }
    }
}

/// A sink that runs on a thread of its own until it is dropped.
pub struct Sink {
    /// What came in.
    pub counters: Arc<Counters>,
    /// Where it takes OTLP over gRPC.
    pub grpc: SocketAddr,
    /// Where it takes OTLP over HTTP.
    pub http: SocketAddr,
    _stop: oneshot::Sender<()>,
}

impl Sink {
    /// Listens on free ports of the loopback; answers each request after `delay`.
    pub fn start(delay: Duration) -> Result<Self, Fault> {
        Self::start_at("127.0.0.1:0", "127.0.0.1:0", delay)
    }

    /// Listens where it is told.
    pub fn start_at(grpc: &str, http: &str, delay: Duration) -> Result<Self, Fault> {
        let counters = Arc::new(Counters::default());
        let (stop, stopped) = oneshot::channel();
        let (ready, addresses) = std::sync::mpsc::channel();
        let intake = Counting { counters: Arc::clone(&counters), delay };
        let (grpc, http) = (grpc.to_owned(), http.to_owned());
        std::thread::spawn(move || {
            let serving = async {
                let outcome = serve(&grpc, &http, intake, |addresses| drop(ready.send(Ok(addresses))), stopped).await;
                if let Err(fault) = outcome {
                    let _ = ready.send(Err(fault));
                }
            };
            if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() {
                LocalSet::new().block_on(&runtime, serving);
            }
        });
        let (grpc, http) = addresses.recv()??;
        Ok(Self { counters, grpc, http, _stop: stop })
    }
}

async fn serve(
    grpc: &str,
    http: &str,
    intake: Counting,
    ready: impl FnOnce((SocketAddr, SocketAddr)),
    stopped: oneshot::Receiver<()>,
) -> Result<(), Fault> {
    let grpc = listen(grpc, Sharing::Alone).await?;
    let http = listen(http, Sharing::Alone).await?;
    ready((grpc.local_addr()?, http.local_addr()?));
    let admission = Admission::new(Budget::new(ROOM), Budget::new(ROOM));
    let options = GrpcServerOptions { max_message_bytes: LARGEST_MESSAGE, ..GrpcServerOptions::default() };
    let _grpc = GrpcServer::serve(grpc, intake.clone(), admission.clone(), options);
    let options = HttpServerOptions { max_body_bytes: LARGEST_MESSAGE, ..HttpServerOptions::default() };
    let _http = HttpServer::serve(http, intake, admission, options, OtlpPaths::default());
    let _ = stopped.await;
    Ok(())
}

#[derive(Clone)]
struct Counting {
    counters: Arc<Counters>,
    delay: Duration,
}

impl Intake for Counting {
    fn wants(&self, _: Signal) -> bool {
        true
    }

    async fn take(&self, export: Export) -> Result<(), Rejection> {
        if !self.delay.is_zero() {
            tokio::time::sleep(self.delay).await;
        }
        self.counters.count(&export);
        Ok(())
    }
}
