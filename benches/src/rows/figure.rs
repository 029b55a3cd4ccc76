//! Several runs of one number: the median, and how far the runs were apart.

use std::time::Duration;

/// What several runs gave.
#[derive(Debug, Clone, Default)]
pub(super) struct Figure(Vec<f64>);

impl Figure {
    pub(super) fn add(&mut self, value: f64) {
        self.0.push(value);
        self.0.sort_by(f64::total_cmp);
    }

    pub(super) fn median(&self) -> f64 {
        self.0.get(self.0.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// The median and its 95 % confidence interval. It needs no assumption on how values spread: the number of values
    /// below the true median is binomial, so two of the sorted values enclose it.
    pub(super) fn show_interval(&self, decimals: usize) -> String {
        let text = |value: Option<&f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.decimals$}"));
        let count = self.0.len();
        let reach = 0.98 * (count as f64).sqrt();
        let low = (count as f64 / 2.0 - reach).floor().max(0.0) as usize;
        let high = count.saturating_sub(low).saturating_sub(1);
        format!("{} ({}–{})", text(self.0.get(count / 2)), text(self.0.get(low)), text(self.0.get(high)))
    }

    /// The median and, when they differ at this precision, the lowest and the highest.
    pub(super) fn show(&self, decimals: usize) -> String {
        let text = |value: Option<&f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.decimals$}"));
        let (low, high) = (text(self.0.first()), text(self.0.last()));
        let median = text(self.0.get(self.0.len() / 2));
        if low == high { median } else { format!("{median} ({low}–{high})") }
    }
}

/// As the tables show it.
pub(super) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

pub(super) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

pub(super) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// "met" or by how much not.
pub(super) fn verdict(name: &str, value: f64, at_most: f64, unit: &str) -> String {
    let says = if value <= at_most { "met" } else { "**missed**" };
    format!("{name}: {value:.2} {unit} of at most {at_most} {unit}: {says}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_shows_its_spread() {
        let mut figure = Figure::default();
        [3.0, 1.0, 2.0].into_iter().for_each(|value| figure.add(value));
        assert_eq!(figure.show(1), "2.0 (1.0–3.0)");
        assert_eq!(figure.median(), 2.0);
    }

    #[test]
    fn an_interval_leaves_the_outermost_out_when_there_are_many() {
        let mut figure = Figure::default();
        (0..25).for_each(|value| figure.add(f64::from(value)));
        assert_eq!(figure.show_interval(0), "12 (7–17)");
        let mut few = Figure::default();
        [1.0, 2.0, 3.0].into_iter().for_each(|value| few.add(value));
        assert_eq!(few.show_interval(0), "2 (1–3)");
    }

    #[test]
    fn a_figure_without_spread_is_one_number() {
        let mut figure = Figure::default();
        [1.01, 1.02].into_iter().for_each(|value| figure.add(value));
        assert_eq!(figure.show(1), "1.0");
        assert_eq!(Figure::default().show(1), "–");
    }
}
