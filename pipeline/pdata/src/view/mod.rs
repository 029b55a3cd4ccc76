//! Reading a batch where it lies: nothing is decoded ahead, nothing is copied, edits are seen.
//!
//! In this room: views of resources, scopes, spans, metrics, points, log records, attributes and values.
//! Not here: changing anything (`edit`).
//!
//! Enter at [`Batch::resources`].

mod attribute;
mod entity;
pub(crate) mod layout;
mod log;
mod metric;
mod point;
mod text;
mod trace;

pub use attribute::{AttributeView, Attributes, ValueKind, ValueView, Values};
pub use entity::{EntityRefView, EntityRefs, Keys};
pub use log::{LogView, Logs};
pub use metric::{MetricData, MetricView, Metrics, Temporality};
pub use point::{
    Buckets, Doubles, ExemplarView, Exemplars, ExponentialPointView, ExponentialPoints, Fixed64s, HistogramNumbers,
    HistogramPointView, HistogramPoints, Number, NumberPointView, NumberPoints, Quantiles, SummaryPointView,
    SummaryPoints, Varints,
};
pub use trace::{EventView, Events, LinkView, Links, SpanView, Spans};

use std::slice::Iter;

use bytes::Bytes;

use crate::batch::{Batch, Signal};
use crate::edit::Node;
use crate::text::text;
use crate::wire::{Fields, find};

/// The children of a message that were not discarded, with their edits.
#[derive(Debug, Clone)]
pub(crate) struct Live<'a> {
    fields: Fields<'a>,
    number: u32,
    /// Requests that follow; only the outermost level has more than one.
    segments: Iter<'a, Bytes>,
    nodes: Iter<'a, Node>,
}

impl<'a> Live<'a> {
    /// The resources of a batch.
    pub(crate) fn request(batch: &'a Batch) -> Self {
        Self { nodes: nodes(batch.edits.as_deref()), ..Self::segments(&batch.segments) }
    }

    /// The resources in these bytes, whatever the edits.
    pub(crate) fn segments(segments: &'a [Bytes]) -> Self {
        Self { fields: Fields::new(&[]), number: layout::RESOURCES, segments: segments.iter(), nodes: nodes(None) }
    }

    /// Fields `number` of a message, and the edits of its children.
    #[inline]
    pub(crate) fn children(message: &'a [u8], number: u32, node: Option<&'a Node>) -> Self {
        Self { fields: Fields::new(message), number, segments: [].iter(), nodes: nodes(node) }
    }

    /// The data points of a metric.
    pub(crate) fn points(metric: &'a [u8], node: Option<&'a Node>) -> Self {
        let data = layout::data(metric).map(|(_, data)| data).unwrap_or_default();
        Self::children(data, layout::POINTS, node)
    }
}

fn nodes(node: Option<&Node>) -> Iter<'_, Node> {
    node.map_or(&[][..], |node| &node.children).iter()
}

impl<'a> Iterator for Live<'a> {
    type Item = (&'a [u8], Option<&'a Node>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(field) = self.fields.next() else {
                self.fields = Fields::new(self.segments.next()?);
                continue;
            };
            if field.number == self.number {
                let node = self.nodes.next();
                if !node.is_some_and(Node::is_dead) {
                    return Some((field.payload.bytes(), node));
                }
            }
        }
    }
}

/// Declares an iterator over the views of living children.
macro_rules! views {
    ($(#[$doc:meta])* $Views:ident of $View:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $Views<'a>(pub(crate) $crate::view::Live<'a>);

        impl<'a> Iterator for $Views<'a> {
            type Item = $View<'a>;

            #[inline]
            fn next(&mut self) -> Option<Self::Item> {
                self.0.next().map(|(body, node)| $View::new(body, node))
            }
        }
    };
}
pub(crate) use views;

impl Batch {
    /// The resources with what they sent.
    pub fn resources(&self) -> Resources<'_> {
        Resources { signal: self.signal(), live: Live::request(self) }
    }
}

/// The resources of a batch.
#[derive(Debug, Clone)]
pub struct Resources<'a> {
    signal: Signal,
    live: Live<'a>,
}

impl<'a> Iterator for Resources<'a> {
    type Item = ResourceView<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        self.live.next().map(|(body, node)| ResourceView::new(self.signal, body, node))
    }
}

