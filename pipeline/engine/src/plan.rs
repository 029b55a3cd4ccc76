//! From names to factories: what the configuration means, and everything that is wrong with it.

use std::collections::HashSet;
use std::sync::Arc;

use component::{
    AnyConfig, BuildContext, ConnectorFactory, ExporterFactory, ExtensionFactory, ProcessorFactory, ReceiverFactory,
};
use config::telemetry::Telemetry;
use config::{ComponentId, Declared, Loaded, Mark, PipelineId, Problems, Reference};
use pdata::Signal;

use crate::graph::build;
use crate::known::is_of_the_collector;
use crate::node::ShardState;
use crate::tables::{Named, Tables, find, names};

/// A configuration that can be built: every name resolved, every setting checked.
pub struct Plan {
    pub(crate) receivers: Vec<Part<ReceiverFactory>>,
    pub(crate) processors: Vec<Part<ProcessorFactory>>,
    pub(crate) exporters: Vec<Part<ExporterFactory>>,
    pub(crate) connectors: Vec<Part<ConnectorFactory>>,
    /// In the order in which the service starts them.
    pub(crate) extensions: Vec<Part<ExtensionFactory>>,
    pub(crate) pipelines: Vec<PlannedPipeline>,
    pub(crate) telemetry: Telemetry,
}

/// A component that is used.
pub(crate) struct Part<F> {
    pub(crate) id: ComponentId,
    pub(crate) factory: F,
    pub(crate) config: AnyConfig,
    pub(crate) mark: Mark,
}

/// A pipeline, by ids.
pub(crate) struct PlannedPipeline {
    pub(crate) id: PipelineId,
    pub(crate) signal: Signal,
    pub(crate) receivers: Vec<ComponentId>,
    pub(crate) processors: Vec<ComponentId>,
    pub(crate) exporters: Vec<ComponentId>,
    mark: Mark,
}

impl Plan {
    pub(crate) fn processor(&self, id: &ComponentId) -> Option<&Part<ProcessorFactory>> {
        self.processors.iter().find(|part| part.id == *id)
    }

    pub(crate) fn exporter(&self, id: &ComponentId) -> Option<&Part<ExporterFactory>> {
        self.exporters.iter().find(|part| part.id == *id)
    }

    pub(crate) fn connector(&self, id: &ComponentId) -> Option<&Part<ConnectorFactory>> {
        self.connectors.iter().find(|part| part.id == *id)
    }
}

/// Resolves a loaded configuration. Everything that is wrong is noted in `problems`, with its place; `None` if there
/// was an error. Components that no pipeline uses are checked all the same.
pub fn plan(loaded: &Loaded, tables: &Tables, context: &BuildContext, problems: &mut Problems) -> Option<Plan> {
    let errors_before = problems.error_count();
    let receivers = parts("receivers", &loaded.receivers, tables.receivers, problems);
    let processors = parts("processors", &loaded.processors, tables.processors, problems);
    let exporters = parts("exporters", &loaded.exporters, tables.exporters, problems);
    let connectors = parts("connectors", &loaded.connectors, tables.connectors, problems);
    let extensions = parts("extensions", &loaded.extensions, tables.extensions, problems);
    if problems.error_count() > errors_before {
        return None;
    }
    let mut plan = Plan {
        receivers,
        processors,
        exporters,
        connectors,
        extensions: in_order(extensions, &loaded.service.extensions),
        pipelines: loaded.service.pipelines.iter().filter_map(pipeline).collect(),
        telemetry: loaded.service.telemetry.clone(),
    };
    check_signals(&plan, problems);
    check_connectors(&plan, problems);
    check_cycles(&plan, problems);
    let used: HashSet<_> = plan.pipelines.iter().flat_map(|pipeline| &pipeline.receivers).cloned().collect();
    plan.receivers.retain(|part| used.contains(&part.id));
    if problems.error_count() == errors_before {
        try_building(&plan, context, problems);
    }
    (problems.error_count() == errors_before).then_some(plan)
}

fn parts<F: Named>(section: &str, declared: &[Declared], table: &'static [F], problems: &mut Problems) -> Vec<Part<F>> {
    let part = |declared: &Declared| {
        let Some(factory) = find(table, &declared.id) else {
            note_unknown(section, declared, &names(table), problems);
            return None;
        };
        let path = format!("{section}::{}", declared.id);
        let config = (factory.identity().decode)(&declared.node, &path, declared.mark, problems)?;
        Some(Part { id: declared.id.clone(), factory, config, mark: declared.mark })
    };
    declared.iter().filter_map(part).collect()
}

fn note_unknown(section: &str, declared: &Declared, valid: &[&str], problems: &mut Problems) {
    let Declared { id, mark, .. } = declared;
    if is_of_the_collector(section, id.kind()) {
        let help = format!("the Collector has it; here there are: {}", valid.join(", "));
        problems.error_with_help(
            *mark,
            format!("{section}::{id}: type \"{}\" is not supported yet", id.kind()),
            Some(help),
        );
    } else {
        problems.unknown_type(section, id, *mark, valid);
    }
}

fn in_order(mut parts: Vec<Part<ExtensionFactory>>, order: &[Reference]) -> Vec<Part<ExtensionFactory>> {
    let place = |part: &Part<ExtensionFactory>| order.iter().position(|reference| reference.id == part.id);
    parts.retain(|part| place(part).is_some());
    parts.sort_by_key(place);
    parts
}

