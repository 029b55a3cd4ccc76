//! The fields of the language: what they are called, what they are measured in, what they mean.

/// A field that holds text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextField {
    Cluster,
    Namespace,
    Kind,
    Name,
    Service,
    Workload,
    Id,
    Protocol,
    Expectation,
    Level,
}

/// A field that holds a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberField {
    Errors,
    ErrorPercent,
    ClientErrorPercent,
    Requests,
    Rate,
    Average,
    P50,
    P95,
    P99,
    Gap,
    Rtt,
    RetransmitPercent,
    FailedConnects,
    Port,
    Cpu,
    Memory,
    Restarts,
    Callers,
    Callees,
    Rank,
    Seen,
    Age,
}

/// Something that is so or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flag {
    Expected,
    Unexpected,
    Missing,
    Forbidden,
    Excepted,
    Pending,
    Idle,
    External,
    Unresolved,
    New,
    Red,
    Yellow,
    Abnormal,
    Healthy,
    Root,
    Leaf,
}

/// What a number is measured in; decides which units may be written behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Nothing.
    Count,
    /// Percent.
    Percent,
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Age,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Field {
    Text(TextField),
    Number(NumberField, Unit),
}

/// Names, the first of which is the usual one; what it is; what it means.
pub(super) type Row = (&'static [&'static str], Field, &'static str);

use Field::{Number, Text};

pub(super) const FIELDS: &[Row] = &[
    (&["ns", "namespace"], Text(TextField::Namespace), "namespace; `external` for what is outside"),
    (&["name"], Text(TextField::Name), "name of the workload, of its Service, or of the outside peer"),
    (&["kind", "type"], Text(TextField::Kind), "Deployment, StatefulSet, Service, MySQL, IP, ..."),
    (&["service"], Text(TextField::Service), "name of the Service"),
    (&["workload"], Text(TextField::Workload), "name of the workload"),
    (&["cluster"], Text(TextField::Cluster), "cluster"),
    (&["id"], Text(TextField::Id), "id of the node in the workload view"),
    (&["proto", "protocol"], Text(TextField::Protocol), "http, grpc, dns, mysql, ...: any that is spoken"),
    (&["expected", "expectation"], Text(TextField::Expectation), "how it stands to the baseline"),
    (&["health", "level"], Text(TextField::Level), "ok, yellow, red or unknown"),
    (&["err%", "error%"], Number(NumberField::ErrorPercent, Unit::Percent), "faults per request; of a node: inbound"),
    (&["4xx%", "client_err%"], Number(NumberField::ClientErrorPercent, Unit::Percent), "client errors per request"),
    (&["errors"], Number(NumberField::Errors, Unit::Count), "faults in the window"),
    (&["requests"], Number(NumberField::Requests, Unit::Count), "requests in the window"),
    (&["rps", "rate"], Number(NumberField::Rate, Unit::Count), "requests a second"),
    (&["avg"], Number(NumberField::Average, Unit::Milliseconds), "mean latency"),
    (&["p50"], Number(NumberField::P50, Unit::Milliseconds), "median latency"),
    (&["p95"], Number(NumberField::P95, Unit::Milliseconds), "95th percentile of latency"),
    (&["p99"], Number(NumberField::P99, Unit::Milliseconds), "99th percentile of latency"),
    (&["gap"], Number(NumberField::Gap, Unit::Milliseconds), "client minus server latency: the way between"),
    (&["rtt"], Number(NumberField::Rtt, Unit::Milliseconds), "mean round-trip time"),
    (&["retrans%"], Number(NumberField::RetransmitPercent, Unit::Percent), "segments sent again"),
    (&["failed_connects"], Number(NumberField::FailedConnects, Unit::Count), "connections that did not come about"),
    (&["port"], Number(NumberField::Port, Unit::Count), "port of the called; any of several"),
    (&["cpu%", "cpu"], Number(NumberField::Cpu, Unit::Percent), "CPU of the limit, worst instance"),
    (&["mem%", "mem", "memory"], Number(NumberField::Memory, Unit::Percent), "memory of the limit, worst instance"),
    (&["restarts"], Number(NumberField::Restarts, Unit::Count), "restarts in the window"),
    (&["callers", "in"], Number(NumberField::Callers, Unit::Count), "how many entities call it"),
    (&["callees", "out"], Number(NumberField::Callees, Unit::Count), "how many entities it calls"),
    (&["rank"], Number(NumberField::Rank, Unit::Count), "1 is the node with most neighbours"),
    (&["seen"], Number(NumberField::Seen, Unit::Age), "time since it was last seen"),
    (&["age"], Number(NumberField::Age, Unit::Age), "time since it was first seen"),
];

