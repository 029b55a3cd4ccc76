//! Moments as people write them: `now`, `-10m`, `2026-11-24T21:00:00Z`, seconds or milliseconds since 1970.
//!
//! In this room: reading and writing moments and spans of time.
//! Not here: what the time is: `now` is passed in.
//!
//! Enter at [`Moment::read`].

use crate::{Moment, SECOND};

/// A text that is no moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no time; write `now`, `-10m`, `-2h30m`, `2026-11-24T21:00:00Z`, or seconds or milliseconds since 1970"
)]
pub struct BadTime(pub String);

const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// Ten years: longer than anything is kept.
const LONGEST_SPAN: u64 = 3650 * DAY;

/// Units of spans, longest spelling first where one begins another.
const UNITS: &[(&str, u64)] =
    &[("ms", 1_000_000), ("w", 7 * DAY), ("d", DAY), ("h", HOUR), ("m", MINUTE), ("s", SECOND)];

impl Moment {
    /// Reads a moment; what is relative is relative to `now`.
    ///
    /// # Errors
    ///
    /// [`BadTime`] says what can be written.
    pub fn read(text: &str, now: Self) -> Result<Self, BadTime> {
        let bad = || BadTime(text.to_owned());
        if text == "now" {
            return Ok(now);
        }
        if let Some(span) = text.strip_prefix('-') {
            return Ok(now.minus(span_of(span).ok_or_else(bad)?));
        }
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return since_1970(text).ok_or_else(bad);
        }
        Self::of_rfc3339(text).ok_or_else(bad)
    }

    /// Reads RFC 3339, with any offset, a `T` or a blank, and up to nanoseconds.
    pub fn of_rfc3339(text: &str) -> Option<Self> {
        let (date, rest) = text.split_at_checked(10)?;
        let rest = rest.strip_prefix(['T', 't', ' '])?;
        let (clock, rest) = rest.split_at_checked(8)?;
        let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
        let [hour, minute, second] = numbers(clock, ':', [2, 2, 2])?;
        let is_date = (1970..=2500).contains(&year) && (1..=days_of(year, month)?).contains(&day);
        if !is_date || hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let (fraction, zone) = match rest.strip_prefix('.') {
            Some(rest) => rest.split_at(rest.find(|letter: char| !letter.is_ascii_digit())?),
            None => ("0", rest),
        };
        if fraction.is_empty() || fraction.len() > 9 {
            return None;
        }
        let fraction: u64 = format!("{fraction:0<9}").parse().ok()?;
        let seconds = days_since_1970(year, month, day).checked_mul(86_400)?;
        let seconds = seconds.checked_add(hour * 3600 + minute * 60 + second)?;
        let seconds = i64::try_from(seconds).ok()?.checked_sub(offset(zone)?)?;
        u64::try_from(seconds).ok()?.checked_mul(SECOND)?.checked_add(fraction).map(Self)
    }

    /// Writes RFC 3339 in UTC; a fraction only if there is one.
    pub fn to_rfc3339(self) -> String {
        let (seconds, fraction) = (self.0 / SECOND, self.0 % SECOND);
        let (days, clock) = (seconds / 86_400, seconds % 86_400);
        let (year, month, day) = date_of(days);
        let (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60);
        let date = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
        if fraction == 0 {
            return format!("{date}Z");
        }
        let fraction = format!("{fraction:09}");
        format!("{date}.{}Z", fraction.trim_end_matches('0'))
    }
}

/// Reads a span of time such as `90s`, `2h30m`, `1.5h`, `7d`, in nanoseconds.
pub fn span_of(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut sum = 0_u64;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (number, after) = rest.split_at(digits);
        let (unit, nanoseconds) = UNITS.iter().find(|(unit, _)| after.starts_with(unit))?;
        let part = number.parse::<f64>().ok()? * (*nanoseconds as f64);
        let part = Some(part).filter(|part| (0.0..=LONGEST_SPAN as f64).contains(part))?;
        sum = sum.checked_add(part as u64)?;
        rest = after.get(unit.len()..)?;
    }
    (!text.is_empty()).then_some(sum)
}

