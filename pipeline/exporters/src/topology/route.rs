//! What a caller's words say about its other end: who that may be, and how they speak.
//!
//! In this room: names of peers by `server.address` and kin, the types of outside ends.
//! Not here: whether anybody is known under such a name ([`Known`](super::identity::Known)).
//!
//! Enter at [`Routes::of`].

use std::net::IpAddr;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use pairing::Names;
use smallvec::SmallVec;
use topology::{End, Inside, Name, Outside, OutsideKind, Protocol, Service, ServiceOrigin, Transport, Who};

use super::identity::Known;
use super::said::Said;

/// The other end of a call, and how they speak. Kept once for all calls whose attributes say the same.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) protocol: Protocol,
    pub(super) port: Option<u16>,
    pub(super) transport: Transport,
    /// True if its other end tells nothing of the call itself, as a rule: a database, a queue, an outside API by product.
    pub(super) is_silent: bool,
    /// The queue that stands between, if there is one.
    pub(super) queue: Option<Arc<End>>,
    cluster: Name,
    /// Namespace and name under which the peer may be known, the surest first.
    named: SmallVec<[(Name, Name); 2]>,
    /// Whom to take it for if nobody is known under these names.
    otherwise: Arc<End>,
}

impl Route {
    /// Whether the peer is somebody who is known.
    pub(super) fn is_known(&self, known: &Known) -> bool {
        self.named.iter().any(|(namespace, name)| known.find(&self.cluster, namespace, name).is_some())
    }

    /// The peer, as far as it is known now.
    pub(super) fn peer(&self, known: &Known) -> Arc<End> {
        let found = self.named.iter().find_map(|(namespace, name)| known.find(&self.cluster, namespace, name));
        Arc::clone(found.unwrap_or(&self.otherwise))
    }
}

/// Most routes that are kept at hand; a full table starts over.
const MOST: usize = 16_384;

/// Routes, kept once. One table for each shard.
#[derive(Default)]
pub(super) struct Routes {
    known: HashMap<Box<[u8]>, Arc<Route>, RandomState>,
    scratch: Vec<u8>,
}

impl Routes {
    /// The route of a call that `caller` describes. Per span; no allocation for what was said before.
    pub(super) fn of(&mut self, said: &Said<'_>, caller: &End, names: &mut Names) -> Arc<Route> {
        let (cluster, namespace) = place(caller);
        write_key(said, &[cluster, namespace], &mut self.scratch);
        if let Some(known) = self.known.get(self.scratch.as_slice()) {
            return Arc::clone(known);
        }
        if self.known.len() >= MOST {
            self.known.clear();
        }
        let route = Arc::new(Maker { said, cluster, namespace, names }.make());
        self.known.insert(self.scratch.as_slice().into(), Arc::clone(&route));
        route
    }
}

/// Cluster and namespace of an end.
pub(super) fn place(end: &End) -> (&str, &str) {
    match &end.who {
        Who::Inside(inside) => (&inside.cluster, &inside.namespace),
        Who::Outside(outside) => (&outside.cluster, ""),
    }
}

fn write_key(said: &Said<'_>, place: &[&str], out: &mut Vec<u8>) {
    out.clear();
    out.push(u8::from(said.is_http) | u8::from(said.is_dns) << 1);
    out.extend_from_slice(&said.port.unwrap_or(0).to_le_bytes());
    let texts = [
        said.host(),
        said.peer_address,
        said.peer_service,
        said.peer_name,
        said.peer_namespace,
        said.transport,
        said.protocol,
        said.rpc_system,
        said.rpc_service,
        said.db_system,
        said.db_name,
        said.messaging_system,
        said.destination,
        said.bucket,
    ];
    for text in texts.into_iter().map(Option::unwrap_or_default).chain(place.iter().copied()) {
        out.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
        out.extend_from_slice(text.as_bytes());
    }
}

struct Maker<'m, 'a> {
    said: &'m Said<'a>,
    cluster: &'m str,
    namespace: &'m str,
    names: &'m mut Names,
}

