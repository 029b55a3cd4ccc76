//! Names that occur again and again are kept once.

use foldhash::fast::RandomState;
use hashbrown::HashSet;
use topology::Name;

/// Most names that are kept; a full table starts over. Names in use live on with their users.
const MOST: usize = 65_536;

/// A table of names.
#[derive(Debug, Default)]
pub(super) struct Names {
    known: HashSet<Name, RandomState>,
}

impl Names {
    /// The name, kept once; no allocation for a known one.
    pub(super) fn get(&mut self, name: &str) -> Name {
        if let Some(known) = self.known.get(name) {
            return Name::clone(known);
        }
        if self.known.len() >= MOST {
            self.known.clear();
        }
        let name = Name::from(name);
        self.known.insert(Name::clone(&name));
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_names_takes_bounded_memory_and_names_in_use_stay() {
        let mut names = Names::default();
        let early = names.get("early");
        assert!(std::sync::Arc::ptr_eq(&early, &names.get("early")));

        for name in 0..100_000 {
            names.get(&name.to_string());
        }

        assert!(names.known.len() <= MOST);
        assert_eq!(&*early, "early");
    }
}
