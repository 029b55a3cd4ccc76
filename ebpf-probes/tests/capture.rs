//! How much is captured: turns and their budgets, tails, modes, and a ring that is full.

#![allow(
    unsafe_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "system calls are made as programs make them; a surprise ends the test"
)]

mod common;

use std::os::fd::AsRawFd;

use common::{Chunk, Story, connected, cookie, moved, only_this_process, receive, send, vectors};
use ebpf_probes::{Decision, Direction, Mode, ProbeConfig};

/// 4 KiB of a request, 1 KiB of a response.
fn small_budgets() -> Option<Story> {
    let config = ProbeConfig { request_bytes: 4096, response_bytes: 1024, ..only_this_process() };
    let mut story = Story::begin_with(&config)?;
    story.decide(std::process::id(), Decision::Observe);
    Some(story)
}

fn captured(chunks: &[Chunk]) -> Vec<usize> {
    chunks.iter().map(|chunk| chunk.payload.len()).collect()
}

/// Bytes that tell where they are.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|place| u8::try_from(place % 251).unwrap()).collect()
}

#[test]
fn a_turn_has_a_budget_and_the_next_turn_another() {
    let Some(mut story) = small_budgets() else { return };
    let (client, server) = connected();

    for _ in 0..2 {
        send(&client, &pattern(3000), 0);
        send(&client, &pattern(3000), 0);
        receive(&server, 6000, libc::MSG_WAITALL);
        send(&server, &pattern(3000), 0);
        receive(&client, 3000, libc::MSG_WAITALL);
    }

    let requests = story.sends(&client, 4);
    let responses = story.sends(&server, 2);
    assert_eq!(captured(&requests), [3000, 1096, 3000, 1096]);
    assert_eq!(captured(&responses), [1024, 1024]);
    assert_eq!(requests.iter().map(|chunk| chunk.header.turn).collect::<Vec<_>>(), [1, 1, 3, 3]);
    assert_eq!(responses.iter().map(|chunk| chunk.header.turn).collect::<Vec<_>>(), [2, 4]);
    assert_eq!(responses[0].header.length, 3000);
}

#[test]
fn the_last_sixteen_bytes_come_although_the_budget_is_spent() {
    let Some(mut story) = small_budgets() else { return };
    let (client, server) = connected();
    let body = pattern(5000);

    send(&client, &body, 0);
    send(&client, b"short", 0);
    receive(&server, 5005, libc::MSG_WAITALL);

    let sent = story.sends(&client, 2);
    assert_eq!((sent[0].payload.as_slice(), sent[0].tail.as_slice()), (&body[..4096], &body[4984..]));
    assert_eq!((sent[1].payload.as_slice(), sent[1].tail.as_slice()), (&b""[..], &b"short"[..]));
    let received = &story.receives(&server, 1)[0];
    assert_eq!(received.tail, [&body[4989..], b"short"].concat());
}

#[test]
fn a_tail_is_gathered_over_vectors() {
    let Some(mut story) = small_budgets() else { return };
    let (client, server) = connected();
    let (mut head, mut body, mut line, mut end) = (pattern(100), pattern(5000), *b"\r\n", *b"0\r\n\r\n");
    let whole = [&head[..], &body, &line, &end].concat();

    let parts = vectors(&mut [&mut head, &mut body, &mut line, &mut end]);
    // SAFETY: the vectors point to buffers that outlive the call.
    moved(unsafe { libc::writev(client.as_raw_fd(), parts.as_ptr(), 4) });
    receive(&server, whole.len(), libc::MSG_WAITALL);

    let sent = &story.sends(&client, 1)[0];
    assert_eq!(sent.payload, &whole[..4096]);
    assert_eq!(sent.tail, &whole[whole.len() - 16..]);
}

#[test]
fn a_long_capture_comes_in_pieces_that_fit_together() {
    let Some(mut story) = Story::begin() else { return };
    let (client, server) = connected();
    let (mut one, mut two) = (pattern(30_000), pattern(40_000));
    let whole = [&one[..], &two].concat();

    let parts = vectors(&mut [&mut one, &mut two]);
    // SAFETY: the vectors point to buffers that outlive the call.
    assert_eq!(moved(unsafe { libc::writev(client.as_raw_fd(), parts.as_ptr(), 2) }), 70_000);
    receive(&server, whole.len(), libc::MSG_WAITALL);

    let total = |seen: &common::Seen| seen.sent_by(&client).iter().map(|chunk| chunk.header.length).sum::<u32>();
    story.until("all pieces", |seen| total(seen) >= 70_000);
    let pieces = story.seen.sent_by(&client);
    assert_eq!(total(&story.seen), 70_000);
    let mut expected = pieces[0].header.identity.own_first;
    for piece in &pieces {
        assert_eq!((piece.header.position, piece.header.lost_before), (expected, 0));
        expected = expected.plus(piece.header.length);
    }
    let bytes: Vec<u8> = pieces.iter().flat_map(|piece| piece.payload.clone()).collect();
    assert_eq!(bytes, &whole[..65_536]);
    assert_eq!(pieces.last().unwrap().tail, &whole[70_000 - 16..]);
}

