//! Keys of the `ebpf` receiver.

use config::{ByteSize, Check, Config, Decode, DecodeContext, GoDuration, Node, Validate, Value};

/// `ebpf`: what programs say to each other, seen in the kernel.
#[derive(Debug, Clone, PartialEq, Config)]
pub struct EbpfConfig {
    /// Whom to observe: a connection is observed if any entry matches. Without entries every process of the host is.
    pub include: Vec<Selector>,
    /// Whom not to observe, even if `include` matches.
    pub exclude: Vec<Selector>,
    /// How much of the traffic is captured.
    pub capture: CaptureConfig,
    /// How HTTP is told.
    pub http: HttpConfig,
    /// Exchanges that give no spans.
    pub ignore: Vec<IgnoreConfig>,
    /// Which spans are told.
    pub spans: SpansConfig,
    /// What to do with spans of processes that have an OpenTelemetry SDK of their own.
    pub sdk_instrumented: SdkConfig,
    /// How metrics are told.
    pub metrics: MetricsConfig,
}

impl Validate for EbpfConfig {
    fn validate(&self, _check: &mut Check<'_, '_>) {}
}

/// An entry of `include` or `exclude`; all keys that are given must match.
#[derive(Debug, Clone, PartialEq, Config)]
pub struct Selector {
    /// Path of the cgroup; `*` stands for anything. A match of an ancestor counts.
    pub cgroup: String,
    /// Path of the executable; `*` stands for anything.
    pub executable: String,
    /// Ports of the end that accepts: numbers, or ranges such as "8000-8100".
    pub ports: Vec<PortRange>,
    /// Process id; 0 means any.
    pub pid: u32,
}

impl Validate for Selector {
    fn validate(&self, check: &mut Check<'_, '_>) {
        let says_something =
            !self.cgroup.is_empty() || !self.executable.is_empty() || !self.ports.is_empty() || self.pid != 0;
        check.require(says_something, "cgroup", "must have at least one of 'cgroup', 'executable', 'ports' and 'pid'");
    }
}

/// Ports from `first` to `last`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortRange {
    /// Lowest.
    pub first: u16,
    /// Highest.
    pub last: u16,
}

impl PortRange {
    /// Whether the port is one of them.
    pub fn contains(self, port: u16) -> bool {
        (self.first..=self.last).contains(&port)
    }

    fn parse(text: &str) -> Option<Self> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let range = Self { first: first.trim().parse().ok()?, last: last.trim().parse().ok()? };
        (range.first <= range.last && range.first > 0).then_some(range)
    }
}

impl Decode for PortRange {
    const TYPE_NAME: &'static str = "port or range";

    fn decode(node: &Node, context: &mut DecodeContext<'_>) -> Option<Self> {
        let range = match &node.value {
            Value::Int(port) => u16::try_from(*port).ok().filter(|port| *port > 0).map(|port| Self { first: port, last: port }),
            Value::String(text) => Self::parse(text),
            _ => None,
        };
        if range.is_none() {
            context.error(node, "must be a port from 1 to 65535 or a range such as \"8000-8100\"");
        }
        range
    }

    fn show(&self) -> String {
        if self.first == self.last { self.first.to_string() } else { format!("{}-{}", self.first, self.last) }
    }
}

/// How much of the traffic is captured.
#[derive(Debug, Clone, PartialEq, Config)]
pub struct CaptureConfig {
    /// Most payload of a request (of one turn of the end that asks).
    #[config(default = ByteSize::kib(64))]
    pub request_bytes: ByteSize,
    /// Most payload of a response.
    #[config(default = ByteSize::kib(4))]
    pub response_bytes: ByteSize,
    /// Size of the ring between kernel and Tidewatch, however many CPUs there are. A power of two.
    #[config(default = ByteSize::mib(8))]
    pub ring_bytes: ByteSize,
}

