//! Which labels the metrics of a span have.

use pdata::{Attributes, ResourceView, ScopeView, SpanView, ValueView};
use smallvec::{SmallVec, smallvec};

use super::config::{DimensionConfig, SpanMetricsConfig};
use super::glob::Glob;
use crate::labels;
use crate::wanted::Wanted;

/// Attribute values by their place among the wanted ones.
pub(super) type Found<'a> = SmallVec<[Option<ValueView<'a>>; 12]>;

/// The labels that every metric of a span has.
pub(super) struct BuiltIn {
    service: bool,
    name: bool,
    kind: bool,
    status: bool,
    instance: Option<String>,
    scopes: Vec<String>,
    sampling: bool,
}

/// The labels that one metric has besides.
#[derive(Debug)]
pub(super) struct Plan {
    named: Vec<Named>,
    globs: Vec<Glob>,
}

#[derive(Debug)]
struct Named {
    place: usize,
    name: String,
    default: Option<String>,
}

/// What the built-in labels are made of.
#[derive(Clone, Copy)]
pub(super) struct SpanLabels<'a> {
    pub(super) service: &'a str,
    /// Name and version, if they are wanted.
    pub(super) scope: Option<(&'a str, &'a str)>,
    pub(super) span: &'a SpanView<'a>,
    pub(super) is_extrapolated: bool,
}

