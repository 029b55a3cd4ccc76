//! Repairs what protobuf allows and nobody sends: the same singular field twice, several members of a oneof, numbers
//! of a repeated field one by one.
//!
//! In this room: protobuf's own rules for such messages (last one wins, messages are merged, numbers are gathered).
//! Not here: finding out that a message needs it (`framing`).
//!
//! Enter at [`normalise`]. After it every reader may take the first field it finds for the only one.

use crate::schema::{Field as SchemaField, Kind, Message, Rule};
use crate::wire::{Field, Fields, LENGTH, Payload, close, open, put_varint, tag};

/// Writes the normal form of a message that passed framing. Unknown fields are kept byte for byte.
pub(crate) fn normalise(schema: &'static Message, message: &[u8], out: &mut Vec<u8>) {
    let fields: Vec<Field<'_>> = Fields::new(message).collect();
    for (index, field) in fields.iter().enumerate() {
        let raw = message.get(field.start..field.end).unwrap_or_default();
        let Some(known) = schema.field(field.number) else {
            out.extend_from_slice(raw);
            continue;
        };
        match (known.kind, known.rule) {
            (Kind::Message(nested), Rule::Repeated) => put_message(out, known, nested, field.payload.bytes()),
            (Kind::Message(nested), _) => {
                // Concatenated messages are the merged message.
                let valid = valid_from(schema, known, &fields);
                if is_first(&fields, index, valid) {
                    let merged: Vec<u8> =
                        same(&fields, field.number, valid).flat_map(|f| f.payload.bytes()).copied().collect();
                    put_message(out, known, nested, &merged);
                }
            }
            (_, Rule::Repeated) if known.is_packed() => {
                if is_first(&fields, index, 0) {
                    put_packed(out, known, same(&fields, field.number, 0));
                }
            }
            (_, Rule::Repeated) => out.extend_from_slice(raw),
            _ => {
                let is_last = !fields.iter().skip(index + 1).any(|later| shares_bit(schema, known, later));
                if is_last {
                    out.extend_from_slice(raw);
                }
            }
        }
    }
}

fn put_message(out: &mut Vec<u8>, field: &SchemaField, schema: &'static Message, body: &[u8]) {
    let nested = open(out, u32::from(field.number), 2);
    normalise(schema, body, out);
    close(out, nested);
}

fn put_packed<'a>(out: &mut Vec<u8>, field: &SchemaField, runs: impl Iterator<Item = &'a Field<'a>>) {
    put_varint(out, tag(u32::from(field.number), LENGTH));
    let mut numbers = Vec::new();
    for run in runs {
        match run.payload {
            Payload::Varint(value) => put_varint(&mut numbers, value),
            Payload::Fixed64(value) => numbers.extend_from_slice(&value.to_le_bytes()),
            Payload::Fixed32(value) => numbers.extend_from_slice(&value.to_le_bytes()),
            Payload::Bytes(packed) => numbers.extend_from_slice(packed),
        }
    }
    put_varint(out, numbers.len() as u64);
    out.extend_from_slice(&numbers);
}

/// Whether a later field makes `known` void: the same field, or another member of its oneof.
fn shares_bit(schema: &'static Message, known: &SchemaField, later: &Field<'_>) -> bool {
    schema.field(later.number).is_some_and(|field| field.bit & known.bit != 0)
}

/// Where the occurrences of `known` begin that count: after the last other member of its oneof.
fn valid_from(schema: &'static Message, known: &SchemaField, fields: &[Field<'_>]) -> usize {
    let other = |field: &Field<'_>| field.number != u32::from(known.number) && shares_bit(schema, known, field);
    fields.iter().rposition(other).map_or(0, |last| last + 1)
}

fn same<'a>(fields: &'a [Field<'a>], number: u32, from: usize) -> impl Iterator<Item = &'a Field<'a>> {
    fields.iter().skip(from).filter(move |field| field.number == number)
}

fn is_first(fields: &[Field<'_>], index: usize, from: usize) -> bool {
    let Some(field) = fields.get(index) else { return false };
    index >= from && !fields.iter().take(index).skip(from).any(|earlier| earlier.number == field.number)
}
