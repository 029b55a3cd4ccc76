//! The file as it is written: its keys, and what is wrong with them.

use std::net::IpAddr;

use config::{Check, Config, Decode, DecodeContext, GoDuration, Node, Problems, Validate, decode_file, did_you_mean};

use super::pattern::Network;
use crate::{Kind, Moment};

/// What the file says first, so that it is not taken for another.
pub(super) const API_VERSION: &str = "topology/v1alpha1";
pub(super) const KIND: &str = "TopologyBaseline";

/// An expected architecture.
#[derive(Debug, Clone, Config)]
pub(super) struct BaselineFile {
    /// `topology/v1alpha1`.
    #[config(rename = "apiVersion")]
    pub api_version: String,
    /// `TopologyBaseline`.
    pub kind: String,
    /// What it is called, and of which cluster it speaks.
    pub metadata: Metadata,
    /// What it says.
    pub spec: Spec,
}

/// What it is called, and of which cluster it speaks.
#[derive(Debug, Clone, Config)]
pub(super) struct Metadata {
    /// Its name.
    pub name: String,
    /// The cluster of ends that name none; any without.
    pub cluster: String,
}

/// What is expected.
#[derive(Debug, Clone, Config)]
#[config(no_rules)]
pub(super) struct Spec {
    /// What is judged.
    pub scope: Scope,
    /// Whether findings are looked for.
    pub mode: Mode,
    /// How a draft is learned, and what neither a draft nor a judgement looks at.
    pub learning: Learning,
    /// How bad findings are, and how long is waited for them.
    pub defaults: Defaults,
    /// Ends that have a name of their own here.
    pub groups: Vec<GroupConfig>,
    /// What may, must and must not be.
    pub edges: Vec<EdgeConfig>,
    /// What is let pass for a while.
    pub exceptions: Vec<ExceptionConfig>,
}

/// What is judged.
#[derive(Debug, Clone, Config)]
#[config(no_rules)]
pub(super) struct Scope {
    /// Edges with one end in one of these namespaces; all edges without.
    pub namespaces: Vec<String>,
}

/// Whether findings are looked for. Traffic is never blocked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Config)]
pub(super) enum Mode {
    /// Nothing is judged yet.
    Learn,
    /// The map shows them, and the receiver `topology` tells them.
    #[default]
    Observe,
    /// The same.
    #[config(rename = "enforce-report")]
    EnforceReport,
}

/// How a draft is learned, and what neither a draft nor a judgement looks at.
#[derive(Debug, Clone, Config)]
pub(super) struct Learning {
    /// How long it takes to see everything once.
    #[config(default = GoDuration::seconds(168 * 3600))]
    pub period: GoDuration,
    /// An edge with fewer calls is not put into a draft.
    #[config(rename = "minObservations", default = 3)]
    pub min_observations: u64,
    /// Kinds of traffic that are everywhere.
    pub ignore: Vec<Ignore>,
}

/// Kinds of traffic that are everywhere and no part of an architecture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Config)]
pub enum Ignore {
    /// Probes of the kubelet.
    #[config(rename = "kubelet-probes")]
    KubeletProbes,
    /// Questions to name servers.
    Dns,
    /// Reading of metrics.
    #[config(rename = "prometheus-scrape")]
    PrometheusScrape,
    /// What DaemonSets call.
    #[config(rename = "node-agents")]
    NodeAgents,
}

/// How bad findings are, and how long is waited for them.
#[derive(Debug, Clone, Config)]
pub(super) struct Defaults {
    /// An edge that no line allows.
    #[config(rename = "unexpectedEdge", default = Severity::Red)]
    pub unexpected_edge: Severity,
    /// A required edge that is not there.
    #[config(rename = "missingEdge", default = Severity::Yellow)]
    pub missing_edge: Severity,
    /// A workload that no line speaks of.
    #[config(rename = "unexpectedNode", default = Severity::Yellow)]
    pub unexpected_node: Severity,
    /// An edge whose ends a line allows, but not its port or protocol.
    #[config(rename = "changedEdge", default = Severity::Yellow)]
    pub changed_edge: Severity,
    /// For so long an edge that no line allows is pending.
    #[config(default = GoDuration::seconds(600))]
    pub grace: GoDuration,
    /// After so long without traffic a required edge is missing.
    #[config(rename = "missingAfter", default = GoDuration::seconds(24 * 3600))]
    pub missing_after: GoDuration,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Config)]
