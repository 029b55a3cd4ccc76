//! Values in the order in which they came, any of which can be taken out at once.

/// A list in a vector: places that are free are used again, the last one first, so that few of them are touched while
/// little waits.
#[derive(Debug)]
pub(crate) struct Arrivals<T> {
    slots: Vec<Slot<T>>,
    oldest: Option<usize>,
    newest: Option<usize>,
    /// Free places, each with the next one in `after`.
    free: Option<usize>,
    len: usize,
}

#[derive(Debug)]
struct Slot<T> {
    value: Option<T>,
    before: Option<usize>,
    after: Option<usize>,
}

impl<T> Default for Arrivals<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), oldest: None, newest: None, free: None, len: 0 }
    }
}

impl<T> Arrivals<T> {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Adds a value, the newest, and tells its place.
    pub(crate) fn push(&mut self, value: T) -> usize {
        let slot = Slot { value: Some(value), before: self.newest, after: None };
        let place = match self.free.and_then(|place| self.slots.get_mut(place).map(|free| (place, free))) {
            Some((place, free)) => {
                self.free = free.after;
                *free = slot;
                place
            }
            None => {
                self.slots.push(slot);
                self.slots.len() - 1
            }
        };
        match self.newest.and_then(|newest| self.slots.get_mut(newest)) {
            Some(newest) => newest.after = Some(place),
            None => self.oldest = Some(place),
        }
        self.newest = Some(place);
        self.len += 1;
        place
    }

    /// The value at a place.
    pub(crate) fn get(&self, place: usize) -> Option<&T> {
        self.slots.get(place)?.value.as_ref()
    }

    /// The value at a place, to change it.
    pub(crate) fn get_mut(&mut self, place: usize) -> Option<&mut T> {
        self.slots.get_mut(place)?.value.as_mut()
    }

    /// Takes the value out of its place, which is free from now on.
    pub(crate) fn take(&mut self, place: usize) -> Option<T> {
        let slot = self.slots.get_mut(place)?;
        let value = slot.value.take()?;
        let (before, after) = (slot.before, slot.after);
        slot.after = self.free;
        self.free = Some(place);
        self.len -= 1;
        match before.and_then(|before| self.slots.get_mut(before)) {
            Some(slot) => slot.after = after,
            None => self.oldest = after,
        }
        match after.and_then(|after| self.slots.get_mut(after)) {
            Some(slot) => slot.before = before,
            None => self.newest = before,
        }
        Some(value)
    }

    /// The place of what came first.
    pub(crate) fn oldest(&self) -> Option<usize> {
        self.oldest
    }

    #[cfg(test)]
    pub(crate) fn places(&self) -> usize {
        self.slots.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_order(mut arrivals: Arrivals<u32>) -> Vec<u32> {
        std::iter::from_fn(|| arrivals.oldest().and_then(|place| arrivals.take(place))).collect()
    }

    #[test]
    fn the_order_of_arrival_stays_whoever_leaves() {
        for leaves in 0..4 {
            let mut arrivals = Arrivals::default();
            let places: Vec<usize> = (0..4).map(|value| arrivals.push(value)).collect();

            assert_eq!(arrivals.take(places[leaves as usize]), Some(leaves));
            arrivals.push(9);

            let stay: Vec<u32> = (0..4).filter(|value| *value != leaves).chain([9]).collect();
            assert_eq!((arrivals.len(), arrivals.places()), (4, 4));
            assert_eq!(in_order(arrivals), stay);
        }
    }

    #[test]
    fn what_left_is_not_there_a_second_time() {
        let mut arrivals = Arrivals::default();
        let place = arrivals.push(1);

        assert_eq!((arrivals.take(place), arrivals.take(place), arrivals.get(place)), (Some(1), None, None));
        assert_eq!((arrivals.len(), arrivals.oldest()), (0, None));
        assert_eq!((arrivals.take(7), arrivals.get_mut(7)), (None, None));
    }
}