fn since_1970(digits: &str) -> Option<Moment> {
    let unit = match digits.len() {
        ..=11 => SECOND,
        12..=14 => 1_000_000,
        18..=20 => 1,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit).map(Moment)
}

fn numbers(text: &str, separator: char, widths: [usize; 3]) -> Option<[u64; 3]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; 3];
    for (number, width) in numbers.iter_mut().zip(widths) {
        let part = parts.next()?;
        let is_number = part.len() == width && part.bytes().all(|byte| byte.is_ascii_digit());
        *number = part.parse().ok().filter(|_| is_number)?;
    }
    parts.next().is_none().then_some(numbers)
}

/// Seconds to take off for a zone such as `Z` or `+08:00`.
fn offset(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "z") {
        return Some(0);
    }
    let (sign, clock) = zone.split_at_checked(1)?;
    let (hours, minutes) = clock.split_once(':')?;
    let [hours, minutes] = [hours, minutes].map(|part| part.parse::<i64>().ok().filter(|_| part.len() == 2));
    let (hours, minutes) = (hours.filter(|hours| (0..=23).contains(hours))?, minutes.filter(|m| (0..=59).contains(m))?);
    let seconds = hours * 3600 + minutes * 60;
    match sign {
        "+" => Some(seconds),
        "-" => Some(-seconds),
        _ => None,
    }
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_of(year: u64, month: u64) -> Option<u64> {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 => Some(if is_leap(year) { 29 } else { 28 }),
        _ => None,
    }
}

/// Of a date since 1970. Years are counted from March, so that the leap day is the last of its year.
fn days_since_1970(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    // 719,468 days lie between March of the year 0 and 1970.
    (year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1).saturating_sub(719_468)
}

/// Year, month and day that many days after the first of 1970; the inverse of [`days_since_1970`].
pub(crate) fn date_of(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let year = era * 400 + year_of_era;
    if month < 10 { (year, month + 3, day) } else { (year + 1, month - 9, day) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Moment = Moment(1_700_000_000 * SECOND);

    fn reads(text: &str) -> Option<u64> {
        Moment::read(text, NOW).ok().map(|moment| moment.0)
    }

    #[test]
    fn relative_times_count_back_from_now() {
        assert_eq!(reads("now"), Some(NOW.0));
        assert_eq!(reads("-10m"), Some(NOW.0 - 600 * SECOND));
        assert_eq!(reads("-2h30m"), Some(NOW.0 - 9000 * SECOND));
        assert_eq!(reads("-1.5s"), Some(NOW.0 - 1_500_000_000));
        assert_eq!(reads("-1d"), Some(NOW.0 - 86_400 * SECOND));
    }

    #[test]
    fn absolute_times_are_dates_with_a_zone_or_counts_since_1970() {
        assert_eq!(reads("2023-11-14T22:13:20Z"), Some(NOW.0));
        assert_eq!(reads("2023-11-15T06:13:20.5+08:00"), Some(NOW.0 + 500_000_000));
        assert_eq!(reads("1700000000"), Some(NOW.0));
        assert_eq!(reads("1700000000000"), Some(NOW.0));
        assert_eq!(reads("1700000000000000000"), Some(NOW.0));
    }

    #[test]
    fn anything_else_is_refused_with_examples() {
        for text in ["", "-", "-10", "-10x", "yesterday", "2023-02-29T00:00:00Z", "2023-11-14", "123456789012345"] {
            let error = Moment::read(text, NOW).unwrap_err().to_string();
            assert!(error.contains("-10m"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(nanoseconds in 0..4_000_000_000_000_000_000_u64) {
            let moment = Moment(nanoseconds);

            prop_assert_eq!(Moment::of_rfc3339(&moment.to_rfc3339()), Some(moment));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[-+0-9TZ:.a-z ]{0,30}") {
            let _ = Moment::read(&text, NOW);
        }

        #[test]
        fn any_letters_are_read_or_refused(text in ".{0,30}") {
            let _ = Moment::read(&text, NOW);
        }
    }
}