pub(super) enum Severity {
    #[default]
    Yellow,
    Red,
}

/// An end that has a name here.
#[derive(Debug, Clone, Config)]
pub(super) struct GroupConfig {
    /// Its name, unique.
    pub name: String,
    /// Who is in it.
    pub r#match: GroupMatch,
}

/// Who is in a group.
#[derive(Debug, Clone, Config)]
pub(super) struct GroupMatch {
    /// Peers outside of the cluster.
    pub external: Option<ExternalConfig>,
    /// These, too.
    pub ends: Vec<EndConfig>,
}

/// Peers outside of the cluster. What is given must all hold.
#[derive(Debug, Clone, PartialEq, Config)]
pub(super) struct ExternalConfig {
    /// Patterns of host names.
    pub dns: Vec<String>,
    /// Networks that addresses are in.
    pub cidr: Words,
    /// Types: `MySQL`, `Redis`, `HTTP-API`, `IP`, ...
    pub r#type: Words,
    /// A pattern of what it is called.
    pub name: Option<String>,
    /// Ports; any without.
    pub ports: Vec<u16>,
}

/// One end of an edge. What is given must all hold; `*` stands for any letters.
#[derive(Debug, Clone, PartialEq, Config)]
pub(super) struct EndConfig {
    /// Its cluster.
    pub cluster: Option<String>,
    /// Its namespace.
    pub ns: Option<String>,
    /// What it is: `Deployment`, `Service`, ..., or an outside type such as `MySQL`.
    pub kind: Option<KindName>,
    /// What it is called.
    pub name: Option<String>,
    /// The Service in front of it.
    pub service: Option<String>,
    /// A group of this file.
    pub group: Option<String>,
    /// A peer outside of the cluster.
    pub external: Option<ExternalConfig>,
}

/// What may, must or must not be.
#[derive(Debug, Clone, Config)]
pub(super) struct EdgeConfig {
    /// The caller.
    pub from: EndConfig,
    /// The called.
    pub to: EndConfig,
    /// To which ports; any without.
    pub ports: Vec<PortConfig>,
    /// Whether it may, must or must not be.
    pub state: State,
    /// For people.
    pub note: String,
}

/// A port of the called. What evidence does not know contradicts nothing.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub(super) struct PortConfig {
    /// Its number; any without.
    pub port: Option<u16>,
    /// What runs on it.
    pub transport: Option<TransportName>,
    /// What is spoken; anything without.
    pub protocols: Vec<String>,
}

/// What a protocol runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Config)]
pub(super) enum TransportName {
    Tcp,
    Udp,
}

/// Whether an edge may, must or must not be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Config)]
pub enum State {
    /// It may be there.
    #[default]
    Allow,
    /// It must be there.
    Require,
    /// It must not be there.
    Forbid,
}

/// What is let pass for a while.
#[derive(Debug, Clone, Config)]
pub(super) struct ExceptionConfig {
    /// Which edges.
    pub r#match: ExceptionMatch,
    /// When it ends.
    pub until: Option<Until>,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
}

/// Which edges are let pass.
#[derive(Debug, Clone, Config)]
#[config(no_rules)]
pub(super) struct ExceptionMatch {
    /// The caller; anybody without.
    pub from: EndConfig,
    /// The called; anybody without.
    pub to: EndConfig,
    /// To which ports; any without.
    pub ports: Vec<PortConfig>,
}

/// One word, or a list of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Words(pub Vec<String>);

impl Decode for Words {
    const TYPE_NAME: &'static str = "word or list of words";

    fn decode(node: &Node, context: &mut DecodeContext<'_>) -> Option<Self> {
        match node.as_str() {
            Some(word) => Some(Self(vec![word.to_owned()])),
            None => Vec::decode(node, context).map(Self),
        }
    }
}

/// The kind of an end. A ReplicaSet is its Deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KindName(pub Kind);

