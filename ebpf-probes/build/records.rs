//! Reads `bpf/records.h`, the one definition of what the kernel side sends, and writes its two consequences: Rust structs
//! that decode a record from bytes, and C assertions that each field lies where Rust reads it.

use std::collections::BTreeMap;
use std::fmt::Write;

pub enum Definition {
    Enum { name: String, values: Vec<(String, u32)> },
    Struct { name: String, fields: Vec<Field>, size: usize },
}

pub struct Field {
    name: String,
    kind: Kind,
    offset: usize,
}

enum Kind {
    Unsigned(usize),
    Bytes(usize),
    Struct(String, usize),
}

impl Kind {
    fn size(&self) -> usize {
        match self {
            Kind::Unsigned(size) | Kind::Bytes(size) | Kind::Struct(_, size) => *size,
        }
    }

    fn rust_type(&self) -> String {
        match self {
            Kind::Unsigned(size) => format!("u{}", size * 8),
            Kind::Bytes(size) => format!("[u8; {size}]"),
            Kind::Struct(name, _) => camel_case(name),
        }
    }
}

pub fn parse(header: &str) -> Result<Vec<Definition>, String> {
    let text = without_comments(header)?;
    let mut definitions = Vec::new();
    let mut layouts = BTreeMap::new();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    while let Some(line) = lines.next() {
        let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "};").collect();
        if let Some(name) = line.strip_prefix("enum ").and_then(|rest| rest.strip_suffix(" {")) {
            let values = body.iter().map(|line| enum_value(line)).collect::<Result<_, _>>()?;
            definitions.push(Definition::Enum { name: name.to_owned(), values });
        } else if let Some(name) = line.strip_prefix("struct ").and_then(|rest| rest.strip_suffix(" {")) {
            let (fields, size, alignment) = layout(name, &body, &layouts)?;
            layouts.insert(name.to_owned(), (size, alignment));
            definitions.push(Definition::Struct { name: name.to_owned(), fields, size });
        } else {
            return Err(format!("records.h: cannot read '{line}'"));
        }
    }
    Ok(definitions)
}

fn without_comments(text: &str) -> Result<String, String> {
    let mut rest = text;
    let mut kept = String::new();
    while let Some((before, comment)) = rest.split_once("/*") {
        kept.push_str(before);
        (_, rest) = comment.split_once("*/").ok_or("records.h: a comment does not end")?;
    }
    kept.push_str(rest);
    Ok(kept)
}

fn enum_value(line: &str) -> Result<(String, u32), String> {
    let (name, value) =
        line.trim_end_matches(',').split_once(" = ").ok_or(format!("records.h: '{line}' has no value"))?;
    let value = value.parse().map_err(|error| format!("records.h: '{line}': {error}"))?;
    Ok((name.to_owned(), value))
}

type Layouts = BTreeMap<String, (usize, usize)>;

fn layout(name: &str, lines: &[&str], layouts: &Layouts) -> Result<(Vec<Field>, usize, usize), String> {
    let mut fields = Vec::new();
    let mut offset = 0;
    let mut widest = 1;
    for line in lines {
        let (type_name, field) =
            line.trim_end_matches(';').rsplit_once(' ').ok_or(format!("records.h: cannot read '{line}'"))?;
        let (kind, alignment) = match (type_name, field.split_once('[')) {
            ("__u8", Some((_, count))) => {
                let count = count.trim_end_matches(']').parse().map_err(|error| format!("'{line}': {error}"))?;
                (Kind::Bytes(count), 1)
            }
            ("__u8", None) => (Kind::Unsigned(1), 1),
            ("__u16", None) => (Kind::Unsigned(2), 2),
            ("__u32", None) => (Kind::Unsigned(4), 4),
            ("__u64", None) => (Kind::Unsigned(8), 8),
            (other, None) => {
                let nested = other.trim_start_matches("struct ");
                let (size, alignment) = layouts.get(nested).ok_or(format!("records.h: unknown type in '{line}'"))?;
                (Kind::Struct(nested.to_owned(), *size), *alignment)
            }
            (other, Some(_)) => return Err(format!("records.h: arrays of '{other}' are not supported")),
        };
        if offset % alignment != 0 {
            return Err(format!("records.h: struct {name} has hidden padding before '{field}'"));
        }
        let field_name = field.split('[').next().unwrap_or(field).to_owned();
        widest = widest.max(alignment);
        fields.push(Field { name: field_name, offset, kind });
        offset += fields.last().map_or(0, |field| field.kind.size());
    }
    if offset % widest != 0 {
        return Err(format!("records.h: struct {name} has hidden padding at its end"));
    }
    Ok((fields, offset, widest))
}

