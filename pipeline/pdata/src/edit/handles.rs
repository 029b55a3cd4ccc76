//! Handles of what may be edited, from the resource down to the point.

use std::slice::IterMut;
use std::sync::Arc;

use super::{AttributesMut, Node};
use crate::batch::{Batch, Signal};
use crate::view::{Live, LogView, MetricView, ResourceView, ScopeView, SpanView, ValueView, layout};
use crate::wire::{close, find, open, put_bytes_field, put_varint_field};
use crate::write::Value;

/// Bytes and nodes of the living children of a message, in step.
struct LiveMut<'a> {
    bodies: Live<'a>,
    nodes: IterMut<'a, Node>,
}

impl<'a> LiveMut<'a> {
    fn new(bodies: Live<'a>, node: &'a mut Node) -> Self {
        node.grow(bodies.clone());
        Self { bodies, nodes: node.children.iter_mut() }
    }
}

impl<'a> Iterator for LiveMut<'a> {
    type Item = (&'a [u8], &'a mut Node);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (body, _) = self.bodies.next()?;
            let node = self.nodes.next()?;
            if !node.is_dead() {
                return Some((body, node));
            }
        }
    }
}

impl Batch {
    /// The resources, to be read and edited.
    pub fn resources_mut(&mut self) -> ResourcesMut<'_> {
        let signal = self.signal();
        let root = Arc::make_mut(self.edits.get_or_insert_default());
        ResourcesMut { signal, live: LiveMut::new(Live::segments(&self.segments), root) }
    }

    /// Calls `edit` with the attributes of every span, data point or log record.
    pub fn edit_item_attributes(&mut self, mut edit: impl FnMut(&mut AttributesMut<'_>)) {
        for mut resource in self.resources_mut() {
            for mut scope in resource.scopes_mut() {
                for mut item in scope.items_mut() {
                    edit(&mut item.attributes_mut());
                }
            }
        }
    }

    /// Discards the spans of which `keep` says no.
    pub fn retain_spans(&mut self, mut keep: impl FnMut(&SpanView<'_>) -> bool) {
        for mut resource in self.resources_mut() {
            for mut scope in resource.scopes_mut() {
                scope.spans_mut().filter(|span| !keep(&span.view())).for_each(|mut span| span.discard());
            }
        }
    }

    /// Discards the log records of which `keep` says no.
    pub fn retain_logs(&mut self, mut keep: impl FnMut(&LogView<'_>) -> bool) {
        for mut resource in self.resources_mut() {
            for mut scope in resource.scopes_mut() {
                scope.records_mut().filter(|record| !keep(&record.view())).for_each(|mut record| record.discard());
            }
        }
    }

    /// Discards the metrics of which `keep` says no.
    pub fn retain_metrics(&mut self, mut keep: impl FnMut(&MetricView<'_>) -> bool) {
        for mut resource in self.resources_mut() {
            for mut scope in resource.scopes_mut() {
                scope.metrics_mut().filter(|metric| !keep(&metric.view())).for_each(|mut metric| metric.discard());
            }
        }
    }
}

/// Declares an iterator over handles.
macro_rules! handles {
    ($(#[$doc:meta])* $Handles:ident of $Handle:ident) => {
        $(#[$doc])*
        pub struct $Handles<'a> {
            signal: Signal,
            live: LiveMut<'a>,
        }

        impl<'a> Iterator for $Handles<'a> {
            type Item = $Handle<'a>;

            fn next(&mut self) -> Option<Self::Item> {
                let (body, node) = self.live.next()?;
                Some($Handle { signal: self.signal, body, node })
            }
        }
    };
}

/// Declares a handle: a message that has attributes and may be discarded.
macro_rules! handle {
    ($(#[$doc:meta])* $Handle:ident, $holder:expr) => {
        $(#[$doc])*
        pub struct $Handle<'a> {
            signal: Signal,
            body: &'a [u8],
            node: &'a mut Node,
        }

        impl $Handle<'_> {
            /// The attributes, to be read and edited.
            pub fn attributes_mut(&mut self) -> AttributesMut<'_> {
                let holder: fn(Signal, &[u8]) -> (&[u8], u32) = $holder;
                let (holder, number) = holder(self.signal, self.body);
                AttributesMut { holder, number, node: self.node }
            }

            /// The value of an attribute as it is now.
            pub fn attribute(&self, key: &str) -> Option<ValueView<'_>> {
                let holder: fn(Signal, &[u8]) -> (&[u8], u32) = $holder;
                let (holder, number) = holder(self.signal, self.body);
                crate::view::Attributes::edited(holder, number, self.node.attributes()).get(key)
            }

            /// Adds an attribute unless it is there; says whether it did.
            pub fn insert<'v>(&mut self, key: &str, value: impl Into<Value<'v>>) -> bool {
                self.attributes_mut().insert(key, value)
            }

            /// Changes an attribute if it is there; says whether it did.
            pub fn update<'v>(&mut self, key: &str, value: impl Into<Value<'v>>) -> bool {
                self.attributes_mut().update(key, value)
            }

            /// Adds or changes an attribute.
            pub fn upsert<'v>(&mut self, key: &str, value: impl Into<Value<'v>>) {
                self.attributes_mut().upsert(key, value);
            }

            /// Removes an attribute; says whether it was there.
            pub fn delete(&mut self, key: &str) -> bool {
                self.attributes_mut().delete(key)
            }

            /// Removes this and everything in it. A parent that has lost all its children goes too.
            pub fn discard(&mut self) {
                self.node.discard();
            }
        }
    };
}