const KINDS: [&str; 25] = [
    "Service",
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "Job",
    "CronJob",
    "Pod",
    "ReplicaSet",
    "MySQL",
    "PostgreSQL",
    "Redis",
    "MongoDB",
    "Elasticsearch",
    "Cassandra",
    "Memcached",
    "Kafka",
    "RabbitMQ",
    "S3",
    "Database",
    "Cache",
    "Queue",
    "DNS",
    "HTTP-API",
    "IP",
    "User",
];

impl Decode for KindName {
    const TYPE_NAME: &'static str = "kind";

    fn decode(node: &Node, context: &mut DecodeContext<'_>) -> Option<Self> {
        let Some(text) = node.as_str() else {
            context.wrong_type(node, "string");
            return None;
        };
        let found = kind_of(text);
        if found.is_none() {
            let help = suggestion(text, &KINDS);
            context.error_with_help(node.mark, format_args!("invalid value {text:?}"), Some(help));
        }
        found.map(Self)
    }
}

pub(super) fn kind_of(text: &str) -> Option<Kind> {
    match text {
        "ReplicaSet" => Some(Kind::Deployment),
        "Host" | "Namespace" => None,
        _ => text.parse().ok(),
    }
}

fn suggestion(text: &str, names: &[&str]) -> String {
    did_you_mean(text, names.iter().copied()).unwrap_or_else(|| format!("one of: {}", names.join(", ")))
}

/// A date, or a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Until(pub Moment);

impl Decode for Until {
    const TYPE_NAME: &'static str = "date";

    fn decode(node: &Node, context: &mut DecodeContext<'_>) -> Option<Self> {
        let text = node.text.as_deref().or_else(|| node.as_str()).unwrap_or_default();
        let moment = Moment::of_rfc3339(text).or_else(|| Moment::of_rfc3339(&format!("{text}T00:00:00Z")));
        if moment.is_none() {
            let help = "write `2027-01-31` or `2027-01-31T00:00:00Z`".to_owned();
            context.error_with_help(node.mark, format_args!("is no date: {text:?}"), Some(help));
        }
        moment.map(Self)
    }
}

impl Validate for BaselineFile {
    fn validate(&self, check: &mut Check<'_, '_>) {
        if self.api_version != API_VERSION {
            let message = format!("'apiVersion' must be `{API_VERSION}`, not `{}`", self.api_version);
            check.error("apiVersion", message);
        }
        if self.kind != KIND {
            check.error("kind", format!("'kind' must be `{KIND}`, not `{}`", self.kind));
        }
    }
}

impl Validate for Metadata {
    fn validate(&self, check: &mut Check<'_, '_>) {
        check.require(!self.name.is_empty(), "name", "a baseline needs a name");
    }
}

impl Validate for Learning {
    fn validate(&self, check: &mut Check<'_, '_>) {
        check.require(self.period.as_nanoseconds() > 0, "period", "'period' must be positive");
    }
}

impl Validate for Defaults {
    fn validate(&self, check: &mut Check<'_, '_>) {
        check.require(!self.grace.is_negative(), "grace", "'grace' must not be negative");
        check.require(!self.missing_after.is_negative(), "missingAfter", "'missingAfter' must not be negative");
    }
}

impl Validate for GroupConfig {
    fn validate(&self, check: &mut Check<'_, '_>) {
        check.require(!self.name.is_empty(), "name", "a group needs a name");
    }
}

impl Validate for GroupMatch {
    fn validate(&self, check: &mut Check<'_, '_>) {
        let says = self.external.is_some() || !self.ends.is_empty();
        check.require(says, "external", "a group needs `external` or `ends`");
        let nested = self.ends.iter().any(|end| end.group.is_some());
        check.require(!nested, "ends", "a group cannot hold groups");
    }
}

impl Validate for ExternalConfig {
    fn validate(&self, check: &mut Check<'_, '_>) {
        for network in self.cidr.0.iter().filter(|text| Network::parse(text).is_none()) {
            check.error_with_help("cidr", format!("`{network}` is no network"), "for instance `203.0.113.0/24`");
        }
        for name in &self.r#type.0 {
            if !kind_of(name).is_some_and(Kind::is_outside) {
                let outside: Vec<&str> =
                    KINDS.into_iter().filter(|it| kind_of(it).is_some_and(Kind::is_outside)).collect();
                check.error_with_help(
                    "type",
                    format!("no outside type is called `{name}`"),
                    suggestion(name, &outside),
                );
            }
        }
    }
}

