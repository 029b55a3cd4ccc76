//! A baseline, checked: its lines, and what they say of one edge.

use std::collections::HashMap;

use config::{GoDuration, Mark, Node, Problems};

use super::end::{EndPattern, Fit, names};
use super::file::{self, BaselineFile, Defaults, EdgeConfig, Ignore, Mode, Severity, State, items};
use super::pattern::Pattern;
use super::port::{self, Port};
use crate::{EdgeRow, Level, Moment, Name, Who};

/// An expected architecture, as a reviewed file says it.
#[derive(Debug, Clone)]
pub struct Baseline {
    /// Its name.
    pub name: Name,
    pub(super) cluster: String,
    /// Namespaces; all if empty.
    pub(super) scope: Vec<Pattern>,
    pub(super) mode: Mode,
    pub(super) period: u64,
    pub(super) ignore: Vec<Ignore>,
    pub(super) levels: Levels,
    pub(super) grace: u64,
    pub(super) missing_after: u64,
    pub(super) lines: Vec<Line>,
    pub(super) exceptions: Vec<Exception>,
    edges: Index,
    ends: Index,
}

/// How bad findings are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Levels {
    pub unexpected_edge: Level,
    pub missing_edge: Level,
    pub unexpected_node: Level,
    pub changed_edge: Level,
}

/// What may, must or must not be.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub from: EndPattern,
    pub to: EndPattern,
    pub ports: Vec<Port>,
    pub state: State,
    pub mark: Mark,
    /// Where it stands in its file.
    pub place: Name,
}

/// What is let pass for a while.
#[derive(Debug, Clone)]
pub(super) struct Exception {
    pub from: EndPattern,
    pub to: EndPattern,
    pub ports: Vec<Port>,
    pub until: Moment,
    pub owner: String,
    pub reason: String,
    pub mark: Mark,
    pub place: Name,
}

/// How an edge stands to the lines.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Stand {
    /// A line allows all of it.
    Expected(usize),
    /// An exception lets it pass.
    Excepted(usize),
    /// An exception let it pass until a while ago.
    Expired(usize),
    /// A line forbids it.
    Forbidden(usize),
    /// A line allows its ends, but not these rows.
    Changed { line: usize, rows: Vec<usize> },
    /// No line speaks of it.
    Unexpected,
}

/// Finds lines by names of ends. Lines with a pattern for a name are tried always.
#[derive(Debug, Clone, Default)]
struct Index {
    by_name: HashMap<String, Vec<usize>>,
    always: Vec<usize>,
}

impl Index {
    fn add(&mut self, place: usize, keys: Option<Vec<&str>>) {
        let Some(keys) = keys else { return self.always.push(place) };
        for key in keys {
            let places = self.by_name.entry(key.to_owned()).or_default();
            if places.last() != Some(&place) {
                places.push(place);
            }
        }
    }

    fn find<'s>(&'s self, who: &'s Who) -> impl Iterator<Item = usize> + 's {
        names(who).filter_map(|name| self.by_name.get(name)).flatten().chain(&self.always).copied()
    }
}

/// Places in an index of ends: two for each line and exception.
const ENDS: usize = 2;

impl Baseline {
    /// Reads a file called `name`. `None` means that there were errors; all of them are in `problems`, with places.
    pub fn read(name: &str, text: &str, problems: &mut Problems) -> Option<Self> {
        let (file, root) = file::read(name, text, problems)?;
        Some(Self::of(&file, &root, problems))
    }

