//! Stories about one component: built through the real configuration, fed by hand, on a clock that stands still.
//!
//! In this room: a stage for a processor and one for an exporter, what they sent, and promises that a story watches.
//! Not here: graphs of several components (`engine`).
//!
//! Enter at [`processor`] and [`exporter`]; [`faults`] is for configurations that must be refused.
//!
//! Whatever a story did not expect ends it with a panic that says so.
#![allow(
    clippy::panic,
    clippy::expect_used,
    reason = "only tests use this room, and a test stops at the first surprise"
)]

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use config::{ComponentId, Mark, Node, Problems, Request, Section, Severity, decode_component};
use futures_util::FutureExt as _;
use pdata::{Batch, Signal};
use tokio::runtime::Runtime;
use tokio::task::LocalSet;

use crate::{
    Ack, Answer, Budget, BuildContext, Clock as _, Consume, Exporter, Output, Processor, Refusal, Sample, StartError,
    SteppedClock, promise,
};

/// 2026-01-01 00:00:00 UTC, when every story begins.
pub const BEGINNING: u64 = 1_767_225_600_000_000_000;

/// How long a story waits for an answer before it is lost: much longer than any honest answer takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// The settings that `yaml` stands for.
pub fn settings<C: Section>(yaml: &str) -> C {
    decode(yaml).unwrap_or_else(|problems| panic!("the story's configuration is refused:\n{}", problems.render()))
}

/// Why `yaml` is refused: the sentences, without their places. Empty if it is not.
pub fn faults<C: Section>(yaml: &str) -> Vec<String> {
    decode::<C>(yaml).err().map_or_else(Vec::new, |problems| sentences(&problems, Severity::Error))
}

fn sentences(problems: &Problems, severity: Severity) -> Vec<String> {
    let wanted = problems.sorted().into_iter().filter(|problem| problem.severity == severity);
    let bare = |message: &str| {
        let rest = message.strip_prefix("story: ").or_else(|| message.strip_prefix("story::"));
        rest.unwrap_or(message).to_owned()
    };
    wanted.map(|problem| bare(&problem.message)).collect()
}

fn decode<C: Section>(yaml: &str) -> Result<C, Problems> {
    let (node, mark) = node(yaml)?;
    let mut problems = Problems::new();
    problems.add_source("story", yaml);
    decode_component(&node, "story", mark, &mut problems).ok_or(problems)
}

/// The settings as the loader reads them from a file with one component.
fn node(yaml: &str) -> Result<(Node, Mark), Problems> {
    let inner = yaml.trim_matches('\n');
    let file = if inner.contains('\n') {
        let lines: Vec<String> = inner.lines().map(|line| format!("    {line}")).collect();
        format!("yaml:processors:\n  story:\n{}\n", lines.join("\n"))
    } else {
        format!("yaml:processors:\n  story: {inner}\n")
    };
    let environment = |_: &str| None;
    let loaded = config::load(&Request { uris: &[file], sets: &[], gates: &[], environment: &environment })?;
    let declared = loaded.processors.into_iter().next().expect("the file has one component");
    Ok((declared.node, declared.mark))
}

/// What a stage gives to the component on it.
#[derive(Clone)]
pub struct Stage {
    /// The context it is built in.
    pub context: BuildContext,
    /// Its clock.
    pub clock: Arc<SteppedClock>,
}

impl Stage {
    /// A process with one shard and room for `budget` bytes, for a component in a pipeline of this signal.
    pub fn new(signal: Signal, budget: usize) -> Self {
        let clock = Arc::new(SteppedClock::at(BEGINNING));
        let mut context = BuildContext::new(Arc::<SteppedClock>::clone(&clock), Budget::new(budget), 1);
        context.id = ComponentId::parse("story").expect("a good id");
        context.signal = Some(signal);
        Self { context, clock }
    }