/// Where the labels of one observation come from, the most specific first.
#[derive(Clone)]
pub(super) struct Sources<'f, 'a> {
    pub(super) span: (&'f Found<'a>, Attributes<'a>),
    pub(super) event: Option<(&'f Found<'a>, Attributes<'a>)>,
    pub(super) resource: (&'f Found<'a>, Attributes<'a>),
}

impl BuiltIn {
    pub(super) fn new(config: &SpanMetricsConfig, instance: &str) -> Self {
        let wanted = |name: &str| !config.exclude_dimensions.iter().any(|excluded| excluded == name);
        Self {
            service: wanted("service.name"),
            name: wanted("span.name"),
            kind: wanted("span.kind"),
            status: wanted("status.code"),
            instance: wanted("collector.instance.id").then(|| instance.to_owned()),
            scopes: config.include_instrumentation_scope.clone(),
            sampling: config.enable_metrics_sampling_method,
        }
    }

    /// Appends the labels.
    pub(super) fn write(&self, out: &mut Vec<u8>, labels: &SpanLabels<'_>) {
        let SpanLabels { service, scope, span, is_extrapolated } = *labels;
        if self.service {
            labels::put_text(out, "service.name", service);
        }
        if self.name {
            labels::put_text(out, "span.name", span.name());
        }
        if self.kind {
            labels::put_text(out, "span.kind", kind(span.kind()));
        }
        if self.status {
            labels::put_text(out, "status.code", status(span.status_code()));
        }
        if let Some(instance) = &self.instance {
            labels::put_text(out, "collector.instance.id", instance);
        }
        if let Some((name, version)) = scope {
            labels::put_text(out, "span.instrumentation.scope.name", name);
            if !version.is_empty() {
                labels::put_text(out, "span.instrumentation.scope.version", version);
            }
        }
        if self.sampling {
            labels::put_text(out, "sampling.method", if is_extrapolated { "extrapolated" } else { "counted" });
        }
    }

    /// Appends what tells the labels of one span from those of another of the same resource and scope. What [`tell_apart`] appends
    /// tells the rest.
    pub(super) fn tell_apart(&self, out: &mut Vec<u8>, labels: &SpanLabels<'_>) {
        let SpanLabels { span, is_extrapolated, .. } = *labels;
        let name = span.name().as_bytes();
        out.extend_from_slice(&name.len().to_le_bytes());
        out.extend_from_slice(name);
        out.extend_from_slice(&span.kind().to_le_bytes());
        out.extend_from_slice(&span.status_code().to_le_bytes());
        out.push(u8::from(is_extrapolated));
    }

    /// Name and version of a scope whose spans say where they come from.
    pub(super) fn scope<'a>(&self, scope: &ScopeView<'a>) -> Option<(&'a str, &'a str)> {
        if self.scopes.is_empty() || scope.name().is_empty() {
            return None;
        }
        self.scopes.iter().any(|name| name == scope.name()).then(|| (scope.name(), scope.version()))
    }
}

impl Plan {
    /// The dimensions of all metrics, then those of this one. `Err` for a pattern that is none.
    pub(super) fn new(wanted: &mut Wanted, all: &[DimensionConfig], own: &[DimensionConfig]) -> Result<Self, String> {
        let mut plan = Self { named: Vec::new(), globs: Vec::new() };
        for DimensionConfig { name, default, glob } in all.iter().chain(own) {
            if !glob.is_empty() {
                plan.globs.push(Glob::new(glob).map_err(|error| format!("invalid dimension glob {glob:?}: {error}"))?);
                continue;
            }
            match plan.named.iter_mut().find(|named| named.name == *name) {
                Some(known) => known.default = default.clone().or(known.default.take()),
                None => {
                    plan.named.push(Named { place: wanted.place(name), name: name.clone(), default: default.clone() });
                }
            }
        }
        Ok(plan)
    }

    /// Appends the labels. Per span; no allocation without patterns.
    pub(super) fn write(&self, out: &mut Vec<u8>, sources: &Sources<'_, '_>) {
        for Named { place, name, default } in &self.named {
            let event = || sources.event.as_ref().and_then(|(found, _)| at(found, *place));
            let found = at(sources.span.0, *place).or_else(event).or_else(|| at(sources.resource.0, *place));
            match (found, default) {
                (Some(value), _) => labels::put_value(out, name, value),
                (None, Some(default)) => labels::put_text(out, name, default),
                (None, None) => {}
            }
        }
        if !self.globs.is_empty() {
            self.write_matches(out, sources);
        }
    }

    /// Whether labels depend on attributes that are not known by name.
    pub(super) fn has_patterns(&self) -> bool {
        !self.globs.is_empty()
    }

    fn write_matches(&self, out: &mut Vec<u8>, sources: &Sources<'_, '_>) {
        let event = sources.event.as_ref().map(|(_, attributes)| attributes.clone());
        let all = sources.span.1.clone().chain(event.into_iter().flatten()).chain(sources.resource.1.clone());
        let mut matches: Vec<(&str, ValueView<'_>)> = Vec::new();
        for attribute in all {
            let key = attribute.key();
            let is_there = self.named.iter().any(|named| named.name == key);
            if !is_there && self.globs.iter().any(|glob| glob.matches(key)) {
                matches.push((key, attribute.value()));
            }
        }
        // A stable sort: of several with the same key the most specific stays.
        matches.sort_by_key(|(key, _)| *key);
        matches.dedup_by_key(|(key, _)| *key);
        for (key, value) in matches {
            labels::put_value(out, key, value);
        }
    }
}

/// Appends what tells the named labels of one span from those of another of the same resource: the wanted attributes, as
/// they were sent.
pub(super) fn tell_apart(out: &mut Vec<u8>, found: &Found<'_>) {
    for value in found {
        let encoded = value.map(|value| value.encoded());
        out.extend_from_slice(&encoded.map_or(u64::MAX, |encoded| encoded.len() as u64).to_le_bytes());
        out.extend_from_slice(encoded.unwrap_or_default());
    }
}

/// Attributes that tell one resource from another, as labels: sorted, only `keys` if there are any.
pub(super) fn identity(resource: &ResourceView<'_>, keys: &[String], out: &mut Vec<u8>) {
    let mut attributes: SmallVec<[(&str, ValueView<'_>); 24]> = resource
        .attributes()
        .map(|attribute| (attribute.key(), attribute.value()))
        .filter(|(key, _)| keys.is_empty() || keys.iter().any(|wanted| wanted == key))
        .collect();
    attributes.sort_by_key(|(key, _)| *key);
    for (key, value) in attributes {
        labels::put_value(out, key, value);
    }
}

/// The values of the wanted attributes.
pub(super) fn find<'a>(wanted: &Wanted, attributes: Attributes<'a>) -> Found<'a> {
    let mut found: Found<'a> = smallvec![None; wanted.len()];
    wanted.find(attributes, &mut found);
    found
}

fn at<'a>(found: &Found<'a>, place: usize) -> Option<ValueView<'a>> {
    found.get(place).copied().flatten()
}

/// The service's name, if the resource has one: only text counts as a name.
pub(super) fn service_name<'a>(resource: &ResourceView<'a>) -> Option<&'a str> {
    Some(resource.attribute("service.name")?.as_str().unwrap_or_default())
}

fn kind(kind: i32) -> &'static str {
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

fn status(code: i32) -> &'static str {
    match code {
        0 => "STATUS_CODE_UNSET",
        1 => "STATUS_CODE_OK",
        2 => "STATUS_CODE_ERROR",
        _ => "",
    }
}
