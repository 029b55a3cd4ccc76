//! Attributes and their values.

use crate::edit::{AttributeEdit, Place};
use crate::text::text;
use crate::wire::{Fields, LENGTH, Payload, split_short, tag};

/// The attributes of something, in wire order, then the added ones.
#[derive(Debug, Clone)]
pub struct Attributes<'a> {
    fields: Fields<'a>,
    number: u32,
    edits: &'a [AttributeEdit],
    /// The next edit to be looked at once the fields have ended.
    tail: usize,
}

impl<'a> Attributes<'a> {
    pub(crate) fn edited(holder: &'a [u8], number: u32, edits: &'a [AttributeEdit]) -> Self {
        Self { fields: Fields::new(holder), number, edits, tail: 0 }
    }

    /// The same where no attribute stands before byte `at` of the holder.
    pub(crate) fn starting_at(holder: &'a [u8], at: usize, number: u32, edits: &'a [AttributeEdit]) -> Self {
        Self { fields: Fields::starting_at(holder, at), number, edits, tail: 0 }
    }

    /// The value of one attribute. Of several with the same key the first counts.
    pub fn get(mut self, key: &str) -> Option<ValueView<'a>> {
        let key = key.as_bytes();
        if let Some(edit) = self.edit_of(key) {
            return if edit.deleted { None } else { Some(AttributeView::new(edit.key_value()).value()) };
        }
        let number = self.number;
        let found = self.fields.find(|field| field.number == number && has_key(field.payload.bytes(), key))?;
        Some(AttributeView::new(found.payload.bytes()).value())
    }

    /// Where the first attribute with this key stands in the bytes, whatever the edits.
    pub(crate) fn position(mut fields: Fields<'_>, number: u32, key: &[u8]) -> Option<usize> {
        fields.find(|field| field.number == number && has_key(field.payload.bytes(), key)).map(|field| field.start)
    }

    fn edit_of(&self, key: &[u8]) -> Option<&'a AttributeEdit> {
        self.edits.iter().find(|edit| edit.key() == key)
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = AttributeView<'a>;

    // Per attribute: what stands together and was not edited is read without looking at anything else.
    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.edits.is_empty()
            && let Some(body) = self.fields.next_short(tag(self.number, LENGTH) as u8)
        {
            return Some(AttributeView::new(body));
        }
        self.next_among_others()
    }
}

impl<'a> Attributes<'a> {
    fn next_among_others(&mut self) -> Option<AttributeView<'a>> {
        while let Some(field) = self.fields.next() {
            if field.number != self.number {
                continue;
            }
            let original = AttributeView::new(field.payload.bytes());
            if self.edits.is_empty() {
                return Some(original);
            }
            match self.edit_of(original.key) {
                None => return Some(original),
                Some(edit) if !edit.deleted && edit.place == Place::At(field.start) => {
                    return Some(AttributeView::new(edit.key_value()));
                }
                Some(_) => {}
            }
        }
        while let Some(edit) = self.edits.get(self.tail) {
            self.tail += 1;
            if edit.is_added() {
                return Some(AttributeView::new(edit.key_value()));
            }
        }
        None
    }
}

/// Tags of the fields of a `KeyValue`, and of a string in an `AnyValue`.
const KEY: u8 = 0x0a;
const VALUE: u8 = 0x12;
const STRING: u8 = 0x0a;

/// Whether this is the key of a `KeyValue`. Keys of another length cost one comparison.
#[inline]
fn has_key(key_value: &[u8], key: &[u8]) -> bool {
    match split_short(key_value, KEY) {
        Some((own, _)) => own == key,
        None => AttributeView::new(key_value).key == key,
    }
}

/// One attribute.
#[derive(Debug, Clone, Copy)]
pub struct AttributeView<'a> {
    key: &'a [u8],
    value: &'a [u8],
}

impl<'a> AttributeView<'a> {
    #[inline]
    pub(crate) fn new(key_value: &'a [u8]) -> Self {
        if let Some((key, rest)) = split_short(key_value, KEY)
            && let Some((value, [])) = split_short(rest, VALUE)
        {
            return Self { key, value };
        }
        Self::unusual(key_value)
    }