handles!(
    /// The resources of a batch.
    ResourcesMut of ResourceMut
);
handle!(
    /// A resource and what it has sent.
    ResourceMut,
    |_, body| (find(body, layout::RESOURCE).map(|payload| payload.bytes()).unwrap_or_default(), layout::RESOURCE_ATTRIBUTES)
);

impl ResourceMut<'_> {
    /// The resource as it is now.
    pub fn view(&self) -> ResourceView<'_> {
        ResourceView::new(self.signal, self.body, Some(self.node))
    }

    /// The scopes, to be read and edited.
    pub fn scopes_mut(&mut self) -> ScopesMut<'_> {
        ScopesMut {
            signal: self.signal,
            live: LiveMut::new(Live::children(self.body, layout::SCOPES, None), self.node),
        }
    }
}

handles!(
    /// The scopes of a resource.
    ScopesMut of ScopeMut
);
handle!(
    /// An instrumentation scope and what it has made.
    ScopeMut,
    |_, body| (find(body, layout::SCOPE).map(|payload| payload.bytes()).unwrap_or_default(), layout::SCOPE_ATTRIBUTES)
);

impl ScopeMut<'_> {
    /// The scope as it is now.
    pub fn view(&self) -> ScopeView<'_> {
        ScopeView::new(self.signal, self.body, Some(self.node))
    }

    /// The spans; none in a batch of another signal.
    pub fn spans_mut(&mut self) -> SpansMut<'_> {
        SpansMut { signal: self.signal, live: self.children(Signal::Traces) }
    }

    /// The metrics; none in a batch of another signal.
    pub fn metrics_mut(&mut self) -> MetricsMut<'_> {
        MetricsMut { signal: self.signal, live: self.children(Signal::Metrics) }
    }

    /// The log records; none in a batch of another signal.
    pub fn records_mut(&mut self) -> RecordsMut<'_> {
        RecordsMut { signal: self.signal, live: self.children(Signal::Logs) }
    }

    /// Spans, data points or log records: whatever counts as an item.
    pub fn items_mut(&mut self) -> ItemsMut<'_> {
        let signal = self.signal;
        ItemsMut { signal, points: None, live: self.children(signal) }
    }

    fn children(&mut self, wanted: Signal) -> LiveMut<'_> {
        let body = if wanted == self.signal { self.body } else { &[] };
        LiveMut::new(Live::children(body, layout::ITEMS, None), self.node)
    }
}

handles!(
    /// The spans of a scope.
    SpansMut of SpanMut
);
handle!(
    /// A span.
    SpanMut,
    |_, body| (body, layout::SPAN_ATTRIBUTES)
);

