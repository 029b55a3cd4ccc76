//! Small components whose doings a test can see, and a way to run a configuration of them.
#![allow(dead_code, missing_docs, reason = "each test file uses a part of the kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::sync::mpsc::{self, Receiver as Inbox, Sender};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use component::{
    Ack, Budget, BuildContext, BuildError, Connector, ConnectorFactory, Exporter, ExporterFactory, Extension,
    ExtensionFactory, Outlet, Outlets, Output, Processor, ProcessorFactory, Receiver, ReceiverFactory, Refusal,
    StartError, SystemClock,
};
use config::{ComponentId, Config, Problems, Request};
use engine::{Plan, RunError, RunOptions, Tables, plan};
use pdata::{Batch, Signal, SpanFields, TracesWriter};

/// What components report: `name what`.
static LOG: LazyLock<Mutex<Vec<String>>> = LazyLock::new(Mutex::default);

fn note(text: String) {
    LOG.lock().unwrap().push(text);
}

/// Only one test at a time may run an engine, since all share the log.
pub static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// What was reported since the last call.
pub fn reported() -> Vec<String> {
    std::mem::take(&mut *LOG.lock().unwrap())
}

#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub struct FeedConfig {
    /// How many batches are sent, one after the other.
    #[config(default = 1)]
    pub batches: u32,
    /// End the process when all were answered.
    #[config(default = true)]
    pub stops: bool,
    /// Send again what was refused for now.
    #[config(default = false)]
    pub insists: bool,
}

/// Sends batches of one span each, and reports the answers.
pub struct Feed {
    config: FeedConfig,
    outlet: Option<Outlet>,
    context: BuildContext,
    task: Option<tokio::task::JoinHandle<()>>,
}

#[async_trait(?Send)]
impl Receiver for Feed {
    type Config = FeedConfig;
    const SIGNALS: &'static [Signal] = &[Signal::Traces];
    const ON_EVERY_SHARD: bool = false;

    fn build(config: &FeedConfig, outlets: Outlets, context: &BuildContext) -> Result<Self, BuildError> {
        let outlet = outlets.outlet(Signal::Traces, "test");
        Ok(Self { config: config.clone(), outlet, context: context.clone(), task: None })
    }

