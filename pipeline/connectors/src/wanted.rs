//! Finds several attributes in one pass.

use pdata::{Attributes, ValueView};

/// The keys of wanted attributes; each has a place.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    keys: Vec<Box<str>>,
    /// Bit n is set if a key has n bytes (modulo 64): most attributes are passed over by this alone.
    lengths: u64,
}

impl Wanted {
    /// The keys get the places 0, 1, ...
    pub(crate) fn new<K: AsRef<str>>(keys: &[K]) -> Self {
        let mut wanted = Self::default();
        for key in keys {
            wanted.push(key.as_ref());
        }
        wanted
    }

    /// The place of a key that is wanted from now on.
    pub(crate) fn place(&mut self, key: &str) -> usize {
        let known = self.keys.iter().position(|known| &**known == key);
        known.unwrap_or_else(|| self.push(key))
    }

    fn push(&mut self, key: &str) -> usize {
        self.lengths |= length_bit(key.as_bytes());
        self.keys.push(key.into());
        self.keys.len() - 1
    }

    /// How many keys are wanted.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Puts the values that are there at their places. Of several with the same key the first counts.
    pub(crate) fn find<'a>(&self, attributes: Attributes<'a>, found: &mut [Option<ValueView<'a>>]) {
        if self.keys.is_empty() {
            return;
        }
        for attribute in attributes {
            let key = attribute.key_bytes();
            if self.lengths & length_bit(key) == 0 {
                continue;
            }
            for (wanted, value) in self.keys.iter().zip(&mut *found) {
                if value.is_none() && wanted.as_bytes() == key {
                    *value = Some(attribute.value());
                }
            }
        }
    }
}

fn length_bit(key: &[u8]) -> u64 {
    1 << (key.len() % 64)
}