/// A resource and what it has sent.
#[derive(Debug, Clone, Copy)]
pub struct ResourceView<'a> {
    signal: Signal,
    body: &'a [u8],
    resource: &'a [u8],
    node: Option<&'a Node>,
}

impl<'a> ResourceView<'a> {
    pub(crate) fn new(signal: Signal, body: &'a [u8], node: Option<&'a Node>) -> Self {
        let resource = find(body, layout::RESOURCE).map(|payload| payload.bytes()).unwrap_or_default();
        Self { signal, body, resource, node }
    }

    /// The attributes that describe the resource.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes::edited(self.resource, layout::RESOURCE_ATTRIBUTES, edits(self.node))
    }

    /// The value of one attribute.
    pub fn attribute(&self, key: &str) -> Option<ValueView<'a>> {
        self.attributes().get(key)
    }

    /// How many attributes the sender left out.
    pub fn dropped_attributes_count(&self) -> u32 {
        find(self.resource, 2).map_or(0, |payload| payload.number32())
    }

    /// What the resource stands for, if its sender says so.
    pub fn entity_refs(&self) -> EntityRefs<'a> {
        EntityRefs::of(self.resource)
    }

    /// Schema of the resource.
    pub fn schema_url(&self) -> &'a str {
        find(self.body, 3).map_or("", |payload| payload.text())
    }

    /// The scopes with what they made.
    pub fn scopes(&self) -> Scopes<'a> {
        Scopes { signal: self.signal, live: Live::children(self.body, layout::SCOPES, self.node) }
    }
}

/// The scopes of a resource.
#[derive(Debug, Clone)]
pub struct Scopes<'a> {
    signal: Signal,
    live: Live<'a>,
}

impl<'a> Iterator for Scopes<'a> {
    type Item = ScopeView<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        self.live.next().map(|(body, node)| ScopeView::new(self.signal, body, node))
    }
}

/// An instrumentation scope and what it has made.
#[derive(Debug, Clone, Copy)]
pub struct ScopeView<'a> {
    signal: Signal,
    body: &'a [u8],
    scope: &'a [u8],
    node: Option<&'a Node>,
}

impl<'a> ScopeView<'a> {
    pub(crate) fn new(signal: Signal, body: &'a [u8], node: Option<&'a Node>) -> Self {
        let scope = find(body, layout::SCOPE).map(|payload| payload.bytes()).unwrap_or_default();
        Self { signal, body, scope, node }
    }

    /// Name of the scope.
    pub fn name(&self) -> &'a str {
        find(self.scope, 1).map_or("", |payload| text(payload.bytes()))
    }

    /// Version of the scope.
    pub fn version(&self) -> &'a str {
        find(self.scope, 2).map_or("", |payload| text(payload.bytes()))
    }

    /// The attributes that describe the scope.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes::edited(self.scope, layout::SCOPE_ATTRIBUTES, edits(self.node))
    }

    /// The value of one attribute.
    pub fn attribute(&self, key: &str) -> Option<ValueView<'a>> {
        self.attributes().get(key)
    }

    /// How many attributes the sender left out.
    pub fn dropped_attributes_count(&self) -> u32 {
        find(self.scope, 4).map_or(0, |payload| payload.number32())
    }

    /// Schema of the items.
    pub fn schema_url(&self) -> &'a str {
        find(self.body, 3).map_or("", |payload| payload.text())
    }

    /// The spans; none in a batch of another signal.
    pub fn spans(&self) -> Spans<'a> {
        Spans(self.children(Signal::Traces))
    }

    /// The metrics; none in a batch of another signal.
    pub fn metrics(&self) -> Metrics<'a> {
        Metrics(self.children(Signal::Metrics))
    }

    /// The log records; none in a batch of another signal.
    pub fn logs(&self) -> Logs<'a> {
        Logs(self.children(Signal::Logs))
    }

    fn children(&self, wanted: Signal) -> Live<'a> {
        let body = if wanted == self.signal { self.body } else { &[] };
        Live::children(body, layout::ITEMS, self.node)
    }
}

fn edits(node: Option<&Node>) -> &[crate::edit::AttributeEdit] {
    node.map_or(&[], Node::attributes)
}
