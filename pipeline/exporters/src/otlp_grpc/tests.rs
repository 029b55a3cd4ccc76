use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use ::config::assert_readme_table;
use component::testkit::{self, BEGINNING};
use component::{Budget, Refusal, SteppedClock, promise};
use pdata::{SpanFields, TracesWriter};
use transport::{Admission, Export, GrpcServer, GrpcServerOptions, Intake, Rejection, Serving, Sharing, listen};

use super::*;

/// A destination that answers everything in the same way and remembers what it was sent.
#[derive(Clone)]
struct Destination {
    taken: Rc<RefCell<Vec<Batch>>>,
    answer: Result<(), Refusal>,
}

impl Intake for Destination {
    fn wants(&self, _signal: Signal) -> bool {
        true
    }

    async fn take(&self, export: Export) -> Result<(), Rejection> {
        self.taken.borrow_mut().push(Batch::from_otlp(export.signal, export.message).unwrap());
        Ok(self.answer.clone()?)
    }
}

impl Destination {
    fn that_answers(answer: Result<(), Refusal>) -> Self {
        Self { taken: Rc::default(), answer }
    }

    async fn serve(&self) -> (Serving, SocketAddr) {
        let listener = listen("127.0.0.1:0", Sharing::Alone).await.unwrap();
        let admission = Admission::new(Budget::new(1 << 20), Budget::new(1 << 20));
        let serving = GrpcServer::serve(listener, self.clone(), admission, GrpcServerOptions::default());
        let address = serving.address().unwrap();
        (serving, address)
    }
}

fn context() -> BuildContext {
    let clock = Arc::new(SteppedClock::at(BEGINNING));
    let mut context = BuildContext::new(clock, Budget::new(1 << 20), 1);
    context.signal = Some(Signal::Traces);
    context
}

async fn exporter(yaml: &str) -> OtlpGrpcExporter {
    let mut exporter = OtlpGrpcExporter::build(&testkit::settings(yaml), &context()).unwrap();
    exporter.start().await.unwrap();
    exporter
}

fn span(name: &str) -> Batch {
    let mut writer = TracesWriter::new();
    writer.resource(|_| {});
    writer.scope("", "");
    writer.span(&SpanFields { name, ..SpanFields::default() }, |_| {});
    writer.finish()
}

fn tell(story: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, story);
}

#[test]
fn without_a_queue_the_sender_hears_what_the_destination_says() {
    tell(async {
        let destination = Destination::that_answers(Ok(()));
        let (_serving, address) = destination.serve().await;
        let yaml = format!("{{endpoint: '{address}', tls: {{insecure: true}}, sending_queue: {{enabled: false}}}}");
        let mut exporter = exporter(&yaml).await;
        let (ack, answer) = promise();

        exporter.accept(span("a"), ack);

        assert_eq!(answer.await, Ok(()));
        assert_eq!(destination.taken.borrow().len(), 1);
    });
}

#[test]
fn a_permanent_refusal_is_not_tried_again() {
    tell(async {
        let destination = Destination::that_answers(Err(Refusal::Permanent("no".into())));
        let (_serving, address) = destination.serve().await;
        let yaml = format!("{{endpoint: 'http://{address}', sending_queue: {{enabled: false}}}}");
        let mut exporter = exporter(&yaml).await;
        let (ack, answer) = promise();

        exporter.accept(span("a"), ack);

        assert!(answer.await.is_err_and(|refusal| refusal.is_permanent()));
        assert_eq!(destination.taken.borrow().len(), 1);
    });
}

#[test]
fn with_a_queue_the_sender_is_answered_at_once_and_stop_delivers_the_rest() {
    tell(async {
        let destination = Destination::that_answers(Ok(()));
        let (_serving, address) = destination.serve().await;
        let mut exporter =
            exporter(&format!("{{endpoint: '{address}', tls: {{insecure: true}}, compression: zstd}}")).await;
        let answers: Vec<_> = (0..20)
            .map(|_| {
                let (ack, answer) = promise();
                exporter.accept(span("a"), ack);
                answer
            })
            .collect();

        for answer in answers {
            assert_eq!(answer.await, Ok(()));
        }
        exporter.stop().await;

        assert_eq!(destination.taken.borrow().len(), 20);
    });
}

#[test]
fn tls_is_refused_with_its_remedy_when_the_exporter_starts() {
    tell(async {
        let settings = testkit::settings("{endpoint: 'localhost:4317'}");
        let mut exporter = OtlpGrpcExporter::build(&settings, &context()).unwrap();

        let error = exporter.start().await.unwrap_err().to_string();

        assert!(error.contains("TLS is not supported yet") && error.contains("tls: {insecure: true}"), "{error}");
    });
}

#[test]
fn an_endpoint_is_needed() {
    assert_eq!(testkit::faults::<OtlpGrpcConfig>("{}"), ["requires a non-empty \"endpoint\""]);
}

#[test]
fn the_readme_has_every_key() {
    assert_readme_table::<OtlpGrpcConfig>(concat!(env!("CARGO_MANIFEST_DIR"), "/src/otlp_grpc/README.md"));
}
