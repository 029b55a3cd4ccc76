//! Spans: each is one end of a call; two that meet are a call.
//!
//! In this room: which spans are ends, what each tells; ends that wait for each other, and what becomes of those that
//! wait in vain.
//! Not here: who the ends are (`identity`), the store in which they wait (`pairing`).
//!
//! Enter at [`SpanReader::read`], then [`Calls::take`].

mod calls;

use std::sync::Arc;

use pairing::{Keys, Role, Weights};
use pdata::{Batch, SpanView};
use topology::{End, Moment};

pub(super) use self::calls::{Calls, Patience, Tally};
use super::identity::{Identity, Owners, Resident, Residents};
use super::outcome::Outcome;
use super::route::{Route, Routes};
use super::said::Said;

const ERROR: i32 = 2;

/// What one span tells of its end of a call.
#[derive(Debug, Clone)]
pub(super) struct Spoke {
    end: Arc<End>,
    route: Arc<Route>,
    role: Role,
    /// No span in its trace called this one.
    is_root: bool,
    /// Whether the connection is known on which it was.
    is_wired: bool,
    at: Moment,
    nanoseconds: u64,
    outcome: Outcome,
    trace: [u8; 16],
    span: [u8; 8],
    weight: u64,
}

/// One end of a call on its way to the other.
#[derive(Debug)]
pub(super) struct Seen {
    keys: Keys,
    spoke: Spoke,
}

/// Reads spans. One for each shard.
#[derive(Default)]
pub(super) struct SpanReader {
    routes: Routes,
    /// Apart for both ends, so that what one is owed does not go to the other.
    client_weights: Weights,
    server_weights: Weights,
}

impl SpanReader {
    /// Reads the ends of all calls in a batch. Per span, no allocation when the tables are warm:
    /// benches/micro/topology_rows.rs.
    pub(super) fn read(&mut self, batch: &Batch, residents: &mut Residents, owners: &Owners, seen: &mut Vec<Seen>) {
        for resource in batch.resources() {
            let resident = residents.resident(&Identity::read(resource.attributes()), owners);
            for span in resource.scopes().flat_map(|scope| scope.spans()) {
                seen.extend(self.end_of(&span, &resident, residents));
            }
        }
    }

    fn end_of(&mut self, span: &SpanView<'_>, resident: &Resident, residents: &mut Residents) -> Option<Seen> {
        let by_kind = Role::of(span)?;
        let said = Said::read(span.attributes());
        let role = role_in_messaging(by_kind, &said, resident)?;
        let weights = if role.is_client() { &mut self.client_weights } else { &mut self.server_weights };
        let weight = weights.of(span.trace_state()).spans;
        let route = self.routes.of(&said, &resident.end, residents.names());
        let spoke = Spoke {
            end: Arc::clone(&resident.end),
            route,
            role,
            is_root: span.parent_span_id().iter().all(|byte| *byte == 0),
            is_wired: said.wire.is_some(),
            at: Moment(span.end_unix_nano()),
            nanoseconds: span.end_unix_nano().saturating_sub(span.start_unix_nano()),
            outcome: Outcome::of(&said, span.status_code() == ERROR),
            trace: span.trace_id().try_into().unwrap_or_default(),
            span: span.span_id().try_into().unwrap_or_default(),
            weight,
        };
        Some(Seen { keys: Keys::of(span, by_kind, said.wire), spoke })
    }
}

/// The part in a call that a span plays once its operation on messages is known. `None` if another span tells of the
/// same message: the one that sends it, or the one that works on it.
fn role_in_messaging(by_kind: Role, said: &Said<'_>, resident: &Resident) -> Option<Role> {
    if said.messaging_system.is_none() {
        return Some(by_kind);
    }
    match said.operation {
        Some("send" | "publish") => Some(Role::Producer),
        Some("create" | "settle") => None,
        Some("process" | "deliver") => {
            resident.processes.set(true);
            Some(Role::Consumer)
        }
        Some("receive") => (!resident.processes.get()).then_some(Role::Consumer),
        _ => Some(by_kind),
    }
}
