//! Sizes in bytes: `65536`, `64KiB`, `8MiB`.

use std::fmt;

use super::{Decode, DecodeContext};
use crate::node::{Node, Value};

const UNITS: [(&str, u64); 9] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
];

/// A number of bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(pub u64);

/// A text that is no size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid size {0:?}")]
pub struct SizeError(String);

impl ByteSize {
    /// That many times 1024 bytes.
    pub const fn kib(count: u64) -> Self {
        Self(count.saturating_mul(1 << 10))
    }

    /// That many times 1024 * 1024 bytes.
    pub const fn mib(count: u64) -> Self {
        Self(count.saturating_mul(1 << 20))
    }

    /// The bytes.
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// The bytes as a length in memory; saturates where memory cannot be that large.
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    /// Reads a number with or without a unit.
    pub fn parse(text: &str) -> Result<Self, SizeError> {
        let error = || SizeError(text.to_owned());
        let trimmed = text.trim();
        let end = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
        let (number, unit) = trimmed.split_at(end);
        let factor = match unit.trim_start() {
            "" => 1,
            unit => UNITS.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor).ok_or_else(error)?,
        };
        if let Ok(whole) = number.parse::<u64>() {
            return whole.checked_mul(factor).map(ByteSize).ok_or_else(error);
        }
        let bytes = number.parse::<f64>().map_err(|_| error())? * factor as f64;
        if bytes < u64::MAX as f64 { Ok(ByteSize(bytes as u64)) } else { Err(error()) }
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = UNITS.iter().take(5).rev().find(|(_, size)| self.0 >= *size && self.0.is_multiple_of(*size));
        match unit {
            Some((name, size)) if *size > 1 => write!(out, "{}{name}", self.0 / size),
            _ => write!(out, "{}", self.0),
        }
    }
}

impl Decode for ByteSize {
    const TYPE_NAME: &'static str = "size";

    fn decode(node: &Node, context: &mut DecodeContext<'_>) -> Option<Self> {
        match &node.value {
            Value::Int(_) => u64::decode(node, context).map(ByteSize),
            Value::String(text) => match ByteSize::parse(text) {
                Ok(size) => Some(size),
                Err(error) => {
                    let help = "sizes are bytes, or numbers with KiB, MiB, GiB, KB, MB, GB".to_owned();
                    context.error_with_help(node.mark, error, Some(help));
                    None
                }
            },
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
