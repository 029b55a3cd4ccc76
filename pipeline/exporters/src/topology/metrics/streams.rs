//! Totals become increments (MAP.md 9).
//!
//! A stream is named by resource, scope, name and attributes; its start time tells apart the replicas and the lives of one
//! writer. Nothing here ever counts more than what a writer counted since we look: what cannot be placed is a reference.

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use pdata::Temporality;
use smallvec::SmallVec;

/// Writers of one stream that are told apart, and repeats that are recognised.
const TRACKS: usize = 4;
/// A writer that was silent for so long while others spoke is gone.
const SILENCE: u64 = 300 * topology::SECOND;

/// A total at a time, as a point tells it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading<'a> {
    /// Names the stream.
    pub(super) stream: u64,
    pub(super) temporality: Temporality,
    pub(super) start: u64,
    pub(super) time: u64,
    /// The value of a counter, or how many observations.
    pub(super) count: u64,
    /// The sum of the observations.
    pub(super) sum: f64,
    /// Counts of buckets, in the layout `shape`.
    pub(super) buckets: &'a [u64],
    /// Names the layout of the buckets.
    pub(super) shape: u32,
}

/// What a stream grew by.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Increment {
    pub(super) count: u64,
    pub(super) sum: f64,
    pub(super) buckets: SmallVec<[u64; 20]>,
    /// In how many nanoseconds.
    pub(super) over: u64,
}

/// Why a point gives nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nothing {
    /// It is the first of its writer, and may count from before our time.
    Reference,
    /// It was told already, or something later was.
    Repeated,
    /// Its writer started over.
    Reset,
    /// There is no room for another stream.
    Full,
    /// The sender does not say over what time it adds up.
    Temporality,
}

#[derive(Debug, Clone)]
struct Track {
    start: u64,
    time: u64,
    count: u64,
    sum: f64,
    shape: u32,
    buckets: Box<[u64]>,
}

/// A stream: what its writers told last, and a place for what the caller knows of it.
#[derive(Debug, Clone)]
pub(super) struct Stream<T> {
    tracks: SmallVec<[Track; 1]>,
    touched: u64,
    /// What the caller knows.
    pub(super) payload: T,
}

/// All streams that are followed.
#[derive(Debug)]
pub(super) struct Streams<T> {
    streams: HashMap<u64, Stream<T>, RandomState>,
    most: usize,
    expiration: u64,
    /// Since when we look.
    since: u64,
    swept: u64,
}

impl<T> Streams<T> {
    pub(super) fn new(most: usize, expiration: u64, since: u64) -> Self {
        Self { streams: HashMap::default(), most, expiration, since, swept: since }
    }

    pub(super) fn len(&self) -> usize {
        self.streams.len()
    }

    /// What a stream grew by. Per point; no allocation for a stream that is known. `arrival` is the time now.
    pub(super) fn take(
        &mut self,
        reading: &Reading<'_>,
        arrival: u64,
        make: impl FnOnce() -> T,
    ) -> (Result<Increment, Nothing>, Option<&mut T>) {
        self.sweep(arrival);
        if self.streams.len() >= self.most && !self.streams.contains_key(&reading.stream) {
            return (Err(Nothing::Full), None);
        }
        let fresh = || Stream { tracks: SmallVec::new(), touched: arrival, payload: make() };
        let stream = self.streams.entry(reading.stream).or_insert_with(fresh);
        stream.touched = arrival;
        let grown = match reading.temporality {
            Temporality::Cumulative => stream.cumulative(reading, self.since),
            Temporality::Delta => stream.delta(reading),
            Temporality::Unspecified => Err(Nothing::Temporality),
        };
        (grown, Some(&mut stream.payload))
    }

    /// Forgets streams that were silent for long; a few times per expiration.
    fn sweep(&mut self, arrival: u64) {
        if arrival.saturating_sub(self.swept) <= self.expiration / 4 {
            return;
        }
        self.swept = arrival;
        let expiration = self.expiration;
        self.streams.retain(|_, stream| arrival.saturating_sub(stream.touched) <= expiration);
    }
}

