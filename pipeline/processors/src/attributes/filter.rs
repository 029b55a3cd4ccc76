//! Which items are meant.
//!
//! What can be said of a resource or a scope is asked once for all that is in it.

use pdata::{Attributes, LogView, MetricView, ResourceView, ScopeView, Signal, SpanView, ValueKind, ValueView};

use super::config::{AttributeConfig, AttributesConfig, MatchConfig};
use super::names::{MatchType, Names};
use super::refusals;
use crate::actions::Constant;

/// What is included and what is excluded.
#[derive(Debug)]
pub(crate) struct Filter {
    include: Option<Criteria>,
    exclude: Option<Criteria>,
}

/// What is known of the items below some resource or scope.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Verdict {
    may_be_included: bool,
    may_be_excluded: bool,
}

/// What must match, all of it.
#[derive(Debug, Default)]
pub(crate) struct Criteria {
    services: Option<Names>,
    resources: Vec<Required>,
    libraries: Vec<(Names, Option<Names>)>,
    attributes: Vec<Required>,
    span_names: Option<Names>,
    span_kinds: Option<Names>,
    bodies: Option<Names>,
    severity_texts: Option<Names>,
    severity: Option<Severity>,
    metric_names: Option<Names>,
}

#[derive(Debug)]
struct Severity {
    least: i32,
    takes_undefined: bool,
}

/// An attribute that must be there.
#[derive(Debug)]
struct Required {
    key: String,
    value: Expected,
}

#[derive(Debug)]
enum Expected {
    Anything,
    Equal(Constant),
    Found(Names),
}

impl Filter {
    pub(crate) fn compile(config: &AttributesConfig, signal: Signal) -> Result<Self, String> {
        let compile = |config: &Option<MatchConfig>| match config {
            Some(config) => Criteria::compile(config, signal),
            None => Ok(None),
        };
        Ok(Self { include: compile(&config.include)?, exclude: compile(&config.exclude)? })
    }

    /// Before anything is known.
    pub(crate) fn open(&self) -> Verdict {
        Verdict { may_be_included: true, may_be_excluded: self.exclude.is_some() }
    }

    /// After one more thing is known. `test` asks the criteria about it.
    pub(crate) fn narrow(&self, verdict: Verdict, test: impl Fn(&Criteria) -> bool) -> Verdict {
        Verdict {
            may_be_included: verdict.may_be_included && self.include.as_ref().is_none_or(&test),
            may_be_excluded: verdict.may_be_excluded && self.exclude.as_ref().is_some_and(&test),
        }
    }
}

impl Verdict {
    /// Nothing below is meant, whatever it is.
    pub(crate) fn is_hopeless(self) -> bool {
        !self.may_be_included
    }

    /// The item is meant, now that all is known.
    pub(crate) fn is_meant(self) -> bool {
        self.may_be_included && !self.may_be_excluded
    }
}

impl Criteria {
    /// `None` if everything matches.
    fn compile(config: &MatchConfig, signal: Signal) -> Result<Option<Self>, String> {
        refusals::of_match(config, signal)?;
        let list = |names: &[String], what: &str| {
            if names.is_empty() {
                return Ok(None);
            }
            let named = |fault| if what.is_empty() { fault } else { format!("error creating {what} filters: {fault}") };
            Names::compile(names, &config.match_type).map(Some).map_err(named)
        };
        if signal == Signal::Metrics {
            let metric_names = list(&config.metric_names, "")?;
            return Ok(metric_names.is_some().then(|| Self { metric_names, ..Self::default() }));
        }
        let libraries = libraries(config)?;
        let attributes = required(&config.attributes, config, "attribute")?;
        let resources = required(&config.resources, config, "resource")?;
        let severity = config.log_severity_number.as_ref();
        Ok(Some(Self {
            libraries,
            attributes,
            resources,
            services: list(&config.services, "service name")?,
            span_names: list(&config.span_names, "span name")?,
            span_kinds: list(&config.span_kinds, "span kind")?,
            bodies: list(&config.log_bodies, "log record body")?,
            severity_texts: list(&config.log_severity_texts, "log record severity text")?,
            severity: severity.map(|config| Severity { least: config.min, takes_undefined: config.match_undefined }),
            metric_names: None,
        }))
    }

    pub(crate) fn matches_resource(&self, resource: &ResourceView<'_>) -> bool {
        let service = || match resource.attribute("service.name") {
            Some(name) => name.as_display_string(),
            None => "<nil-service-name>".into(),
        };
        self.services.as_ref().is_none_or(|services| services.contain(&service()))
            && all_there(&self.resources, &resource.attributes())
    }