impl Maker<'_, '_> {
    fn make(mut self) -> Route {
        let said = self.said;
        let (kind, is_silent) = self.kind();
        let named = self.candidates();
        let protocol = match said.protocol() {
            Some(word) => Protocol(self.names.get(&word.to_lowercase())),
            None => Protocol::unspecified(),
        };
        Route {
            protocol,
            port: said.port,
            transport: transport(said.transport),
            is_silent,
            queue: self.queue(),
            cluster: self.names.get(self.cluster),
            otherwise: self.otherwise(kind),
            named,
        }
    }

    fn candidates(&mut self) -> SmallVec<[(Name, Name); 2]> {
        let said = self.said;
        let mut named = SmallVec::new();
        let own = self.names.get(self.namespace);
        if let Some(name) = said.peer_name {
            let namespace = said.peer_namespace.map_or_else(|| own.clone(), |namespace| self.names.get(namespace));
            named.push((namespace, self.names.get(name)));
        }
        if let Some(host) = said.host()
            && let Some(service) = InCluster::read(host)
        {
            let namespace = service.namespace.map_or_else(|| own.clone(), |namespace| self.names.get(namespace));
            named.push((namespace, self.names.get(service.name)));
        }
        if let Some(name) = said.peer_service {
            named.push((own, self.names.get(name)));
        }
        named
    }

    /// What the peer is if it is nobody whom we know, and whether such a peer tells nothing itself.
    fn kind(&self) -> (OutsideKind, bool) {
        let said = self.said;
        if let Some(system) = said.db_system {
            return (database(system), true);
        }
        if let Some(system) = said.messaging_system {
            return (queue(system), true);
        }
        if said.db_name.is_some() {
            return (OutsideKind::Database, true);
        }
        if said.is_dns {
            return (OutsideKind::DNS, true);
        }
        let is_s3 = said.bucket.is_some() || (said.rpc_system == Some("aws-api") && said.rpc_service == Some("S3"));
        if is_s3 || said.host().is_some_and(is_s3_host) {
            return (OutsideKind::S3, true);
        }
        let kind = match said.host().or(said.peer_address) {
            Some(host) if host.parse::<IpAddr>().is_ok() => OutsideKind::PlainIP,
            Some(_) => OutsideKind::HttpApi,
            None if said.peer_service.is_some() => OutsideKind::HttpApi,
            None => OutsideKind::Unknown,
        };
        (kind, false)
    }

    fn queue(&mut self) -> Option<Arc<End>> {
        let (system, destination) = (self.said.messaging_system?, self.said.destination?);
        Some(self.outside(queue(system), destination))
    }

    fn otherwise(&mut self, kind: OutsideKind) -> Arc<End> {
        let said = self.said;
        if let Some(name) = said.peer_name {
            let namespace = said.peer_namespace.unwrap_or(self.namespace);
            return self.service(namespace, name, ServiceOrigin::ServiceName);
        }
        if let Some(InCluster { name, namespace: Some(namespace), is_certain: true }) =
            said.host().and_then(InCluster::read)
        {
            return self.service(namespace, name, ServiceOrigin::Address);
        }
        let name = match kind {
            OutsideKind::S3 => said.bucket.or(said.host()),
            OutsideKind::PlainIP => said.host().or(said.peer_address),
            _ => said
                .peer_service
                .filter(|_| !said_by_product(kind))
                .or(said.host())
                .or(said.db_name)
                .or(said.peer_address),
        };
        let name = name.or(said.db_system).or(said.messaging_system).or(said.peer_service);
        match name {
            Some(name) => self.outside(kind, &name.trim_end_matches('.').to_lowercase()),
            None => self.outside(kind, &kind.as_str().to_lowercase()),
        }
    }

    fn outside(&mut self, kind: OutsideKind, name: &str) -> Arc<End> {
        let outside = Outside { cluster: self.names.get(self.cluster), kind, name: self.names.get(name) };
        Arc::new(End { who: Who::Outside(outside), pod: None, host: None })
    }

    fn service(&mut self, namespace: &str, name: &str, origin: ServiceOrigin) -> Arc<End> {
        let inside = Inside {
            cluster: self.names.get(self.cluster),
            namespace: self.names.get(namespace),
            workload: None,
            service: Some(Service { name: self.names.get(name), origin }),
        };
        Arc::new(End { who: Who::Inside(inside), pod: None, host: None })
    }
}

