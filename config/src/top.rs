//! The whole configuration: sections, ids, pipelines, and the rules between them.

use std::collections::{BTreeMap, BTreeSet};

use crate::decode::{Check, Decode, DecodeContext, Fields};
use crate::gates::{ALLOW_NO_PIPELINES, Gates, PROFILES};
use crate::id::{ComponentId, Declared, PipelineId, Reference, Signal};
use crate::node::{Map, Mark, Node, Value};
use crate::problems::{Problems, did_you_mean};
use crate::source::{Request, resolve};
use crate::telemetry::Telemetry;

/// A configuration whose own shape has been read; the settings of its components are still trees.
///
/// Its `problems` may hold errors: whoever decodes the components adds theirs, so that all are shown at once.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// `receivers`.
    pub receivers: Vec<Declared>,
    /// `processors`.
    pub processors: Vec<Declared>,
    /// `exporters`.
    pub exporters: Vec<Declared>,
    /// `connectors`.
    pub connectors: Vec<Declared>,
    /// `extensions`.
    pub extensions: Vec<Declared>,
    /// `service`.
    pub service: Service,
    /// `--feature-gates`.
    pub gates: Gates,
    /// The tree after merging and expansion.
    pub resolved: Node,
    /// Errors and warnings so far.
    pub problems: Problems,
}

/// `service`.
#[derive(Debug, Clone, Default)]
pub struct Service {
    /// Extensions to start, in order.
    pub extensions: Vec<Reference>,
    /// The pipelines, in the order of the file.
    pub pipelines: Vec<Pipeline>,
    /// How Tidewatch speaks about itself.
    pub telemetry: Telemetry,
    /// How many copies of the pipelines run, each on its own thread.
    pub shards: Shards,
}

/// `service::pipelines::<id>`.
#[derive(Debug, Clone)]
pub struct Pipeline {
    /// Its id.
    pub id: PipelineId,
    /// Where the id stands.
    pub mark: Mark,
    /// Receivers, or connectors that end other pipelines.
    pub receivers: Vec<Reference>,
    /// Processors in order.
    pub processors: Vec<Reference>,
    /// Exporters, or connectors that start other pipelines.
    pub exporters: Vec<Reference>,
}

/// `service::shards`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shards {
    /// That many.
    Count(usize),
    /// One per processor.
    Auto,
}

impl Default for Shards {
    fn default() -> Self {
        Shards::Count(1)
    }
}

impl Decode for Shards {
    const TYPE_NAME: &'static str = "`auto` or int";

    fn decode(node: &Node, context: &mut DecodeContext<'_>) -> Option<Self> {
        const MOST: i128 = 1024;
        match &node.value {
            Value::Int(count) if (1..=MOST).contains(count) => usize::try_from(*count).ok().map(Shards::Count),
            Value::String(text) if text == "auto" => Some(Shards::Auto),
            _ => {
                context.error(node, format_args!("must be `auto` or a number from 1 to {MOST}"));
                None
            }
        }
    }

    fn show(&self) -> String {
        match self {
            Shards::Count(count) => count.to_string(),
            Shards::Auto => "auto".to_owned(),
        }
    }
}

/// Reads all sources. `Err` when they do not make a tree; errors in the tree are in [`Loaded::problems`].
pub fn load(request: &Request<'_>) -> Result<Loaded, Problems> {
    let mut problems = Problems::new();
    let gates = Gates::parse(request.gates, &mut problems);
    match resolve(request, &gates, &mut problems) {
        Some(resolved) => Ok(read(resolved, gates, problems)),
        None => Err(problems),
    }
}

fn read(resolved: Node, gates: Gates, mut problems: Problems) -> Loaded {
    let empty = Map::default();
    let mut fields = Fields::of(resolved.as_map().unwrap_or(&empty));
    let mut context = DecodeContext::new(&mut problems, "");
    let mut loaded = Loaded {
        receivers: declared(&mut fields, "receivers", &mut context),
        processors: declared(&mut fields, "processors", &mut context),
        exporters: declared(&mut fields, "exporters", &mut context),
        connectors: declared(&mut fields, "connectors", &mut context),
        extensions: declared(&mut fields, "extensions", &mut context),
        service: service(&mut fields, &mut context),
        gates,
        ..Loaded::default()
    };
    fields.refuse_the_rest(&mut context);
    loaded.resolved = resolved;
    loaded.problems = problems;
    loaded.check();
    loaded
}

