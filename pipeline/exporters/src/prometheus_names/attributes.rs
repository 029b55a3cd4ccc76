//! Which attributes of resource, scope and point become labels.

use pdata::{Attributes, ResourceView, ScopeView};

use super::config::ResourceLabelSettings;
use super::{LabelNamer, Labels, NameError};

/// Attributes that are told by the labels `job` and `instance`.
const IDENTITY: [&str; 3] = ["service.name", "service.namespace", "service.instance.id"];

/// Picks resource attributes.
#[derive(Debug, Clone)]
pub(crate) enum ResourceLabels {
    None,
    All,
    AllButIdentity,
    Matching { included: Vec<String>, excluded: Vec<String> },
}

impl ResourceLabels {
    /// What the two keys ask for.
    pub(crate) fn of(conversion: &ResourceLabelSettings, constant: &ResourceLabelSettings) -> Self {
        let settings = if constant.is_empty() { conversion } else { constant };
        let (included, excluded) = (settings.included.clone(), settings.excluded.clone());
        match (settings.enabled, settings.exclude_service_attributes) {
            _ if !included.is_empty() || !excluded.is_empty() => Self::Matching { included, excluded },
            (false, _) => Self::None,
            (true, false) => Self::All,
            (true, true) => Self::AllButIdentity,
        }
    }

    fn takes(&self, key: &str) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::AllButIdentity => !IDENTITY.contains(&key),
            Self::Matching { included, excluded } => {
                let any = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, key));
                !any(excluded) && (included.is_empty() || any(included))
            }
        }
    }
}

/// True if `*` for any characters and `?` for one make the pattern the text.
fn matches(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    // Where to go on if the text behind the last star turns out to belong to the star.
    let mut star: Option<(std::str::Chars, std::str::Chars)> = None;
    loop {
        let before_text = text.clone();
        match (pattern.next(), text.next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                star = Some((pattern.clone(), before_text.clone()));
                text = before_text;
            }
            (Some('?'), Some(_)) => {}
            (Some(wanted), Some(found)) if wanted == found => {}
            _ => {
                let Some((after, rest)) = &mut star else { return false };
                if rest.next().is_none() {
                    return false;
                }
                (pattern, text) = (after.clone(), rest.clone());
            }
        }
    }
}

/// Which labels a scope gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScopeLabels {
    /// None.
    Without,
    /// Name and version where the scope has them, and its attributes.
    Known,
    /// Name, version and schema URL even if empty, and its attributes.
    Always,
}

/// Makes the labels of series.
#[derive(Debug, Clone)]
pub(crate) struct Labeller {
    pub(crate) namer: LabelNamer,
    pub(crate) resource: ResourceLabels,
    pub(crate) scope: ScopeLabels,
    /// Attributes with an empty value are labels too.
    pub(crate) keep_empty: bool,
    /// Labels for all series that do not have them.
    pub(crate) external: Vec<(String, String)>,
    /// Labels for all series, whatever they have.
    pub(crate) constant: Vec<(String, String)>,
}

/// What the series of a resource have in common.
#[derive(Debug, Default)]
pub(crate) struct ResourcePart {
    /// `service.name`, after `service.namespace` and a slash if there is one.
    pub(crate) job: Option<String>,
    /// `service.instance.id`.
    pub(crate) instance: Option<String>,
    attributes: Vec<(String, String)>,
}

/// What the series of a scope have in common.
#[derive(Debug, Default)]
pub(crate) struct ScopePart(Vec<(String, String)>);

impl Labeller {
    /// What the series of a resource have in common.
    pub(crate) fn resource(&self, resource: &ResourceView) -> ResourcePart {
        let text = |key| {
            let value = resource.attribute(key).map(|value| value.as_display_string().into_owned());
            value.filter(|value| !value.is_empty())
        };
        let job = text("service.name").map(|name| match resource.attribute("service.namespace") {
            Some(namespace) => format!("{}/{name}", namespace.as_display_string()),
            None => name,
        });
        let taken = resource.attributes().filter(|attribute| self.resource.takes(attribute.key()));
        let attributes =
            taken.map(|attribute| (attribute.key().to_owned(), attribute.value().as_display_string().into_owned()));
        ResourcePart { job, instance: text("service.instance.id"), attributes: attributes.collect() }
    }

