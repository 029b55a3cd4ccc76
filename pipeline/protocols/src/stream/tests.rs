use super::*;
use crate::chunk::Origin;

/// A stream that begins at position 1000, and what happens to it.
struct Story(Stream);

impl Story {
    fn new() -> Self {
        Self::with(StreamLimits::default())
    }

    fn with(limits: StreamLimits) -> Self {
        Self(Stream::new(Some(1000), limits))
    }

    fn comes(&mut self, offset: u32, bytes: &[u8]) -> &mut Self {
        self.passes(offset, bytes.len() as u32, bytes, b"")
    }

    fn passes(&mut self, offset: u32, length: u32, captured: &[u8], tail: &[u8]) -> &mut Self {
        let origin = Origin { time: Nanos(u64::from(offset)), tgid: 1, tid: 2 };
        self.0.push(&Chunk { position: 1000 + offset, length, captured, tail, origin, ..Chunk::default() });
        self
    }

    fn reads(&mut self, bytes: &[u8]) -> &mut Self {
        assert_eq!(self.0.front(), Front::Bytes(bytes));
        self.0.skip(bytes.len() as u64);
        self
    }
}

#[test]
fn chunks_are_read_in_order_whatever_order_they_come_in() {
    let mut story = Story::new();

    story.comes(6, b"world").comes(3, b"lo ").comes(0, b"hel");

    story.reads(b"hello world");
    assert_eq!(story.0.front(), Front::Waiting);
    assert_eq!(story.0.losses(), Losses::default());
}

#[test]
fn positions_wrap() {
    let mut stream = Stream::new(Some(u32::MAX - 1), StreamLimits::default());

    stream.push(&Chunk { position: 2, length: 2, captured: b"ef", ..Chunk::default() });
    stream.push(&Chunk { position: u32::MAX - 1, length: 4, captured: b"abcd", ..Chunk::default() });

    assert_eq!(stream.peek(), b"abcdef");
}

#[test]
fn bytes_that_were_not_captured_are_a_hole_with_a_known_end() {
    let mut story = Story::new();

    story.passes(0, 100, b"head", b"tail of sixteen.").comes(100, b"next");

    story.reads(b"head");
    assert_eq!(story.0.front(), Front::Hole { length: 96, tail: Tail::of(b"tail of sixteen.") });
    story.0.skip(96);
    story.reads(b"next");
}

#[test]
fn a_hole_that_its_tail_covers_is_no_hole() {
    let mut story = Story::new();

    story.passes(0, 20, b"first", b", then the rest.").reads(b"first then the rest.");
}

#[test]
fn a_chunk_that_never_comes_is_a_gap_once_it_is_given_up() {
    let mut story = Story::new();
    story.comes(0, b"ab").comes(10, b"kl");
    story.reads(b"ab");
    assert_eq!(story.0.front(), Front::Waiting);

    story.0.expire(Nanos(1_000_000_000));

    assert_eq!(story.0.front(), Front::Gap { length: 8 });
    story.0.skip(8);
    story.reads(b"kl");
    assert_eq!(story.0.losses(), Losses { gaps: 1, gap_bytes: 8, ..Losses::default() });
}

#[test]
fn a_chunk_that_comes_after_it_was_given_up_is_counted_and_changes_nothing() {
    let mut story = Story::new();
    story.comes(0, b"ab").comes(10, b"kl");
    story.0.expire(Nanos(1_000_000_000));

    story.comes(2, b"cdefghij");

    assert_eq!(story.0.losses(), Losses { gaps: 1, gap_bytes: 8, late: 1, ..Losses::default() });
}

#[test]
fn a_source_that_knows_of_a_loss_spares_the_wait() {
    let mut story = Story::new();
    let chunk = Chunk { position: 1005, length: 2, captured: b"fg", lost_before: true, ..Chunk::default() };

    story.0.push(&chunk);

    assert_eq!(story.0.front(), Front::Gap { length: 5 });
}

#[test]
fn bytes_that_come_twice_contradict_each_other_and_are_not_believed() {
    let mut story = Story::new();

    story.comes(0, b"abcdef").comes(4, b"EFGH").comes(8, b"ij");

    story.reads(b"abcd");
    assert_eq!(story.0.front(), Front::Gap { length: 4 });
    story.0.skip(4);
    story.reads(b"ij");
    assert_eq!(story.0.losses().overlaps, 1);
}

#[test]
fn chunks_that_overlap_while_they_wait_are_not_believed_either() {
    let mut story = Story::new();

    story.comes(4, b"efgh").comes(6, b"GHIJ").comes(0, b"abcd").comes(10, b"kl");

    story.reads(b"abcd");
    assert_eq!(story.0.front(), Front::Gap { length: 6 });
    story.0.skip(6);
    story.reads(b"kl");
}

#[test]
fn packets_may_be_repeated() {
    let mut story = Story::with(StreamLimits { retransmits: true, ..StreamLimits::default() });

    story.comes(0, b"abc").comes(0, b"abc").comes(6, b"ghi").comes(2, b"cdefg").comes(4, b"efgh").comes(9, b"j");

    story.reads(b"abcdefghij");
    assert_eq!(story.0.losses().gaps, 0);
}

#[test]
fn a_reader_may_skip_what_has_not_come_yet() {
    let mut story = Story::new();
    story.comes(0, b"ab");

    story.0.skip(6);
    assert!(!story.0.has_reached(1 << 32 | 1006));
    story.comes(2, b"cdefgh");

    assert!(story.0.has_reached(1 << 32 | 1006));
    story.reads(b"gh");
}

#[test]
fn every_byte_knows_who_moved_it_and_when() {
    let mut story = Story::new();
    story.comes(0, b"abc").comes(3, b"def");

    let time = |story: &Story, offset: u64| story.0.mark_at((1 << 32) + 1000 + offset).map(|mark| mark.origin.time.0);

    assert_eq!(time(&story, 2), Some(0));
    assert_eq!(time(&story, 3), Some(3));
    assert_eq!(time(&story, 6), None);
    story.0.skip(6);
    assert_eq!(time(&story, 5), Some(3));
}

#[test]
fn what_a_slow_reader_leaves_is_bounded_and_counted() {
    let mut story = Story::with(StreamLimits { unread_bytes: 10, ..StreamLimits::default() });

    story.comes(0, b"12345678").comes(8, b"abcdefghijklmnopqrstuvwxyz");

    story.reads(b"12345678ab");
    assert!(matches!(story.0.front(), Front::Hole { length: 24, .. }));
    assert_eq!(story.0.losses().overflow_bytes, 24);
}

#[test]
fn a_lost_end_is_a_gap_when_the_end_is_known() {
    let mut story = Story::new();
    story.comes(0, b"abc");

    story.0.end(Some(1007));

    story.reads(b"abc");
    assert_eq!(story.0.front(), Front::Gap { length: 4 });
    story.0.skip(4);
    assert!(story.0.is_exhausted());
}