    fn of(file: &BaselineFile, root: &Node, problems: &Problems) -> Self {
        let spec = &file.spec;
        let lines = spec.edges.iter().enumerate().map(|(place, edge)| {
            let mark = items(root, "edges").get(place).map_or(root.mark, |node| node.mark);
            line(edge, file, mark, problems)
        });
        let exceptions = spec.exceptions.iter().enumerate().map(|(place, exception)| {
            let mark = items(root, "exceptions").get(place).map_or(root.mark, |node| node.mark);
            let (from, to) = (&exception.r#match.from, &exception.r#match.to);
            Exception {
                from: EndPattern::of(from, &spec.groups),
                to: EndPattern::of(to, &spec.groups),
                ports: exception.r#match.ports.iter().map(Port::of).collect(),
                until: exception.until.unwrap_or_default().0,
                owner: exception.owner.clone(),
                reason: exception.reason.clone(),
                mark,
                place: place_of(mark, problems),
            }
        });
        let mut baseline = Self {
            name: file.metadata.name.as_str().into(),
            cluster: file.metadata.cluster.clone(),
            scope: spec.scope.namespaces.iter().cloned().map(Pattern).collect(),
            mode: spec.mode,
            period: nanoseconds(spec.learning.period),
            ignore: spec.learning.ignore.clone(),
            levels: Levels::of(&spec.defaults),
            grace: nanoseconds(spec.defaults.grace),
            missing_after: nanoseconds(spec.defaults.missing_after),
            lines: lines.collect(),
            exceptions: exceptions.collect(),
            edges: Index::default(),
            ends: Index::default(),
        };
        baseline.index();
        baseline
    }

    fn index(&mut self) {
        for (place, line) in self.lines.iter().enumerate() {
            self.edges.add(place, line.from.keys().or_else(|| line.to.keys()));
        }
        let lines = self.lines.iter().map(|line| [&line.from, &line.to]);
        let exceptions = self.exceptions.iter().map(|it| [&it.from, &it.to]);
        for (place, end) in lines.chain(exceptions).flatten().enumerate() {
            self.ends.add(place, end.keys());
        }
    }

    /// For so long without traffic a required edge waits until it is missing, instead of what the file says.
    #[must_use]
    pub fn missing_after(mut self, nanoseconds: u64) -> Self {
        self.missing_after = nanoseconds;
        self
    }

    /// After so long without traffic a required edge is missing, in nanoseconds; `None` if none is required.
    pub fn patience(&self) -> Option<u64> {
        let requires = self.lines.iter().any(|line| line.state == State::Require);
        requires.then_some(self.missing_after)
    }

    /// True if the entity lives in a namespace that is judged.
    pub(super) fn in_scope(&self, who: &Who) -> bool {
        let Who::Inside(inside) = who else { return self.scope.is_empty() };
        let is_ours = self.cluster.is_empty() || inside.cluster.is_empty() || *self.cluster == *inside.cluster;
        is_ours && (self.scope.is_empty() || self.scope.iter().any(|pattern| pattern.matches(&inside.namespace)))
    }

    /// True if any line or exception speaks of the entity.
    pub(super) fn knows(&self, who: &Who) -> bool {
        self.ends.find(who).any(|place| {
            let end = self.end(place);
            end.is_some_and(|end| end.fit(who, &self.cluster) >= Fit::Maybe)
        })
    }

    fn end(&self, place: usize) -> Option<&EndPattern> {
        let (item, is_to) = (place / ENDS, place % ENDS == 1);
        match self.lines.get(item) {
            Some(line) => Some(if is_to { &line.to } else { &line.from }),
            None => {
                let exception = self.exceptions.get(item.checked_sub(self.lines.len())?)?;
                Some(if is_to { &exception.to } else { &exception.from })
            }
        }
    }

    /// Lines that may mean an edge between these, and how surely they mean its ends.
    fn candidates(&self, from: &Who, to: &Who) -> Vec<(usize, Fit)> {
        let mut places: Vec<usize> = self.edges.find(from).chain(self.edges.find(to)).collect();
        places.sort_unstable();
        places.dedup();
        let fits = places.into_iter().filter_map(|place| {
            let line = self.lines.get(place)?;
            Some((place, line.from.fit(from, &self.cluster).min(line.to.fit(to, &self.cluster))))
        });
        fits.filter(|(_, fit)| *fit > Fit::No).collect()
    }

    /// True if a line allows calls from one to the other, on whatever port.
    pub(super) fn allows_ends(&self, from: &Who, to: &Who) -> bool {
        let state = |place: usize| self.lines.get(place).map(|line| line.state);
        self.candidates(from, to).iter().any(|(place, _)| state(*place) != Some(State::Forbid))
    }

    /// How an edge stands, and which lines it satisfies.
    pub(super) fn stand(&self, from: &Who, to: &Who, rows: &[EdgeRow], now: Moment) -> (Stand, Vec<usize>) {
        let candidates: Vec<(usize, Fit, &Line)> = self
            .candidates(from, to)
            .into_iter()
            .filter_map(|(at, fit)| Some((at, fit, self.lines.get(at)?)))
            .collect();
        let allowing = || candidates.iter().filter(|(_, _, line)| line.state != State::Forbid);
        let touches =
            |line: &Line, least| rows.is_empty() || rows.iter().any(|row| port::fit(&line.ports, row) >= least);
        let satisfied = allowing().filter(|(_, _, line)| touches(line, Fit::Maybe)).map(|(at, ..)| *at).collect();
        let is_forbidden = |(_, fit, line): &&(usize, Fit, &Line)| {
            line.state == State::Forbid && *fit == Fit::Yes && touches(line, Fit::Yes)
        };
        let forbidden = candidates.iter().find(is_forbidden).map(|(at, ..)| *at);
        let open: Vec<usize> = rows
            .iter()
            .enumerate()
            .filter(|(_, row)| !allowing().any(|(_, _, line)| port::fit(&line.ports, row) >= Fit::Maybe))
            .map(|(at, _)| at)
            .collect();
        let allowed = allowing().next().map(|(at, ..)| *at);
        let stand = match (forbidden, allowed) {
            (None, Some(line)) if open.is_empty() => return (Stand::Expected(line), satisfied),
            (Some(line), _) => Stand::Forbidden(line),
            (None, Some(line)) => Stand::Changed { line, rows: open },
            (None, None) => Stand::Unexpected,
        };
        (self.exception(from, to, rows, now).unwrap_or(stand), satisfied)
    }

    fn exception(&self, from: &Who, to: &Who, rows: &[EdgeRow], now: Moment) -> Option<Stand> {
        let means = |end: &EndPattern, who: &Who| end.fit(who, &self.cluster) > Fit::No;
        let speaks = |it: &Exception| rows.iter().all(|row| port::fit(&it.ports, row) > Fit::No);
        let all = self.exceptions.iter().enumerate();
        let meant = all.filter(|(_, it)| means(&it.from, from) && means(&it.to, to) && speaks(it));
        let last = meant.max_by_key(|(_, it)| it.until);
        last.map(|(at, it)| if it.until > now { Stand::Excepted(at) } else { Stand::Expired(at) })
    }

    /// Where a line or exception stands, for people.
    pub(super) fn place(&self, stand: &Stand) -> Name {
        let line = |at: &usize| self.lines.get(*at).map(|line| line.place.clone());
        let exception = |at: &usize| self.exceptions.get(*at).map(|it| it.place.clone());
        let place = match stand {
            Stand::Expected(at) | Stand::Forbidden(at) | Stand::Changed { line: at, .. } => line(at),
            Stand::Excepted(at) | Stand::Expired(at) => exception(at),
            Stand::Unexpected => None,
        };
        place.unwrap_or_else(|| "".into())
    }
}

fn line(edge: &EdgeConfig, file: &BaselineFile, mark: Mark, problems: &Problems) -> Line {
    let groups = &file.spec.groups;
    let (from, to) = (EndPattern::of(&edge.from, groups), EndPattern::of(&edge.to, groups));
    let mut ports: Vec<Port> = edge.ports.iter().map(Port::of).collect();
    if ports.is_empty() {
        ports = to.ports().map(|port| Port { number: Some(port), transport: None, protocols: Vec::new() }).collect();
    }
    ports.sort();
    Line { from, to, ports, state: edge.state, mark, place: place_of(mark, problems) }
}

fn place_of(mark: Mark, problems: &Problems) -> Name {
    problems.describe(mark).unwrap_or_default().into()
}

fn nanoseconds(duration: GoDuration) -> u64 {
    u64::try_from(duration.as_nanoseconds()).unwrap_or(0)
}

impl Levels {
    fn of(defaults: &Defaults) -> Self {
        let level = |severity| match severity {
            Severity::Yellow => Level::Yellow,
            Severity::Red => Level::Red,
        };
        Self {
            unexpected_edge: level(defaults.unexpected_edge),
            missing_edge: level(defaults.missing_edge),
            unexpected_node: level(defaults.unexpected_node),
            changed_edge: level(defaults.changed_edge),
        }
    }
}
