//! Numbers as Go writes them: scrapers compare label values such as `le` as text.

use std::fmt::Write;

/// Go's `%g` in its shortest form, without negative zero, the notation of the text formats: `1e+06`, `0.25`, `+Inf`.
pub(crate) fn general(value: f64) -> String {
    if let Some(word) = special(value) {
        return word.to_owned();
    }
    let scientific = format!("{value:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        return value.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    let mut text = digits.to_owned();
    // Writing to a string cannot fail.
    let _ = write!(text, "e{sign}{:02}", exponent.unsigned_abs());
    text
}

/// All digits, never an exponent: `1000000`, `0.0000001`, `+Inf`.
pub(crate) fn decimal(value: f64) -> String {
    special(value).map_or_else(|| value.to_string(), str::to_owned)
}

fn special(value: f64) -> Option<&'static str> {
    match value {
        0.0 => Some("0"),
        _ if value.is_nan() => Some("NaN"),
        f64::INFINITY => Some("+Inf"),
        f64::NEG_INFINITY => Some("-Inf"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_general_notation_is_that_of_go() {
        let cases = [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (0.25, "0.25"),
            (123_456.0, "123456"),
            (1_000_000.0, "1e+06"),
            (123_456_789.5, "1.234567895e+08"),
            (1e21, "1e+21"),
            (1e-4, "0.0001"),
            (1.5e-5, "1.5e-05"),
            (1e-128, "1e-128"),
            (-2.5, "-2.5"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ];
        for (value, expected) in cases {
            assert_eq!(general(value), expected);
        }
    }

    #[test]
    fn the_decimal_notation_has_no_exponent() {
        for (value, expected) in [(1e7, "10000000"), (1e-7, "0.0000001"), (0.5, "0.5"), (f64::INFINITY, "+Inf")] {
            assert_eq!(decimal(value), expected);
        }
    }
}
