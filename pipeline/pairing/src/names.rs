//! Names that occur again and again are kept once.

use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashSet;

/// Most names that are kept; a full table starts over. Names in use live on with their users.
const MOST: usize = 65_536;

/// A table of names.
#[derive(Debug, Default)]
pub struct Names {
    known: HashSet<Arc<str>, RandomState>,
}

impl Names {
    /// The name, kept once; no allocation for a known one.
    pub fn get(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.known.get(name) {
            return Arc::clone(known);
        }
        if self.known.len() >= MOST {
            self.known.clear();
        }
        let name: Arc<str> = name.into();
        self.known.insert(Arc::clone(&name));
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_name_is_kept_once() {
        let mut names = Names::default();

        assert!(Arc::ptr_eq(&names.get("cart"), &names.get("cart")));
        assert_eq!(&*names.get("front"), "front");
    }

    #[test]
    fn any_number_of_names_takes_bounded_memory() {
        let mut names = Names::default();
        let early = names.get("early");

        for name in 0..100_000 {
            names.get(&name.to_string());
        }

        assert!(names.known.len() <= MOST);
        assert_eq!(&*early, "early");
    }
}
