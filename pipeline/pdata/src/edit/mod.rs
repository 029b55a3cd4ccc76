//! The overlay of edits: what processors changed, kept beside the bytes until somebody needs them written.
//!
//! In this room: the tree of edits, how reading passes through it, the `..Mut` handles that processors use.
//! Not here: plain reading (`view`), writing edits into bytes (`plan`).
//!
//! Enter at [`Batch::resources_mut`].
//!
//! The tree mirrors the batch: one [`Node`] per resource, scope, item and point, in wire order, made only for levels
//! that somebody walked mutably. Readers walk bytes and nodes in step, so nothing is ever looked up.

mod attributes;
mod handles;

pub use attributes::AttributesMut;
pub use handles::{
    ItemMut, ItemsMut, MetricMut, MetricsMut, PointMut, PointsMut, RecordMut, RecordsMut, ResourceMut, ResourcesMut,
    ScopeMut, ScopesMut, SpanMut, SpansMut,
};

use smallvec::SmallVec;

use crate::batch::{Batch, Signal};
use crate::view::Live;
use crate::view::layout;

/// The edits of one message and of the messages below it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Node {
    pub(crate) edit: Option<Box<Edit>>,
    /// Empty, or one for each child in wire order.
    pub(crate) children: Vec<Node>,
}

/// The edits of one message.
#[derive(Debug, Clone, Default)]
pub(crate) struct Edit {
    pub(crate) discarded: bool,
    /// Most edits are of one attribute: it needs no memory of its own.
    pub(crate) attributes: SmallVec<[AttributeEdit; 1]>,
    pub(crate) fields: Vec<FieldEdit>,
}

/// The present state of an attribute that was touched.
#[derive(Debug, Clone)]
pub(crate) struct AttributeEdit {
    /// Tag, length and `KeyValue`; of a deleted attribute only the key counts.
    pub(crate) encoded: Vec<u8>,
    pub(crate) deleted: bool,
    pub(crate) place: Place,
}

/// Where an attribute that was touched stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// At the end: the original message has no such attribute.
    New,
    /// Where its first occurrence stands in the original message.
    At(usize),
    /// At the end, because it was deleted and added again. The original message has it still.
    Moved,
}

/// A field that has a new value.
#[derive(Debug, Clone)]
pub(crate) struct FieldEdit {
    pub(crate) number: u32,
    /// Tag and payload; empty when the field is absent now.
    pub(crate) encoded: Box<[u8]>,
}

impl Node {
    /// Discarded itself, or robbed of all its children. What came without children stays.
    pub(crate) fn is_dead(&self) -> bool {
        self.edit.as_ref().is_some_and(|edit| edit.discarded)
            || (!self.children.is_empty() && self.children.iter().all(Node::is_dead))
    }

    pub(crate) fn is_untouched(&self) -> bool {
        self.edit.is_none() && self.children.iter().all(Node::is_untouched)
    }

    pub(crate) fn any_discarded(&self) -> bool {
        self.edit.as_ref().is_some_and(|edit| edit.discarded) || self.children.iter().any(Node::any_discarded)
    }

    pub(crate) fn edit_mut(&mut self) -> &mut Edit {
        self.edit.get_or_insert_default()
    }

    /// One node for each child.
    fn grow(&mut self, children: Live<'_>) {
        if self.children.is_empty() {
            self.children.resize_with(children.count(), Node::default);
        }
    }

    pub(crate) fn attributes(&self) -> &[AttributeEdit] {
        self.edit.as_ref().map_or(&[], |edit| &edit.attributes)
    }

    pub(crate) fn fields(&self) -> &[FieldEdit] {
        self.edit.as_ref().map_or(&[], |edit| &edit.fields)
    }

    /// Whether what stands in the original message still stands there, and new attributes follow at most.
    pub(crate) fn only_adds(&self) -> bool {
        self.fields().is_empty() && self.attributes().iter().all(|edit| edit.place == Place::New)
    }

    fn discard(&mut self) {
        self.edit_mut().discarded = true;
    }

    fn set_field(&mut self, number: u32, encoded: Vec<u8>) {
        let encoded = encoded.into_boxed_slice();
        let fields = &mut self.edit_mut().fields;
        match fields.iter_mut().find(|field| field.number == number) {
            Some(field) => field.encoded = encoded,
            None => fields.push(FieldEdit { number, encoded }),
        }
    }
}

/// Counts the items that were not discarded.
pub(crate) fn count_live(batch: &Batch) -> usize {
    let mut items = 0;
    for (resource, node) in Live::request(batch) {
        for (scope, node) in Live::children(resource, layout::SCOPES, node) {
            let live = Live::children(scope, layout::ITEMS, node);
            items += match batch.signal() {
                Signal::Metrics => live.map(|(metric, node)| Live::points(metric, node).count()).sum(),
                Signal::Traces | Signal::Logs => live.count(),
            };
        }
    }
    items
}