fn declared(fields: &mut Fields<'_>, section: &'static str, context: &mut DecodeContext<'_>) -> Vec<Declared> {
    let Some(entry) = fields.take(section).filter(|entry| !entry.value.is_null()) else { return Vec::new() };
    let Value::Map(map) = &entry.value.value else {
        context.inside(section, |context| context.not_a_map(&entry.value));
        return Vec::new();
    };
    let mut seen = BTreeSet::new();
    let mut declared = Vec::new();
    for entry in map {
        match ComponentId::parse(&entry.key) {
            Ok(id) if seen.insert(id.clone()) => {
                declared.push(Declared { id, node: entry.value.clone(), mark: entry.mark });
            }
            Ok(id) => {
                let message = format!("'{section}' '' duplicate name \"{id}\" after unmarshaling {id}");
                context.problems.error(entry.mark, message);
            }
            Err(error) => context.problems.error(entry.mark, format!("'{section}' '' {error}")),
        }
    }
    declared
}

fn service(fields: &mut Fields<'_>, context: &mut DecodeContext<'_>) -> Service {
    let Some(entry) = fields.take("service").filter(|entry| !entry.value.is_null()) else { return Service::default() };
    let Value::Map(map) = &entry.value.value else {
        context.inside("service", |context| context.not_a_map(&entry.value));
        return Service::default();
    };
    let errors_before = context.problems.error_count();
    let mut fields = Fields::of(map);
    let service = context.inside("service", |context| {
        let service = Service {
            extensions: fields
                .take("extensions")
                .map(|entry| references(&entry.value, "service.extensions", context))
                .unwrap_or_default(),
            pipelines: fields.take("pipelines").map(|entry| pipelines(&entry.value, context)).unwrap_or_default(),
            telemetry: fields.read(Telemetry::default(), "telemetry", context).unwrap_or_default(),
            shards: fields.read(Shards::default(), "shards", context).unwrap_or_default(),
        };
        fields.refuse_the_rest(context);
        service
    });
    if context.problems.error_count() == errors_before {
        let mut check = Check::new(context.problems, "service", Some(&entry.value), entry.mark);
        check.inside("telemetry", |node, check| service.telemetry.validate_inside(node, check));
    }
    service
}

fn pipelines(node: &Node, context: &mut DecodeContext<'_>) -> Vec<Pipeline> {
    let map = match &node.value {
        Value::Map(map) => map,
        Value::Null => return Vec::new(),
        _ => {
            context.inside("pipelines", |context| context.not_a_map(node));
            return Vec::new();
        }
    };
    let mut seen = BTreeSet::new();
    let mut pipelines = Vec::new();
    for entry in map {
        match PipelineId::parse(&entry.key) {
            Ok(id) if seen.insert(id.clone()) => pipelines.extend(pipeline(id, entry.mark, &entry.value, context)),
            Ok(id) => {
                let message = format!("'service.pipelines' duplicate name \"{id}\" after unmarshaling {id}");
                context.problems.error(entry.mark, message);
            }
            Err(error) => {
                let signals = ["traces", "metrics", "logs"];
                let signal = entry.key.split('/').next().unwrap_or_default().trim();
                let help = did_you_mean(signal, signals);
                context.problems.error_with_help(entry.mark, format!("'service.pipelines' {error}"), help);
            }
        }
    }
    pipelines
}

