//! Booleans, numbers, strings and secrets: no weak typing, two leniencies of Go apart.

use std::fmt;

use super::{Decode, DecodeContext};
use crate::node::{Node, Value};

impl Decode for bool {
    const TYPE_NAME: &'static str = "bool";

    fn decode(node: &Node, context: &mut DecodeContext<'_>) -> Option<Self> {
        match node.value {
            Value::Bool(value) => Some(value),
            _ => {
                context.wrong_type(node, Self::TYPE_NAME);
                None
            }
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

/// A whole number; a float loses its fraction without a word, as in Go.
fn whole_number<T: TryFrom<i128>>(node: &Node, type_name: &str, context: &mut DecodeContext<'_>) -> Option<T> {
    let number = match node.value {
        Value::Int(number) => number,
        // `as` saturates: numbers beyond any integer type are refused below.
        Value::Float(number) if number.is_finite() => number as i128,
        _ => {
            context.wrong_type(node, type_name);
            return None;
        }
    };
    let fits = T::try_from(number).ok();
    if fits.is_none() {
        context.error(node, format_args!("cannot parse value as '{type_name}': {number} overflows"));
    }
    fits
}

macro_rules! whole_numbers {
    ($($type:ty: $name:literal),*) => {$(
        impl Decode for $type {
            const TYPE_NAME: &'static str = $name;

            fn decode(node: &Node, context: &mut DecodeContext<'_>) -> Option<Self> {
                whole_number(node, Self::TYPE_NAME, context)
            }

            fn show(&self) -> String {
                self.to_string()
            }
        }
    )*};
}

// Go's `int` is ours to name: `usize` and `i64` stand where the Collector has an `int`.
whole_numbers!(u16: "uint16", u32: "uint32", u64: "uint64", usize: "int", i32: "int32", i64: "int");

impl Decode for f64 {
    const TYPE_NAME: &'static str = "float64";

    fn decode(node: &Node, context: &mut DecodeContext<'_>) -> Option<Self> {
        match node.value {
            Value::Float(number) => Some(number),
            Value::Int(number) => Some(number as f64),
            _ => {
                context.wrong_type(node, Self::TYPE_NAME);
                None
            }
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Decode for String {
    const TYPE_NAME: &'static str = "string";

    fn decode(node: &Node, context: &mut DecodeContext<'_>) -> Option<Self> {
        let text = node.as_str();
        if text.is_none() {
            context.wrong_type(node, Self::TYPE_NAME);
        }
        text.map(str::to_owned)
    }

    /// An empty environment variable is null, and the empty string for a string.
    fn decode_null(self, node: &Node) -> Self {
        node.as_str().map_or(self, str::to_owned)
    }

    fn from_null(node: &Node) -> Option<Self> {
        Some(Self::new().decode_null(node))
    }

    fn split_list(text: &str) -> Option<Vec<Self>> {
        if text.is_empty() {
            return Some(Vec::new());
        }
        Some(text.split(',').map(str::to_owned).collect())
    }

    fn show(&self) -> String {
        self.clone()
    }
}

/// A string that is never printed: a password, a token, the value of a header.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The string itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing to hide.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("[REDACTED]")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("[REDACTED]")
    }
}

impl Decode for Secret {
    const TYPE_NAME: &'static str = "string";
    const SECRET: bool = true;

    fn decode(node: &Node, context: &mut DecodeContext<'_>) -> Option<Self> {
        String::decode(node, context).map(Secret)
    }

    fn decode_null(self, node: &Node) -> Self {
        Secret(self.0.decode_null(node))
    }

    fn from_null(node: &Node) -> Option<Self> {
        String::from_null(node).map(Secret)
    }
}

/// A sub-tree that its component reads by itself.
impl Decode for Node {
    const TYPE_NAME: &'static str = "any";

    fn decode(node: &Node, _context: &mut DecodeContext<'_>) -> Option<Self> {
        Some(node.clone())
    }

    fn decode_null(self, node: &Node) -> Self {
        node.clone()
    }

    fn from_null(node: &Node) -> Option<Self> {
        Some(node.clone())
    }
}
