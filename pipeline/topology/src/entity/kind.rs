//! What an entity is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a node is. Its name is a segment of the node's id and picks the glyph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A Service, or something that only says `service.name`.
    Service,
    /// A Deployment.
    Deployment,
    /// A StatefulSet.
    StatefulSet,
    /// A DaemonSet.
    DaemonSet,
    /// A Job that no CronJob owns.
    Job,
    /// A CronJob.
    CronJob,
    /// A pod that nothing owns.
    Pod,
    /// A machine.
    Host,
    /// A namespace as one node.
    Namespace,
    /// Not one of ours.
    Outside(OutsideKind),
}

/// Outside peers by product where known, else by class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)] // Product names.
pub enum OutsideKind {
    MySQL,
    PostgreSQL,
    Redis,
    MongoDB,
    Elasticsearch,
    Cassandra,
    Memcached,
    Kafka,
    RabbitMQ,
    S3,
    /// A database of another product.
    Database,
    /// A cache of another product.
    Cache,
    /// A queue or topic of another product.
    Queue,
    /// A name server.
    DNS,
    /// Something that answers HTTP under a host name.
    HttpApi,
    /// An address without a name.
    PlainIP,
    /// Callers from outside of whom nothing is known: `user` of service-graph metrics.
    User,
    /// Nothing is known.
    Unknown,
}

const OUTSIDE: &[(OutsideKind, &str)] = &[
    (OutsideKind::MySQL, "MySQL"),
    (OutsideKind::PostgreSQL, "PostgreSQL"),
    (OutsideKind::Redis, "Redis"),
    (OutsideKind::MongoDB, "MongoDB"),
    (OutsideKind::Elasticsearch, "Elasticsearch"),
    (OutsideKind::Cassandra, "Cassandra"),
    (OutsideKind::Memcached, "Memcached"),
    (OutsideKind::Kafka, "Kafka"),
    (OutsideKind::RabbitMQ, "RabbitMQ"),
    (OutsideKind::S3, "S3"),
    (OutsideKind::Database, "Database"),
    (OutsideKind::Cache, "Cache"),
    (OutsideKind::Queue, "Queue"),
    (OutsideKind::DNS, "DNS"),
    (OutsideKind::HttpApi, "HTTP-API"),
    (OutsideKind::PlainIP, "IP"),
    (OutsideKind::User, "User"),
    (OutsideKind::Unknown, "Unknown"),
];

const INSIDE: &[(Kind, &str)] = &[
    (Kind::Service, "Service"),
    (Kind::Deployment, "Deployment"),
    (Kind::StatefulSet, "StatefulSet"),
    (Kind::DaemonSet, "DaemonSet"),
    (Kind::Job, "Job"),
    (Kind::CronJob, "CronJob"),
    (Kind::Pod, "Pod"),
    (Kind::Host, "Host"),
    (Kind::Namespace, "Namespace"),
];

impl OutsideKind {
    /// As it stands in a node's id, and as the group of outside nodes of this type is called.
    pub fn as_str(self) -> &'static str {
        OUTSIDE.iter().find(|(kind, _)| *kind == self).map_or("Unknown", |(_, name)| name)
    }

    /// The class that the glyph shows.
    pub fn is_queue(self) -> bool {
        matches!(self, Self::Kafka | Self::RabbitMQ | Self::Queue)
    }
}

impl Kind {
    /// As it stands in a node's id.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Outside(kind) => kind.as_str(),
            inside => INSIDE.iter().find(|(kind, _)| *kind == inside).map_or("Unknown", |(_, name)| name),
        }
    }

    /// True for all kinds of peers without identity of their own.
    pub fn is_outside(self) -> bool {
        matches!(self, Self::Outside(_))
    }
}

/// No kind has this name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownKind(pub String);

impl fmt::Display for UnknownKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "no kind is called `{}`", self.0)
    }
}

impl std::error::Error for UnknownKind {}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        let inside = INSIDE.iter().find(|(_, name)| *name == text).map(|(kind, _)| *kind);
        let outside = || OUTSIDE.iter().find(|(_, name)| *name == text).map(|(kind, _)| Self::Outside(*kind));
        inside.or_else(outside).ok_or_else(|| UnknownKind(text.to_owned()))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for OutsideKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for OutsideKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Kind::deserialize(deserializer)? {
            Kind::Outside(kind) => Ok(kind),
            inside => Err(serde::de::Error::custom(UnknownKind(inside.to_string()))),
        }
    }
}