fn pipeline(pipeline: &config::Pipeline) -> Option<PlannedPipeline> {
    let signal = match pipeline.id.signal {
        config::Signal::Traces => Signal::Traces,
        config::Signal::Metrics => Signal::Metrics,
        config::Signal::Logs => Signal::Logs,
        // Refused when the configuration was loaded.
        config::Signal::Profiles => return None,
    };
    let ids = |references: &[Reference]| references.iter().map(|reference| reference.id.clone()).collect();
    Some(PlannedPipeline {
        id: pipeline.id.clone(),
        signal,
        receivers: ids(&pipeline.receivers),
        processors: ids(&pipeline.processors),
        exporters: ids(&pipeline.exporters),
        mark: pipeline.mark,
    })
}

/// Builds everything and throws it away: some settings are only understood by the component itself. Extensions first,
/// since others look for what they offer.
fn try_building(plan: &Plan, context: &BuildContext, problems: &mut Problems) {
    let apart = context.apart();
    let mut extensions = Vec::new();
    for part in &plan.extensions {
        let mut context = apart.clone();
        context.id = part.id.clone();
        match (part.factory.build)(&part.config, &context) {
            Ok(extension) => extensions.push(extension),
            Err(error) => {
                let sentence =
                    format!("failed to build extensions: failed to create extension \"{}\": {error}", part.id);
                problems.error(part.mark, sentence);
                return;
            }
        }
    }
    let state = ShardState::new(Arc::clone(&context.clock));
    if let Err(fault) = build(plan, &apart, &state) {
        problems.error(fault.mark, fault.sentence);
    }
}

/// Every component must know the signal of the pipelines it is in.
fn check_signals(plan: &Plan, problems: &mut Problems) {
    const REASON: &str = "telemetry type is not supported";
    for pipeline in &plan.pipelines {
        let signal = pipeline.signal;
        for part in plan.receivers.iter().filter(|part| pipeline.receivers.contains(&part.id)) {
            if !part.factory.signals.contains(&signal) {
                let id = &part.id;
                let sentence = format!(
                    "failed to build pipelines: failed to create \"{id}\" receiver for data type \"{signal}\": {REASON}"
                );
                problems.error(pipeline.mark, sentence);
            }
        }
        for part in plan.processors.iter().filter(|part| pipeline.processors.contains(&part.id)) {
            if !part.factory.signals.contains(&signal) {
                let (id, pipeline_id) = (&part.id, &pipeline.id);
                let sentence = format!(
                    "failed to build pipelines: failed to create \"{id}\" processor, in pipeline \"{pipeline_id}\": {REASON}"
                );
                problems.error(pipeline.mark, sentence);
            }
        }
        for part in plan.exporters.iter().filter(|part| pipeline.exporters.contains(&part.id)) {
            if !part.factory.signals.contains(&signal) {
                let id = &part.id;
                let sentence = format!(
                    "failed to build pipelines: failed to create \"{id}\" exporter for data type \"{signal}\": {REASON}"
                );
                problems.error(pipeline.mark, sentence);
            }
        }
    }
}

/// A connector must have both ends, and be able to connect them.
fn check_connectors(plan: &Plan, problems: &mut Problems) {
    for part in &plan.connectors {
        let id = &part.id;
        let ends: Vec<_> = plan.pipelines.iter().filter(|pipeline| pipeline.exporters.contains(id)).collect();
        let begins: Vec<_> = plan.pipelines.iter().filter(|pipeline| pipeline.receivers.contains(id)).collect();
        let connects =
            |from: &PlannedPipeline, to: &PlannedPipeline| part.factory.pairs.contains(&(from.signal, to.signal));
        for from in &ends {
            if begins.iter().any(|to| connects(from, to)) {
                continue;
            }
            let sentence = match begins.first() {
                Some(to) if part.factory.pairs.iter().all(|(pair, _)| *pair != from.signal) || begins.len() == 1 => {
                    format!(
                        "failed to build pipelines: connector \"{id}\" cannot connect from {} to {}: telemetry type is not supported",
                        from.signal, to.signal
                    )
                }
                _ => format!(
                    "failed to build pipelines: connector \"{id}\" used as exporter in [{}] pipeline but not used in any supported receiver pipeline",
                    from.id
                ),
            };
            problems.error(from.mark, sentence);
        }
        for to in &begins {
            if ends.is_empty()
                || (!ends.iter().any(|from| connects(from, to))
                    && begins.iter().any(|other| ends.iter().any(|from| connects(from, other))))
            {
                let sentence = format!(
                    "failed to build pipelines: connector \"{id}\" used as receiver in [{}] pipeline but not used in any supported exporter pipeline",
                    to.id
                );
                problems.error(to.mark, sentence);
            }
        }
    }
}

/// Data that comes back to where it was would never end.
fn check_cycles(plan: &Plan, problems: &mut Problems) {
    for start in &plan.pipelines {
        let mut path = Vec::new();
        if leads_back(plan, start, start, &mut path) {
            let walked: Vec<String> =
                path.iter().map(|(id, from, to)| format!("connector \"{id}\" ({from} to {to})")).collect();
            let first = walked.first().cloned().unwrap_or_default();
            let sentence = format!("failed to build pipelines: cycle detected: {} -> {first}", walked.join(" -> "));
            problems.error(start.mark, sentence);
            return;
        }
    }
}

fn leads_back(
    plan: &Plan,
    at: &PlannedPipeline,
    start: &PlannedPipeline,
    path: &mut Vec<(ComponentId, Signal, Signal)>,
) -> bool {
    if path.len() > plan.pipelines.len() {
        return false;
    }
    for part in plan.connectors.iter().filter(|part| at.exporters.contains(&part.id)) {
        for next in plan.pipelines.iter().filter(|next| next.receivers.contains(&part.id)) {
            if !part.factory.pairs.contains(&(at.signal, next.signal)) {
                continue;
            }
            path.push((part.id.clone(), at.signal, next.signal));
            if next.id == start.id || leads_back(plan, next, start, path) {
                return true;
            }
            path.pop();
        }
    }
    false
}
