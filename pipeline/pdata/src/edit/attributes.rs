//! Editing the attributes of one message.

use super::{AttributeEdit, Node};
use crate::view::{AttributeView, Attributes, ValueView};
use crate::wire::{Fields, put_bytes_field};
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
            let mut key_value = Vec::with_capacity(key.len() + 4);
            put_bytes_field(&mut key_value, 1, key.as_bytes());
            self.put(key, key_value, true);
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
        let mut key_value = Vec::with_capacity(key.len() + 24);
        put_key_value(&mut key_value, key, value);
        self.put(key, key_value, false);
    }

    fn put(&mut self, key: &str, key_value: Vec<u8>, deleted: bool) {
        let key_value = key_value.into_boxed_slice();
        let original = || {
            Fields::new(self.holder)
                .filter(|field| field.number == self.number)
                .find(|field| AttributeView::new(field.payload.bytes()).key_bytes() == key.as_bytes())
                .map(|field| field.start)
        };
        let known = self.node.attributes().iter().position(|edit| edit.key() == key.as_bytes());
        let replaces = if known.is_none() { original() } else { None };
        let edits = &mut self.node.edit_mut().attributes;
        match known.and_then(|index| edits.get_mut(index).map(|edit| (index, edit))) {
            None => edits.push(AttributeEdit { key_value, deleted, replaces }),
            // What was deleted and is added again is new: its old place is gone.
            Some((index, edit)) if edit.deleted && !deleted => {
                edits.remove(index);
                edits.push(AttributeEdit { key_value, deleted, replaces: None });
            }
            Some((_, edit)) => {
                edit.key_value = key_value;
                edit.deleted = deleted;
            }
        }
    }
}

impl AttributeEdit {
    pub(crate) fn key(&self) -> &[u8] {
        AttributeView::new(&self.key_value).key_bytes()
    }
}