fn pipeline(id: PipelineId, mark: Mark, node: &Node, context: &mut DecodeContext<'_>) -> Option<Pipeline> {
    let path = format!("service.pipelines[{id}]");
    let empty = Map::default();
    let map = match &node.value {
        Value::Map(map) => map,
        Value::Null => &empty,
        _ => {
            let message = format!("'{path}' expected a map or struct, got \"{}\"", node.go_kind());
            context.problems.error(node.mark, message);
            return None;
        }
    };
    for kind in ["receiver", "exporter"] {
        let ends = map.get(&format!("{kind}s")).filter(|node| !node.is_null());
        if ends.is_none_or(|node| node.as_list().is_some_and(<[Node]>::is_empty)) {
            context.problems.error(mark, format!("service::pipelines::{id}: must have at least one {kind}"));
        }
    }
    let mut fields = Fields::of(map);
    let mut list = |key: &'static str| {
        let entry = fields.take(key);
        entry.map(|entry| references(&entry.value, &format!("{path}.{key}"), context)).unwrap_or_default()
    };
    let (receivers, processors, exporters) = (list("receivers"), list("processors"), list("exporters"));
    fields.refuse_the_rest_of(&path, context.problems);
    Some(Pipeline { id, mark, receivers, processors, exporters })
}

fn references(node: &Node, path: &str, context: &mut DecodeContext<'_>) -> Vec<Reference> {
    let items = match &node.value {
        Value::List(items) => items.as_slice(),
        Value::Null => &[],
        _ => {
            let message = format!("'{path}' source data must be an array or slice, got {}", node.go_kind());
            context.problems.error(node.mark, message);
            &[]
        }
    };
    let mut references = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let Some(text) = item.as_str() else {
            let got = item.go_type();
            let message = format!("'{path}[{index}]' expected type 'string', got unconvertible type '{got}'");
            context.problems.error(item.mark, message);
            continue;
        };
        match ComponentId::parse(text) {
            Ok(id) => references.push(Reference { id, mark: item.mark }),
            Err(error) => context.problems.error(item.mark, format!("'{path}[{index}]' {error}")),
        }
    }
    references
}

/// Null, `[]` or `{}`.
fn is_empty(node: &Node) -> bool {
    match &node.value {
        Value::Null => true,
        Value::List(items) => items.is_empty(),
        Value::Map(map) => map.is_empty(),
        _ => false,
    }
}

impl Loaded {
    /// The rules between sections, in the Collector's words.
    fn check(&mut self) {
        let mut problems = std::mem::take(&mut self.problems);
        self.check_presence(&mut problems);
        self.check_ambiguity(&mut problems);
        for pipeline in &self.service.pipelines {
            self.check_pipeline(pipeline, &mut problems);
        }
        self.check_extensions(&mut problems);
        self.warn_of_unused(&mut problems);
        self.problems = problems;
    }

    fn check_presence(&self, problems: &mut Problems) {
        if self.gates.is_open(ALLOW_NO_PIPELINES) {
            return;
        }
        let mark = self.resolved.mark;
        let empty = self.resolved.as_map().is_none_or(|map| map.iter().all(|entry| entry.value.is_null()));
        if empty {
            problems.error(mark, "empty configuration file");
        } else {
            if self.has_none("receivers") {
                problems.error(mark, "no receiver configuration specified in config");
            }
            if self.has_none("exporters") {
                problems.error(mark, "no exporter configuration specified in config");
            }
        }
        let service = self.resolved.as_map().and_then(|map| map.entry("service"));
        // A service that is no mapping has been refused already.
        let service_is_read = service.is_none_or(|service| service.value.is_null() || service.value.as_map().is_some());
        let pipelines = service.and_then(|service| service.value.get("pipelines"));
        if service_is_read && pipelines.is_none_or(is_empty) {
            let mark = service.map_or(mark, |service| service.mark);
            problems.error(mark, "service::pipelines: service must have at least one pipeline");
        }
    }

    fn has_none(&self, section: &str) -> bool {
        self.resolved.get(section).is_none_or(is_empty)
    }

    fn check_ambiguity(&self, problems: &mut Problems) {
        for (kind, declared) in [("exporter", &self.exporters), ("receiver", &self.receivers)] {
            for connector in &self.connectors {
                if declared.iter().any(|other| other.id == connector.id) {
                    let id = &connector.id;
                    let message = format!(
                        "connectors::{id}: ambiguous ID: Found both \"{id}\" {kind} and \"{id}\" connector. \
                         Change one of the components' IDs to eliminate ambiguity \
                         (e.g. rename \"{id}\" connector to \"{id}/connector\")"
                    );
                    problems.error(connector.mark, message);
                }
            }
        }
    }

