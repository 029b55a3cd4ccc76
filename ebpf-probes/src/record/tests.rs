//! Stories of the decoder: it believes no byte.

use super::*;
use crate::error::MalformedRecord;
use crate::layout::{ChunkRecord, ExecRecord, OpenRecord, direction, record_kind};

/// A chunk record as the kernel side writes it.
fn chunk_bytes(captured: u32, length: u32, text: &[u8], tail_length: u8) -> Vec<u8> {
    let mut bytes = vec![0; ChunkRecord::SIZE];
    bytes[0] = record_kind::CHUNK as u8;
    bytes[1] = direction::RECEIVE as u8;
    bytes[4..8].copy_from_slice(&3_u32.to_ne_bytes());
    bytes[16..24].copy_from_slice(&77_u64.to_ne_bytes());
    bytes[32..36].copy_from_slice(&u32::MAX.to_ne_bytes());
    bytes[36..40].copy_from_slice(&length.to_ne_bytes());
    bytes[40..44].copy_from_slice(&captured.to_ne_bytes());
    bytes[56] = tail_length;
    bytes.extend_from_slice(text);
    bytes
}

#[test]
fn a_chunk_is_split_into_payload_and_tail() {
    let bytes = chunk_bytes(5, 100, b"begin...end", 6);

    let Ok(Record::Chunk(header, payload, tail)) = Record::decode(&bytes) else { panic!("not a chunk") };

    assert_eq!((payload, tail), (&b"begin"[..], &b"...end"[..]));
    assert_eq!((header.direction, header.turn, header.cookie), (Direction::Receive, 3, SocketCookie(77)));
    assert_eq!(header.position.plus(header.length), StreamPosition(99));
}

#[test]
fn a_chunk_that_promises_more_than_it_brings_is_refused() {
    let too_short = MalformedRecord::Short { kind: 1, length: ChunkRecord::SIZE + 5 };

    assert_eq!(Record::decode(&chunk_bytes(6, 100, b"begin", 0)), Err(too_short));
    assert_eq!(Record::decode(&chunk_bytes(5, 100, b"begin", 1)), Err(too_short));
}

#[test]
fn a_chunk_with_more_payload_than_length_is_refused() {
    let impossible = MalformedRecord::Impossible { kind: 1, field: "captured" };

    assert_eq!(Record::decode(&chunk_bytes(5, 4, b"begin", 0)), Err(impossible));
    assert_eq!(Record::decode(&chunk_bytes(5, 6, b"begin...", 3)), Err(impossible));
}

#[test]
fn an_unknown_kind_is_refused_by_name() {
    assert_eq!(Record::decode(&[200, 0, 0]), Err(MalformedRecord::UnknownKind { kind: 200 }));
    assert_eq!(Record::decode(&[]), Err(MalformedRecord::UnknownKind { kind: 0 }));
}

#[test]
fn variables_of_a_program_are_found_by_their_whole_name() {
    let text = b"/bin/cart\0OTEL_SERVICE_NAME=cart\0OTEL_RESOURCE_ATTRIBUTES=a=b\0";
    let mut bytes = vec![0; ExecRecord::SIZE];
    bytes[0] = record_kind::EXEC as u8;
    bytes[2..4].copy_from_slice(&10_u16.to_ne_bytes());
    bytes[28..30].copy_from_slice(&(u16::try_from(text.len()).unwrap() - 10).to_ne_bytes());
    bytes.extend_from_slice(text);

    let Ok(Record::Exec(exec)) = Record::decode(&bytes) else { panic!("not an exec") };

    assert_eq!(exec.filename, b"/bin/cart");
    assert_eq!(exec.service_name, Some(&b"cart"[..]));
    assert_eq!(exec.resource_attributes, Some(&b"a=b"[..]));
}

#[test]
fn any_bytes_end_in_a_record_or_an_error() {
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random.to_le_bytes()[0]
    };
    let mut decoded = 0;
    for kind in 0..=20_u8 {
        for length in 0..300 {
            let bytes: Vec<u8> = std::iter::once(kind).chain((0..length).map(|_| next())).collect();
            if Record::decode(&bytes).is_ok() {
                decoded += 1;
            }
        }
    }
    assert!(decoded > OpenRecord::SIZE);
}

#[test]
fn positions_wrap_and_keep_their_order() {
    let before = StreamPosition(u32::MAX - 4);

    assert_eq!(before.plus(10), StreamPosition(5));
    assert_eq!(before.plus(10).distance_from(before), 10);
    assert_eq!(before.distance_from(before.plus(10)), -10);
}

#[test]
fn an_identity_is_the_same_seen_from_both_ends() {
    let client = ConnectionIdentity { own_first: StreamPosition(9), peer_first: StreamPosition(4) };
    let server = ConnectionIdentity { own_first: StreamPosition(4), peer_first: StreamPosition(9) };

    assert_eq!(client.symmetric(), server.symmetric());
    assert_eq!(client.client_and_server(Some(Role::Client)), Some((StreamPosition(9), StreamPosition(4))));
    assert_eq!(server.client_and_server(Some(Role::Server)), Some((StreamPosition(9), StreamPosition(4))));
    assert_eq!(server.client_and_server(None), None);
}