    /// Long, incomplete, in another order, or with fields of the future.
    #[inline(never)]
    fn unusual(key_value: &'a [u8]) -> Self {
        let mut attribute = Self { key: &[], value: &[] };
        for field in Fields::new(key_value) {
            match field.number {
                1 => attribute.key = field.payload.bytes(),
                2 => attribute.value = field.payload.bytes(),
                _ => {}
            }
        }
        attribute
    }

    /// The key.
    pub fn key(&self) -> &'a str {
        text(self.key)
    }

    /// The key for comparing, without another look at its UTF-8.
    pub fn key_bytes(&self) -> &'a [u8] {
        self.key
    }

    /// The value.
    pub fn value(&self) -> ValueView<'a> {
        ValueView { any_value: self.value }
    }
}

/// A value: a string, boolean, number, bytes, a list, a map, or nothing.
#[derive(Debug, Clone, Copy)]
pub struct ValueView<'a> {
    any_value: &'a [u8],
}

/// A value by its type.
#[derive(Debug, Clone)]
pub enum ValueKind<'a> {
    /// No value.
    Empty,
    /// A string.
    Str(&'a str),
    /// A boolean.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// A floating-point number.
    Double(f64),
    /// Bytes.
    Bytes(&'a [u8]),
    /// A list of values.
    Array(Values<'a>),
    /// Values by key.
    Map(Attributes<'a>),
}

impl<'a> ValueView<'a> {
    pub(crate) fn new(any_value: &'a [u8]) -> Self {
        Self { any_value }
    }

    /// The encoded `AnyValue`: fields of the message, without a length of their own.
    pub fn encoded(&self) -> &'a [u8] {
        self.any_value
    }

    /// The value by its type.
    #[inline]
    pub fn kind(&self) -> ValueKind<'a> {
        let Some((number, payload)) = self.known() else { return ValueKind::Empty };
        match number {
            1 => ValueKind::Str(payload.text()),
            2 => ValueKind::Bool(payload.number() != 0),
            3 => ValueKind::Int(payload.number() as i64),
            4 => ValueKind::Double(payload.double()),
            5 => ValueKind::Array(Values { fields: Fields::new(payload.bytes()) }),
            6 => ValueKind::Map(Attributes::edited(payload.bytes(), 1, &[])),
            _ => ValueKind::Bytes(payload.bytes()),
        }
    }

    /// The string, if it is one.
    pub fn as_str(&self) -> Option<&'a str> {
        self.as_str_bytes().map(text)
    }

    /// The bytes of the string, if it is one, without another look at its UTF-8.
    pub fn as_str_bytes(&self) -> Option<&'a [u8]> {
        self.known().filter(|(number, _)| *number == 1).map(|(_, payload)| payload.bytes())
    }

    /// The integer, if it is one.
    pub fn as_int(&self) -> Option<i64> {
        self.known().filter(|(number, _)| *number == 3).map(|(_, payload)| payload.number() as i64)
    }

    /// The number, if it is a floating-point one.
    pub fn as_double(&self) -> Option<f64> {
        self.known().filter(|(number, _)| *number == 4).map(|(_, payload)| payload.double())
    }

    /// The boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        self.known().filter(|(number, _)| *number == 2).map(|(_, payload)| payload.number() != 0)
    }

    #[inline]
    fn known(&self) -> Option<(u32, Payload<'a>)> {
        if let Some((string, [])) = split_short(self.any_value, STRING) {
            return Some((1, Payload::Bytes(string)));
        }
        let mut fields = Fields::new(self.any_value);
        fields.find(|field| matches!(field.number, 1..=7)).map(|field| (field.number, field.payload))
    }
}

/// The values of a list.
#[derive(Debug, Clone)]
pub struct Values<'a> {
    fields: Fields<'a>,
}

impl<'a> Iterator for Values<'a> {
    type Item = ValueView<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        self.fields.find(|field| field.number == 1).map(|field| ValueView::new(field.payload.bytes()))
    }
}
