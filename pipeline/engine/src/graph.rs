//! Builds one shard's copy of all pipelines.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use component::{AnyConnector, AnyProcessor, AnyReceiver, BuildContext, Consume, Counter, Outlets};
use config::{ComponentId, Mark, PipelineId};
use pdata::Signal;

use crate::node::{Exit, FanOut, Finish, ShardState, Worker};
use crate::plan::{Plan, PlannedPipeline};

/// Receivers with their ids.
type Receivers = Vec<(ComponentId, Box<dyn AnyReceiver>)>;

/// A shard's components, connected.
pub(crate) struct Graph {
    /// To be started last and stopped first.
    pub(crate) receivers: Receivers,
    /// Processors and connectors, each before what it sends to.
    pub(crate) workers: Vec<Rc<dyn Finish>>,
    /// Exporters.
    pub(crate) exits: Vec<Rc<Exit>>,
}

/// Why a graph cannot be built.
pub(crate) struct Fault {
    /// Where the component at fault is declared.
    pub(crate) mark: Mark,
    /// The Collector's sentence.
    pub(crate) sentence: String,
}

impl Fault {
    fn new(mark: Mark, sentence: String) -> Self {
        Self { mark, sentence: format!("failed to build pipelines: {sentence}") }
    }
}

/// Builds the graph of one shard.
pub(crate) fn build(plan: &Plan, base: &BuildContext, state: &Rc<ShardState>) -> Result<Graph, Fault> {
    let mut builder = Builder {
        plan,
        base,
        state,
        entries: HashMap::new(),
        exits: HashMap::new(),
        connectors: HashMap::new(),
        exit_list: Vec::new(),
        workers: Vec::new(),
    };
    let receivers = builder.receivers()?;
    // Every worker was made after what it sends to.
    builder.workers.reverse();
    Ok(Graph { receivers, workers: builder.workers, exits: builder.exit_list })
}

struct Builder<'a> {
    plan: &'a Plan,
    base: &'a BuildContext,
    state: &'a Rc<ShardState>,
    entries: HashMap<PipelineId, Rc<dyn Consume>>,
    exits: HashMap<(ComponentId, Signal), Rc<dyn Consume>>,
    connectors: HashMap<(ComponentId, Signal, Signal), Rc<dyn Consume>>,
    exit_list: Vec<Rc<Exit>>,
    workers: Vec<Rc<dyn Finish>>,
}

