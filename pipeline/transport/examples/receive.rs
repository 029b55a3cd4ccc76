//! Listens for OTLP and says what comes in: `receive GRPC_ENDPOINT HTTP_ENDPOINT`. Ends after `RECEIVE_REQUESTS`.

use std::cell::Cell;
use std::error::Error;
use std::rc::Rc;

use component::Budget;
use pdata::Signal;
use tokio::sync::Notify;
use tokio::task::LocalSet;
use transport::{
    Admission, Export, GrpcServer, GrpcServerOptions, HttpServer, HttpServerOptions, Intake, OtlpPaths, Rejection,
    Sharing, listen,
};

#[derive(Clone)]
struct Printer {
    left: Rc<Cell<usize>>,
    done: Rc<Notify>,
}

impl Intake for Printer {
    fn wants(&self, _: Signal) -> bool {
        true
    }

    async fn take(&self, export: Export) -> Result<(), Rejection> {
        println!("{:?} {:?} {} bytes from {}", export.signal, export.encoding, export.message.len(), export.peer);
        self.left.set(self.left.get().saturating_sub(1));
        if self.left.get() == 0 {
            self.done.notify_one();
        }
        Ok(())
    }
}

async fn receive(grpc: &str, http: &str, requests: usize) -> Result<(), Box<dyn Error>> {
    let admission = Admission::new(Budget::new(64 << 20), Budget::new(256 << 20));
    let printer = Printer { left: Rc::new(Cell::new(requests)), done: Rc::default() };
    let grpc = listen(grpc, Sharing::Alone).await?;
    let http = listen(http, Sharing::Alone).await?;
    let grpc = GrpcServer::serve(grpc, printer.clone(), admission.clone(), GrpcServerOptions::default());
    let http = HttpServer::serve(http, printer.clone(), admission, HttpServerOptions::default(), OtlpPaths::default());

    printer.done.notified().await;
    grpc.stop().await;
    http.stop().await;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [grpc, http] = arguments.as_slice() else {
        return Err("usage: receive GRPC_ENDPOINT HTTP_ENDPOINT".into());
    };
    let requests = std::env::var("RECEIVE_REQUESTS").ok().and_then(|text| text.parse().ok()).unwrap_or(usize::MAX);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, receive(grpc, http, requests))
}
