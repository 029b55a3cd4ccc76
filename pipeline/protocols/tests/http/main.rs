//! Promises of the HTTP parser, tried on random conversations that know what was said.
//!
//! In this room: the promises. Not here: the conversations (`conversation`), the observer's eyes (`observer`).

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod conversation;
mod observer;

use conversation::{Conversation, Shape, Truth, conversation};
use observer::{Budget, Choices, EVERYTHING, Ends, Observed, cut, http, interleave, lose, reorder};
use proptest::prelude::*;
use protocols::{Chunk, Close, Connection, ConnectionConfig, Flow, Label, Nanos, Origin, Outcome, Role};

const ANYTHING: Shape = Shape { pipelining: true, deceit: true, expect: true };
const PATIENT: Shape = Shape { pipelining: false, deceit: false, expect: true };

fn seeds() -> impl Strategy<Value = Choices> {
    (1_u64..).prop_map(Choices)
}

fn roles() -> impl Strategy<Value = Role> {
    prop::sample::select(vec![Role::Client, Role::Server, Role::Unknown])
}

/// Positions that wrap in the middle of a conversation are as likely as others.
fn starts() -> impl Strategy<Value = u32> {
    prop_oneof![any::<u32>(), (0_u32..20_000).prop_map(|before| u32::MAX - before)]
}

fn told(observed: &Observed) -> Vec<Truth> {
    observed
        .exchanges
        .iter()
        .map(|exchange| {
            assert_eq!(exchange.outcome, Outcome::Complete);
            let http = http(exchange);
            Truth {
                offset: observed.offset(exchange),
                method: METHODS.iter().find(|method| **method == http.method()).unwrap(),
                target: http.target().to_owned(),
                status: http.status().unwrap(),
                request_body: http.request_body_size(),
                response_body: http.response_body_size().unwrap_or(u64::MAX),
            }
        })
        .collect()
}

const METHODS: [&str; 6] = ["GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS"];

