//! Editing the attributes of one message.

use super::{AttributeEdit, Node, Place};
use crate::view::{AttributeView, Attributes, ValueView};
use crate::wire::{Fields, close, open, put_bytes_field};
use crate::write::{Value, put_key_value};

/// The attributes of one resource, scope, span, data point or log record.
///
/// The four verbs are those of the Collector's `resource` and `attributes` processors. Each says whether it changed
/// anything. An updated attribute keeps its place; a new one comes last. Where the same key came twice, the first one is
/// read and an edit leaves one.
pub struct AttributesMut<'a> {
    pub(super) holder: &'a [u8],
    pub(super) number: u32,
    pub(super) node: &'a mut Node,
}

impl AttributesMut<'_> {
    /// The attributes as they are now.
    pub fn iter(&self) -> Attributes<'_> {
        Attributes::edited(self.holder, self.number, self.node.attributes())
    }

    /// The value of an attribute as it is now.
    pub fn get(&self, key: &str) -> Option<ValueView<'_>> {
        self.iter().get(key)
    }

    /// Adds the attribute unless it is there.
    pub fn insert<'v>(&mut self, key: &str, value: impl Into<Value<'v>>) -> bool {
        let is_new = self.get(key).is_none();
        if is_new {
            self.set(key, &value.into());
        }
        is_new
    }

    /// Changes the attribute if it is there.
    pub fn update<'v>(&mut self, key: &str, value: impl Into<Value<'v>>) -> bool {
        let is_there = self.get(key).is_some();
        if is_there {
            self.set(key, &value.into());
        }
        is_there
    }

    /// Adds or changes the attribute.
    pub fn upsert<'v>(&mut self, key: &str, value: impl Into<Value<'v>>) {
        self.set(key, &value.into());
    }

    /// Removes the attribute, every occurrence of it.
    pub fn delete(&mut self, key: &str) -> bool {
        let is_there = self.get(key).is_some();
        if is_there {
            let encoded = self.encoded(key.len() + 8, |out| put_bytes_field(out, 1, key.as_bytes()));
            self.put(key, encoded, true);
        }
        is_there
    }

    /// Removes the attributes of which `keep` says no.
    pub fn retain(&mut self, mut keep: impl FnMut(AttributeView<'_>) -> bool) {
        let unwanted: Vec<String> =
            self.iter().filter(|attribute| !keep(*attribute)).map(|attribute| attribute.key().to_owned()).collect();
        for key in unwanted {
            self.delete(&key);
        }
    }

    fn set(&mut self, key: &str, value: &Value<'_>) {
        let encoded = self.encoded(key.len() + value.size_hint() + 16, |out| put_key_value(out, key, value));
        self.put(key, encoded, false);
    }

    fn encoded(&self, size: usize, write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::with_capacity(size);
        let attribute = open(&mut out, self.number, 1);
        write(&mut out);
        close(&mut out, attribute);
        out
    }

    // Per edited item. Two allocations at most for the first edit: its node's and its bytes.
    fn put(&mut self, key: &str, encoded: Vec<u8>, deleted: bool) {
        let key = key.as_bytes();
        let Some(known) = self.node.attributes().iter().position(|edit| edit.key() == key) else {
            let place = Attributes::position(Fields::new(self.holder), self.number, key);
            let place = place.map_or(Place::New, Place::At);
            return self.node.edit_mut().attributes.push(AttributeEdit { encoded, deleted, place });
        };
        let edits = &mut self.node.edit_mut().attributes;
        match edits.get_mut(known) {
            // What was deleted and is added again is new: its old place is gone.
            Some(edit) if edit.deleted && !deleted => {
                let place = if edit.place == Place::New { Place::New } else { Place::Moved };
                edits.remove(known);
                edits.push(AttributeEdit { encoded, deleted, place });
            }
            Some(edit) => {
                edit.encoded = encoded;
                edit.deleted = deleted;
            }
            None => {}
        }
    }
}

impl AttributeEdit {
    /// The `KeyValue`.
    #[inline]
    pub(crate) fn key_value(&self) -> &[u8] {
        Fields::new(&self.encoded).next().map(|field| field.payload.bytes()).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn key(&self) -> &[u8] {
        AttributeView::new(self.key_value()).key_bytes()
    }

    /// Whether it stands after the attributes of the original message.
    pub(crate) fn is_added(&self) -> bool {
        !self.deleted && !matches!(self.place, Place::At(_))
    }
}