    /// The sum of a family of own telemetry whose labels contain all of `labels`; histograms give their count.
    #[expect(clippy::cast_precision_loss, reason = "a story counts to a few thousand")]
    pub fn metric(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let families = self.context.registry.read();
        let series = families.iter().filter(|family| family.name == name).flat_map(|family| &family.series);
        let has = |wanted: &(&str, &str), labels: &[(String, String)]| {
            labels.iter().any(|(name, value)| (name.as_str(), value.as_str()) == *wanted)
        };
        let wanted = series.filter(|series| labels.iter().all(|label| has(label, &series.labels)));
        wanted
            .map(|series| match &series.sample {
                Sample::Value(value) => *value,
                Sample::Buckets(_, counts, _) => counts.iter().sum::<u64>() as f64,
            })
            .sum()
    }
}

/// A promise that the story made and watches.
pub struct Watched {
    answer: Option<Answer>,
    outcome: Option<Result<(), Refusal>>,
}

impl Watched {
    fn new(answer: Answer) -> Self {
        Self { answer: Some(answer), outcome: None }
    }

    /// What was answered so far.
    pub fn outcome(&mut self) -> Option<&Result<(), Refusal>> {
        if let Some(outcome) = self.answer.as_mut().and_then(|answer| answer.now_or_never()) {
            self.outcome = Some(outcome);
            self.answer = None;
        }
        self.outcome.as_ref()
    }

    /// Whether nobody has answered yet.
    pub fn is_open(&mut self) -> bool {
        self.outcome().is_none()
    }

    /// Whether the data was taken.
    pub fn is_accepted(&mut self) -> bool {
        matches!(self.outcome(), Some(Ok(())))
    }

    /// Why the data was refused.
    pub fn refusal(&mut self) -> Option<Refusal> {
        self.outcome().and_then(|outcome| outcome.clone().err())
    }
}

/// What a component sent on: the batch, and the promise that the rest of the pipeline has to answer.
pub struct Sent {
    /// The data.
    pub batch: Batch,
    /// Its promise.
    pub ack: Ack,
}

#[derive(Default)]
struct Collected(RefCell<Vec<Sent>>);

impl Consume for Collected {
    fn consume(&self, batch: Batch, ack: Ack) {
        self.0.borrow_mut().push(Sent { batch, ack });
    }
}

/// A processor on a stage.
pub struct ProcessorStory<P> {
    /// Clock, budget and telemetry.
    pub stage: Stage,
    processor: P,
    sent: Rc<Collected>,
}

/// A processor of traces with these settings and 64 MiB to spare.
pub fn processor<P: Processor>(yaml: &str) -> ProcessorStory<P> {
    processor_on(Stage::new(Signal::Traces, 64 << 20), yaml)
}

/// A processor with these settings on a stage of its own.
pub fn processor_on<P: Processor>(stage: Stage, yaml: &str) -> ProcessorStory<P> {
    let built = P::build(&settings(yaml), &stage.context);
    let processor = built.unwrap_or_else(|error| panic!("the processor cannot be built: {error}"));
    ProcessorStory { stage, processor, sent: Rc::default() }
}

/// Why a processor with these settings cannot be built for this signal.
pub fn processor_fault<P: Processor>(signal: Signal, yaml: &str) -> String {
    let built = P::build(&settings(yaml), &Stage::new(signal, 64 << 20).context);
    built.err().unwrap_or_else(|| panic!("the processor was built")).0
}

impl<P: Processor> ProcessorStory<P> {
    /// Gives it a batch, and watches the promise.
    pub fn receives(&mut self, batch: Batch) -> Watched {
        let (ack, answer) = promise();
        let mut output = Output::new(self.sent.as_ref(), Some(&ack), self.stage.clock.now());
        self.processor.process(batch, &mut output);
        match output.into_refusal() {
            Some(refusal) => ack.refuse(refusal),
            None => ack.accept(),
        }
        Watched::new(answer)
    }

