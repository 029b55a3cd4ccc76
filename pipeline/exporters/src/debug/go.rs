//! Numbers, times and ids as Go prints them.

use std::fmt;

/// A number as `%f` prints it.
pub(crate) struct Fixed(pub(crate) f64);

impl fmt::Display for Fixed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match not_finite(self.0) {
            Some(name) => out.write_str(name),
            None => write!(out, "{:.6}", self.0),
        }
    }
}

/// A number as `%v` prints it: the shortest digits that mean it, with an exponent below 1e-4 and from 1e6 on.
pub(crate) struct Shortest(pub(crate) f64);

impl fmt::Display for Shortest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = not_finite(self.0) {
            return out.write_str(name);
        }
        let scientific = format!("{:e}", self.0);
        let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        let exponent: i32 = exponent.parse().unwrap_or(0);
        if (-4..6).contains(&exponent) {
            return write!(out, "{}", self.0);
        }
        let sign = if exponent < 0 { '-' } else { '+' };
        write!(out, "{digits}e{sign}{:02}", exponent.unsigned_abs())
    }
}

fn not_finite(value: f64) -> Option<&'static str> {
    match value {
        value if value.is_nan() => Some("NaN"),
        value if value == f64::INFINITY => Some("+Inf"),
        value if value == f64::NEG_INFINITY => Some("-Inf"),
        _ => None,
    }
}

/// Nanoseconds since 1970 as `time.Time` prints itself in UTC.
pub(crate) struct Timestamp(pub(crate) u64);

impl fmt::Display for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NANOS: i64 = 1_000_000_000;
        // Go takes the number as a signed one too.
        let nanos = self.0.cast_signed();
        let (seconds, fraction) = (nanos.div_euclid(NANOS), nanos.rem_euclid(NANOS));
        let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = civil(days);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(out, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")?;
        if fraction > 0 {
            let digits = format!("{fraction:09}");
            write!(out, ".{}", digits.trim_end_matches('0'))?;
        }
        out.write_str(" +0000 UTC")
    }
}

/// Year, month and day of a day since 1970-01-01, by the proleptic Gregorian calendar.
///
/// Years are counted from March, so that the odd day of a leap year is their last; then 400 of them are 146,097 days.
pub(crate) fn civil(days: i64) -> (i64, i64, i64) {
    let days = days.saturating_add(719_468);
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

/// A trace or span id; nothing if it is all zeros.
pub(crate) struct Id<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Id<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.iter().all(|byte| *byte == 0) {
            return Ok(());
        }
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_dates_in_utc() {
        let cases = [
            (0, "1970-01-01 00:00:00 +0000 UTC"),
            (951_782_400_000_000_000, "2000-02-29 00:00:00 +0000 UTC"),
            (951_868_799_999_999_999, "2000-02-29 23:59:59.999999999 +0000 UTC"),
            (4_107_542_400_000_000_000, "2100-03-01 00:00:00 +0000 UTC"),
            (1_544_712_660_300_000_000, "2018-12-13 14:51:00.3 +0000 UTC"),
            (u64::MAX, "1969-12-31 23:59:59.999999999 +0000 UTC"),
            (1 << 63, "1677-09-21 00:12:43.145224192 +0000 UTC"),
        ];
        for (nanos, expected) in cases {
            assert_eq!(Timestamp(nanos).to_string(), expected);
        }
    }

    #[test]
    fn shortest_numbers_change_their_form_with_their_size() {
        let cases = [
            (999_999.0, "999999"),
            (1_000_000.0, "1e+06"),
            (123_456.5, "123456.5"),
            (1_234_567.5, "1.2345675e+06"),
            (1e21, "1e+21"),
            (0.000_1, "0.0001"),
            (0.000_025, "2.5e-05"),
            (-0.0, "-0"),
        ];
        for (number, expected) in cases {
            assert_eq!(Shortest(number).to_string(), expected);
        }
    }

    #[test]
    fn ids_are_hexadecimal_and_zeros_are_none() {
        assert_eq!(Id(&[0, 171, 16]).to_string(), "00ab10");
        assert_eq!(Id(&[0; 8]).to_string(), "");
    }
}
