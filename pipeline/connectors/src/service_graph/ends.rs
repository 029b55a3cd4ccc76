//! From spans to the ends of edges.

use std::borrow::Cow;
use std::sync::Arc;

use pairing::{Keys, Names, PairKey, Role, WIRE_KEY};
use pdata::{Batch, ResourceView, SpanView, ValueView};
use smallvec::{SmallVec, smallvec};

use super::config::ServiceGraphConfig;
use super::edge::{Connection, Edge, End, SpanId, Workload};
use super::graph::Seen;
use crate::wanted::Wanted;

const ERROR: i32 = 2;

/// Names of a peer, by the conventions of 2024 and later; those of the configuration come first.
const CURRENT_PEERS: [&str; 6] =
    ["service.peer.name", "peer.service", "db.namespace", "server.address", "db.system.name", "messaging.system"];
/// Names of a database. The last two tell that it is one, and name it if nothing else does.
const CURRENT_DATABASES: [&str; 5] = ["db.namespace", "db.name", "server.address", "db.system.name", "db.system"];
const DATABASE_SIGNS: [&str; 4] = ["db.namespace", "db.name", "db.system.name", "db.system"];

/// Who runs a service: the one that owns the others comes first.
const WORKLOADS: [(&str, &str); 5] = [
    ("k8s.deployment.name", "Deployment"),
    ("k8s.statefulset.name", "StatefulSet"),
    ("k8s.daemonset.name", "DaemonSet"),
    ("k8s.cronjob.name", "CronJob"),
    ("k8s.job.name", "Job"),
];
/// What says which protocol it is, the most special first.
const PROTOCOLS: [&str; 6] =
    ["rpc.system.name", "rpc.system", "db.system.name", "db.system", "messaging.system", "network.protocol.name"];
/// What only HTTP has.
const METHODS: [&str; 2] = ["http.request.method", "http.method"];

/// What a shard needs to know to read spans.
pub(super) struct EndReader {
    of_clients: Wanted,
    of_servers: Wanted,
    /// How many of the wanted attributes are dimensions; they come first.
    dimensions: usize,
    /// Where the others are among the wanted attributes of clients.
    peers: Vec<usize>,
    databases: Vec<usize>,
    database_signs: Vec<usize>,
    client_wire_key: Option<usize>,
    server_wire_key: Option<usize>,
    protocol_of_clients: Protocol,
    protocol_of_servers: Protocol,
    namespace_labels: bool,
    workload_labels: bool,
    remembers_spans: bool,
    names: Names,
}

/// Where what says the protocol is among the wanted attributes; nowhere if nobody asks for it.
#[derive(Default)]
struct Protocol {
    named: Vec<usize>,
    methods: Vec<usize>,
}

/// What is the same for all spans of a resource.
struct Service<'a> {
    name: Arc<str>,
    namespace: Option<Arc<str>>,
    workload: Option<Arc<Workload>>,
    of_clients: Found<'a>,
    dimensions: SmallVec<[Option<Arc<str>>; 4]>,
}

type Found<'a> = SmallVec<[Option<ValueView<'a>>; 16]>;

