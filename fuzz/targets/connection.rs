//! Bytes of both directions from anywhere: the same exchanges wherever the bytes are cut.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use protocols::connection::Start;
use protocols::{Chunk, Close, Connection, ConnectionConfig, Flow, Role};

#[derive(Debug, Arbitrary)]
struct Turn<'a> {
    sent: bool,
    /// Bytes of which only the length is known.
    unseen: u16,
    /// Where the bytes are cut.
    cuts: [u8; 3],
    bytes: &'a [u8],
}

#[derive(Debug, Arbitrary)]
struct Conversation<'a> {
    role: u8,
    from_beginning: bool,
    first_positions: (u32, u32),
    turns: Vec<Turn<'a>>,
}

fuzz_target!(|conversation: Conversation<'_>| {
    let whole = exchanges(&conversation, false);
    let cut = exchanges(&conversation, true);
    assert_eq!(whole, cut, "the same bytes cut at other places give the same exchanges");
});

fn exchanges(conversation: &Conversation<'_>, is_cut: bool) -> Vec<String> {
    let role = [Role::Client, Role::Server, Role::Unknown][usize::from(conversation.role) % 3];
    let (mut sent, mut received) = conversation.first_positions;
    let start = conversation.from_beginning.then_some(Start { sent, received });
    let mut connection = Connection::new(ConnectionConfig { role, start, ..ConnectionConfig::default() });
    let mut found = Vec::new();
    for turn in &conversation.turns {
        let (flow, position) = if turn.sent { (Flow::Sent, &mut sent) } else { (Flow::Received, &mut received) };
        for piece in pieces(turn, is_cut) {
            push(&mut connection, flow, position, piece, piece.len() as u32);
        }
        if turn.unseen > 0 {
            push(&mut connection, flow, position, &[], u32::from(turn.unseen));
        }
        connection.drain(|exchange| found.push(format!("{exchange:?}")));
    }
    connection.close(Close::default());
    connection.drain(|exchange| found.push(format!("{exchange:?}")));
    found
}

fn push(connection: &mut Connection, flow: Flow, position: &mut u32, captured: &[u8], length: u32) {
    connection.push(flow, Chunk { position: *position, length, captured, ..Chunk::default() });
    *position = position.wrapping_add(length);
}

fn pieces<'a>(turn: &Turn<'a>, is_cut: bool) -> Vec<&'a [u8]> {
    let mut rest = turn.bytes;
    let mut pieces = Vec::new();
    for cut in turn.cuts.iter().filter(|_| is_cut) {
        let (piece, after) = rest.split_at(usize::from(*cut).min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    pieces.retain(|piece| !piece.is_empty());
    pieces
}