pub(super) const FLAGS: &[(&str, Flag, &str)] = &[
    ("unexpected", Flag::Unexpected, "no line of the baseline allows it"),
    ("forbidden", Flag::Forbidden, "a line of the baseline forbids it"),
    ("missing", Flag::Missing, "the baseline requires it, and it is not there"),
    ("excepted", Flag::Excepted, "an exception lets it pass"),
    ("pending", Flag::Pending, "new, and within the grace"),
    ("expected", Flag::Expected, "the baseline allows it"),
    ("idle", Flag::Idle, "known, without traffic in the window"),
    ("external", Flag::External, "outside of all clusters; an edge: either end"),
    ("unresolved", Flag::Unresolved, "nothing is known of it; an edge: of either end"),
    ("new", Flag::New, "first seen within the window"),
    ("red", Flag::Red, "badly abnormal"),
    ("yellow", Flag::Yellow, "abnormal"),
    ("abnormal", Flag::Abnormal, "yellow or red"),
    ("healthy", Flag::Healthy, "rules looked, and none fires"),
    ("root", Flag::Root, "calls and is not called"),
    ("leaf", Flag::Leaf, "is called and calls nobody"),
];

pub(super) fn field(name: &str) -> Option<Field> {
    let row = FIELDS.iter().find(|(names, _, _)| names.iter().any(|known| known.eq_ignore_ascii_case(name)));
    row.map(|(_, field, _)| *field)
}

pub(super) fn flag(name: &str) -> Option<Flag> {
    FLAGS.iter().find(|(known, _, _)| known.eq_ignore_ascii_case(name)).map(|(_, flag, _)| *flag)
}

pub(super) fn field_names() -> impl Iterator<Item = &'static str> {
    FIELDS.iter().flat_map(|(names, _, _)| names.iter().copied()).chain(["is"])
}

pub(super) fn flag_names() -> impl Iterator<Item = &'static str> {
    FLAGS.iter().map(|(name, _, _)| *name)
}

impl NumberField {
    /// True for what only entities have: on an edge it speaks of each end, as their texts do.
    pub(super) fn is_of_entities(self) -> bool {
        matches!(self, Self::Cpu | Self::Memory | Self::Restarts | Self::Callers | Self::Callees | Self::Rank)
    }
}

impl Unit {
    /// The value in this unit of a number with a unit written behind it; `None` if that unit measures something else.
    pub(super) fn convert(self, value: f64, written: &str) -> Option<f64> {
        let seconds = match written {
            "" => return Some(value),
            "%" => return (self == Self::Percent).then_some(value),
            "k" | "K" => return (self == Self::Count).then_some(value * 1e3),
            "M" => return (self == Self::Count).then_some(value * 1e6),
            "us" | "µs" => value / 1e6,
            "ms" => value / 1e3,
            "s" => value,
            "m" | "min" => value * 60.0,
            "h" => value * 3600.0,
            "d" => value * 86_400.0,
            _ => return None,
        };
        match self {
            Self::Milliseconds => Some(seconds * 1e3),
            Self::Age => Some(seconds),
            Self::Count | Self::Percent => None,
        }
    }

    /// Which units may stand behind a number of this sort.
    pub(super) fn units(self) -> &'static str {
        match self {
            Self::Count => "no unit, k or M",
            Self::Percent => "% or no unit",
            Self::Milliseconds | Self::Age => "us, ms, s, m, h or d",
        }
    }
}