impl EndReader {
    pub(super) fn new(config: &ServiceGraphConfig) -> Self {
        let mut of_clients = Wanted::new(&config.dimensions);
        let mut of_servers = Wanted::new(&config.dimensions);
        let current = |names: &'static [&'static str]| if config.current_conventions { names } else { &[] };
        let mut places = |names: &[String], more: &[&str]| -> Vec<usize> {
            let names = names.iter().map(String::as_str).chain(more.iter().copied());
            names.map(|name| of_clients.place(name)).collect()
        };
        let peers = places(&config.virtual_node_peer_attributes, current(&CURRENT_PEERS));
        let databases = match config.database_name_attributes.as_slice() {
            [] => places(&["db.name".to_owned()], current(&CURRENT_DATABASES)),
            names => places(names, current(&CURRENT_DATABASES)),
        };
        let database_signs = match config.current_conventions {
            true => places(&config.database_name_attributes, &DATABASE_SIGNS),
            false => databases.clone(),
        };
        let pairs = config.pair_by_wire_key;
        let protocol =
            |wanted: &mut Wanted| if config.protocol_label { Protocol::wanted(wanted) } else { Protocol::default() };
        Self {
            client_wire_key: pairs.then(|| of_clients.place(WIRE_KEY)),
            server_wire_key: pairs.then(|| of_servers.place(WIRE_KEY)),
            protocol_of_clients: protocol(&mut of_clients),
            protocol_of_servers: protocol(&mut of_servers),
            of_clients,
            of_servers,
            dimensions: config.dimensions.len(),
            peers,
            databases,
            database_signs,
            namespace_labels: config.namespace_labels,
            workload_labels: config.workload_labels,
            remembers_spans: !config.deduplication.window.is_zero(),
            names: Names::default(),
        }
    }

    /// Reads the ends of all calls in a batch. Per span. With [`super::graph::Graph::take`] 0.7 us, no allocation without
    /// dimensions: benches/micro/connectors.rs.
    pub(super) fn read(&mut self, batch: &Batch, seen: &mut Vec<Seen>) {
        for resource in batch.resources() {
            let Some(service) = self.service(&resource) else { continue };
            for span in resource.scopes().flat_map(|scope| scope.spans()) {
                match Role::of(&span) {
                    Some(role) if role.is_client() => seen.push(self.client(&service, &span, role)),
                    Some(role) => seen.push(self.server(&service, &span, role)),
                    None => {}
                }
            }
        }
    }

    /// `None` for a resource without a name: its spans are nobody's.
    fn service<'a>(&mut self, resource: &ResourceView<'a>) -> Option<Service<'a>> {
        let name = resource.attribute("service.name")?.as_display_string();
        if name.is_empty() {
            return None;
        }
        let namespace = self.namespace_labels.then(|| {
            let namespace =
                resource.attribute("service.namespace").or_else(|| resource.attribute("k8s.namespace.name"));
            namespace.map(|namespace| namespace.as_display_string()).filter(|namespace| !namespace.is_empty())
        });
        let mut of_clients = smallvec![None; self.of_clients.len()];
        self.of_clients.find(resource.attributes(), &mut of_clients);
        let names = &mut self.names;
        let dimensions =
            of_clients.iter().take(self.dimensions).map(|value| Some(names.get(&text((*value)?)))).collect();
        Some(Service {
            name: self.names.get(&name),
            namespace: namespace.flatten().map(|namespace| self.names.get(&namespace)),
            workload: if self.workload_labels { self.workload(resource) } else { None },
            dimensions,
            of_clients,
        })
    }

    fn workload(&mut self, resource: &ResourceView<'_>) -> Option<Arc<Workload>> {
        let told = |(key, kind): (&str, &'static str)| Some((kind, resource.attribute(key)?.as_display_string()));
        let (kind, name) = WORKLOADS.into_iter().filter_map(told).find(|(_, name)| !name.is_empty())?;
        Some(Arc::new(Workload { kind, name: self.names.get(&name) }))
    }

    fn client(&mut self, service: &Service<'_>, span: &SpanView<'_>, role: Role) -> Seen {
        let mut found: Found<'_> = smallvec![None; self.of_clients.len()];
        self.of_clients.find(span.attributes(), &mut found);
        let end = self.end(service, span, &found);
        let mut edge =
            Edge { connection: Connection::of(role), failed: span.status_code() == ERROR, ..Edge::default() };
        edge.peer = first(&self.peers, &found).map(|peer| self.names.get(&peer));
        edge.protocol = self.protocol_of_clients.found(&found).map(|protocol| self.names.get(&protocol));
        let wire = wire_key(self.client_wire_key, &found);
        if let Some(database) = self.database(service, &found) {
            edge.connection = Connection::Database;
            match wire {
                Some(_) => edge.database = Some(database),
                None => edge.server = Some(End { seconds: end.seconds, ..End::unseen(database) }),
            }
        }
        edge.client = Some(end);
        Seen { keys: Keys::of(span, role, wire), edge }
    }

    fn server(&mut self, service: &Service<'_>, span: &SpanView<'_>, role: Role) -> Seen {
        let mut found: Found<'_> = smallvec![None; self.of_servers.len()];
        if !found.is_empty() {
            self.of_servers.find(span.attributes(), &mut found);
        }
        let edge = Edge {
            server: Some(self.end(service, span, &found)),
            connection: Connection::of(role),
            protocol: self.protocol_of_servers.found(&found).map(|protocol| self.names.get(&protocol)),
            failed: span.status_code() == ERROR,
            is_root: span.parent_span_id().iter().all(|byte| *byte == 0),
            ..Edge::default()
        };
        Seen { keys: Keys::of(span, role, wire_key(self.server_wire_key, &found)), edge }
    }

    fn end(&mut self, service: &Service<'_>, span: &SpanView<'_>, found: &Found<'_>) -> End {
        let dimension = |(place, of_resource): (usize, &Option<Arc<str>>)| match of_resource {
            Some(value) => Some(Arc::clone(value)),
            None => Some(self.names.get(&text(found.get(place).copied()??))),
        };
        let span_id = || -> SpanId {
            (span.trace_id().try_into().unwrap_or_default(), span.span_id().try_into().unwrap_or_default())
        };
        End {
            service: Arc::clone(&service.name),
            namespace: service.namespace.clone(),
            workload: service.workload.clone(),
            seconds: seconds(span),
            dimensions: service.dimensions.iter().enumerate().map(dimension).collect(),
            span: self.remembers_spans.then(span_id),
        }
    }

    /// The database that a client's span calls, if it is such a call. The resource may name it too, and wins.
    fn database(&mut self, service: &Service<'_>, found: &Found<'_>) -> Option<Arc<str>> {
        let value = |place: &usize| {
            let of_resource = service.of_clients.get(*place).copied().flatten();
            of_resource.or_else(|| found.get(*place).copied().flatten())
        };
        self.database_signs.iter().find_map(value)?;
        let name = text(self.databases.iter().find_map(value)?);
        (!name.is_empty()).then(|| self.names.get(&name))
    }
}

