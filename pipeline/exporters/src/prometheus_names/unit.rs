//! Units: UCUM codes become the words that Prometheus users expect.

/// Words for what is measured.
const UNITS: &[(&str, &str)] = &[
    ("d", "days"),
    ("h", "hours"),
    ("min", "minutes"),
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("us", "microseconds"),
    ("ns", "nanoseconds"),
    ("By", "bytes"),
    ("KiBy", "kibibytes"),
    ("MiBy", "mebibytes"),
    ("GiBy", "gibibytes"),
    ("TiBy", "tibibytes"),
    ("KBy", "kilobytes"),
    ("MBy", "megabytes"),
    ("GBy", "gigabytes"),
    ("TBy", "terabytes"),
    ("m", "meters"),
    ("V", "volts"),
    ("A", "amperes"),
    ("J", "joules"),
    ("W", "watts"),
    ("g", "grams"),
    ("Cel", "celsius"),
    ("Hz", "hertz"),
    ("1", ""),
    ("%", "percent"),
];

/// Words for what it is measured per.
const PER: &[(&str, &str)] =
    &[("s", "second"), ("m", "minute"), ("h", "hour"), ("d", "day"), ("w", "week"), ("mo", "month"), ("y", "year")];

/// A unit in words: `By/s` is `bytes` and `per_second`. Either may be empty.
pub(super) struct Words {
    pub(super) main: String,
    pub(super) per: String,
}

impl Words {
    /// Reads a unit. An annotation in braces says what is counted, not in what: it has no word.
    pub(super) fn of(unit: &str) -> Self {
        let (main, per) = unit.split_once('/').unwrap_or((unit, ""));
        let per = word(per, PER);
        let per = if per.is_empty() { String::new() } else { format!("per_{per}") };
        Self { main: word(main, UNITS).to_owned(), per }
    }

    /// With nothing but characters of metric names in them.
    pub(super) fn escaped(self) -> Self {
        Self { main: escape(&self.main), per: escape(&self.per) }
    }
}

fn word<'a>(code: &'a str, words: &[(&str, &'static str)]) -> &'a str {
    let code = code.trim();
    if code.contains(['{', '}']) {
        return "";
    }
    words.iter().find(|(known, _)| *known == code).map_or(code, |(_, word)| word)
}

fn escape(word: &str) -> String {
    let mut escaped = String::with_capacity(word.len());
    for character in word.chars() {
        let plain = if character.is_ascii_alphanumeric() || character == ':' { character } else { '_' };
        if plain != '_' || !(escaped.is_empty() || escaped.ends_with('_')) {
            escaped.push(plain);
        }
    }
    let trimmed = escaped.trim_end_matches('_').len();
    escaped.truncate(trimmed);
    escaped
}

/// The unit as metadata names it: `bytes_per_second`.
pub(crate) fn unit_word(unit: &str) -> String {
    let Words { main, per } = Words::of(unit).escaped();
    match (main.is_empty(), per.is_empty()) {
        (false, false) => format!("{main}_{per}"),
        (true, _) => per,
        (_, true) => main,
    }
}
