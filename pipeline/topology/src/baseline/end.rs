//! An end of a line: whom it means, and how surely.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use super::file::{EndConfig, ExternalConfig, GroupConfig, kind_of};
use super::pattern::{Network, Pattern};
use crate::{Inside, Kind, Name, NodeId, Outside, OutsideKind, Who};

/// Whether a pattern means something. What evidence does not know contradicts nothing, and proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// It means another.
    No,
    /// Nothing contradicts it.
    Maybe,
    /// It means this.
    Yes,
}

/// An end of a line: one of some shapes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct EndPattern {
    /// The group's name, if it is one.
    pub group: Option<String>,
    pub shapes: Vec<Shape>,
}

/// Whom an end means.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Shape {
    Named(Named),
    External(External),
}

/// By names. What is given must all hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct Named {
    pub cluster: Option<Pattern>,
    pub ns: Option<Pattern>,
    pub kind: Option<Kind>,
    pub name: Option<Pattern>,
    pub service: Option<Pattern>,
}

/// Outside of the cluster: at one of these names or addresses, and of one of these types, and of this name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct External {
    pub dns: Vec<Pattern>,
    pub networks: Vec<String>,
    pub kinds: Vec<Kind>,
    pub name: Option<Pattern>,
    pub ports: Vec<u16>,
}

impl Fit {
    fn of(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }

    /// Something that cannot be known beside something that holds.
    fn at_most_maybe(holds: bool) -> Self {
        if holds { Self::Maybe } else { Self::No }
    }
}

impl EndPattern {
    /// As a file says it. Groups are those of the file.
    pub fn of(config: &EndConfig, groups: &[GroupConfig]) -> Self {
        let group = config.group.as_ref().and_then(|name| groups.iter().find(|group| group.name == *name));
        let Some(group) = group else { return Self { group: None, shapes: vec![Shape::of(config)] } };
        let external = group.r#match.external.iter().map(|external| Shape::External(External::of(external)));
        let ends = group.r#match.ends.iter().map(Shape::of);
        Self { group: Some(group.name.clone()), shapes: external.chain(ends).collect() }
    }

    /// How surely it means this entity.
    pub fn fit(&self, who: &Who, cluster: &str) -> Fit {
        self.shapes.iter().map(|shape| shape.fit(who, cluster)).max().unwrap_or(Fit::No)
    }

    /// Ports that it speaks of by itself.
    pub fn ports(&self) -> impl Iterator<Item = u16> {
        self.shapes
            .iter()
            .flat_map(|shape| match shape {
                Shape::Named(_) => &[][..],
                Shape::External(external) => &external.ports,
            })
            .copied()
    }

    /// Names by which whom it means is found; `None` if it may mean anybody.
    pub fn keys(&self) -> Option<Vec<&str>> {
        let mut keys = Vec::new();
        for shape in &self.shapes {
            keys.extend(shape.keys()?);
        }
        Some(keys)
    }

    /// True if it means everybody whom `other` means.
    pub fn covers(&self, other: &Self) -> bool {
        other.shapes.iter().all(|shape| self.shapes.iter().any(|own| own.covers(shape)))
    }

    /// Itself as a node, for findings about what is not there.
    pub fn node(&self, cluster: &str) -> NodeId {
        let unknown = Kind::Outside(OutsideKind::Unknown);
        let id = |namespace: &str, kind, name: &str| NodeId {
            cluster: cluster.into(),
            namespace: namespace.into(),
            kind,
            name: if name.is_empty() { "*".into() } else { name.into() },
        };
        match (&self.group, self.shapes.first()) {
            (None, Some(Shape::Named(named))) => {
                let text = |pattern: &Option<Pattern>| pattern.as_ref().map_or("", |it| &it.0).to_owned();
                let name = named.name.as_ref().or(named.service.as_ref()).cloned();
                id(&text(&named.ns), named.kind.unwrap_or(Kind::Service), &text(&name))
            }
            (group, Some(Shape::External(external))) => {
                let name = group.clone().unwrap_or_else(|| external.to_string());
                id("", external.kinds.first().copied().unwrap_or(unknown), &name)
            }
            (group, _) => id("", unknown, group.as_deref().unwrap_or_default()),
        }
    }
}

impl Shape {
    fn of(config: &EndConfig) -> Self {
        match &config.external {
            Some(external) => Self::External(External::of(external)),
            None => Self::Named(Named::of(config)),
        }
    }