impl Builder<'_> {
    fn receivers(&mut self) -> Result<Receivers, Fault> {
        let mut receivers = Vec::new();
        for part in &self.plan.receivers {
            let next = self.pipelines_behind(&part.id)?;
            if !part.factory.on_every_shard && self.base.shard > 0 {
                continue;
            }
            let context = self.context(&part.id);
            let outlets = Outlets::new(next, part.id.to_string(), Arc::clone(&self.base.registry));
            let receiver = (part.factory.build)(&part.config, outlets, &context).map_err(|error| {
                Fault::new(part.mark, format!("failed to create \"{}\" receiver: {error}", part.id))
            })?;
            receivers.push((part.id.clone(), receiver));
        }
        Ok(receivers)
    }

    /// For each signal, the pipelines that begin with this receiver.
    fn pipelines_behind(&mut self, receiver: &ComponentId) -> Result<BTreeMap<Signal, Rc<dyn Consume>>, Fault> {
        let mut next = BTreeMap::new();
        for signal in Signal::ALL {
            let branches = self.entries_of(signal, receiver)?;
            if !branches.is_empty() {
                next.insert(signal, FanOut::over(branches));
            }
        }
        Ok(next)
    }

    fn entries_of(&mut self, signal: Signal, source: &ComponentId) -> Result<Vec<Rc<dyn Consume>>, Fault> {
        let plan = self.plan;
        let begins = |pipeline: &&PlannedPipeline| pipeline.signal == signal && pipeline.receivers.contains(source);
        plan.pipelines.iter().filter(begins).map(|pipeline| self.entry(pipeline)).collect()
    }

    /// The first place of a pipeline; builds the pipeline, and all behind it, when asked for the first time.
    fn entry(&mut self, pipeline: &PlannedPipeline) -> Result<Rc<dyn Consume>, Fault> {
        if let Some(entry) = self.entries.get(&pipeline.id) {
            return Ok(Rc::clone(entry));
        }
        let mut ends = Vec::new();
        for id in &pipeline.exporters {
            ends.extend(self.ends(id, pipeline)?);
        }
        let mut next = FanOut::over(ends);
        for id in pipeline.processors.iter().rev() {
            next = self.processor(id, pipeline, next)?;
        }
        self.entries.insert(pipeline.id.clone(), Rc::clone(&next));
        Ok(next)
    }

    fn processor(
        &mut self,
        id: &ComponentId,
        pipeline: &PlannedPipeline,
        next: Rc<dyn Consume>,
    ) -> Result<Rc<dyn Consume>, Fault> {
        // Undefined references were refused when the configuration was loaded.
        let Some(part) = self.plan.processor(id) else { return Ok(next) };
        let signal = pipeline.signal;
        let mut context = self.context(id);
        context.signal = Some(signal);
        context.pipeline = Some(pipeline.id.clone());
        let failed = |reason: String| {
            let sentence = format!("failed to create \"{id}\" processor, in pipeline \"{}\": {reason}", pipeline.id);
            Fault::new(part.mark, sentence)
        };
        let processor = (part.factory.build)(&part.config, &context).map_err(|error| failed(error.0))?;
        let labels = [("processor", id.to_string()), ("otel_signal", signal.to_string())];
        Ok(self.worker::<Box<dyn AnyProcessor>>(id, processor, next, &labels))
    }

    /// What stands at the end of a pipeline under one id: an exporter, or a connector's instances.
    fn ends(&mut self, id: &ComponentId, pipeline: &PlannedPipeline) -> Result<Vec<Rc<dyn Consume>>, Fault> {
        if self.plan.connector(id).is_some() {
            return self.connector_ends(id, pipeline.signal);
        }
        Ok(self.exit(id, pipeline.signal)?.into_iter().collect())
    }

    fn connector_ends(&mut self, id: &ComponentId, from: Signal) -> Result<Vec<Rc<dyn Consume>>, Fault> {
        let mut instances = Vec::new();
        let Some(part) = self.plan.connector(id) else { return Ok(instances) };
        for (_, to) in part.factory.pairs.iter().filter(|(pair_from, _)| *pair_from == from) {
            let key = (id.clone(), from, *to);
            if let Some(instance) = self.connectors.get(&key) {
                instances.push(Rc::clone(instance));
                continue;
            }
            let branches = self.entries_of(*to, id)?;
            if branches.is_empty() {
                continue;
            }
            let mut context = self.context(id);
            context.signal = Some(from);
            let connector = (part.factory.build)(&part.config, *to, &context).map_err(|error| {
                Fault::new(part.mark, format!("failed to create \"{id}\" connector, {from} to {to}: {error}"))
            })?;
            let labels = [("connector", id.to_string()), ("otel_signal", from.to_string())];
            let instance = self.worker::<Box<dyn AnyConnector>>(id, connector, FanOut::over(branches), &labels);
            self.connectors.insert(key, Rc::clone(&instance));
            instances.push(instance);
        }
        Ok(instances)
    }

    fn exit(&mut self, id: &ComponentId, signal: Signal) -> Result<Option<Rc<dyn Consume>>, Fault> {
        if let Some(exit) = self.exits.get(&(id.clone(), signal)) {
            return Ok(Some(Rc::clone(exit)));
        }
        let Some(part) = self.plan.exporter(id) else { return Ok(None) };
        let failed = |reason: String| {
            Fault::new(part.mark, format!("failed to create \"{id}\" exporter for data type \"{signal}\": {reason}"))
        };
        let mut context = self.context(id);
        context.signal = Some(signal);
        let exporter = (part.factory.build)(&part.config, &context).map_err(|error| failed(error.0))?;
        let exit =
            Rc::new(Exit { name: id.to_string(), exporter: RefCell::new(exporter), state: Rc::clone(self.state) });
        self.exit_list.push(Rc::clone(&exit));
        let exit: Rc<dyn Consume> = exit;
        self.exits.insert((id.clone(), signal), Rc::clone(&exit));
        Ok(Some(exit))
    }

    fn worker<W: crate::node::Work + 'static>(
        &mut self,
        id: &ComponentId,
        work: W,
        next: Rc<dyn Consume>,
        labels: &[(&str, String); 2],
    ) -> Rc<dyn Consume> {
        let [(kind, name), (signal_label, signal)] = labels;
        let labels = [(*kind, name.as_str()), (*signal_label, signal.as_str())];
        let count = |direction: &str, help| -> Counter {
            self.base.registry.counter(&format!("otelcol_{kind}_{direction}_items"), help, &labels)
        };
        let counters = (count("incoming", "Items that came in."), count("outgoing", "Items that went out."));
        let worker = Rc::new(Worker::new(id.to_string(), work, next, counters, self.state));
        self.state.timer.add(Rc::clone(&worker) as Rc<dyn crate::timer::Sleeper>);
        self.workers.push(Rc::clone(&worker) as Rc<dyn Finish>);
        worker
    }

    fn context(&self, id: &ComponentId) -> BuildContext {
        let mut context = self.base.clone();
        context.id = id.clone();
        context
    }
}