fn camel_case(name: &str) -> String {
    name.split('_').map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}

pub fn rust(definitions: &[Definition]) -> String {
    let mut out = String::new();
    for definition in definitions {
        let _ = match definition {
            Definition::Enum { name, values } => rust_enum(&mut out, name, values),
            Definition::Struct { name, fields, size } => rust_struct(&mut out, name, fields, *size),
        };
    }
    out
}

fn rust_enum(out: &mut String, name: &str, values: &[(String, u32)]) -> std::fmt::Result {
    let prefix = if name == "record_kind" { "RECORD_".to_owned() } else { first_word(values) };
    writeln!(out, "pub(crate) mod {name} {{")?;
    for (value_name, value) in values {
        let short = value_name.strip_prefix(&prefix).unwrap_or(value_name);
        writeln!(out, "    pub(crate) const {short}: u32 = {value};")?;
    }
    writeln!(out, "}}")
}

fn first_word(values: &[(String, u32)]) -> String {
    let name = values.first().map_or("", |(name, _)| name);
    name.split_inclusive('_').next().unwrap_or("").to_owned()
}

fn rust_struct(out: &mut String, name: &str, fields: &[Field], size: usize) -> std::fmt::Result {
    let name = camel_case(name);
    writeln!(out, "#[derive(Clone, Copy, Debug)]\npub(crate) struct {name} {{")?;
    for field in fields {
        writeln!(out, "    pub(crate) {}: {},", field.name, field.kind.rust_type())?;
    }
    writeln!(out, "}}\nimpl {name} {{\n    pub(crate) const SIZE: usize = {size};")?;
    writeln!(out, "    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {{")?;
    writeln!(out, "        let bytes: &[u8; {size}] = bytes.first_chunk()?;\n        Some(Self {{")?;
    for field in fields {
        let Field { name, offset, kind } = field;
        let places: Vec<String> = (*offset..offset + kind.size()).map(|place| format!("bytes[{place}]")).collect();
        let list = places.join(", ");
        match kind {
            Kind::Unsigned(1) => writeln!(out, "            {name}: {list},")?,
            Kind::Unsigned(width) => {
                writeln!(out, "            {name}: u{}::from_ne_bytes([{list}]),", width * 8)?;
            }
            Kind::Bytes(_) => writeln!(out, "            {name}: [{list}],")?,
            Kind::Struct(nested, _) => {
                writeln!(out, "            {name}: {}::read(bytes.get({offset}..)?)?,", camel_case(nested))?;
            }
        }
    }
    writeln!(out, "        }})\n    }}\n}}")
}

pub fn c_checks(definitions: &[Definition]) -> String {
    let mut out = String::from("/* Written by build/records.rs. */\n");
    for definition in definitions {
        if let Definition::Struct { name, fields, size } = definition {
            let _ = writeln!(out, "_Static_assert(sizeof(struct {name}) == {size}, \"size of {name}\");");
            for field in fields {
                let _ = writeln!(
                    out,
                    "_Static_assert(__builtin_offsetof(struct {name}, {field}) == {offset}, \"{name}.{field}\");",
                    field = field.name,
                    offset = field.offset
                );
            }
        }
    }
    out
}
