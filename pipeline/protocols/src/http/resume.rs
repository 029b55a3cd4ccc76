//! Finding a provable place again after framing was lost, or on a connection that is older than its observer.
//!
//! In this room: the evidence that both directions are idle and a request begins.
//! Not here: pairing (`super`).
//!
//! Enter at [`Http::search`].
//!
//! The evidence is the turn counter. A client that waits for each answer (nothing else was ever seen of it) begins turn
//! `t` with a request exactly when the server's turn `t - 1` began with the head of a final response, and nothing is
//! missing right before either. A client that was seen to pipeline gives no such proof, and its connection stays
//! unknown. What cannot be told apart: a client that pipelines for the first time inside the lost bytes, and then keeps
//! exactly the same number of requests under way for as long as the connection lasts.

use super::{Client, Http, Moved, Server, State, is_before, starts_like_request};
use crate::exchange::Exchanges;
use crate::protocol::Score;
use crate::stream::{Mark, Stream};

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Search {
    /// Nothing was ever seen of this connection: whoever speaks first and begins a request, begins one.
    untouched: bool,
    /// The latest turn of the server that began with the head of a final response.
    answered: Option<u32>,
    /// The latest turn seen of either side.
    seen: Option<u32>,
}

impl Search {
    pub(super) fn at_first_sight() -> Self {
        Self { untouched: true, ..Self::default() }
    }
}

impl Http {
    /// Gives up every request that waits and begins to search.
    pub(super) fn lose(&mut self, exchanges: &mut Exchanges) -> Moved {
        self.pipelines |= self.asks_ahead();
        let unpaired = self.waiting.len() as u64;
        // Everything before was answered: the next chunk of another turn begins that turn.
        let seen = self.next_turn.filter(|_| unpaired == 0).map(|next| next.wrapping_sub(1));
        while let Some(request) = self.waiting.pop_front() {
            exchanges.recycle(request.http);
        }
        let counts = exchanges.counts_mut();
        counts.unpaired = counts.unpaired.saturating_add(unpaired);
        if let Some(turn) = self.next_turn.as_mut() {
            let turns = u32::try_from(unpaired.saturating_mul(2)).unwrap_or(0);
            *turn = turn.wrapping_add(turns);
        }
        self.client = Client::Head { scanned: 0 };
        self.server = Server::Head { scanned: 0 };
        self.state = State::Lost(Search { seen, ..Search::default() });
        Moved::Yes
    }

    /// Whether two of the waiting requests have no turn of the server between them.
    fn asks_ahead(&self) -> bool {
        let mut turns = self.waiting.iter().map(|request| request.first.turn);
        let Some(mut before) = turns.next() else { return false };
        turns.any(|turn| turn.wrapping_sub(std::mem::replace(&mut before, turn)) < 2)
    }

    /// Looks at the next chunk of whichever side comes first by turn, and passes it or resumes at it.
    pub(super) fn search(&mut self, client: &mut Stream, server: &mut Stream, exchanges: &mut Exchanges) -> Moved {
        let State::Lost(ref mut search) = self.state else { return Moved::No };
        let (asks, answers) = (next_chunk(client), next_chunk(server));
        let client_first = match (&asks, &answers) {
            (None, None) => return Moved::No,
            (Some(ask), Some(answer)) => is_before(ask.turn, answer.turn),
            (ask, None) => ask.is_some(),
            (None, Some(_)) => false,
        };
        // Bytes missing where the answer would begin could hold answers to what came before.
        let answer_is_missing = answers.as_ref().is_some_and(|answer| answer.after_gap);
        let Some(chunk) = (if client_first { asks } else { answers }) else { return Moved::No };
        let untouched = std::mem::take(&mut search.untouched);
        let another_turn = untouched || search.seen.is_some_and(|seen| seen != chunk.turn);
        let begins_turn = chunk.start && !chunk.after_gap && another_turn;
        search.seen = Some(chunk.turn);
        if !client_first {
            if begins_turn {
                search.answered = begins_with_final_head(server.peek()).then_some(chunk.turn);
            }
            server.skip(chunk.left);
            return Moved::Yes;
        }
        let idle = search.answered == Some(chunk.turn.wrapping_sub(1));
        let proven =
            begins_turn && (untouched || idle) && !self.pipelines && !server.awaits_earlier() && !answer_is_missing;
        if proven && starts_like_request(client.peek()) == Score::Likely {
            self.resume(chunk.turn, exchanges);
        } else {
            client.skip(chunk.left);
        }
        Moved::Yes
    }

    fn resume(&mut self, turn: u32, exchanges: &mut Exchanges) {
        if let Some(expected) = self.next_turn.filter(|expected| is_before(*expected, turn)) {
            let counts = exchanges.counts_mut();
            counts.unseen = counts.unseen.saturating_add(u64::from(turn.wrapping_sub(expected) / 2));
        }
        self.next_turn = Some(turn);
        self.resumed_in = Some(turn);
        self.state = State::Paired;
    }

    /// Counts the requests of a connection that ended before pairing resumed.
    pub(super) fn count_unseen(&self, exchanges: &mut Exchanges) {
        let State::Lost(Search { seen: Some(seen), .. }) = self.state else { return };
        if let Some(expected) = self.next_turn.filter(|expected| !is_before(seen, *expected)) {
            let requests = u64::from(seen.wrapping_sub(expected) / 2).saturating_add(1);
            let counts = exchanges.counts_mut();
            counts.unseen = counts.unseen.saturating_add(requests);
        }
    }
}

/// What is left of the chunk at the reader's position.
struct Left {
    left: u64,
    turn: u32,
    /// The reader is at its first byte.
    start: bool,
    after_gap: bool,
}

fn next_chunk(stream: &mut Stream) -> Option<Left> {
    stream.skip_gaps();
    let position = stream.position();
    let mark: Mark = *stream.mark_at(position)?;
    Some(Left {
        left: mark.end.saturating_sub(position),
        turn: mark.turn,
        start: mark.start == position,
        after_gap: mark.after_gap,
    })
}

fn begins_with_final_head(bytes: &[u8]) -> bool {
    matches!(bytes, [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'0' | b'1', b' ', b'2'..=b'9', ..])
}
