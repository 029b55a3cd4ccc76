//! What is thought of the map: as of the last step, or as it was at an earlier moment.

use std::sync::Arc;

use topology::baseline::{Absent, Baseline, Watches};
use topology::rules::{Rule, Rules};
use topology::{Expectations, Health, Interval, Judgements, Level, Moment, Observed, Reason, Subject, View};

use super::published::Published;

/// What is thought of the map at one moment.
#[derive(Debug, Clone, Default)]
pub struct Opinion {
    /// The end of the step that it is about; zero before the first.
    pub at: Moment,
    /// By rules.
    pub judgements: Judgements,
    /// By baselines.
    pub expectations: Expectations,
    /// These.
    pub baselines: Arc<[Arc<Baseline>]>,
    /// Whom they require and nobody has seen.
    pub absent: Absent,
}

impl Opinion {
    /// What was thought when the window ended that `observed` shows. The present opinion unless a later step has been
    /// judged since; else what the history of judgement says of that moment.
    pub fn of(map: &Published, rules: &Rules, observed: &Observed, end: Moment, view: View) -> Arc<Self> {
        // Rules and baselines speak of entities, and a machine is none.
        if view == View::Host {
            return Arc::new(Self { at: end, ..Self::default() });
        }
        if end >= map.opinion.at {
            return Arc::clone(&map.opinion);
        }
        let intervals = map.snapshot.intervals(end.minus(1), end);
        let judgements = judgements(&intervals, rules, observed, end);
        // Files have no history here: an earlier moment is held against those of today.
        let baselines = Arc::clone(&map.opinion.baselines);
        let expectations = Watches::expectations(&baselines, observed, end);
        Arc::new(Self { at: end, judgements, expectations, baselines, absent: Absent::default() })
    }
}

/// Whatever was seen and not abnormal then was well.
fn judgements(intervals: &[Interval], rules: &Rules, observed: &Observed, at: Moment) -> Judgements {
    let mut judgements = Judgements::default();
    let well = || Health { level: Level::Ok, reasons: Vec::new() };
    for edge in &observed.edges {
        judgements.edges.insert((edge.source, edge.target), well());
        judgements.nodes.insert(edge.source, well());
        judgements.nodes.insert(edge.target, well());
    }
    for interval in intervals.iter().filter(|it| it.from <= at && it.to.is_none_or(|to| to > at)) {
        let health = match &interval.subject {
            Subject::Node(id) => judgements.nodes.entry(*id).or_default(),
            Subject::Edge(source, target) => judgements.edges.entry((*source, *target)).or_default(),
            Subject::Group(id) => judgements.groups.entry(id.clone()).or_default(),
            Subject::Finding(_) => continue,
        };
        health.level = health.level.max(interval.level);
        // A rule that was taken out of the file since cannot be explained any more.
        health
            .reasons
            .extend(rules.rules.iter().find(|rule| *rule.name == *interval.rule).map(|rule| reason(rule, interval)));
    }
    judgements
}

fn reason(rule: &Rule, interval: &Interval) -> Reason {
    rule.reason(interval.level, interval.value, interval.from)
}

#[cfg(test)]
mod tests {
    use topology::EntityId;
    use topology::store::{Store, StoreConfig};

    use super::*;

    #[test]
    fn a_machine_is_not_judged_as_the_entity_that_has_its_number() {
        let (store, _) = Store::open(StoreConfig::default(), Moment(0)).unwrap();
        let mut map = Published::first(Moment(0), store.snapshot());
        let mut judgements = Judgements::default();
        judgements.nodes.insert(EntityId(0), Health { level: Level::Red, reasons: Vec::new() });
        map.opinion = Arc::new(Opinion { at: Moment(1), judgements, ..Opinion::default() });

        let judged = |view| Opinion::of(&map, &Rules::default(), &Observed::default(), Moment(2), view);

        assert_eq!(judged(View::Workload).judgements.nodes.len(), 1);
        assert_eq!(judged(View::Host).judgements.nodes.len(), 0);
    }
}
