//! The labels of one series.

use std::ops::Range;

use super::{LabelNamer, NameError};

/// Labels under construction, sorted by name when finished. Reused from series to series: no allocation per label.
#[derive(Debug, Default, Clone)]
pub(crate) struct Labels {
    text: String,
    pairs: Vec<Pair>,
}

#[derive(Debug, Clone)]
struct Pair {
    /// The attribute that it comes from: decides the order of values that meet under one name.
    source: Range<usize>,
    name: Range<usize>,
    value: Range<usize>,
}

impl Labels {
    /// Starts over.
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.pairs.clear();
    }

    /// Adds what an attribute says. A later attribute of the same key replaces an earlier one.
    pub(crate) fn attribute(&mut self, namer: LabelNamer, key: &str, value: &str) -> Result<(), NameError> {
        let start = self.text.len();
        namer.write(key, &mut self.text)?;
        let name = start..self.text.len();
        let source = self.keep(key);
        let value = self.keep(value);
        self.pairs.push(Pair { source, name, value });
        Ok(())
    }

    /// Sorts by name. Attributes that share a name share a label: their values, in the order of keys, joined by `;`.
    pub(crate) fn merge(&mut self) {
        let text = std::mem::take(&mut self.text);
        let at = |range: &Range<usize>| text.get(range.clone()).unwrap_or_default();
        self.pairs.sort_by(|a, b| (at(&a.name), at(&a.source)).cmp(&(at(&b.name), at(&b.source))));
        let shared = self.pairs.is_sorted_by(|a, b| at(&a.name) != at(&b.name));
        self.text = text;
        if !shared {
            self.join();
        }
    }

    /// One label for each name. Linear in the text, also when thousands of attributes share a name.
    fn join(&mut self) {
        let mut added = String::new();
        let mut joined = Vec::with_capacity(self.pairs.len());
        for run in self.pairs.chunk_by(|a, b| self.at(&a.name) == self.at(&b.name)) {
            let start = added.len();
            for same_key in run.chunk_by(|a, b| self.at(&a.source) == self.at(&b.source)) {
                let value = same_key.last().map_or("", |pair| self.at(&pair.value));
                let said = added.get(start..).unwrap_or_default();
                if said == value {
                    continue;
                }
                if !said.is_empty() {
                    added.push(';');
                }
                added.push_str(value);
            }
            let base = self.text.len();
            let value = base.saturating_add(start)..base.saturating_add(added.len());
            joined.extend(run.first().map(|first| Pair { value, ..first.clone() }));
        }
        self.text.push_str(&added);
        self.pairs = joined;
    }

    /// Gives a label this value, whatever it had. Only after [`Labels::merge`].
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        let value = self.keep(value);
        match self.find(name) {
            Ok(at) => {
                if let Some(pair) = self.pairs.get_mut(at) {
                    pair.value = value;
                }
            }
            Err(at) => self.insert(at, name, value),
        }
    }

    /// Gives a label this value if it has none. Only after [`Labels::merge`].
    pub(crate) fn set_if_absent(&mut self, name: &str, value: &str) {
        if let Err(at) = self.find(name) {
            let value = self.keep(value);
            self.insert(at, name, value);
        }
    }

    /// Names and values, sorted by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|pair| (self.at(&pair.name), self.at(&pair.value)))
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        self.pairs.binary_search_by(|pair| self.at(&pair.name).cmp(name))
    }

    fn insert(&mut self, at: usize, name: &str, value: Range<usize>) {
        let name = self.keep(name);
        self.pairs.insert(at, Pair { source: 0..0, name, value });
    }

    fn keep(&mut self, text: &str) -> Range<usize> {
        let start = self.text.len();
        self.text.push_str(text);
        start..self.text.len()
    }

    fn at(&self, range: &Range<usize>) -> &str {
        self.text.get(range.clone()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMER: LabelNamer = LabelNamer { utf8: false };

    fn text(labels: &Labels) -> String {
        let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join(" ")
    }

    #[test]
    fn labels_are_sorted_and_values_under_one_name_are_joined() {
        let mut labels = Labels::default();
        for (key, value) in [("z", "1"), ("a_b", "2"), ("a.b", "1"), ("a-b", "1"), ("B", "x")] {
            labels.attribute(NAMER, key, value).unwrap();
        }

        labels.merge();

        assert_eq!(text(&labels), "B=x a_b=1;2 z=1");
    }

    #[test]
    fn a_later_attribute_of_the_same_key_wins() {
        let mut labels = Labels::default();
        labels.attribute(NAMER, "host.name", "point").unwrap();
        labels.attribute(NAMER, "host.name", "resource").unwrap();

        labels.merge();

        assert_eq!(text(&labels), "host_name=resource");
    }

    #[test]
    fn set_replaces_and_set_if_absent_does_not() {
        let mut labels = Labels::default();
        labels.attribute(NAMER, "job", "mine").unwrap();
        labels.merge();

        labels.set("job", "ours");
        labels.set("instance", "i");
        labels.set_if_absent("job", "theirs");
        labels.set_if_absent("zone", "z");

        assert_eq!(text(&labels), "instance=i job=ours zone=z");
    }
}
