//! An edge while it is found out: what is known of its two ends.

use std::sync::Arc;

use pairing::{Half, Role};

/// How the two ends are connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Connection {
    /// A request and its response.
    #[default]
    Direct,
    /// A message.
    Messaging,
    /// A call of a database.
    Database,
    /// One of the ends was not seen.
    Virtual,
}

impl Connection {
    /// What a span in this role tells.
    pub(super) fn of(role: Role) -> Self {
        if role.is_messaging() { Self::Messaging } else { Self::Direct }
    }

    /// The label `connection_type`.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Direct => "",
            Self::Messaging => "messaging_system",
            Self::Database => "database",
            Self::Virtual => "virtual_node",
        }
    }
}

/// Which end was not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Unseen {
    /// Neither.
    #[default]
    Nobody,
    /// The client.
    Client,
    /// The server.
    Server,
}

impl Unseen {
    /// The label `virtual_node`.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Nobody => "",
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}

/// Trace id and span id, as bytes: numbers of 128 bits would make every end half as large again.
pub(super) type SpanId = ([u8; 16], [u8; 8]);

/// What runs an end.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Workload {
    /// As Kubernetes writes it.
    pub(super) kind: &'static str,
    pub(super) name: Arc<str>,
}

/// What one span tells about its end.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct End {
    pub(super) service: Arc<str>,
    pub(super) namespace: Option<Arc<str>>,
    pub(super) workload: Option<Arc<Workload>>,
    pub(super) seconds: f64,
    /// In the order of the configured dimensions.
    pub(super) dimensions: Vec<Option<Arc<str>>>,
    pub(super) span: Option<SpanId>,
}

impl End {
    /// An end that nobody saw.
    pub(super) fn unseen(service: Arc<str>) -> Self {
        Self { service, namespace: None, workload: None, seconds: 0.0, dimensions: Vec::new(), span: None }
    }
}

/// An edge of which one end is known, or both.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Edge {
    pub(super) client: Option<End>,
    pub(super) server: Option<End>,
    pub(super) connection: Connection,
    pub(super) failed: bool,
    /// What the client's span calls its peer.
    pub(super) peer: Option<Arc<str>>,
    /// The database that the client's span names, when the database's own span may still come.
    pub(super) database: Option<Arc<str>>,
    /// What they speak.
    pub(super) protocol: Option<Arc<str>>,
    /// The server's span has no parent.
    pub(super) is_root: bool,
    pub(super) unseen: Unseen,
}

impl Edge {
    /// The spans that told of it, as far as they are remembered.
    pub(super) fn spans(&self) -> impl Iterator<Item = SpanId> {
        [&self.client, &self.server].into_iter().flatten().filter_map(|end| end.span)
    }
}

impl Half for Edge {
    fn join(&mut self, later: Self) {
        self.protocol = match later.client {
            Some(_) => later.protocol.or(self.protocol.take()),
            None => self.protocol.take().or(later.protocol),
        };
        join_end(&mut self.client, later.client);
        join_end(&mut self.server, later.server);
        self.connection = later.connection;
        self.failed |= later.failed;
        self.peer = later.peer.or(self.peer.take());
        self.database = later.database.or(self.database.take());
        self.is_root |= later.is_root;
        if self.database.is_some() {
            self.connection = Connection::Database;
        }
    }

    fn is_whole(&self) -> bool {
        self.client.is_some() && self.server.is_some()
    }
}

/// A span that comes again replaces what it said; dimensions that it lacks now stay.
fn join_end(end: &mut Option<End>, later: Option<End>) {
    let Some(mut later) = later else { return };
    if let Some(earlier) = end.take() {
        for (place, value) in earlier.dimensions.into_iter().enumerate() {
            match later.dimensions.get_mut(place) {
                Some(known) => *known = known.take().or(value),
                None => later.dimensions.push(value),
            }
        }
    }
    *end = Some(later);
}