impl<T> Stream<T> {
    fn cumulative(&mut self, reading: &Reading<'_>, since: u64) -> Result<Increment, Nothing> {
        let same_life = |track: &Track| track.start == reading.start && track.shape == reading.shape;
        if self.tracks.iter().any(|track| same_life(track) && track.time >= reading.time) {
            return Err(Nothing::Repeated);
        }
        // Of writers that share even their start, each goes on from the nearest total below its own.
        let place = (0..self.tracks.len())
            .filter(|place| {
                self.tracks.get(*place).is_some_and(|track| same_life(track) && track.count <= reading.count)
            })
            .max_by_key(|place| self.tracks.get(*place).map(|track| track.count));
        if let Some(track) = place.and_then(|place| self.tracks.get_mut(place)) {
            let grown = track.grow(reading);
            self.forget_silent(reading.time);
            return Ok(grown);
        }
        let is_reset = self.tracks.iter().any(same_life);
        let last = self.tracks.iter().map(|track| track.time).max();
        let is_new = reading.start != 0
            && !is_reset
            && (reading.start > since || last.is_some_and(|last| reading.start >= last));
        self.add(Track::of(reading));
        match (is_new, is_reset) {
            (true, _) => Ok(Increment {
                count: reading.count,
                sum: reading.sum,
                buckets: SmallVec::from_slice(reading.buckets),
                over: reading.time.saturating_sub(reading.start),
            }),
            (false, true) => Err(Nothing::Reset),
            (false, false) => Err(Nothing::Reference),
        }
    }

    fn delta(&mut self, reading: &Reading<'_>) -> Result<Increment, Nothing> {
        let again =
            |track: &Track| (track.start, track.time, track.count) == (reading.start, reading.time, reading.count);
        if self.tracks.iter().any(again) {
            return Err(Nothing::Repeated);
        }
        self.add(Track { buckets: Box::default(), ..Track::of(reading) });
        let start = if reading.start == 0 { reading.time } else { reading.start };
        Ok(Increment {
            count: reading.count,
            sum: reading.sum,
            buckets: SmallVec::from_slice(reading.buckets),
            over: reading.time.saturating_sub(start),
        })
    }

    fn add(&mut self, track: Track) {
        if self.tracks.len() >= TRACKS {
            let oldest = (0..self.tracks.len()).min_by_key(|place| self.tracks.get(*place).map(|track| track.time));
            if let Some(oldest) = oldest {
                self.tracks.remove(oldest);
            }
        }
        self.tracks.push(track);
    }

    fn forget_silent(&mut self, time: u64) {
        if self.tracks.len() > 1 {
            self.tracks.retain(|track| time.saturating_sub(track.time) <= SILENCE);
        }
    }
}

impl Track {
    fn of(reading: &Reading<'_>) -> Self {
        let Reading { start, time, count, sum, shape, buckets, .. } = *reading;
        Self { start, time, count, sum, shape, buckets: buckets.into() }
    }

    fn grow(&mut self, reading: &Reading<'_>) -> Increment {
        let grown = |(now, before): (&u64, &u64)| now.saturating_sub(*before);
        let increment = Increment {
            count: reading.count.saturating_sub(self.count),
            sum: (reading.sum - self.sum).max(0.0),
            buckets: reading.buckets.iter().zip(&self.buckets).map(grown).collect(),
            over: reading.time.saturating_sub(self.time),
        };
        (self.time, self.count, self.sum) = (reading.time, reading.count, reading.sum);
        if self.buckets.len() == reading.buckets.len() {
            self.buckets.copy_from_slice(reading.buckets);
        } else {
            self.buckets = reading.buckets.into();
        }
        increment
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SINCE: u64 = 1000;

    fn streams() -> Streams<()> {
        Streams::new(10, 900, SINCE)
    }

    fn total(start: u64, time: u64, count: u64) -> Reading<'static> {
        let temporality = Temporality::Cumulative;
        Reading { stream: 1, temporality, start, time, count, sum: count as f64, buckets: &[], shape: 0 }
    }