    pub(crate) fn matches_scope(&self, scope: &ScopeView<'_>) -> bool {
        self.libraries.iter().all(|(name, version)| {
            name.contain(scope.name()) && version.as_ref().is_none_or(|version| version.contain(scope.version()))
        })
    }

    pub(crate) fn matches_span(&self, span: &SpanView<'_>) -> bool {
        self.span_names.as_ref().is_none_or(|names| names.contain(span.name()))
            && self.span_kinds.as_ref().is_none_or(|kinds| kinds.contain(kind_name(span.kind())))
            && all_there(&self.attributes, &span.attributes())
    }

    pub(crate) fn matches_log(&self, record: &LogView<'_>) -> bool {
        self.bodies.as_ref().is_none_or(|bodies| bodies.contain(&record.body().as_display_string()))
            && self.severity_texts.as_ref().is_none_or(|texts| texts.contain(record.severity_text()))
            && self.severity.as_ref().is_none_or(|severity| severity.takes(record.severity_number()))
            && all_there(&self.attributes, &record.attributes())
    }

    pub(crate) fn matches_metric(&self, metric: &MetricView<'_>) -> bool {
        self.metric_names.as_ref().is_none_or(|names| names.contain(metric.name()))
    }
}

impl Severity {
    fn takes(&self, number: i32) -> bool {
        if number == 0 { self.takes_undefined } else { number >= self.least }
    }
}

impl Required {
    fn is_met_by(&self, value: ValueView<'_>) -> bool {
        match &self.value {
            Expected::Anything => true,
            Expected::Equal(constant) => constant.is(value),
            Expected::Found(expression) => text(value).is_some_and(|text| expression.contain(&text)),
        }
    }
}

fn all_there(required: &[Required], attributes: &Attributes<'_>) -> bool {
    required.iter().all(|required| attributes.clone().get(&required.key).is_some_and(|value| required.is_met_by(value)))
}

/// Strings, booleans and numbers as text that an expression is looked for in; numbers without an exponent.
fn text(value: ValueView<'_>) -> Option<std::borrow::Cow<'_, str>> {
    match value.kind() {
        ValueKind::Double(value) if value.is_finite() => Some(value.to_string().into()),
        ValueKind::Str(_) | ValueKind::Bool(_) | ValueKind::Int(_) | ValueKind::Double(_) => {
            Some(value.as_display_string())
        }
        ValueKind::Empty | ValueKind::Bytes(_) | ValueKind::Array(_) | ValueKind::Map(_) => None,
    }
}

fn kind_name(kind: i32) -> &'static str {
    match kind {
        0 => "SPAN_KIND_UNSPECIFIED",
        1 => "SPAN_KIND_INTERNAL",
        2 => "SPAN_KIND_SERVER",
        3 => "SPAN_KIND_CLIENT",
        4 => "SPAN_KIND_PRODUCER",
        5 => "SPAN_KIND_CONSUMER",
        _ => "",
    }
}

fn libraries(config: &MatchConfig) -> Result<Vec<(Names, Option<Names>)>, String> {
    let one = |name: &String, what: &str| {
        Names::compile(std::slice::from_ref(name), &config.match_type)
            .map_err(|fault| format!("error creating library {what} filters: {fault}"))
    };
    let library = |library: &super::config::LibraryConfig| {
        let version = library.version.as_ref().map(|version| one(version, "version")).transpose();
        Ok((one(&library.name, "name")?, version?))
    };
    config.libraries.iter().map(library).collect()
}

fn required(configs: &[AttributeConfig], config: &MatchConfig, what: &str) -> Result<Vec<Required>, String> {
    let each = configs.iter().map(|attribute| {
        expected(attribute, &config.match_type)
            .map(|value| Required { key: attribute.key.clone(), value })
            .map_err(|fault| format!("error creating {what} filters: {fault}"))
    });
    each.collect()
}

fn expected(attribute: &AttributeConfig, match_type: &str) -> Result<Expected, String> {
    if attribute.key.is_empty() {
        return Err("can't have empty key in the list of attributes".into());
    }
    let Some(constant) = Constant::of_node(&attribute.value) else { return Ok(Expected::Anything) };
    match (MatchType::parse(match_type)?, constant) {
        (MatchType::Strict, constant) => Ok(Expected::Equal(constant)),
        (MatchType::Regexp, Constant::Str(expression)) => {
            Names::compile(&[expression], match_type).map(Expected::Found)
        }
        (MatchType::Regexp, constant) => Err(format!(
            "match_type=regexp for {:?} only supports Str, but found {}",
            attribute.key,
            constant.type_name()
        )),
    }
}
