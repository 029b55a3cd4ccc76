//! Who stands at the ends of a call.
//!
//! In this room: the identity of an entity inside and outside the cluster, its kind, the id under which a view draws it.
//! Not here: which entities exist ([`crate::observed`]), how identity is read from attributes (`exporters::topology`).
//!
//! Enter at [`Who`].

mod kind;
mod node_id;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::kind::{Kind, OutsideKind};
pub use self::node_id::{BadNodeId, Encoded, NodeId};

/// A name as somebody sent it; shared, since few names stand in many rows.
pub type Name = Arc<str>;

/// Position of an entity in its [`Registry`](crate::Registry).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EntityId(pub u32);

/// One end of a call: an entity and, where known, the pod and the host it ran on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct End {
    /// The entity.
    pub who: Who,
    /// Its pod (or process instance) at that time.
    pub pod: Option<Name>,
    /// The machine at that time.
    pub host: Option<Name>,
}

/// What a fact stands between. Views group entities; they never invent others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Who {
    /// Runs in a cluster that we see, or says its own name.
    Inside(Inside),
    /// Is only known as a peer.
    Outside(Outside),
}

/// An entity with an identity of its own. At least one of `workload` and `service` is there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Inside {
    /// From `k8s.cluster.name` or configuration; empty if neither says.
    pub cluster: Name,
    /// From `k8s.namespace.name` or `service.namespace`; empty if neither says.
    pub namespace: Name,
    /// What owns its pods.
    pub workload: Option<Workload>,
    /// The Service in front of it.
    pub service: Option<Service>,
}

/// What owns pods. A ReplicaSet is its Deployment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Workload {
    /// Deployment, StatefulSet, DaemonSet, Job, CronJob or Pod.
    pub kind: Kind,
    /// Its name.
    pub name: Name,
}

/// A Service, and how we know that it is one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Service {
    /// Its name.
    pub name: Name,
    /// Where the name comes from.
    pub origin: ServiceOrigin,
}

/// Where the name of a Service comes from, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceOrigin {
    /// `k8s.service.name`.
    Kubernetes,
    /// A client's `server.address` that named a Service.
    Address,
    /// `service.name`.
    ServiceName,
}

/// A peer without identity of its own, typed by what is known of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Outside {
    /// The cluster it is seen from; empty if unknown.
    pub cluster: Name,
    /// What it is.
    pub kind: OutsideKind,
    /// Host name, address, or the bucket's name for [`OutsideKind::User`] and [`OutsideKind::Unknown`].
    pub name: Name,
}

/// By what a graph groups entities into nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum View {
    /// By what owns the pods.
    #[default]
    Workload,
    /// By Service.
    Service,
    /// By namespace.
    Namespace,
    /// By machine.
    Host,
}

impl Who {
    /// True for the typed buckets of which nothing is known: they are never `unexpected`.
    pub fn is_unresolved(&self) -> bool {
        matches!(self, Self::Outside(outside) if matches!(outside.kind, OutsideKind::Unknown | OutsideKind::User))
    }

    /// The id of the group that it is drawn in: its namespace, or for what is outside its type.
    pub fn group(&self) -> String {
        match self {
            Self::Inside(inside) => format!("ns:{}/{}", Encoded(&inside.cluster), Encoded(&inside.namespace)),
            Self::Outside(outside) => format!("ext:{}", outside.kind.as_str()),
        }
    }

    /// The node that `view` draws for this entity. Hosts are facets, not entities: [`View::Host`] falls back to the
    /// workload for an entity whose machine is not known.
    pub fn node(&self, view: View) -> NodeId {
        match self {
            Self::Outside(outside) => outside.node(),
            Self::Inside(inside) => inside.node(view),
        }
    }
}

impl Outside {
    fn node(&self) -> NodeId {
        NodeId {
            cluster: self.cluster.clone(),
            namespace: Name::from(""),
            kind: Kind::Outside(self.kind),
            name: self.name.clone(),
        }
    }
}

impl Inside {
    fn node(&self, view: View) -> NodeId {
        let by_service = self.service.as_ref().map(|service| (Kind::Service, service.name.clone()));
        let by_workload = self.workload.as_ref().map(|workload| (workload.kind, workload.name.clone()));
        let (kind, name) = match view {
            View::Namespace => (Kind::Namespace, self.namespace.clone()),
            View::Service => by_service.or(by_workload).unwrap_or_else(nameless),
            View::Workload | View::Host => by_workload.or(by_service).unwrap_or_else(nameless),
        };
        let namespace = if view == View::Namespace { Name::from("") } else { self.namespace.clone() };
        NodeId { cluster: self.cluster.clone(), namespace, kind, name }
    }
}

fn nameless() -> (Kind, Name) {
    (Kind::Outside(OutsideKind::Unknown), Name::from("unknown"))
}
