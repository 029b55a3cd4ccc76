//! The entities that a resource describes: which of its attributes name them.

use crate::wire::{Fields, find};

/// The entities of a resource.
#[derive(Debug, Clone)]
pub struct EntityRefs<'a>(Fields<'a>);

impl<'a> EntityRefs<'a> {
    pub(crate) fn of(resource: &'a [u8]) -> Self {
        Self(Fields::new(resource))
    }
}

impl<'a> Iterator for EntityRefs<'a> {
    type Item = EntityRefView<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.find(|field| field.number == 3).map(|field| EntityRefView { body: field.payload.bytes() })
    }
}

/// One thing among those that a resource stands for, told by keys of the resource's attributes.
#[derive(Debug, Clone, Copy)]
pub struct EntityRefView<'a> {
    body: &'a [u8],
}

impl<'a> EntityRefView<'a> {
    /// Schema of the entity.
    pub fn schema_url(&self) -> &'a str {
        find(self.body, 1).map_or("", |payload| payload.text())
    }

    /// What kind of thing it is, such as `service` or `k8s.pod`.
    pub fn kind(&self) -> &'a str {
        find(self.body, 2).map_or("", |payload| payload.text())
    }

    /// Keys of the attributes that identify it.
    pub fn id_keys(&self) -> Keys<'a> {
        Keys { fields: Fields::new(self.body), number: 3 }
    }

    /// Keys of the attributes that describe it further.
    pub fn description_keys(&self) -> Keys<'a> {
        Keys { fields: Fields::new(self.body), number: 4 }
    }
}

/// Keys of attributes.
#[derive(Debug, Clone)]
pub struct Keys<'a> {
    fields: Fields<'a>,
    number: u32,
}

impl<'a> Iterator for Keys<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        self.fields.find(|field| field.number == self.number).map(|field| field.payload.text())
    }
}
