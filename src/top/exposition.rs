//! Reads the Prometheus text format, as far as service-graph metrics need it.

/// One line of an exposition.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Metric name with its suffix.
    pub name: String,
    /// Labels in the order of the line.
    pub labels: Vec<(String, String)>,
    /// Value.
    pub value: f64,
}

impl Sample {
    /// The value of a label, or nothing.
    pub fn label(&self, name: &str) -> &str {
        self.labels.iter().find(|(label, _)| label == name).map_or("", |(_, value)| value)
    }
}

/// All samples of a text whose names begin with `prefix`. Lines that are not samples are skipped.
pub fn samples<'a>(text: &'a str, prefix: &'a str) -> impl Iterator<Item = Sample> + 'a {
    text.lines().filter(move |line| line.starts_with(prefix)).filter_map(sample)
}

fn sample(line: &str) -> Option<Sample> {
    let end_of_name = line.find(['{', ' '])?;
    let (name, rest) = line.split_at(end_of_name);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (Vec::new(), rest),
    };
    let value = rest.split_ascii_whitespace().next()?.parse().ok()?;
    Some(Sample { name: name.into(), labels, value })
}

/// The labels up to the closing brace, and what follows it.
fn labels(mut rest: &str) -> Option<(Vec<(String, String)>, &str)> {
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start_matches([',', ' ']);
        if let Some(rest) = rest.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (name, after) = rest.split_once("=\"")?;
        let (value, after) = quoted(after)?;
        labels.push((name.into(), value));
        rest = after;
    }
}

/// A string up to its closing quote, unescaped, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((position, character)) = characters.next() {
        match character {
            '"' => return Some((value, text.get(position + 1..)?)),
            '\\' => match characters.next()?.1 {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_with_labels_escapes_and_a_timestamp_is_read() {
        let text = "# TYPE a counter\na_total{client=\"x\\\"y\",server=\"b\"} 3 1700000000\nother 1\n";

        let read: Vec<_> = samples(text, "a_").collect();

        assert_eq!(read.len(), 1);
        assert_eq!(read[0].label("client"), "x\"y");
        assert_eq!(read[0].label("server"), "b");
        assert_eq!(read[0].value, 3.0);
    }

    #[test]
    fn a_cut_line_is_skipped() {
        assert_eq!(samples("a_total{client=\"x", "a_").count(), 0);
        assert_eq!(samples("a_total{client=\"x\"} ", "a_").count(), 0);
    }
}