/// Every exchange that is reported took place, and as reported.
fn is_true(talk: &Conversation, observed: &Observed) {
    for exchange in &observed.exchanges {
        let offset = observed.offset(exchange);
        let truth = talk.truths.iter().find(|truth| truth.offset == offset);
        let truth = truth.unwrap_or_else(|| panic!("invented: {exchange:?}"));
        let http = http(exchange);
        assert_eq!((http.method(), http.target()), (truth.method, truth.target.as_str()));
        if let Some(status) = http.status() {
            assert_eq!(status, truth.status, "{truth:?} got the response of another");
        }
        assert!(exchange.start <= exchange.end);
        assert!(exchange.first_response.is_none_or(|first| exchange.start <= first && first <= exchange.end));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_bytes_cut_and_interleaved_anyhow_give_the_same_exchanges(
        talk in conversation(ANYTHING), mut choices in seeds(), role in roles(), start in starts(),
    ) {
        let mut seen = interleave(cut(&talk, EVERYTHING, &mut choices), &mut choices);
        reorder(&mut seen, &mut choices);

        let observed = Observed::whole(&talk, &seen, role, start);

        prop_assert_eq!(told(&observed), talk.truths);
        prop_assert_eq!(observed.connection.losses(), protocols::Losses::default());
        prop_assert_eq!(observed.connection.unreported(), Default::default());
    }

    #[test]
    fn prefixes_of_turns_are_enough_for_a_client_that_waits(
        talk in conversation(PATIENT), mut choices in seeds(), start in starts(),
    ) {
        let budget = Budget { request: 400, response: 400 };
        let seen = cut(&talk, budget, &mut choices);

        let observed = Observed::whole(&talk, &seen, Role::Server, start);

        is_true(&talk, &observed);
        prop_assert_eq!(observed.exchanges.len(), talk.truths.len());
        prop_assert!(observed.exchanges.iter().all(|exchange| exchange.outcome == Outcome::Complete));
    }

    #[test]
    fn lost_chunks_never_make_an_exchange_that_was_not(
        talk in conversation(ANYTHING), mut choices in seeds(), start in starts(), lost in 1_usize..4,
    ) {
        let mut seen = cut(&talk, EVERYTHING, &mut choices);
        for _ in 0..lost {
            let index = choices.below(seen.len());
            if index < seen.len() {
                lose(&mut seen, index);
            }
        }

        is_true(&talk, &Observed::whole(&talk, &seen, Role::Client, start));
    }

    #[test]
    fn every_request_of_a_client_that_waits_is_reported_or_counted(
        talk in conversation(Shape { expect: false, ..PATIENT }), mut choices in seeds(), start in starts(),
    ) {
        let mut seen = cut(&talk, EVERYTHING, &mut choices);
        // What is lost before the protocol was recognised belongs to nobody.
        let first_turn = seen.iter().filter(|chunk| chunk.turn == Some(0)).count();
        let index = first_turn + choices.below(seen.len() - first_turn);
        lose(&mut seen, index);

        let observed = Observed::whole(&talk, &seen, Role::Client, start);

        is_true(&talk, &observed);
        let counts = observed.connection.unreported();
        let counted = counts.unpaired + counts.unseen + counts.untimed;
        prop_assert_eq!(observed.exchanges.len() as u64 + counted, talk.truths.len() as u64, "{:?} {:?}", counts, seen);
    }

    #[test]
    fn a_connection_cut_off_anywhere_tells_only_what_was(
        talk in conversation(ANYTHING), mut choices in seeds(), start in starts(),
    ) {
        let mut seen = cut(&talk, EVERYTHING, &mut choices);
        seen.truncate(choices.below(seen.len() + 1));

        let observed = Observed::new(&talk, &seen, Ends::of(&seen), Role::Server, start, true);

        is_true(&talk, &observed);
    }

    #[test]
    fn a_connection_first_seen_anywhere_tells_only_what_was(
        talk in conversation(Shape { expect: true, ..PATIENT }), mut choices in seeds(), start in starts(),
    ) {
        let mut seen = cut(&talk, EVERYTHING, &mut choices);
        seen.drain(..choices.below(seen.len()));

        let observed = Observed::new(&talk, &seen, Ends::of(&seen), Role::Server, start, false);

        is_true(&talk, &observed);
    }

    #[test]
    fn any_chunks_end_in_a_value(
        chunks in prop::collection::vec((any::<bool>(), 0_u32..5000, 0_u32..300, noise(), any::<bool>()), 0..60),
        start in starts(), known in any::<bool>(), retransmits in any::<bool>(),
    ) {
        let mut config = ConnectionConfig::default();
        config.limits.retransmits = retransmits;
        config.start = known.then_some(protocols::connection::Start { sent: start, received: start });
        let mut connection = Connection::new(config);
        for (index, (sent, offset, length, bytes, lost_before)) in chunks.iter().enumerate() {
            let flow = if *sent { Flow::Sent } else { Flow::Received };
            connection.push(flow, Chunk {
                position: start.wrapping_add(*offset),
                length: *length,
                captured: bytes,
                tail: bytes,
                origin: Origin { time: Nanos(index as u64), tgid: 1, tid: 1 },
                turn: None,
                lost_before: *lost_before,
            });
        }
        connection.close(Close::default());
        connection.drain(|exchange| assert!(exchange.start <= exchange.end));
    }
}

/// Bytes that get past the first look of a parser, and bytes that do not.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let words = vec![
        "GET / HTTP/1.1\r\n",
        "HTTP/1.1 200 OK\r\n",
        "Content-Length: 7\r\n",
        "Transfer-Encoding: chunked\r\n",
        "\r\n",
        "7\r\n",
        "0\r\n\r\n",
        "Expect: 100-continue\r\n",
        "HTTP/1.1 100 C\r\n\r\n",
        "Upgrade: x\r\n",
        " folded\r\n",
        "CONNECT a:1 HTTP/1.1\r\n",
        "ffffffffffffffff\r\n",
        "Content-Length: 18446744073709551615\r\n",
        "HTTP/1.1 101 S\r\n",
    ];
    let words = prop::collection::vec(prop::sample::select(words), 0..8).prop_map(|words| words.concat().into_bytes());
    prop_oneof![3 => words, 1 => prop::collection::vec(any::<u8>(), 0..300)]
}

#[test]
fn nothing_was_said_and_nothing_is_told() {
    let talk = Conversation::default();

    let observed = Observed::whole(&talk, &[], Role::Client, 1);

    assert!(observed.exchanges.is_empty());
    assert_eq!(observed.connection.protocol(), Label::Unknown);
}
