//! Kubernetes events, in the shapes of the receivers `k8s_events` (attributes) and `k8sobjects` (a map as the body).

use pdata::{Attributes, Batch, LogView, ValueKind, ValueView};
use topology::{Event, EventRow, Moment, Name, Rows};

use super::identity::{Identity, Owners, Part, Residents};
use super::names::{LONGEST, shortened};

/// What happened to log records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct RecordTally {
    pub(super) taken: u64,
    /// No events, or of nobody on the map.
    pub(super) foreign: u64,
    /// Findings of the map itself.
    pub(super) own: u64,
}

impl RecordTally {
    pub(super) fn add(&mut self, more: Self) {
        self.taken = self.taken.saturating_add(more.taken);
        self.foreign = self.foreign.saturating_add(more.foreign);
        self.own = self.own.saturating_add(more.own);
    }
}

/// Longest message that is kept.
const LONGEST_MESSAGE: usize = 1024;

/// An event as it was told.
#[derive(Debug, Default)]
struct Told<'a> {
    kind: &'a str,
    name: &'a str,
    namespace: &'a str,
    reason: &'a str,
    message: &'a str,
    is_warning: bool,
    count: u32,
    at: u64,
}

/// Reads the events in a batch of log records.
pub(super) fn read(
    batch: &Batch,
    residents: &mut Residents,
    owners: &Owners,
    now: u64,
    rows: &mut Rows,
) -> RecordTally {
    let mut tally = RecordTally::default();
    for resource in batch.resources() {
        let of_resource = Identity::read(resource.attributes());
        for record in resource.scopes().flat_map(|scope| scope.logs()) {
            if is_own(&record) {
                tally.own = tally.own.saturating_add(1);
                continue;
            }
            let told = of_attributes(&record, resource.attributes()).or_else(|| of_body(&record));
            match told.and_then(|told| row(&told, &of_resource, residents, owners, now)) {
                Some(row) => {
                    tally.taken = tally.taken.saturating_add(1);
                    rows.events.push(row);
                }
                None => tally.foreign = tally.foreign.saturating_add(1),
            }
        }
    }
    tally
}

fn is_own(record: &LogView<'_>) -> bool {
    let named = record.attribute("event.name").and_then(|name| name.as_str()).unwrap_or_default();
    record.event_name().starts_with("topology.") || named.starts_with("topology.")
}

fn text<'a>(value: Option<ValueView<'a>>) -> &'a str {
    value.and_then(|value| value.as_str()).unwrap_or_default()
}

/// `k8s_events`: the object is the resource, the event the record's attributes, the message its body.
fn of_attributes<'a>(record: &LogView<'a>, resource: Attributes<'a>) -> Option<Told<'a>> {
    let of_record = |key: &str| text(record.attribute(key));
    let of_resource = |key: &str| text(resource.clone().get(key));
    let reason = of_record("k8s.event.reason");
    if reason.is_empty() {
        return None;
    }
    let count = record.attribute("k8s.event.count").and_then(|count| count.as_int());
    Some(Told {
        kind: of_resource("k8s.object.kind"),
        name: of_resource("k8s.object.name"),
        namespace: first(of_record("k8s.namespace.name"), of_resource("k8s.namespace.name")),
        reason,
        message: text(Some(record.body())),
        is_warning: record.severity_text() == "Warning" || record.severity_number() >= 13,
        count: count.and_then(|count| u32::try_from(count).ok()).unwrap_or(1).max(1),
        at: record.time_unix_nano(),
    })
}

/// `k8sobjects`: the body is the Event, or `{type, object: Event}` where it was watched.
fn of_body<'a>(record: &LogView<'a>) -> Option<Told<'a>> {
    let ValueKind::Map(outer) = record.body().kind() else { return None };
    let event = match outer.clone().get("object").map(|object| object.kind()) {
        Some(ValueKind::Map(object)) => object,
        _ => outer,
    };
    let of = |map: &Attributes<'a>, key: &str| text(map.clone().get(key));
    if of(&event, "kind") != "Event" {
        return None;
    }
    let inner = |key: &str| match event.clone().get(key).map(|value| value.kind()) {
        Some(ValueKind::Map(map)) => Some(map),
        _ => None,
    };
    // core/v1 says `involvedObject` and `message`, events.k8s.io/v1 `regarding` and `note`.
    let object = inner("involvedObject").or_else(|| inner("regarding"))?;
    let number = |value: ValueView<'_>| value.as_int().or_else(|| value.as_double().map(|double| double as i64));
    let count = event.clone().get("count").or_else(|| event.clone().get("deprecatedCount")).and_then(number);
    Some(Told {
        kind: of(&object, "kind"),
        name: of(&object, "name"),
        namespace: of(&object, "namespace"),
        reason: of(&event, "reason"),
        message: first(of(&event, "message"), of(&event, "note")),
        is_warning: of(&event, "type") == "Warning",
        count: count.and_then(|count| u32::try_from(count).ok()).unwrap_or(1).max(1),
        at: record.time_unix_nano(),
    })
}

fn first<'a>(one: &'a str, other: &'a str) -> &'a str {
    if one.is_empty() { other } else { one }
}

fn row(
    told: &Told<'_>,
    of_resource: &Identity<'_>,
    residents: &mut Residents,
    owners: &Owners,
    now: u64,
) -> Option<EventRow> {
    let part = match told.kind {
        "Pod" => Part::Pod,
        "Deployment" => Part::Deployment,
        "StatefulSet" => Part::StatefulSet,
        "DaemonSet" => Part::DaemonSet,
        "ReplicaSet" => Part::ReplicaSet,
        "Job" => Part::Job,
        "CronJob" => Part::CronJob,
        "Service" => Part::KubeService,
        _ => return None,
    };
    let mut identity = Identity::default();
    identity.set(part, told.name);
    identity.set(Part::Namespace, told.namespace);
    if let Some(cluster) = of_resource.get(Part::Cluster) {
        identity.set(Part::Cluster, cluster);
    }
    if !identity.is_somebody() {
        return None;
    }
    let event = Event {
        reason: residents.names().get(shortened(told.reason, LONGEST)),
        message: Name::from(shortened(told.message, LONGEST_MESSAGE)),
        warning: told.is_warning,
        count: told.count,
    };
    let at = Moment(if told.at == 0 { now } else { told.at });
    Some(EventRow { at, subject: residents.end(&identity, owners), event })
}