    fn check_pipeline(&self, pipeline: &Pipeline, problems: &mut Problems) {
        let path = format!("service::pipelines::{}", pipeline.id);
        if pipeline.id.signal == Signal::Profiles {
            let message = if self.gates.is_open(PROFILES) {
                format!("service::pipelines: pipeline \"{}\": profiles are not supported yet", pipeline.id)
            } else {
                format!(
                    "service::pipelines: pipeline \"{}\": profiling signal support is at alpha level, \
                     gated under the {PROFILES:?} feature gate",
                    pipeline.id
                )
            };
            problems.error(pipeline.mark, message);
        }
        let connectors = self.connectors.as_slice();
        self.check_references(&path, "receiver", &pipeline.receivers, &[&self.receivers, connectors], problems);
        self.check_references(&path, "processor", &pipeline.processors, &[&self.processors], problems);
        self.check_references(&path, "exporter", &pipeline.exporters, &[&self.exporters, connectors], problems);
        let mut seen = BTreeSet::new();
        for processor in &pipeline.processors {
            if !seen.insert(&processor.id) {
                problems
                    .error(processor.mark, format!("{path}: references processor \"{}\" multiple times", processor.id));
            }
        }
    }

    fn check_extensions(&self, problems: &mut Problems) {
        let declared = [self.extensions.as_slice()];
        self.check_references("service::extensions", "extension", &self.service.extensions, &declared, problems);
    }

    fn check_references(
        &self,
        path: &str,
        kind: &str,
        references: &[Reference],
        declared: &[&[Declared]],
        problems: &mut Problems,
    ) {
        // One sentence says already that the whole section is missing.
        if matches!(kind, "receiver" | "exporter") && self.has_none(&format!("{kind}s")) {
            return;
        }
        let known: BTreeMap<&ComponentId, String> =
            declared.iter().copied().flatten().map(|component| (&component.id, component.id.to_string())).collect();
        for reference in references.iter().filter(|reference| !known.contains_key(&reference.id)) {
            let id = reference.id.to_string();
            let help = did_you_mean(&id, known.values().map(String::as_str));
            let message = format!("{path}: references {kind} \"{id}\" which is not configured");
            problems.error_with_help(reference.mark, message, help);
        }
    }

    /// The Collector says nothing about these, and people look for hours. Among errors they would only be noise.
    fn warn_of_unused(&self, problems: &mut Problems) {
        if problems.has_errors() || self.service.pipelines.is_empty() {
            return;
        }
        let mut used: BTreeMap<&str, BTreeSet<&ComponentId>> = BTreeMap::new();
        for pipeline in &self.service.pipelines {
            let ends = || pipeline.receivers.iter().chain(&pipeline.exporters).map(|reference| &reference.id);
            used.entry("receivers").or_default().extend(pipeline.receivers.iter().map(|reference| &reference.id));
            used.entry("processors").or_default().extend(pipeline.processors.iter().map(|reference| &reference.id));
            used.entry("exporters").or_default().extend(pipeline.exporters.iter().map(|reference| &reference.id));
            used.entry("connectors").or_default().extend(ends());
        }
        used.entry("extensions").or_default().extend(self.service.extensions.iter().map(|reference| &reference.id));
        for (section, declared) in self.sections() {
            let used = used.get(section);
            for component in declared.iter().filter(|component| !used.is_some_and(|used| used.contains(&component.id)))
            {
                let place = if section == "extensions" { "service::extensions" } else { "any pipeline" };
                let message = format!("{section}::{} is declared but not used in {place}", component.id);
                problems.warn(component.mark, message, None);
            }
        }
    }

    /// The component sections with their names.
    pub fn sections(&self) -> [(&'static str, &[Declared]); 5] {
        [
            ("receivers", &self.receivers),
            ("processors", &self.processors),
            ("exporters", &self.exporters),
            ("connectors", &self.connectors),
            ("extensions", &self.extensions),
        ]
    }
}