    async fn start(&mut self) -> Result<(), StartError> {
        note(format!("{} starts", self.context.id));
        let Some(outlet) = self.outlet.clone() else { return Ok(()) };
        let (config, context) = (self.config.clone(), self.context.clone());
        self.task = Some(tokio::task::spawn_local(async move {
            for number in 0..config.batches {
                loop {
                    let answer = outlet.send(batch(&format!("span {number}"))).await;
                    note(format!("{} was answered {}", context.id, words(&answer)));
                    if answer.is_ok() || !config.insists {
                        break;
                    }
                    // Until the shard that refused is gone.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
            if config.stops {
                context.stop.stop(Ok(()));
            }
        }));
        Ok(())
    }

    async fn stop(&mut self) {
        note(format!("{} stops", self.context.id));
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

fn words(answer: &Result<(), Refusal>) -> &'static str {
    match answer {
        Ok(()) => "taken",
        Err(refusal) if refusal.is_permanent() => "never",
        Err(_) => "not now",
    }
}

pub fn batch(name: &str) -> Batch {
    let mut writer = TracesWriter::new();
    writer.resource(|_| {});
    writer.scope("test", "");
    writer.span(&SpanFields { name, ..SpanFields::default() }, |_| {});
    writer.finish()
}

#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub struct NoKeys {}

/// Panics when it works for the first time in the life of the process.
pub struct Bomb {
    has_gone_off: Arc<Mutex<bool>>,
}

impl Processor for Bomb {
    type Config = NoKeys;

    fn build(_config: &NoKeys, context: &BuildContext) -> Result<Self, BuildError> {
        Ok(Self { has_gone_off: context.shared(|| Mutex::new(false)) })
    }

    fn process(&mut self, batch: Batch, output: &mut Output) {
        let first = !std::mem::replace(&mut *self.has_gone_off.lock().unwrap(), true);
        assert!(!first, "the bomb went off");
        output.send(batch);
    }
}

/// Keeps everything back until it is told to finish.
#[derive(Default)]
pub struct Hoarder {
    kept: Vec<(Batch, Ack)>,
}

impl Processor for Hoarder {
    type Config = NoKeys;

    fn build(_config: &NoKeys, _context: &BuildContext) -> Result<Self, BuildError> {
        Ok(Self::default())
    }

    fn process(&mut self, batch: Batch, output: &mut Output) {
        self.kept.push((batch, output.hold()));
    }

    fn finish(&mut self, output: &mut Output) {
        for (batch, ack) in self.kept.drain(..) {
            output.send_with(batch, ack);
        }
    }
}

/// Passes traces on.
pub struct Bridge;

impl Connector for Bridge {
    type Config = NoKeys;
    const PAIRS: &'static [(Signal, Signal)] = &[(Signal::Traces, Signal::Traces)];

    fn build(_config: &NoKeys, _to: Signal, _context: &BuildContext) -> Result<Self, BuildError> {
        Ok(Self)
    }

    fn consume(&mut self, batch: Batch, output: &mut Output) {
        output.send(batch);
    }
}

#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub struct SinkConfig {
    /// Refuse everything for ever.
    pub refuses: bool,
}

/// Reports what it takes.
pub struct Sink {
    name: String,
    refuses: bool,
}

#[async_trait(?Send)]
impl Exporter for Sink {
    type Config = SinkConfig;
    const SIGNALS: &'static [Signal] = &[Signal::Traces];

    fn build(config: &SinkConfig, context: &BuildContext) -> Result<Self, BuildError> {
        Ok(Self { name: context.id.to_string(), refuses: config.refuses })
    }

    async fn start(&mut self) -> Result<(), StartError> {
        note(format!("{} starts", self.name));
        Ok(())
    }

    fn accept(&mut self, batch: Batch, ack: Ack) {
        if self.refuses {
            ack.refuse(Refusal::Permanent("no".into()));
            return;
        }
        for span in batch.resources().flat_map(|resource| resource.scopes()).flat_map(|scope| scope.spans()) {
            note(format!("{} took {}", self.name, span.name()));
        }
        ack.accept();
    }

    async fn stop(&mut self) {
        note(format!("{} stops", self.name));
    }
}

/// Offers a number.
pub struct Oracle;

#[async_trait(?Send)]
impl Extension for Oracle {
    type Config = NoKeys;

    fn build(_config: &NoKeys, context: &BuildContext) -> Result<Self, BuildError> {
        context.offer(Arc::new(42_u32));
        Ok(Self)
    }

    async fn start(&mut self) -> Result<(), StartError> {
        note("oracle starts".to_owned());
        Ok(())
    }

    async fn stop(&mut self) {
        note("oracle stops".to_owned());
    }
}

/// Cannot be without the oracle's number.
pub struct Believer(Arc<u32>);

#[async_trait(?Send)]
impl Exporter for Believer {
    type Config = NoKeys;
    const SIGNALS: &'static [Signal] = &[Signal::Traces];

    fn build(_config: &NoKeys, context: &BuildContext) -> Result<Self, BuildError> {
        context.find(&ComponentId::of("oracle")).map(Self)
    }

    fn accept(&mut self, _batch: Batch, ack: Ack) {
        note(format!("believer heard {}", self.0));
        ack.accept();
    }
}

static RECEIVERS: &[ReceiverFactory] = &[ReceiverFactory::of::<Feed>("feed")];
static PROCESSORS: &[ProcessorFactory] =
    &[ProcessorFactory::of::<Bomb>("bomb"), ProcessorFactory::of::<Hoarder>("hoarder")];
static CONNECTORS: &[ConnectorFactory] = &[ConnectorFactory::of::<Bridge>("bridge")];
static EXPORTERS: &[ExporterFactory] =
    &[ExporterFactory::of::<Sink>("sink").alias("drain"), ExporterFactory::of::<Believer>("believer")];
static EXTENSIONS: &[ExtensionFactory] = &[ExtensionFactory::of::<Oracle>("oracle")];

static TABLES: Tables = Tables {
    receivers: RECEIVERS,
    processors: PROCESSORS,
    exporters: EXPORTERS,
    connectors: CONNECTORS,
    extensions: EXTENSIONS,
};

fn context(shards: usize) -> BuildContext {
    BuildContext::new(Arc::new(SystemClock::default()), Budget::new(1 << 20), shards)
}

/// Plans a configuration; what is wrong with it comes as the sentences.
pub fn planned(yaml: &str) -> Result<(Plan, BuildContext), Vec<String>> {
    let uris = [format!("yaml:{yaml}\n")];
    let quiet = ["service.telemetry.metrics.level=none".to_owned()];
    let request = Request { uris: &uris, sets: &quiet, gates: &[], environment: &|_| None };
    let sentences = |problems: &Problems| problems.sorted().iter().map(|problem| problem.message.clone()).collect();
    let mut loaded = config::load(&request).map_err(|problems| sentences(&problems))?;
    let mut problems = std::mem::take(&mut loaded.problems);
    let context = context(1);
    match plan(&loaded, &TABLES, &context, &mut problems) {
        Some(plan) if !problems.has_errors() => Ok((plan, context)),
        _ => Err(sentences(&problems)),
    }
}

/// Runs a configuration to its end, on a thread of its own, and gives what was reported.
pub fn run(yaml: &str) -> (Result<(), RunError>, Vec<String>) {
    let (plan, context) = planned(yaml).unwrap_or_else(|sentences| panic!("{sentences:?}"));
    reported();
    let (done, outcome): (Sender<_>, Inbox<_>) = mpsc::channel();
    std::thread::spawn(move || {
        let options = RunOptions { drain_timeout: Duration::from_secs(5), version: "test", when_ready: || {} };
        done.send(engine::run(plan, context, &options))
    });
    let outcome = outcome.recv_timeout(Duration::from_secs(30)).expect("the engine ends");
    (outcome, reported())
}
