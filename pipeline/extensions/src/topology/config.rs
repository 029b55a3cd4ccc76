//! Keys of the `topology` extension.

use std::path::PathBuf;

use config::{ByteSize, Check, Config, GoDuration, Secret, Validate};
use topology::store::{Retention, StoreConfig};

/// `topology`: keeps the graph of what calls what, judges it and answers on a page and an API.
#[derive(Debug, Clone, PartialEq, Config)]
pub struct TopologyConfig {
    /// Where the page and the API answer, as `host:port`.
    #[config(default = "localhost:4680")]
    pub endpoint: String,
    /// Names under which clients may call this server, beside `localhost`, addresses and the host of `endpoint`. A page
    /// of another site could otherwise read the map through a name that it made point here. `*` takes any name.
    pub allowed_hosts: Vec<String>,
    /// If set, clients must send it: as `Authorization: Bearer`, or as the password that a browser asks for.
    pub token: Option<Secret>,
    /// Where history is kept. Without it, the map forgets when the process ends.
    pub directory: Option<String>,
    /// The cluster of what does not say `k8s.cluster.name`.
    pub cluster: String,
    /// Files of rules; the built-in rules if there are none.
    pub rules: Vec<String>,
    /// Files of baselines.
    pub baselines: Vec<String>,
    /// Where the page's links lead.
    pub links: Links,
    /// How long history is kept.
    pub storage: Storage,
    /// What may be kept, taken and asked at most.
    pub limits: Limits,
}

/// Where links lead; the words in braces are replaced, percent-encoded.
#[derive(Debug, Clone, PartialEq, Config)]
pub struct Links {
    /// A trace: `{trace_id}`.
    pub trace: Option<String>,
    /// The logs of a node: `{cluster}`, `{namespace}`, `{kind}`, `{name}`, `{from}`, `{to}` (milliseconds since 1970).
    pub logs: Option<String>,
}

/// How long history is kept, by tier, and how much of it.
#[derive(Debug, Clone, PartialEq, Config)]
pub struct Storage {
    /// Steps of 15 seconds, in memory.
    #[config(default = GoDuration::seconds(3600))]
    pub recent: GoDuration,
    /// Minutes.
    #[config(default = GoDuration::seconds(7 * 86_400))]
    pub minutes: GoDuration,
    /// Ten minutes.
    #[config(default = GoDuration::seconds(30 * 86_400))]
    pub ten_minutes: GoDuration,
    /// Hours.
    #[config(default = GoDuration::seconds(400 * 86_400))]
    pub hours: GoDuration,
    /// Bytes of history in memory; beyond, the oldest of the finest tier go first.
    #[config(default = ByteSize::mib(128))]
    pub memory: ByteSize,
    /// Bytes of files; beyond, the oldest of the finest tier go first.
    #[config(default = ByteSize::mib(10 * 1024))]
    pub disk: ByteSize,
}

/// Bounds. What they cut is counted, and answers say so.
#[derive(Debug, Clone, PartialEq, Config)]
pub struct Limits {
    /// Entities known at a time.
    #[config(default = 50_000)]
    pub entities: usize,
    /// Edges between entities; beyond, new ones are added up in one edge per pair of namespaces.
    #[config(default = 50_000)]
    pub edges: usize,
    /// Rows that wait for the store; beyond, the exporter drops (or refuses, if told to).
    #[config(default = 262_144)]
    pub intake_rows: usize,
    /// Nodes and edges of one answer in full; beyond, the rest is counted. The form `columns` may hold ten times as many.
    #[config(default = 10_000)]
    pub answer: usize,
    /// Questions that wait while two are answered; beyond, 503 with Retry-After.
    #[config(default = 32)]
    pub waiting_questions: usize,
    /// Pages that follow the map live; beyond, 503.
    #[config(default = 256)]
    pub streams: usize,
}

impl TopologyConfig {
    /// What the keys mean for the store.
    pub fn store(&self) -> StoreConfig {
        let Storage { recent, minutes, ten_minutes, hours, memory, disk } = &self.storage;
        StoreConfig {
            directory: self.directory.as_ref().map(PathBuf::from),
            max_entities: self.limits.entities,
            max_edges: self.limits.edges,
            retention: Retention {
                steps: nanoseconds(*recent),
                minutes: nanoseconds(*minutes),
                ten_minutes: nanoseconds(*ten_minutes),
                hours: nanoseconds(*hours),
                days: nanoseconds(*hours),
            },
            memory_bytes: memory.bytes(),
            disk_bytes: disk.bytes(),
            ..StoreConfig::default()
        }
    }
}

fn nanoseconds(duration: GoDuration) -> u64 {
    u64::try_from(duration.as_duration().as_nanos()).unwrap_or(u64::MAX)
}

impl Validate for TopologyConfig {
    fn validate(&self, check: &mut Check<'_, '_>) {
        let port = self.endpoint.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        check.require(port.is_some(), "endpoint", "'endpoint' must be host:port");
        let is_named = self.directory.as_ref().is_none_or(|directory| !directory.is_empty());
        check.require(is_named, "directory", "'directory' must not be empty; leave it out to keep the map in memory");
        let has_token = self.token.as_ref().is_none_or(|token| !token.expose().is_empty());
        check.require(has_token, "token", "'token' must not be empty; leave it out for no token");
    }
}

impl Validate for Links {
    fn validate(&self, check: &mut Check<'_, '_>) {
        for (key, link) in [("trace", &self.trace), ("logs", &self.logs)] {
            let is_link = link.as_ref().is_none_or(|link| link.starts_with("https://") || link.starts_with("http://"));
            check.require(is_link, key, format!("'{key}' must begin with https:// or http://"));
        }
    }
}

impl Validate for Storage {
    fn validate(&self, check: &mut Check<'_, '_>) {
        let tiers = [
            ("recent", self.recent, 300),
            ("minutes", self.minutes, 3600),
            ("ten_minutes", self.ten_minutes, 3600),
            ("hours", self.hours, 3600),
        ];
        for (key, kept, least) in tiers {
            let enough = !kept.is_negative() && kept.as_duration().as_secs() >= least;
            check.require(enough, key, format!("'{key}' must be at least {least}s"));
        }
        for (key, size) in [("memory", self.memory), ("disk", self.disk)] {
            check.require(size >= ByteSize::mib(16), key, format!("'{key}' must be at least 16MiB"));
        }
    }
}

impl Validate for Limits {
    fn validate(&self, check: &mut Check<'_, '_>) {
        let limits = [
            ("entities", self.entities),
            ("edges", self.edges),
            ("intake_rows", self.intake_rows),
            ("answer", self.answer),
            ("waiting_questions", self.waiting_questions),
            ("streams", self.streams),
        ];
        for (key, limit) in limits {
            check.require(limit > 0, key, format!("'{key}' must be greater than zero"));
        }
        let addressable = u32::try_from(self.entities).is_ok();
        check.require(addressable, "entities", "'entities' must be below 4294967296");
    }
}
