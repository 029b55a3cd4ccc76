//! A baseline in time: what is pending, open, over. For a server that looks again and again.

use std::collections::HashMap;
use std::sync::Arc;

use super::compare::{Comparison, Counts, Picture};
use super::expect::{Baseline, Stand};
use super::file::Mode;
use super::finding::{Finding, FindingKind};
use super::judge::{judge, required};
use crate::{
    EntityId, Expectation, Expectations, Interval, Moment, Name, Notice, Observed, Registry, SECOND, Standing, Subject,
};

/// A finding whose traffic was not seen for so long is over.
const HOLD: u64 = 15 * 60 * SECOND;
/// Most findings that are kept open.
const MOST: usize = 10_000;

/// A baseline and what was found against it so far.
///
/// Bounded by the lines of the file, the edges of the map, and [`MOST`].
#[derive(Debug)]
pub struct Watch {
    baseline: Arc<Baseline>,
    /// Since when the map looks; a required edge cannot be missed before.
    since: Option<Moment>,
    /// When each line was last satisfied.
    satisfied: Vec<Option<Moment>>,
    /// When something was first noticed, and when last. By finding.
    noticed: HashMap<Name, (Moment, Moment)>,
    open: HashMap<Name, Finding>,
    /// How edges stand that were judged before and are not in the window now.
    edges: HashMap<(EntityId, EntityId), Expectation>,
}

/// What one look found.
#[derive(Debug, Clone, Default)]
pub struct Watched {
    /// To draw.
    pub expectations: Expectations,
    /// What is open.
    pub notices: Vec<Arc<Notice>>,
    /// How each baseline is doing.
    pub standings: Vec<Standing>,
    /// What began or ended.
    pub changes: Vec<Interval>,
}

impl Watch {
    /// Nothing was found yet.
    pub fn new(baseline: Arc<Baseline>) -> Self {
        let satisfied = vec![None; baseline.lines.len()];
        let (noticed, open, edges) = (HashMap::new(), HashMap::new(), HashMap::new());
        Self { baseline, since: None, satisfied, noticed, open, edges }
    }

    /// The baseline.
    pub fn baseline(&self) -> &Baseline {
        &self.baseline
    }

    /// Learns from what the store remembers: edges by their ends and when they were last seen. A restart then neither
    /// waits anew for what is missing nor forgets how edges stand that are quiet now.
    pub fn recall(
        &mut self,
        registry: &Registry,
        edges: impl IntoIterator<Item = (EntityId, EntityId, Moment)>,
        now: Moment,
    ) {
        let oldest =
            registry.entities.iter().map(|entity| entity.first_seen).filter(|it| *it > Moment::default()).min();
        self.since = Some(oldest.unwrap_or(now).min(now));
        if self.baseline.mode == Mode::Learn {
            return;
        }
        for (source, target, last_seen) in edges {
            let (Some(from), Some(to)) = (registry.get(source), registry.get(target)) else { continue };
            let (from, to) = (&from.who, &to.who);
            if !self.baseline.in_scope(from) && !self.baseline.in_scope(to) {
                continue;
            }
            let (stand, lines) = self.baseline.stand(from, to, &[], now);
            self.satisfy(&lines, last_seen);
            let expectation = match stand {
                Stand::Expected(_) | Stand::Changed { .. } => Expectation::Expected,
                Stand::Excepted(_) => Expectation::Excepted,
                Stand::Forbidden(_) => Expectation::Forbidden,
                _ if from.is_unresolved() || to.is_unresolved() => continue,
                Stand::Expired(_) | Stand::Unexpected => Expectation::Unexpected,
            };
            self.edges.insert((source, target), expectation);
        }
    }

    fn satisfy(&mut self, lines: &[usize], at: Moment) {
        for line in lines {
            if let Some(last) = self.satisfied.get_mut(*line) {
                *last = Some(last.map_or(at, |last| last.max(at)));
            }
        }
    }

    /// Looks at the last minutes.
    pub fn step(&mut self, observed: &Observed, now: Moment) -> Watched {
        let baseline = Arc::clone(&self.baseline);
        let since = *self.since.get_or_insert(now);
        let judged = judge(&baseline, observed, now);
        for (line, last) in judged.satisfied.iter().enumerate() {
            if let Some(last) = last {
                self.satisfy(&[line], *last);
            }
        }
        let missed = |line: usize| {
            let last = self.satisfied.get(line).copied().flatten().unwrap_or(since);
            now.since(last.max(since)) >= baseline.missing_after
        };
        let missing: Vec<usize> = required(&baseline).map(|(line, _)| line).filter(|line| missed(*line)).collect();
        let is_judged = baseline.mode != Mode::Learn;
        let mut picture = Picture::of(&baseline, observed, &judged);
        if is_judged {
            picture.miss(&missing, now.minus(baseline.missing_after).max(since), now);
        }
        let noticed = &mut self.noticed;
        let comparison = picture.finish(&judged, |finding| {
            if noticed.len() >= MOST && !noticed.contains_key(&finding.id) {
                return false;
            }
            let times = noticed.entry(finding.id.clone()).or_insert((now, now));
            times.1 = now;
            finding.waits(times.0, baseline.grace, now)
        });
        self.take(comparison, now)
    }