    /// The entity itself, for a line that means nobody else; `None` if its name cannot be written in a pattern.
    pub fn exactly(who: &Who) -> Option<Self> {
        let literal =
            |text: &str| Some(Pattern(text.to_owned())).filter(|pattern| pattern.is_literal() && !text.is_empty());
        match who {
            Who::Inside(inside) => {
                let ns = if inside.namespace.is_empty() { None } else { Some(literal(&inside.namespace)?) };
                let workload = inside.workload.as_ref().map(|workload| normal(workload.kind, &workload.name));
                let service = || inside.service.as_ref().map(|service| (Kind::Service, Cow::Borrowed(&*service.name)));
                let (kind, name) = workload.or_else(service)?;
                // Whoever is called by an address is called otherwise tomorrow; a file may not name it.
                if ns.is_some() && name.parse::<IpAddr>().is_ok() {
                    return None;
                }
                Some(Self::Named(Named { ns, kind: Some(kind), name: Some(literal(&name)?), ..Named::default() }))
            }
            Who::Outside(outside) => Some(Self::External(External::exactly(outside, literal(&outside.name)?))),
        }
    }

    fn fit(&self, who: &Who, cluster: &str) -> Fit {
        match (self, who) {
            (Self::Named(named), Who::Inside(inside)) => named.fit_inside(inside, cluster),
            (Self::Named(named), Who::Outside(outside)) => named.fit_outside(outside, cluster),
            (Self::External(external), Who::Outside(outside)) => external.fit(outside),
            (Self::External(_), Who::Inside(_)) => Fit::No,
        }
    }

    fn keys(&self) -> Option<Vec<&str>> {
        let Self::Named(named) = self else { return None };
        let given = named.name.iter().chain(&named.service);
        let literal: Vec<&str> = given.clone().filter(|it| it.is_literal()).map(|it| it.0.as_str()).collect();
        (!literal.is_empty() && literal.len() == given.count()).then_some(literal)
    }

    fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Named(own), Self::Named(other)) => own.covers(other),
            (Self::External(own), Self::External(other)) => own.covers(other),
            (Self::Named(own), Self::External(_)) => own.is_anybody(),
            (Self::External(_), Self::Named(_)) => false,
        }
    }
}

/// A ReplicaSet's, Job's or pod's generated suffix is no part of its name: owners are meant.
pub(super) fn normal(kind: Kind, name: &str) -> (Kind, Cow<'_, str>) {
    let cut = |suffix: fn(&str) -> bool| name.rsplit_once('-').filter(|(stem, end)| !stem.is_empty() && suffix(end));
    let owner = match kind {
        Kind::Job => cut(is_minute).map(|(stem, _)| (Kind::CronJob, stem)),
        Kind::Pod => cut(is_random).and_then(|(set, _)| {
            let (stem, hash) = set.rsplit_once('-')?;
            (!stem.is_empty() && is_hash(hash)).then_some((Kind::Deployment, stem))
        }),
        _ => None,
    };
    owner.map_or((kind, Cow::Borrowed(name)), |(kind, stem)| (kind, Cow::Borrowed(stem)))
}