impl ExternalConfig {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Validate for EndConfig {
    fn validate(&self, check: &mut Check<'_, '_>) {
        let named = self.cluster.is_some() || self.ns.is_some() || self.kind.is_some() || self.name.is_some();
        let inside = named || self.service.is_some();
        if self.group.is_some() && (inside || self.external.is_some()) {
            check.error("group", "an end is a group or something else, not both");
        }
        if self.external.as_ref().is_some_and(|external| !external.is_empty()) && inside {
            check.error("external", "an end is outside or inside, not both");
        }
        if self.name.as_deref().is_some_and(|name| name.parse::<IpAddr>().is_ok()) && self.ns.is_some() {
            check.error_with_help(
                "name",
                "addresses of pods come and go; name the workload",
                "or use `external: {cidr: ...}`",
            );
        }
    }
}

impl Validate for EdgeConfig {
    fn validate(&self, check: &mut Check<'_, '_>) {
        for (key, end) in [("from", &self.from), ("to", &self.to)] {
            if *end == EndConfig::default() {
                let help = "`{name: \"*\"}` means anybody";
                check.error_with_help(key, format!("an edge needs a '{key}'"), help);
            }
        }
    }
}

impl Validate for ExceptionConfig {
    fn validate(&self, check: &mut Check<'_, '_>) {
        check.require(self.until.is_some(), "until", "an exception needs 'until': it ends some day");
        check.require(!self.owner.is_empty(), "owner", "an exception needs an 'owner'");
        check.require(!self.reason.is_empty(), "reason", "an exception needs a 'reason'");
        let matches = self.r#match.from != EndConfig::default() || self.r#match.to != EndConfig::default();
        check.require(matches, "match", "an exception needs `from` or `to`");
    }
}

/// Reads the file, with the tree in which the places of lines stand.
pub(super) fn read(name: &str, text: &str, problems: &mut Problems) -> Option<(BaselineFile, Node)> {
    let errors_before = problems.error_count();
    let (file, root) = decode_file::<BaselineFile>(name, text, problems)?;
    check_groups(&file.spec, &root, problems);
    (problems.error_count() == errors_before).then_some((file, root))
}

/// The items of a list of `spec`.
pub(super) fn items<'n>(root: &'n Node, list: &str) -> &'n [Node] {
    root.get("spec").and_then(|spec| spec.get(list)).and_then(Node::as_list).unwrap_or_default()
}

/// Names of groups: unique, and there where an end uses one.
fn check_groups(spec: &Spec, root: &Node, problems: &mut Problems) {
    let names: Vec<&str> = spec.groups.iter().map(|group| group.name.as_str()).collect();
    for (place, (name, node)) in names.iter().zip(items(root, "groups")).enumerate() {
        if names.iter().take(place).any(|earlier| earlier == name) {
            problems.error(node.mark, format!("two groups are called `{name}`"));
        }
    }
    let edges = spec.edges.iter().zip(items(root, "edges"));
    let edges = edges.map(|(edge, node)| ((&edge.from, &edge.to), Some(node)));
    let exceptions = spec.exceptions.iter().zip(items(root, "exceptions"));
    let exceptions = exceptions.map(|(it, node)| ((&it.r#match.from, &it.r#match.to), node.get("match")));
    for ((from, to), node) in edges.chain(exceptions) {
        for (side, end) in [("from", from), ("to", to)] {
            let Some(group) = end.group.as_deref().filter(|group| !names.contains(group)) else { continue };
            let place = node.and_then(|node| node.get(side)).and_then(|end| end.get("group"));
            let help = if names.is_empty() { "there are no groups".to_owned() } else { suggestion(group, &names) };
            let mark = place.map_or(root.mark, |node| node.mark);
            problems.error_with_help(mark, format!("no group is called `{group}`"), Some(help));
        }
    }
}