#[test]
fn everything_means_everything() {
    let Some(mut story) = small_budgets() else { return };
    let (client, server) = connected();
    let body = pattern(50_000);

    story.probes.set_mode(cookie(&client), Mode::Everything).unwrap();
    send(&client, &body, 0);
    receive(&server, body.len(), libc::MSG_WAITALL);

    story.until("the last byte", |seen| {
        seen.sent_by(&client).iter().map(|chunk| chunk.payload.len()).sum::<usize>() >= body.len()
    });
    let bytes: Vec<u8> = story.seen.sent_by(&client).into_iter().flat_map(|chunk| chunk.payload).collect();
    assert_eq!(bytes, body);
}

#[test]
fn skipping_ends_in_the_middle_of_a_chunk_with_a_new_budget() {
    let Some(mut story) = small_budgets() else { return };
    let (client, server) = connected();
    send(&client, &pattern(4096), 0);
    let first = story.sends(&client, 1)[0].header.identity.own_first;

    let until = Mode::SkipUntil { direction: Direction::Send, position: first.plus(10_000) };
    story.probes.set_mode(cookie(&client), until).unwrap();
    send(&client, &pattern(5000), 0); // up to 9096: skipped whole
    send(&client, &[&pattern(904)[..], b"next request"].concat(), 0); // its message begins at 10,000
    receive(&server, 10_012, libc::MSG_WAITALL);

    let sent = story.sends(&client, 4);
    assert_eq!(captured(&sent), [4096, 0, 0, 12]);
    assert_eq!(sent[1].tail, &pattern(5000)[4984..]);
    assert_eq!((sent[2].header.position, sent[2].header.length), (first.plus(9096), 904));
    assert_eq!((sent[3].header.position, sent[3].payload.as_slice()), (first.plus(10_000), &b"next request"[..]));
}

#[test]
fn counters_only_leaves_the_turns_right() {
    let Some(mut story) = Story::begin() else { return };
    let (client, server) = connected();
    let mut modes = story.probes.modes().unwrap();

    modes.set(cookie(&client), Mode::CountersOnly).unwrap();
    send(&client, b"unseen", 0);
    receive(&server, 10, 0);
    send(&server, b"unseen by the client", 0);
    receive(&client, 30, 0);
    modes.set(cookie(&client), Mode::TurnBudget).unwrap();
    send(&client, b"seen", 0);
    receive(&server, 10, 0);

    let sent = &story.sends(&client, 1)[0];
    assert_eq!((sent.payload.as_slice(), sent.header.turn), (&b"seen"[..], 3));
    assert!(story.seen.received_by(&client).is_empty());
}

#[test]
fn a_full_ring_is_counted_and_marked_and_the_turns_go_on() {
    let config = ProbeConfig { ring_bytes: 4096, ..only_this_process() };
    let Some(mut story) = Story::begin_with(&config) else { return };
    let (client, server) = connected();
    story.decide(std::process::id(), Decision::Observe);

    let turns = 200; // nobody reads the ring meanwhile
    for _ in 0..turns / 2 {
        send(&client, b"request", 0);
        receive(&server, 20, 0);
        send(&server, b"response", 0);
        receive(&client, 20, 0);
    }
    let lost = story.counters().lost_chunks;
    story.decide(std::process::id(), Decision::Ignore);
    story.until("what fitted", |seen| !seen.sent_by(&client).is_empty());
    let kept = story.seen.of(cookie(&client), Direction::Send).len() + story.seen.received_by(&client).len();
    story.decide(std::process::id(), Decision::Observe);
    send(&client, b"after", 0);

    assert!(lost > 0);
    story.until("the next one", |seen| seen.sent_by(&client).iter().any(|chunk| chunk.payload == b"after"));
    let after = story.seen.sent_by(&client).pop().unwrap();
    assert_eq!(after.header.turn, turns + 1);
    assert_eq!(after.header.lost_before as usize, turns as usize - kept);
}

#[test]
fn more_vectors_than_we_walk_are_told() {
    let Some(mut story) = Story::begin() else { return };
    let (client, server) = connected();
    let mut bytes = pattern(600);
    let mut crumbs: Vec<&mut [u8]> = bytes.chunks_mut(1).collect();

    let parts = vectors(&mut crumbs);
    // SAFETY: the vectors point to buffers that outlive the call.
    assert_eq!(moved(unsafe { libc::writev(client.as_raw_fd(), parts.as_ptr(), 600) }), 600);
    receive(&server, 600, libc::MSG_WAITALL);

    let sent = &story.sends(&client, 1)[0];
    assert_eq!(sent.header.payload, ebpf_probes::Payload::TooScattered);
    assert_eq!(sent.header.length, 600);
    assert_eq!(sent.payload, &pattern(600)[..sent.payload.len()]);
    assert!(sent.payload.len() >= 100);
}