    /// What the series of a scope have in common.
    pub(crate) fn scope(&self, scope: &ScopeView) -> ScopePart {
        if self.scope == ScopeLabels::Without {
            return ScopePart::default();
        }
        let mut part = Vec::new();
        for attribute in scope.attributes() {
            let key = attribute.key();
            if matches!(key, "name" | "version" | "schema_url") {
                continue;
            }
            // The prefix makes every name legal.
            if let Ok(name) = self.namer.name(&format!("otel_scope_{key}")) {
                part.push((name, attribute.value().as_display_string().into_owned()));
            }
        }
        let always = self.scope == ScopeLabels::Always;
        let own = [("name", scope.name()), ("version", scope.version())];
        let schema = always.then_some(("schema_url", scope.schema_url()));
        for (name, value) in own.into_iter().chain(schema).filter(|(_, value)| always || !value.is_empty()) {
            part.push((format!("otel_scope_{name}"), value.to_owned()));
        }
        ScopePart(part)
    }

    /// The labels of a point's series, sorted.
    pub(crate) fn labels(
        &self,
        resource: &ResourcePart,
        scope: &ScopePart,
        point: Attributes,
        labels: &mut Labels,
    ) -> Result<(), NameError> {
        labels.clear();
        for attribute in point {
            let value = attribute.value().as_display_string();
            if self.keep_empty || !value.is_empty() {
                labels.attribute(self.namer, attribute.key(), &value)?;
            }
        }
        for (key, value) in &resource.attributes {
            if self.keep_empty || !value.is_empty() {
                labels.attribute(self.namer, key, value)?;
            }
        }
        labels.merge();
        set_identity(resource, labels);
        for (name, value) in &scope.0 {
            labels.set(name, value);
        }
        self.set_fixed(labels);
        for (name, value) in &self.constant {
            labels.set(name, value);
        }
        Ok(())
    }

    /// The labels of `target_info`: what is known of a resource besides its identity. Also tells how much that is.
    pub(crate) fn target(
        &self,
        view: &ResourceView,
        resource: &ResourcePart,
        labels: &mut Labels,
    ) -> Result<usize, NameError> {
        labels.clear();
        let mut known = 0_usize;
        for attribute in view.attributes().filter(|attribute| !IDENTITY.contains(&attribute.key())) {
            known = known.saturating_add(1);
            let value = attribute.value().as_display_string();
            if self.keep_empty || !value.is_empty() {
                labels.attribute(self.namer, attribute.key(), &value)?;
            }
        }
        labels.merge();
        set_identity(resource, labels);
        self.set_fixed(labels);
        Ok(known)
    }

    fn set_fixed(&self, labels: &mut Labels) {
        for (name, value) in &self.external {
            labels.set_if_absent(name, value);
        }
    }
}

fn set_identity(resource: &ResourcePart, labels: &mut Labels) {
    for (name, value) in [("job", &resource.job), ("instance", &resource.instance)] {
        if let Some(value) = value {
            labels.set(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_a_shell() {
        for (pattern, text) in [("*", ""), ("host.*", "host.name"), ("k8s.*.name", "k8s.pod.name"), ("a?c", "aλc")] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("", "a"), ("host.*", "hostname"), ("a?c", "ac"), ("*.name", "k8s.pod.names")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
        assert!(matches("a*b*c*d", "a1b2b3c4d"));
    }

    #[test]
    fn excluded_attributes_are_never_taken() {
        let only = |included: &[&str], excluded: &[&str]| {
            let owned = |patterns: &[&str]| patterns.iter().map(ToString::to_string).collect();
            ResourceLabels::Matching { included: owned(included), excluded: owned(excluded) }
        };
        assert!(only(&["host.*"], &[]).takes("host.name"));
        assert!(!only(&["host.*"], &["host.name"]).takes("host.name"));
        assert!(only(&[], &["host.*"]).takes("service.name"));
        assert!(!only(&["host.*"], &[]).takes("service.name"));
    }
}
