//! Texts in which `*` stands for any letters, and networks.

use std::net::IpAddr;

/// A text in which `*` stands for any letters, also none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Pattern(pub String);

impl Pattern {
    /// True if there is no `*` in it.
    pub fn is_literal(&self) -> bool {
        !self.0.contains('*')
    }

    /// True if the text is one that it stands for. Also of a pattern: then everything that this stands for.
    pub fn matches(&self, text: &str) -> bool {
        let Some((head, tail)) = self.0.split_once('*') else { return self.0 == text };
        let Some(mut rest) = text.strip_prefix(head) else { return false };
        let mut parts = tail.split('*').peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                return rest.ends_with(part);
            }
            let Some(at) = rest.find(part) else { return false };
            rest = rest.get(at.saturating_add(part.len())..).unwrap_or_default();
        }
        true
    }
}

/// Addresses that begin alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Network {
    address: IpAddr,
    prefix: u32,
}

impl Network {
    /// Reads `203.0.113.0/24`, `2001:db8::/32`, or one address.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().ok()?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Some(longest), |prefix| prefix.parse().ok())?;
        (prefix <= longest).then_some(Self { address, prefix })
    }

    /// True if the address is in it.
    pub fn holds(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                same(u128::from(own.to_bits()) << 96, u128::from(other.to_bits()) << 96, self.prefix)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => same(own.to_bits(), other.to_bits(), self.prefix),
            _ => false,
        }
    }
}

/// True if the first `prefix` bits are the same.
fn same(one: u128, other: u128, prefix: u32) -> bool {
    let differing = one ^ other;
    prefix == 0 || differing.leading_zeros() >= prefix
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Pattern(pattern.into()).matches(text)
    }

    #[test]
    fn a_star_stands_for_any_letters() {
        assert!(matches("*.psp.example", "eu.psp.example") && !matches("*.psp.example", "psp.example"));
        assert!(matches("cart", "cart") && !matches("cart", "cart2"));
        assert!(matches("*", "") && matches("a*c*e", "abcde") && !matches("a*c*e", "abde"));
        assert!(!matches("aa*aa", "aaa"), "letters are not used twice");
    }

    #[test]
    fn a_network_holds_addresses_that_begin_alike() {
        let holds = |network: &str, address: &str| Network::parse(network).unwrap().holds(address.parse().unwrap());

        assert!(holds("203.0.113.0/24", "203.0.113.77") && !holds("203.0.113.0/24", "203.0.114.1"));
        assert!(holds("0.0.0.0/0", "198.51.100.1") && !holds("0.0.0.0/0", "::1"));
        assert!(holds("2001:db8::/32", "2001:db8:1::1") && holds("198.51.100.7", "198.51.100.7"));
        assert_eq!(Network::parse("203.0.113.0/33"), None);
        assert_eq!(Network::parse("example.com/8"), None);
    }

    proptest! {
        #[test]
        fn a_pattern_without_stars_is_itself(text in "[a-z.-]{0,12}", other in "[a-z.-]{0,12}") {
            prop_assert_eq!(matches(&text, &other), text == other);
        }

        #[test]
        fn letters_between_head_and_tail_do_not_matter(head in "[a-c]{0,3}", inner in ".{0,6}", tail in "[a-c]{0,3}") {
            let (pattern, text) = (format!("{head}*{tail}"), format!("{head}{inner}{tail}"));
            prop_assert!(matches(&pattern, &text));
        }
    }
}
