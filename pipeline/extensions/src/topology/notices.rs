//! Which of what is thought of the map is told to the world: everything that some rule finds abnormal.

use std::sync::Arc;

use topology::{EntityId, Health, Level, Measures, Moment, NodeId, Notice, Observed, Reason, Transport, View};

use super::opinion::Opinion;

/// Told at a time; the worst are. A map on which more is wrong has one problem, not thousands.
const MOST: usize = 1_000;

/// Notices of all rules that fire, worst first.
pub fn of_rules(opinion: &Opinion, observed: &Observed) -> Vec<Arc<Notice>> {
    let node = |id: EntityId| observed.registry.get(id).map(|entity| entity.who.node(View::Workload));
    let mut notices: Vec<Notice> = Vec::new();
    for (id, health) in &opinion.judgements.nodes {
        let Some(subject) = node(*id).filter(|_| is_abnormal(health)) else { continue };
        notices.extend(health.reasons.iter().map(|reason| notice(reason, subject.clone(), None, opinion.at)));
    }
    for ((source, target), health) in &opinion.judgements.edges {
        let ends = node(*source).zip(node(*target)).filter(|_| is_abnormal(health));
        let Some((source, target)) = ends else { continue };
        let of = |reason| notice(reason, source.clone(), Some(target.clone()), opinion.at);
        notices.extend(health.reasons.iter().map(of));
    }
    count_requests(&mut notices, observed);
    notices.sort_by(|one, other| (other.level, &one.id).cmp(&(one.level, &other.id)));
    // Several entities may be one node.
    notices.dedup_by(|one, other| one.id == other.id);
    notices.truncate(MOST);
    notices.into_iter().map(Arc::new).collect()
}

fn is_abnormal(health: &Health) -> bool {
    health.level >= Level::Yellow
}

fn notice(reason: &Reason, client: NodeId, server: Option<NodeId>, now: Moment) -> Notice {
    let subject = server.as_ref().map_or_else(|| client.to_string(), |server| format!("{client} > {server}"));
    let unit = reason.unit;
    let message =
        format!("{subject}: {} is {:.1}{unit}, beyond {:.1}{unit}", reason.rule, reason.value, reason.threshold);
    Notice {
        id: id_of(&["rule", &reason.rule, &subject]).into(),
        finding: format!("rule.{}", reason.rule).into(),
        class: reason.class,
        level: reason.level,
        baseline: "".into(),
        rule: reason.rule.as_str().into(),
        client,
        server,
        port: None,
        transport: Transport::Unspecified,
        protocol: None,
        first_seen: reason.since,
        last_seen: now,
        requests: 0,
        message,
    }
}

fn count_requests(notices: &mut [Notice], observed: &Observed) {
    if notices.is_empty() {
        return;
    }
    let mut sums: std::collections::HashMap<(NodeId, NodeId), Measures> = std::collections::HashMap::new();
    for edge in &observed.edges {
        let node = |id| observed.registry.get(id).map(|entity| entity.who.node(View::Workload));
        if let Some(ends) = node(edge.source).zip(node(edge.target)) {
            sums.entry(ends).or_default().add(&edge.whole());
        }
    }
    for notice in notices {
        let ends = notice.server.clone().map(|server| (notice.client.clone(), server));
        notice.requests = ends.and_then(|ends| sums.get(&ends)).map_or(0, Measures::requests);
    }
}

/// The same for the same parts, in every version of this program: FNV-1a, 64 bits (RFC 9923).
pub fn id_of(parts: &[&str]) -> String {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    let hash = bytes
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_same_for_the_same_parts_and_knows_where_one_ends() {
        assert_eq!(id_of(&["rule", "errors", "a"]), id_of(&["rule", "errors", "a"]));
        assert_ne!(id_of(&["rule", "errors", "a"]), id_of(&["rule", "error", "sa"]));
        assert_eq!(id_of(&[]), "cbf29ce484222325");
    }
}
