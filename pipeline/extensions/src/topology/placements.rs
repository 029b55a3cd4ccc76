//! Where things stood when they were last drawn, so that they stay there.

use std::sync::{Arc, Mutex, PoisonError};

use topology::layout::Placement;

/// Drawings that are remembered. One of a thousand nodes takes some 200 KB.
const MOST: usize = 64;

/// Remembers drawings, the last used ones.
///
/// A lock: two workers read and write it, once per answer each.
#[derive(Debug, Default)]
pub struct Placements(Mutex<Vec<Drawing>>);

#[derive(Debug)]
struct Drawing {
    scene: String,
    folding: String,
    placement: Arc<Placement>,
}

impl Placements {
    /// How the same `scene` stood with the same `folding` of its groups; else how it stood last.
    pub fn last(&self, scene: &str, folding: &str) -> Option<Arc<Placement>> {
        let drawings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |drawing: &&Drawing| drawing.scene == scene;
        let exact = drawings.iter().rev().filter(same).find(|drawing| drawing.folding == folding);
        exact.or_else(|| drawings.iter().rev().find(same)).map(|drawing| Arc::clone(&drawing.placement))
    }

    /// Remembers how it stands now.
    pub fn remember(&self, scene: &str, folding: &str, placement: Placement) {
        let mut drawings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        drawings.retain(|drawing| drawing.scene != scene || drawing.folding != folding);
        let excess = drawings.len().saturating_add(1).saturating_sub(MOST);
        drawings.drain(..excess);
        let (scene, folding) = (scene.to_owned(), folding.to_owned());
        drawings.push(Drawing { scene, folding, placement: Arc::new(placement) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sized(width: i32) -> Placement {
        let mut placement = Placement::default();
        placement.size = (width, 0);
        placement
    }

    fn width(placements: &Placements, scene: &str, folding: &str) -> Option<i32> {
        placements.last(scene, folding).map(|placement| placement.size.0)
    }

    #[test]
    fn a_scene_stands_as_it_stood_with_the_same_folding_or_else_last() {
        let placements = Placements::default();
        placements.remember("workloads", "expand=a", sized(1));
        placements.remember("workloads", "expand=a,b", sized(2));

        assert_eq!(width(&placements, "workloads", "expand=a"), Some(1));
        assert_eq!(width(&placements, "workloads", "expand=c"), Some(2));
        assert_eq!(width(&placements, "services", "expand=a"), None);
    }

    #[test]
    fn what_was_not_used_for_long_is_forgotten() {
        let placements = Placements::default();
        (0..=MOST).for_each(|number| placements.remember(&number.to_string(), "", sized(1)));

        assert_eq!(width(&placements, "0", ""), None);
        assert_eq!(width(&placements, "1", ""), Some(1));
    }
}
