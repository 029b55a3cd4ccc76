//! The OTLP messages as one table.
//!
//! In this room: field numbers, names, kinds of every message of traces, metrics and logs (opentelemetry-proto 1.x).
//! Not here: code that reads or writes bytes; `framing`, `normal` and `json` are driven by this table.
//!
//! Enter at [`Message`]; the roots are [`TRACES`], [`METRICS`] and [`LOGS`].

mod common;
mod logs;
mod metrics;
mod traces;

pub(crate) use logs::LOGS;
pub(crate) use metrics::METRICS;
pub(crate) use traces::TRACES;

use crate::wire::{FIXED32, FIXED64, LENGTH, VARINT};

/// A message type.
#[derive(Debug)]
pub(crate) struct Message {
    /// In the order of the .proto file, which is the order of OTLP/JSON output.
    pub(crate) fields: &'static [Field],
    /// Whether one such message is one item: a span, a data point, a log record.
    pub(crate) is_item: bool,
    /// Field number to index + 1 in `fields`; 0 is an unknown field.
    slots: [u8; SLOTS],
    /// What the framing pass asks of a field whose tag is one byte, by that byte.
    shortcuts: [Shortcut; TAGS],
}

/// No field of OTLP has a number of 32 or more, except reserved ones.
const SLOTS: usize = 32;

/// Tags of one byte.
const TAGS: usize = 128;

/// A field in its most usual form, as the framing pass checks it without looking at the field itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shortcut {
    pub(crate) form: Form,
    /// The field's own.
    pub(crate) bit: u32,
}

/// What such a field carries.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// There is no shortcut: the field is unknown, has another wire type, or needs more than a look.
    None,
    Varint,
    Fixed64,
    Fixed32,
    Bytes,
    Text,
    Id(u8),
    Attribute,
}

/// A field of a message.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) number: u8,
    /// As in the .proto file.
    pub(crate) name: &'static str,
    /// As in OTLP/JSON.
    pub(crate) json: &'static str,
    pub(crate) kind: Kind,
    pub(crate) rule: Rule,
    /// Marks that the field was seen. All members of a oneof share a bit; repeated fields have none.
    pub(crate) bit: u32,
    /// Whether it is a list of keys and values.
    holds_attributes: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    String,
    /// base64 in JSON.
    Bytes,
    /// A trace id or span id: empty, or exactly this long; hexadecimal in JSON.
    Id(u8),
    Bool,
    Uint32,
    /// Signed varint; a string in JSON.
    Int64,
    /// Varint; a string in JSON.
    Uint64,
    Sint32,
    Fixed32,
    Fixed64,
    Sfixed64,
    Double,
    /// A number in JSON; names are understood on input: (prefix of all names, names by number).
    Enum(&'static [&'static str]),
    Message(&'static Message),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Absent means the default value, and the default value means absent.
    Single,
    /// A message that the Collector writes to JSON even when it is empty.
    Always,
    /// Present or absent, whatever the value.
    Optional,
    /// A member of the message's only oneof.
    OneOf,
    /// Any number of them; numbers are packed.
    Repeated,
}

impl Rule {
    pub(crate) fn has_presence(self) -> bool {
        matches!(self, Rule::Optional | Rule::OneOf)
    }
}

impl Field {
    /// Repeated numbers lie packed in one length-prefixed field.
    pub(crate) fn is_packed(&self) -> bool {
        self.rule == Rule::Repeated
            && matches!(self.kind, Kind::Uint64 | Kind::Int64 | Kind::Fixed64 | Kind::Double | Kind::Uint32)
    }

    const fn shortcut(&self) -> (u8, Form) {
        match self.kind {
            Kind::Message(_) if self.holds_attributes => (LENGTH, Form::Attribute),
            Kind::String => (LENGTH, Form::Text),
            Kind::Bytes => (LENGTH, Form::Bytes),
            Kind::Id(size) => (LENGTH, Form::Id(size)),
            Kind::Message(_) => (LENGTH, Form::None),
            // Repeated numbers have two legal forms, and only one of them is normal.
            _ if matches!(self.rule, Rule::Repeated) => (LENGTH, Form::None),
            Kind::Fixed64 | Kind::Sfixed64 | Kind::Double => (FIXED64, Form::Fixed64),
            Kind::Fixed32 => (FIXED32, Form::Fixed32),
            Kind::Bool | Kind::Uint32 | Kind::Int64 | Kind::Uint64 | Kind::Sint32 | Kind::Enum(_) => {
                (VARINT, Form::Varint)
            }
        }
    }
}

impl Message {
    /// The field with this number, if we know it.
    #[inline]
    pub(crate) fn field(&self, number: u32) -> Option<&'static Field> {
        let slot = *self.slots.get(number as usize)?;
        self.fields.get(usize::from(slot).checked_sub(1)?)
    }

    #[inline]
    pub(crate) fn shortcut(&self, tag: u8) -> Shortcut {
        self.shortcuts.get(usize::from(tag)).copied().unwrap_or(Shortcut { form: Form::None, bit: 0 })
    }

    /// The field with this name, in either spelling.
    pub(crate) fn field_named(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.json == name || field.name == name)
    }
}

const fn message(fields: &'static [Field]) -> Message {
    let mut slots = [0; SLOTS];
    let mut shortcuts = [Shortcut { form: Form::None, bit: 0 }; TAGS];
    let mut index = 0;
    while index < fields.len() {
        let field = &fields[index];
        slots[field.number as usize] = index as u8 + 1;
        let (wire, form) = field.shortcut();
        let tag = (field.number as usize) << 3 | wire as usize;
        if tag < TAGS {
            shortcuts[tag] = Shortcut { form, bit: field.bit };
        }
        index += 1;
    }
    Message { fields, is_item: false, slots, shortcuts }
}

/// A message that counts as one item.
const fn item(fields: &'static [Field]) -> Message {
    Message { is_item: true, ..message(fields) }
}

const fn field(number: u8, name: &'static str, json: &'static str, kind: Kind, rule: Rule) -> Field {
    let bit = match rule {
        Rule::Repeated => 0,
        Rule::OneOf => 1,
        Rule::Single | Rule::Always | Rule::Optional => 1 << number,
    };
    Field { number, name, json, kind, rule, bit, holds_attributes: false }
}

const fn one(number: u8, name: &'static str, json: &'static str, kind: Kind) -> Field {
    field(number, name, json, kind, Rule::Single)
}

const fn many(number: u8, name: &'static str, json: &'static str, kind: Kind) -> Field {
    field(number, name, json, kind, Rule::Repeated)
}

const fn attributes(number: u8, name: &'static str, json: &'static str) -> Field {
    Field { holds_attributes: true, ..many(number, name, json, Kind::Message(&common::KEY_VALUE)) }
}

const fn choice(number: u8, name: &'static str, json: &'static str, kind: Kind) -> Field {
    field(number, name, json, kind, Rule::OneOf)
}

const fn optional(number: u8, name: &'static str, json: &'static str, kind: Kind) -> Field {
    field(number, name, json, kind, Rule::Optional)
}

const fn always(number: u8, name: &'static str, json: &'static str, kind: Kind) -> Field {
    field(number, name, json, kind, Rule::Always)
}