impl Validate for CaptureConfig {
    fn validate(&self, check: &mut Check<'_, '_>) {
        const LARGEST_RING: u64 = 1 << 30;
        const LARGEST_TURN: u64 = 1 << 20;
        let ring = self.ring_bytes.0;
        let is_ring = ring.is_power_of_two() && (1 << 16..=LARGEST_RING).contains(&ring);
        check.require(is_ring, "ring_bytes", "'ring_bytes' must be a power of two from 64KiB to 1GiB");
        let is_turn = |bytes: ByteSize| (256..=LARGEST_TURN).contains(&bytes.0);
        check.require(is_turn(self.request_bytes), "request_bytes", "'request_bytes' must be from 256 to 1MiB");
        check.require(is_turn(self.response_bytes), "response_bytes", "'response_bytes' must be from 256 to 1MiB");
    }
}

/// How HTTP is told.
#[derive(Debug, Clone, PartialEq, Config)]
pub struct HttpConfig {
    /// Patterns that become `http.route`, such as `/users/{id}`; the first that matches wins.
    pub routes: Vec<String>,
    /// What becomes of a path that no pattern matches: ids are replaced (`heuristic`), the path is the route (`path`), or there is no route (`none`).
    pub route_fallback: RouteFallback,
    /// Headers of requests and responses that become attributes.
    pub headers: Vec<String>,
    /// Hide the values of query strings. Known signatures and passwords are always hidden.
    #[config(default = true)]
    pub redact_query: bool,
}

impl Validate for HttpConfig {
    fn validate(&self, check: &mut Check<'_, '_>) {
        for pattern in self.routes.iter().filter(|pattern| !pattern.starts_with('/')) {
            check.require(false, "routes", format!("route {pattern:?} must begin with '/'"));
        }
    }
}

/// See [`HttpConfig::route_fallback`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Config)]
#[config(unknown = "invalid route_fallback: {:?}")]
pub enum RouteFallback {
    /// Segments that look like ids become `{id}`.
    #[default]
    Heuristic,
    /// The path as it is.
    Path,
    /// No route.
    None,
}

/// Exchanges that give no spans; all keys that are given must match.
#[derive(Debug, Clone, PartialEq, Config)]
pub struct IgnoreConfig {
    /// Path; `*` stands for anything.
    pub path: String,
    /// User agent; `*` stands for anything.
    pub user_agent: String,
    /// Count them in metrics all the same.
    #[config(default = true)]
    pub metrics: bool,
}

impl Validate for IgnoreConfig {
    fn validate(&self, check: &mut Check<'_, '_>) {
        let says_something = !self.path.is_empty() || !self.user_agent.is_empty();
        check.require(says_something, "path", "must have at least one of 'path' and 'user_agent'");
    }
}

/// Which spans are told.
#[derive(Debug, Clone, PartialEq, Config)]
pub struct SpansConfig {
    /// Part of the traces whose spans are told, from 0 to 1. Metrics are always whole.
    #[config(default = 1.0)]
    pub ratio: f64,
}

impl Validate for SpansConfig {
    fn validate(&self, check: &mut Check<'_, '_>) {
        check.require((0.0..=1.0).contains(&self.ratio), "ratio", "'ratio' must be from 0 to 1");
    }
}

/// What to do with spans of processes that have an OpenTelemetry SDK of their own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Config)]
#[config(unknown = "invalid sdk_instrumented: {:?}")]
pub enum SdkConfig {
    /// None from the moment at which the process is seen to send OTLP traces.
    #[default]
    Auto,
    /// All.
    Keep,
    /// None if its environment names an exporter, either.
    SuppressSpans,
}

/// How metrics are told.
#[derive(Debug, Clone, PartialEq, Config)]
pub struct MetricsConfig {
    /// How often.
    #[config(default = GoDuration::seconds(15))]
    pub interval: GoDuration,
    /// Totals since the start of a series, or what is new.
    pub temporality: TemporalityConfig,
}

impl Validate for MetricsConfig {
    fn validate(&self, check: &mut Check<'_, '_>) {
        let is_sensible = self.interval.as_nanoseconds() >= GoDuration::seconds(1).as_nanoseconds();
        check.require(is_sensible, "interval", "'interval' must be at least 1s");
    }
}

/// See [`MetricsConfig::temporality`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Config)]
#[config(unknown = "invalid temporality: {:?}")]
pub enum TemporalityConfig {
    /// Since the start of the series.
    #[default]
    Cumulative,
    /// Since the last report.
    Delta,
}
