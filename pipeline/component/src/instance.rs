//! Which process this is, among all that send the same data.

use std::hash::{BuildHasher, RandomState};

/// A random UUID (version 4).
pub(crate) fn random_id() -> String {
    // The standard library seeds its hashers from the system's source of randomness.
    let random = |salt: u8| u128::from(RandomState::new().hash_one(salt));
    uuid(random(0) << 64 | random(1))
}

fn uuid(random: u128) -> String {
    const VERSION: u128 = 0xf << 76;
    const VARIANT: u128 = 0b11 << 62;
    let bits = random & !VERSION & !VARIANT | 4 << 76 | 0b10 << 62;
    let digits = format!("{bits:032x}");
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| digits.get(part).unwrap_or_default().to_owned());
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_says_that_it_is_random() {
        assert_eq!(uuid(u128::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(uuid(0), "00000000-0000-4000-8000-000000000000");
        assert_ne!(random_id(), random_id());
    }
}
