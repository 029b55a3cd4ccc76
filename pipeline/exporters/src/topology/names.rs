//! How long names may be.

/// Longest name in bytes: Kubernetes and DNS allow 253.
pub(super) const LONGEST: usize = 256;

/// At most `longest` bytes of a text, cut between characters. What comes from outside passes here before it is kept: the
/// number of names is bounded elsewhere, their length here.
pub(super) fn shortened(text: &str, longest: usize) -> &str {
    text.get(..text.floor_char_boundary(longest)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_cut_between_characters() {
        assert_eq!(
            [shortened("cart", 4), shortened("cart", 3), shortened("caré", 4), shortened("", 0)],
            ["cart", "car", "car", ""]
        );
    }
}