/// A CronJob names its Jobs after the minute, since 1970, for which they were due.
fn is_minute(text: &str) -> bool {
    (8..=10).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Letters that Kubernetes makes names of: no vowels, no look-alikes.
fn is_safe(text: &str) -> bool {
    text.bytes().all(|byte| b"bcdfghjklmnpqrstvwxz2456789".contains(&byte))
}

fn is_random(text: &str) -> bool {
    text.len() == 5 && is_safe(text)
}

fn is_hash(text: &str) -> bool {
    (8..=10).contains(&text.len()) && is_safe(text)
}

/// All names of an entity by which lines may find it.
pub(super) fn names(who: &Who) -> impl Iterator<Item = &str> {
    let (inside, outside) = match who {
        Who::Inside(inside) => (Some(inside), None),
        Who::Outside(outside) => (None, Some(&*outside.name)),
    };
    let workload = inside.and_then(|inside| inside.workload.as_ref());
    let stem = workload.and_then(|workload| match normal(workload.kind, &workload.name).1 {
        Cow::Borrowed(stem) if stem != &*workload.name => Some(stem),
        _ => None,
    });
    let service = inside.and_then(|inside| inside.service.as_ref()).map(|service| &*service.name);
    let workload = workload.map(|workload| &*workload.name);
    workload.into_iter().chain(stem).chain(service.filter(move |name| workload != Some(*name))).chain(outside)
}

impl Named {
    fn of(config: &EndConfig) -> Self {
        let pattern = |text: &Option<String>| text.clone().map(Pattern);
        let kind = config.kind.map(|kind| kind.0);
        let (kind, name) = match (kind, &config.name) {
            (Some(kind), Some(name)) => {
                let (kind, name) = normal(kind, name);
                (Some(kind), Some(Pattern(name.into_owned())))
            }
            (kind, name) => (kind, pattern(name)),
        };
        Self {
            cluster: pattern(&config.cluster),
            ns: pattern(&config.ns),
            kind,
            name,
            service: pattern(&config.service),
        }
    }

    fn is_anybody(&self) -> bool {
        let any = |pattern: &Option<Pattern>| pattern.as_ref().is_none_or(|it| it.0 == "*");
        any(&self.cluster) && self.ns.is_none() && self.kind.is_none() && any(&self.name) && any(&self.service)
    }

    /// An entity without a cluster is of ours; `cluster` is the baseline's own.
    fn is_of(&self, whose: &Name, cluster: &str) -> bool {
        whose.is_empty()
            || match &self.cluster {
                Some(pattern) => pattern.matches(whose),
                None => cluster.is_empty() || cluster == &**whose,
            }
    }

    fn fit_inside(&self, inside: &Inside, cluster: &str) -> Fit {
        if !self.is_of(&inside.cluster, cluster) {
            return Fit::No;
        }
        let namespace = match &self.ns {
            None => Fit::Yes,
            Some(_) if inside.namespace.is_empty() => Fit::Maybe,
            Some(pattern) => Fit::of(pattern.matches(&inside.namespace)),
        };
        namespace.min(self.fit_name(inside)).min(self.fit_service(inside))
    }

    fn fit_name(&self, inside: &Inside) -> Fit {
        let workload = inside.workload.as_ref().map(|it| (it.kind, &*it.name, normal(it.kind, &it.name)));
        let service = inside.service.as_ref().map(|service| &*service.name);
        let is_kind = |kind| workload.as_ref().is_some_and(|(own, _, owner)| *own == kind || owner.0 == kind);
        let is_named = |pattern: &Pattern| {
            workload.as_ref().is_some_and(|(_, name, owner)| pattern.matches(name) || pattern.matches(&owner.1))
        };
        let serves = |pattern: &Pattern| service.is_some_and(|name| pattern.matches(name));
        match (self.kind, &self.name) {
            (None, None) => Fit::Yes,
            (Some(kind), _) if kind.is_outside() => Fit::No,
            (Some(Kind::Service), None) => {
                if service.is_some() {
                    Fit::Yes
                } else {
                    Fit::Maybe
                }
            }
            (Some(kind), None) => {
                if workload.is_none() {
                    Fit::Maybe
                } else {
                    Fit::of(is_kind(kind))
                }
            }
            (Some(Kind::Service), Some(name)) if service.is_some() => Fit::of(serves(name)),
            (Some(Kind::Service), Some(name)) => Fit::at_most_maybe(is_named(name)),
            (Some(kind), Some(name)) if workload.is_some() => Fit::of(is_kind(kind) && is_named(name)),
            (Some(_), Some(name)) => Fit::at_most_maybe(self.service.is_some() || serves(name)),
            (None, Some(name)) => Fit::of(is_named(name) || serves(name)),
        }
    }

    fn fit_service(&self, inside: &Inside) -> Fit {
        let Some(pattern) = &self.service else { return Fit::Yes };
        match (&inside.service, &inside.workload) {
            (Some(service), _) => Fit::of(pattern.matches(&service.name)),
            (None, Some(workload)) => Fit::at_most_maybe(self.name.is_some() || pattern.matches(&workload.name)),
            (None, None) => Fit::No,
        }
    }

    fn fit_outside(&self, outside: &Outside, cluster: &str) -> Fit {
        let kind = self.kind.is_none_or(|kind| kind == Kind::Outside(outside.kind));
        let name = self.name.as_ref().is_none_or(|pattern| pattern.matches(&outside.name));
        let is_inside = self.ns.is_some() || self.service.is_some();
        Fit::of(!is_inside && kind && name && self.is_of(&outside.cluster, cluster))
    }

    fn covers(&self, other: &Self) -> bool {
        let wider = |own: &Option<Pattern>, other: &Option<Pattern>| match (own, other) {
            (None, _) => true,
            (Some(own), Some(other)) => own.matches(&other.0),
            (Some(own), None) => own.0 == "*",
        };
        let kind = self.kind.is_none_or(|kind| other.kind == Some(kind));
        kind && wider(&self.cluster, &other.cluster)
            && wider(&self.ns, &other.ns)
            && wider(&self.name, &other.name)
            && wider(&self.service, &other.service)
    }
}

impl External {
    fn of(config: &ExternalConfig) -> Self {
        Self {
            dns: config.dns.iter().cloned().map(Pattern).collect(),
            networks: config.cidr.0.clone(),
            kinds: config.r#type.0.iter().filter_map(|name| kind_of(name)).collect(),
            name: config.name.clone().map(Pattern),
            ports: config.ports.clone(),
        }
    }

    fn exactly(outside: &Outside, name: Pattern) -> Self {
        match outside.kind {
            OutsideKind::HttpApi => Self { dns: vec![name], ..Self::default() },
            OutsideKind::PlainIP if name.0.parse::<IpAddr>().is_ok() => {
                Self { networks: vec![name.0], ..Self::default() }
            }
            kind => Self { kinds: vec![Kind::Outside(kind)], name: Some(name), ..Self::default() },
        }
    }

    fn fit(&self, outside: &Outside) -> Fit {
        let host = &*outside.name;
        let by_name = || self.dns.iter().any(|pattern| pattern.matches(host));
        let by_address = || {
            let address = host.parse::<IpAddr>().ok();
            let networks = self.networks.iter().filter_map(|text| Network::parse(text));
            address.is_some_and(|address| networks.into_iter().any(|network| network.holds(address)))
        };
        let is_there = (self.dns.is_empty() && self.networks.is_empty()) || by_name() || by_address();
        let is_called = self.name.as_ref().is_none_or(|pattern| pattern.matches(host));
        if !is_there || !is_called || outside.kind == OutsideKind::User && self.kinds.is_empty() {
            return Fit::No;
        }
        // Of what is only an address or a host name, nobody said what it is.
        let is_untyped = matches!(outside.kind, OutsideKind::PlainIP | OutsideKind::HttpApi | OutsideKind::Unknown);
        let is_placed = !self.dns.is_empty() || !self.networks.is_empty() || self.name.is_some();
        match self.kinds.is_empty() || self.kinds.contains(&Kind::Outside(outside.kind)) {
            true => Fit::Yes,
            false => Fit::at_most_maybe(is_untyped && is_placed),
        }
    }

    fn covers(&self, other: &Self) -> bool {
        let all = |own: &[Pattern], other: &[Pattern]| {
            own.is_empty() || !other.is_empty() && other.iter().all(|it| own.iter().any(|own| own.matches(&it.0)))
        };
        let name = match (&self.name, &other.name) {
            (None, _) => true,
            (Some(own), Some(other)) => own.matches(&other.0),
            (Some(own), None) => own.0 == "*",
        };
        let among = |own: &[String], other: &[String]| {
            own.is_empty() || !other.is_empty() && other.iter().all(|it| own.contains(it))
        };
        let kinds =
            self.kinds.is_empty() || !other.kinds.is_empty() && other.kinds.iter().all(|it| self.kinds.contains(it));
        let ports =
            self.ports.is_empty() || !other.ports.is_empty() && other.ports.iter().all(|it| self.ports.contains(it));
        all(&self.dns, &other.dns) && among(&self.networks, &other.networks) && kinds && ports && name
    }
}

impl fmt::Display for EndPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(group) = &self.group {
            return formatter.write_str(group);
        }
        for (place, shape) in self.shapes.iter().enumerate() {
            let between = if place > 0 { " or " } else { "" };
            match shape {
                Shape::Named(named) => write!(formatter, "{between}{named}")?,
                Shape::External(external) => write!(formatter, "{between}{external}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Named {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind.map(|kind| kind.to_string());
        let text = |pattern: &Option<Pattern>| pattern.as_ref().map(|it| it.0.clone());
        let name = text(&self.name).or_else(|| text(&self.service)).unwrap_or_else(|| "*".to_owned());
        let parts = [text(&self.cluster), text(&self.ns), kind, Some(name)];
        formatter.write_str(&parts.into_iter().flatten().collect::<Vec<_>>().join("/"))
    }
}

impl fmt::Display for External {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = self.kinds.iter().map(|kind| kind.to_string());
        let names = self.dns.iter().chain(&self.name).map(|pattern| pattern.0.clone());
        let parts: Vec<String> = kinds.chain(names).chain(self.networks.iter().cloned()).collect();
        formatter.write_str(if parts.is_empty() { "anybody outside" } else { "" })?;
        formatter.write_str(&parts.join(" "))
    }
}