    /// Lets time pass, and wakes it whenever it asked for that.
    pub fn after(&mut self, time: Duration) -> &mut Self {
        let end = self.stage.clock.now().monotonic + time;
        loop {
            let now = self.stage.clock.now().monotonic;
            let wake = self.processor.wake().filter(|wake| *wake <= end);
            let Some(wake) = wake else {
                self.stage.clock.advance(end.saturating_sub(now));
                return self;
            };
            self.stage.clock.advance(wake.saturating_sub(now));
            let mut output = Output::new(self.sent.as_ref(), None, self.stage.clock.now());
            self.processor.tick(&mut output);
            assert_ne!(self.processor.wake(), Some(wake), "a tick must move the next wake-up on");
        }
    }

    /// Says that nothing more will come.
    pub fn finishes(&mut self) -> &mut Self {
        let mut output = Output::new(self.sent.as_ref(), None, self.stage.clock.now());
        self.processor.finish(&mut output);
        self
    }

    /// What it has sent on since this was last asked, with promises to answer.
    pub fn sent(&mut self) -> Vec<Sent> {
        self.sent.0.take()
    }

    /// The one batch that it sent for `batch`; its promise is kept.
    pub fn passes(&mut self, batch: Batch) -> Batch {
        let mut watched = self.receives(batch);
        let mut sent = self.sent();
        assert_eq!(sent.len(), 1, "one batch comes out");
        let only = sent.remove(0);
        only.ack.accept();
        assert!(watched.is_accepted(), "the promise is kept, not {:?}", watched.outcome());
        only.batch
    }

    /// The processor itself.
    pub fn processor(&mut self) -> &mut P {
        &mut self.processor
    }
}

/// An exporter on a stage, with a runtime like that of a shard.
pub struct ExporterStory<E> {
    /// Clock, budget and telemetry.
    pub stage: Stage,
    exporter: E,
    tasks: LocalSet,
    runtime: Runtime,
}

/// An exporter of this signal with these settings and 64 MiB to spare, started.
pub fn exporter<E: Exporter>(signal: Signal, yaml: &str) -> ExporterStory<E> {
    exporter_on(Stage::new(signal, 64 << 20), yaml).unwrap_or_else(|error| panic!("the exporter cannot start: {error}"))
}

/// An exporter with these settings on a stage of its own, or why it cannot start.
pub fn exporter_on<E: Exporter>(stage: Stage, yaml: &str) -> Result<ExporterStory<E>, StartError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let tasks = LocalSet::new();
    let built = E::build(&settings(yaml), &stage.context);
    let mut exporter = built.unwrap_or_else(|error| panic!("the exporter cannot be built: {error}"));
    tasks.block_on(&runtime, exporter.start())?;
    Ok(ExporterStory { stage, exporter, tasks, runtime })
}

impl<E: Exporter> ExporterStory<E> {
    /// Gives it a batch, and watches the promise.
    pub fn takes(&mut self, batch: Batch) -> Watched {
        let (ack, answer) = promise();
        let _context = self.runtime.enter();
        let exporter = &mut self.exporter;
        self.tasks.block_on(&self.runtime, async move { exporter.accept(batch, ack) });
        Watched::new(answer)
    }

    /// Lets it work until it has answered.
    pub fn answers(&mut self, watched: &mut Watched) -> Result<(), Refusal> {
        if let Some(outcome) = watched.outcome() {
            return outcome.clone();
        }
        let answer = watched.answer.take().expect("an open promise has a channel");
        let patient = async { tokio::time::timeout(PATIENCE, answer).await };
        let outcome = self.tasks.block_on(&self.runtime, patient).unwrap_or_else(|_| panic!("it never answered"));
        watched.outcome = Some(outcome.clone());
        outcome
    }

    /// Gives it a batch and lets it work until it has answered.
    pub fn delivers(&mut self, batch: Batch) -> Result<(), Refusal> {
        let mut watched = self.takes(batch);
        self.answers(&mut watched)
    }

    /// Stops it.
    pub fn stops(&mut self) {
        self.tasks.block_on(&self.runtime, self.exporter.stop());
    }

    /// The exporter itself.
    pub fn exporter(&mut self) -> &mut E {
        &mut self.exporter
    }
}