    fn delta(start: u64, time: u64, count: u64) -> Reading<'static> {
        Reading { temporality: Temporality::Delta, ..total(start, time, count) }
    }

    fn counts(streams: &mut Streams<()>, readings: &[Reading<'_>]) -> Vec<Result<u64, Nothing>> {
        readings.iter().map(|reading| streams.take(reading, SINCE, || ()).0.map(|grown| grown.count)).collect()
    }

    #[test]
    fn the_first_total_of_an_old_writer_is_a_reference_and_growth_counts() {
        let told = counts(&mut streams(), &[total(500, 1010, 70), total(500, 1020, 75), total(500, 1030, 75)]);

        assert_eq!(told, [Err(Nothing::Reference), Ok(5), Ok(0)]);
    }

    #[test]
    fn the_first_total_of_a_writer_that_started_under_our_eyes_counts_in_full() {
        let mut streams = streams();
        let (grown, _) = streams.take(&total(1005, 1020, 7), SINCE, || ());

        assert_eq!(grown.map(|grown| (grown.count, grown.over)), Ok((7, 15)));
    }

    #[test]
    fn a_new_life_counts_in_full_though_we_came_later_than_it() {
        let told = counts(&mut Streams::<()>::new(10, 900, 5000), &[total(500, 1010, 70), total(1010, 1020, 3)]);

        assert_eq!(told, [Err(Nothing::Reference), Ok(3)]);
    }

    #[test]
    fn replicas_with_starts_of_their_own_are_streams_of_their_own() {
        let told = counts(
            &mut streams(),
            &[total(500, 1010, 1000), total(600, 1011, 5), total(500, 1020, 1010), total(600, 1021, 6)],
        );

        assert_eq!(told, [Err(Nothing::Reference), Err(Nothing::Reference), Ok(10), Ok(1)]);
    }

    #[test]
    fn replicas_that_share_even_their_start_are_never_taken_for_resets() {
        let told = counts(
            &mut streams(),
            &[
                total(500, 1010, 1000),
                total(500, 1011, 5),
                total(500, 1020, 1010),
                total(500, 1021, 6),
                total(500, 1030, 1020),
            ],
        );

        assert_eq!(told, [Err(Nothing::Reference), Err(Nothing::Reset), Ok(10), Ok(1), Ok(10)]);
    }

    #[test]
    fn a_reset_that_keeps_its_start_goes_on_from_its_new_total() {
        let told = counts(&mut streams(), &[total(500, 1010, 1000), total(500, 1020, 5), total(500, 1030, 8)]);

        assert_eq!(told, [Err(Nothing::Reference), Err(Nothing::Reset), Ok(3)]);
    }

    #[test]
    fn what_comes_again_or_late_counts_once() {
        let told = counts(
            &mut streams(),
            &[total(1001, 1010, 5), total(1001, 1020, 8), total(1001, 1020, 8), total(1001, 1010, 5)],
        );
        assert_eq!(told, [Ok(5), Ok(3), Err(Nothing::Repeated), Err(Nothing::Repeated)]);

        let told = counts(&mut streams(), &[delta(1000, 1010, 5), delta(1010, 1020, 3), delta(1000, 1010, 5)]);
        assert_eq!(told, [Ok(5), Ok(3), Err(Nothing::Repeated)]);
    }

    #[test]
    fn a_sender_that_does_not_say_how_values_add_up_is_not_understood() {
        let vague = Reading { temporality: Temporality::Unspecified, ..total(500, 1010, 1) };

        assert_eq!(counts(&mut streams(), &[vague]), [Err(Nothing::Temporality)]);
    }

    #[test]
    fn the_table_is_bounded_and_silent_streams_make_room() {
        let mut streams = streams();
        let stream = |stream| Reading { stream, ..total(1001, 1010, 1) };
        for number in 0..10 {
            assert!(streams.take(&stream(number), 1010, || ()).0.is_ok());
        }

        assert_eq!(streams.take(&stream(10), 1010, || ()).0, Err(Nothing::Full));
        assert!(streams.take(&stream(10), 3000, || ()).0.is_ok());
        assert_eq!(streams.len(), 1);
    }

    #[test]
    fn buckets_grow_one_by_one() {
        let mut streams = streams();
        streams.take(&Reading { buckets: &[1, 2, 3], ..total(500, 1010, 6) }, SINCE, || ()).0.unwrap_err();

        let (grown, _) = streams.take(&Reading { buckets: &[1, 5, 4], ..total(500, 1020, 10) }, SINCE, || ());

        assert_eq!(grown.unwrap().buckets.as_slice(), [0, 3, 1]);
    }

    proptest! {
        #[test]
        fn no_order_of_points_counts_more_than_was_counted(
            points in prop::collection::vec((0_u64..3, 0_u64..50), 1..40)
        ) {
            // Totals of three lives that all started under our eyes, late, early and again.
            let mut streams = streams();
            let mut most = [0; 3];
            let mut told = 0;
            for (life, age) in points {
                let (start, count) = (1001 + life * 1000, age * 2);
                let last = &mut most[usize::try_from(life).unwrap()];
                *last = count.max(*last);
                told += streams.take(&total(start, start + age, count), SINCE, || ()).0.map_or(0, |grown| grown.count);
            }

            prop_assert!(told <= most.iter().sum::<u64>(), "{} of {:?}", told, most);
        }
    }
}