    fn take(&mut self, comparison: Comparison, now: Moment) -> Watched {
        let mut changes = Vec::new();
        for mut finding in comparison.findings {
            match self.open.get_mut(&finding.id) {
                Some(held) => {
                    finding.first_seen = held.first_seen.min(finding.first_seen);
                    *held = finding;
                }
                None if self.noticed.contains_key(&finding.id) => {
                    changes.push(interval(&finding, None));
                    self.open.insert(finding.id.clone(), finding);
                }
                None => {}
            }
        }
        let is_quiet = |times: &(Moment, Moment)| now.since(times.1) >= HOLD;
        self.noticed.retain(|_, times| !is_quiet(times));
        let noticed = &self.noticed;
        self.open.retain(|id, finding| {
            // What is missing is over at once when it comes back; what is there, when it was not seen for a while.
            let last = noticed.get(id).map(|(_, last)| *last);
            let is_open = if finding.is_absence() { last == Some(now) } else { last.is_some() };
            if !is_open {
                changes.push(interval(finding, Some(now)));
            }
            is_open
        });
        let mut expectations = comparison.expectations;
        let present = expectations.edges.iter().filter(|(_, expectation)| **expectation != Expectation::Missing);
        self.edges.extend(present.map(|(ends, expectation)| (*ends, *expectation)));
        for (ends, expectation) in &self.edges {
            expectations.edges.entry(*ends).or_insert(*expectation);
        }
        let standing = self.standing(&comparison.counts, expectations.coverage);
        let mut notices: Vec<Arc<Notice>> = self.open.values().map(|finding| Arc::new(finding.notice())).collect();
        notices.sort_by(|one, other| (other.level, &one.finding, &one.id).cmp(&(one.level, &other.finding, &other.id)));
        Watched { expectations, notices, standings: vec![standing], changes }
    }

    fn standing(&self, counts: &Counts, coverage: Option<f64>) -> Standing {
        Standing { baseline: self.baseline.name.clone(), edges: counts.by_name(), coverage }
    }
}

impl Finding {
    /// True if it is about something that is not there.
    fn is_absence(&self) -> bool {
        matches!(self.kind, FindingKind::EdgeMissing | FindingKind::NodeMissing)
    }

    /// True while the grace lasts. What is forbidden, over or missing has had its time.
    fn waits(&self, noticed: Moment, grace: u64, now: Moment) -> bool {
        let since = match self.kind {
            FindingKind::EdgeUnexpected | FindingKind::NodeUnexpected => self.first_seen,
            FindingKind::EdgeChanged | FindingKind::PolicyDenied => noticed,
            _ => return false,
        };
        now.since(since) < grace
    }
}

fn interval(finding: &Finding, to: Option<Moment>) -> Interval {
    Interval {
        subject: Subject::Finding(finding.id.clone()),
        rule: finding.kind.as_str().into(),
        level: finding.level,
        from: finding.first_seen,
        to,
        value: finding.requests as f64,
    }
}

/// Several baselines at once. Where they differ, the worst holds.
#[derive(Debug, Default)]
pub struct Watches(pub Vec<Watch>);

impl Watches {
    /// As [`Watch::recall`].
    pub fn recall(&mut self, registry: &Registry, edges: &[(EntityId, EntityId, Moment)], now: Moment) {
        self.0.iter_mut().for_each(|watch| watch.recall(registry, edges.iter().copied(), now));
    }

    /// As [`Watch::step`].
    pub fn step(&mut self, observed: &Observed, now: Moment) -> Watched {
        let mut all = Watched::default();
        for watch in &mut self.0 {
            let watched = watch.step(observed, now);
            all.expectations.add(watched.expectations);
            all.notices.extend(watched.notices);
            all.standings.extend(watched.standings);
            all.changes.extend(watched.changes);
        }
        all
    }

    /// How an earlier window would be drawn, by today's files.
    pub fn expectations(baselines: &[Arc<Baseline>], observed: &Observed, now: Moment) -> Expectations {
        let mut all = Expectations::default();
        for baseline in baselines {
            all.add(super::compare(baseline, observed, now).expectations);
        }
        all
    }
}

impl Expectations {
    /// Adds those of another baseline: the worst of both.
    fn add(&mut self, other: Self) {
        for (ends, expectation) in other.edges {
            let held = self.edges.entry(ends).or_insert(expectation);
            *held = (*held).max(expectation);
        }
        for (node, expectation) in other.nodes {
            let held = self.nodes.entry(node).or_insert(expectation);
            *held = (*held).max(expectation);
        }
        self.coverage = match (self.coverage, other.coverage) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
}