impl SpanMut<'_> {
    /// The span as it is now.
    pub fn view(&self) -> SpanView<'_> {
        SpanView::new(self.body, Some(self.node))
    }

    /// Gives the span another name.
    pub fn set_name(&mut self, name: &str) {
        let mut encoded = Vec::with_capacity(name.len() + 4);
        put_bytes_field(&mut encoded, layout::SPAN_NAME, name.as_bytes());
        self.node.set_field(layout::SPAN_NAME, encoded);
    }

    /// Gives the span another status: 0 unset, 1 ok, 2 error.
    pub fn set_status(&mut self, code: i32, message: &str) {
        let mut encoded = Vec::with_capacity(message.len() + 8);
        let status = open(&mut encoded, layout::SPAN_STATUS, 1);
        if !message.is_empty() {
            put_bytes_field(&mut encoded, layout::STATUS_MESSAGE, message.as_bytes());
        }
        if code != 0 {
            put_varint_field(&mut encoded, layout::STATUS_CODE, i64::from(code) as u64);
        }
        close(&mut encoded, status);
        self.node.set_field(layout::SPAN_STATUS, encoded);
    }
}

handles!(
    /// The log records of a scope.
    RecordsMut of RecordMut
);
handle!(
    /// A log record.
    RecordMut,
    |_, body| (body, layout::LOG_ATTRIBUTES)
);

impl RecordMut<'_> {
    /// The record as it is now.
    pub fn view(&self) -> LogView<'_> {
        LogView::new(self.body, Some(self.node))
    }
}

handles!(
    /// The metrics of a scope.
    MetricsMut of MetricMut
);

/// A metric. It has no attributes; its points have.
pub struct MetricMut<'a> {
    signal: Signal,
    body: &'a [u8],
    node: &'a mut Node,
}

impl MetricMut<'_> {
    /// The metric as it is now.
    pub fn view(&self) -> MetricView<'_> {
        MetricView::new(self.body, Some(self.node))
    }

    /// Gives the metric another name.
    pub fn set_name(&mut self, name: &str) {
        let mut encoded = Vec::with_capacity(name.len() + 4);
        put_bytes_field(&mut encoded, layout::METRIC_NAME, name.as_bytes());
        self.node.set_field(layout::METRIC_NAME, encoded);
    }

    /// Removes the metric with its points.
    pub fn discard(&mut self) {
        self.node.discard();
    }

    /// The data points, whatever their type.
    pub fn points_mut(&mut self) -> PointsMut<'_> {
        points_mut(self.signal, self.body, self.node)
    }
}

fn points_mut<'a>(signal: Signal, metric: &'a [u8], node: &'a mut Node) -> PointsMut<'a> {
    let attributes = layout::point_attributes(metric);
    PointsMut { signal, attributes, live: LiveMut::new(Live::points(metric, None), node) }
}

/// The data points of a metric.
pub struct PointsMut<'a> {
    signal: Signal,
    attributes: u32,
    live: LiveMut<'a>,
}

impl<'a> Iterator for PointsMut<'a> {
    type Item = PointMut<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let (body, node) = self.live.next()?;
        Some(ItemMut { signal: self.signal, attributes: self.attributes, body, node })
    }
}

/// A data point.
pub type PointMut<'a> = ItemMut<'a>;

/// All items of a scope. Those of metrics are their points.
pub struct ItemsMut<'a> {
    signal: Signal,
    points: Option<PointsMut<'a>>,
    live: LiveMut<'a>,
}

impl<'a> Iterator for ItemsMut<'a> {
    type Item = ItemMut<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(point) = self.points.as_mut().and_then(Iterator::next) {
                return Some(point);
            }
            let (body, node) = self.live.next()?;
            let attributes = match self.signal {
                Signal::Traces => layout::SPAN_ATTRIBUTES,
                Signal::Logs => layout::LOG_ATTRIBUTES,
                Signal::Metrics => {
                    self.points = Some(points_mut(self.signal, body, node));
                    continue;
                }
            };
            return Some(ItemMut { signal: self.signal, attributes, body, node });
        }
    }
}

/// A span, data point or log record: something with attributes that counts as one.
pub struct ItemMut<'a> {
    signal: Signal,
    attributes: u32,
    body: &'a [u8],
    node: &'a mut Node,
}

impl ItemMut<'_> {
    /// What kind of item it is.
    pub fn signal(&self) -> Signal {
        self.signal
    }

    /// The attributes, to be read and edited.
    pub fn attributes_mut(&mut self) -> AttributesMut<'_> {
        AttributesMut { holder: self.body, number: self.attributes, node: self.node }
    }

    /// Removes the item. A parent that has lost all its children goes too.
    pub fn discard(&mut self) {
        self.node.discard();
    }
}