impl Protocol {
    fn wanted(wanted: &mut Wanted) -> Self {
        let mut places = |names: &[&str]| names.iter().map(|name| wanted.place(name)).collect();
        Self { named: places(&PROTOCOLS), methods: places(&METHODS) }
    }

    fn found<'a>(&self, found: &Found<'a>) -> Option<Cow<'a, str>> {
        let mut named = self.named.iter().filter_map(|place| found.get(*place).copied().flatten()).map(text);
        let method = || first(&self.methods, found).map(|_| Cow::Borrowed("http"));
        named.find(|name| !name.is_empty()).or_else(method)
    }
}

fn wire_key(place: Option<usize>, found: &Found<'_>) -> Option<PairKey> {
    PairKey::on_wire(found.get(place?).copied().flatten()?)
}

fn first<'a>(places: &[usize], found: &Found<'a>) -> Option<Cow<'a, str>> {
    places.iter().find_map(|place| found.get(*place).copied().flatten()).map(text)
}

fn text(value: ValueView<'_>) -> Cow<'_, str> {
    value.as_display_string()
}

/// A span that ends before it starts takes no time.
#[expect(clippy::cast_precision_loss, reason = "durations of 100 days are exact to a microsecond")]
fn seconds(span: &SpanView<'_>) -> f64 {
    span.end_unix_nano().saturating_sub(span.start_unix_nano()) as f64 / 1e9
}