fn said_by_product(kind: OutsideKind) -> bool {
    !matches!(kind, OutsideKind::HttpApi | OutsideKind::PlainIP | OutsideKind::Unknown)
}

/// A host name that may be that of a Service: `svc`, `svc.ns`, `svc.ns.svc`, `svc.ns.svc.cluster.local`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct InCluster<'a> {
    name: &'a str,
    namespace: Option<&'a str>,
    /// True if it says itself that it is a Service.
    is_certain: bool,
}

impl<'a> InCluster<'a> {
    fn read(host: &'a str) -> Option<Self> {
        let mut parts = host.trim_end_matches('.').split('.');
        let name = parts.next().filter(|name| !name.is_empty())?;
        let namespace = parts.next();
        let is_certain = match parts.next() {
            None => false,
            Some("svc") => true,
            Some(_) => return None,
        };
        (host.parse::<IpAddr>().is_err()).then_some(Self { name, namespace, is_certain })
    }
}

fn transport(word: Option<&str>) -> Transport {
    match word {
        Some("tcp" | "ip_tcp") => Transport::Tcp,
        Some("udp" | "ip_udp" | "quic") => Transport::Udp,
        _ => Transport::Unspecified,
    }
}

/// The product behind a `db.system.name`, or behind a name that says nothing else.
pub(super) fn database(system: &str) -> OutsideKind {
    match system.to_lowercase().as_str() {
        "mysql" | "mariadb" => OutsideKind::MySQL,
        "postgresql" | "postgres" => OutsideKind::PostgreSQL,
        "redis" | "valkey" => OutsideKind::Redis,
        "mongodb" => OutsideKind::MongoDB,
        "elasticsearch" | "opensearch" => OutsideKind::Elasticsearch,
        "cassandra" => OutsideKind::Cassandra,
        "memcached" => OutsideKind::Memcached,
        "cache" | "geode" | "hazelcast" | "infinispan" | "ehcache" => OutsideKind::Cache,
        _ => OutsideKind::Database,
    }
}

/// The product behind a `messaging.system`.
pub(super) fn queue(system: &str) -> OutsideKind {
    match system.to_lowercase().as_str() {
        "kafka" => OutsideKind::Kafka,
        "rabbitmq" => OutsideKind::RabbitMQ,
        _ => OutsideKind::Queue,
    }
}

/// `bucket.s3.eu-central-1.amazonaws.com`, `s3.amazonaws.com`.
fn is_s3_host(host: &str) -> bool {
    let Some(front) = host.trim_end_matches('.').strip_suffix(".amazonaws.com") else { return false };
    front.split('.').any(|part| part == "s3" || part.starts_with("s3-"))
}

/// Who stands for callers of whom nothing is known.
pub(super) fn nobody(cluster: &Name, kind: OutsideKind) -> Arc<End> {
    let outside = Outside { cluster: cluster.clone(), kind, name: kind.as_str().to_lowercase().into() };
    Arc::new(End { who: Who::Outside(outside), pod: None, host: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_of_services_are_recognised() {
        let service = |name, namespace, is_certain| Some(InCluster { name, namespace, is_certain });
        let hosts = [
            ("cart", service("cart", None, false)),
            ("cart.shop", service("cart", Some("shop"), false)),
            ("cart.shop.svc", service("cart", Some("shop"), true)),
            ("cart.shop.svc.cluster.local.", service("cart", Some("shop"), true)),
            ("api.example.com", None),
            ("10.0.0.1", None),
            ("::1", None),
            ("", None),
            (".", None),
        ];

        for (host, expected) in hosts {
            assert_eq!(InCluster::read(host), expected, "{host}");
        }
    }

    #[test]
    fn stores_of_objects_are_known_by_their_hosts() {
        assert!(is_s3_host("photos.s3.eu-central-1.amazonaws.com"));
        assert!(is_s3_host("s3-us-west-2.amazonaws.com"));
        assert!(!is_s3_host("sqs.eu-central-1.amazonaws.com"));
        assert!(!is_s3_host("s3.example"));
    }
}
