//! Durations in Go's syntax: `1h30m`, `0.5s`, `1400ms`.

use std::fmt;
use std::time::Duration;

use super::{Decode, DecodeContext};
use crate::node::{Node, Value};

const UNITS: [(&str, i64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// A Go duration: whole nanoseconds, possibly negative (a component's rules say whether that makes sense).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GoDuration {
    nanoseconds: i64,
}

/// Why a text is no duration; Go's sentences.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Not a sequence of numbers with units.
    #[error("time: invalid duration {0:?}")]
    Invalid(String),
    /// A number without a unit.
    #[error("time: missing unit in duration {0:?}")]
    MissingUnit(String),
    /// A unit that Go does not know.
    #[error("time: unknown unit {unit:?} in duration {duration:?}")]
    UnknownUnit {
        /// The unit.
        unit: String,
        /// The whole text.
        duration: String,
    },
}

impl GoDuration {
    /// That many seconds.
    pub const fn seconds(seconds: i64) -> Self {
        Self { nanoseconds: seconds.saturating_mul(1_000_000_000) }
    }

    /// That many milliseconds.
    pub const fn milliseconds(milliseconds: i64) -> Self {
        Self { nanoseconds: milliseconds.saturating_mul(1_000_000) }
    }

    /// That many nanoseconds.
    pub const fn nanoseconds(nanoseconds: i64) -> Self {
        Self { nanoseconds }
    }

    /// The nanoseconds, below zero for a negative duration.
    pub const fn as_nanoseconds(self) -> i64 {
        self.nanoseconds
    }

    /// The duration; zero if it is negative.
    pub fn as_duration(self) -> Duration {
        Duration::from_nanos(u64::try_from(self.nanoseconds).unwrap_or(0))
    }

    /// Whether it is exactly zero.
    pub const fn is_zero(self) -> bool {
        self.nanoseconds == 0
    }

    /// Whether it is below zero.
    pub const fn is_negative(self) -> bool {
        self.nanoseconds < 0
    }

    /// Reads Go's syntax (`time.ParseDuration`).
    pub fn parse(text: &str) -> Result<Self, DurationError> {
        let invalid = || DurationError::Invalid(text.to_owned());
        let (negative, mut rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        if rest == "0" {
            return Ok(Self::default());
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        let mut total: i64 = 0;
        while !rest.is_empty() {
            let (number, after) = split_while(rest, |c| c.is_ascii_digit() || c == '.');
            if !number.contains(|c: char| c.is_ascii_digit()) || number.matches('.').count() > 1 {
                return Err(invalid());
            }
            let (unit, after) = split_while(after, |c| c != '.' && !c.is_ascii_digit());
            if unit.is_empty() {
                return Err(DurationError::MissingUnit(text.to_owned()));
            }
            let known = UNITS.iter().find(|(name, _)| *name == unit);
            let (_, size) =
                known.ok_or_else(|| DurationError::UnknownUnit { unit: unit.to_owned(), duration: text.to_owned() })?;
            total = scaled(number, *size).and_then(|part| total.checked_add(part)).ok_or_else(invalid)?;
            rest = after;
        }
        Ok(Self { nanoseconds: if negative { total.saturating_neg() } else { total } })
    }
}

fn split_while(text: &str, wanted: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !wanted(c)).unwrap_or(text.len()))
}

/// `number` (digits with at most one point) times `unit`, or `None` when it does not fit.
fn scaled(number: &str, unit: i64) -> Option<i64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut nanoseconds = whole.checked_mul(unit)?;
    if !fraction.is_empty() {
        let fraction: f64 = format!("0.{fraction}").parse().ok()?;
        nanoseconds = nanoseconds.checked_add((fraction * unit as f64) as i64)?;
    }
    Some(nanoseconds)
}

impl From<Duration> for GoDuration {
    fn from(duration: Duration) -> Self {
        Self { nanoseconds: i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX) }
    }
}

/// As people write it: the largest units that fit, `1h30m`, `500ms`.
impl fmt::Display for GoDuration {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nanoseconds == 0 {
            return out.write_str("0s");
        }
        if self.nanoseconds < 0 {
            out.write_str("-")?;
        }
        let mut rest = self.nanoseconds.unsigned_abs();
        for (name, size) in [
            ("h", 3_600_000_000_000),
            ("m", 60_000_000_000),
            ("s", 1_000_000_000),
            ("ms", 1_000_000),
            ("us", 1_000),
            ("ns", 1),
        ] {
            if rest >= size {
                write!(out, "{}{name}", rest / size)?;
                rest %= size;
            }
        }
        Ok(())
    }
}

impl Decode for GoDuration {
    const TYPE_NAME: &'static str = "duration";

    fn decode(node: &Node, context: &mut DecodeContext<'_>) -> Option<Self> {
        let number = match node.value {
            Value::Int(number) => number,
            Value::Float(number) if number.is_finite() => number as i128,
            Value::String(ref text) => {
                return match GoDuration::parse(text) {
                    Ok(duration) => Some(duration),
                    Err(error) => {
                        let help = "durations are numbers with units: 5s, 500ms, 1h30m".to_owned();
                        context.error_with_help(node.mark, error, Some(help));
                        None
                    }
                };
            }
            _ => {
                context.wrong_type(node, "time.Duration");
                return None;
            }
        };
        let nanoseconds = i64::try_from(number).ok();
        match nanoseconds {
            None => context.error(node, format_args!("{number} overflows a duration")),
            Some(0) => {}
            Some(_) => {
                let help = Some(format!("write `{number}s` if seconds are meant"));
                context.warn(node.mark, format_args!("has no unit: {number} means {number} nanoseconds"), help);
            }
        }
        nanoseconds.map(|nanoseconds| GoDuration { nanoseconds })
    }

    fn show(&self) -> String {
        self.to_string()
    }
}
