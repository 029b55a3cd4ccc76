//! One direction of a captured connection: which of its bytes have passed.

use smallvec::SmallVec;

/// More holes than this join.
const MOST_HOLES: usize = 16;

/// Positions are sequence numbers; they wrap, and are compared by distance.
#[derive(Debug, Clone, Default)]
pub struct Way {
    /// Of the first byte, if the handshake was seen.
    start: Option<u32>,
    /// After the last byte seen; `None` before the first.
    next: Option<u32>,
    /// What was jumped over: begin and end.
    holes: SmallVec<[(u32, u32); 2]>,
    bytes: u64,
    repeated: u64,
    end: Option<u32>,
}

impl Way {
    /// The direction begins here.
    pub fn begin(&mut self, position: u32) {
        self.start.get_or_insert(position);
        self.next.get_or_insert(position);
    }

    /// Position of the first byte, if the handshake was seen.
    pub fn start(&self) -> Option<u32> {
        self.start
    }

    /// Payload has passed.
    pub fn pass(&mut self, position: u32, length: u32) {
        let next = *self.next.get_or_insert(position);
        let end = position.wrapping_add(length);
        let jumped = distance(next, position);
        let fresh = distance(next, end);
        if jumped < 0 && !self.fill(position, end) && fresh <= 0 && length > 1 {
            // A single old byte asks whether the other end is alive.
            self.repeated = self.repeated.saturating_add(1);
        }
        if fresh <= 0 {
            return;
        }
        if jumped > 0 {
            self.miss(next, position);
        }
        self.bytes = self.bytes.saturating_add(u64::from(fresh.unsigned_abs()));
        self.next = Some(end);
    }

    /// The sender has no more to say after this position.
    pub fn finish(&mut self, position: u32) {
        self.end.get_or_insert(position);
    }

    /// Whether the sender said that it is done.
    pub fn is_finished(&self) -> bool {
        self.end.is_some()
    }

    /// Whether it is done and everything it said has passed.
    pub fn is_complete(&self) -> bool {
        self.end.is_some_and(|end| self.holes.is_empty() && self.next.is_none_or(|next| next == end))
    }

    /// Position after the last byte, as far as is known.
    pub fn until(&self) -> Option<u32> {
        self.end.or(self.next)
    }

    /// Payload bytes up to the last one seen.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Segments whose bytes had all passed before.
    pub fn repeated(&self) -> u64 {
        self.repeated
    }

    fn miss(&mut self, from: u32, to: u32) {
        let is_full = self.holes.len() >= MOST_HOLES;
        match self.holes.last_mut().filter(|_| is_full) {
            Some(last) => last.1 = to,
            None => self.holes.push((from, to)),
        }
    }

    /// Takes a range out of the holes; true if it was in one.
    fn fill(&mut self, from: u32, to: u32) -> bool {
        let mut has_filled = false;
        let mut left: SmallVec<[(u32, u32); 2]> = SmallVec::new();
        for (begin, end) in self.holes.drain(..) {
            let overlaps = distance(begin, to) > 0 && distance(from, end) > 0;
            if !overlaps {
                left.push((begin, end));
                continue;
            }
            has_filled = true;
            if distance(begin, from) > 0 {
                left.push((begin, from));
            }
            if distance(to, end) > 0 {
                left.push((to, end));
            }
        }
        left.truncate(MOST_HOLES);
        self.holes = left;
        has_filled
    }
}

/// How far `to` lies behind `from`; negative if before it.
fn distance(from: u32, to: u32) -> i32 {
    to.wrapping_sub(from).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(start: u32, passed: &[(u32, u32)]) -> Way {
        let mut way = Way::default();
        way.begin(start);
        passed.iter().for_each(|(position, length)| way.pass(*position, *length));
        way
    }

    #[test]
    fn bytes_are_counted_once_however_often_they_pass() {
        let way = way(100, &[(100, 10), (110, 10), (100, 10), (105, 20)]);

        assert_eq!(way.bytes(), 25);
        assert_eq!(way.repeated(), 1);
    }

    #[test]
    fn what_comes_late_is_not_what_comes_again() {
        let mut way = way(100, &[(120, 10), (100, 10), (110, 10), (110, 10)]);
        way.finish(130);

        assert_eq!((way.bytes(), way.repeated()), (30, 1));
        assert!(way.is_complete());
    }

    #[test]
    fn a_direction_with_a_hole_is_not_complete() {
        let mut way = way(0, &[(0, 10), (20, 10)]);
        way.finish(30);

        assert!(way.is_finished());
        assert!(!way.is_complete());
    }

    #[test]
    fn positions_wrap() {
        let start = u32::MAX - 4;
        let mut way = way(start, &[(start, 10), (5, 10)]);
        way.finish(15);

        assert_eq!(way.bytes(), 20);
        assert!(way.is_complete());
    }

    #[test]
    fn holes_are_bounded() {
        let passed: Vec<(u32, u32)> = (0..1000).map(|number| (number * 20 + 10, 10)).collect();
        assert_eq!(way(0, &passed).holes.len(), MOST_HOLES);
    }
}
