//! Every way to move bytes through a socket, and what the kernel side makes of it.

#![allow(
    unsafe_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "system calls are made as programs make them; a surprise ends the test"
)]

mod common;

use std::fs::File;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::net::UnixStream;

use common::{Story, await_fin, connected, moved, pipe, receive, send, vectors};
use ebpf_probes::{Payload, StreamPosition};

#[test]
fn write_and_read_deliver_their_payload() {
    let Some(mut story) = Story::begin() else { return };
    let (mut client, mut server) = connected();

    client.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut buffer = [0; 100];
    let count = server.read(&mut buffer).unwrap();

    let sent = story.sends(&client, 1);
    let received = story.receives(&server, 1);
    assert_eq!(count, 18);
    assert_eq!(sent[0].payload, b"GET / HTTP/1.1\r\n\r\n");
    assert_eq!(received[0].payload, b"GET / HTTP/1.1\r\n\r\n");
    assert_eq!(sent[0].header.length, 18);
    assert_eq!(sent[0].header.payload, Payload::Available);
    assert_eq!(sent[0].header.tgid.0, std::process::id());
}

#[test]
fn the_plain_write_and_read_calls_deliver_their_payload() {
    let Some(mut story) = Story::begin() else { return };
    let (client, server) = connected();

    // SAFETY: the buffers are valid for their lengths.
    unsafe {
        moved(libc::write(client.as_raw_fd(), b"plain".as_ptr().cast(), 5));
        let mut buffer = [0_u8; 50];
        moved(libc::read(server.as_raw_fd(), buffer.as_mut_ptr().cast(), 50));
    }

    assert_eq!(story.sends(&client, 1)[0].payload, b"plain");
    assert_eq!(story.receives(&server, 1)[0].payload, b"plain");
}

#[test]
fn vectors_are_joined_in_one_chunk() {
    let Some(mut story) = Story::begin() else { return };
    let (client, server) = connected();
    let (mut one, mut none, mut two) = (*b"head,", [0_u8; 0], *b"body");

    let parts = vectors(&mut [&mut one, &mut none, &mut two]);
    // SAFETY: the vectors point to buffers that outlive the call.
    moved(unsafe { libc::writev(client.as_raw_fd(), parts.as_ptr(), 3) });
    let (mut first, mut second) = ([0_u8; 3], [0_u8; 50]);
    let room = vectors(&mut [&mut first, &mut second]);
    // SAFETY: as above.
    moved(unsafe { libc::readv(server.as_raw_fd(), room.as_ptr(), 2) });

    assert_eq!(story.sends(&client, 1)[0].payload, b"head,body");
    assert_eq!(story.receives(&server, 1)[0].payload, b"head,body");
}

#[test]
fn messages_deliver_their_vectors() {
    let Some(mut story) = Story::begin() else { return };
    let (client, server) = connected();
    let (mut one, mut two) = (*b"message ", *b"in two");
    let (mut first, mut second) = ([0_u8; 1], [0_u8; 50]);
    let mut parts = vectors(&mut [&mut one, &mut two]);
    let mut room = vectors(&mut [&mut first, &mut second]);

    // SAFETY: all zeros are a valid msghdr; its vectors point to buffers that outlive the calls.
    unsafe {
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_iov = parts.as_mut_ptr();
        message.msg_iovlen = 2;
        moved(libc::sendmsg(client.as_raw_fd(), &raw const message, 0));
        message.msg_iov = room.as_mut_ptr();
        moved(libc::recvmsg(server.as_raw_fd(), &raw mut message, 0));
    }

    assert_eq!(story.sends(&client, 1)[0].payload, b"message in two");
    assert_eq!(story.receives(&server, 1)[0].payload, b"message in two");
}

#[test]
fn peeking_moves_nothing() {
    let Some(mut story) = Story::begin() else { return };
    let (client, server) = connected();

    send(&client, b"look", 0);
    assert_eq!(receive(&server, 10, libc::MSG_PEEK), b"look");
    assert_eq!(receive(&server, 10, 0), b"look");

    let received = story.receives(&server, 1);
    assert_eq!(received[0].header.position, received[0].header.identity.peer_first);
    assert!(story.counters().ignored_receives >= 1);
}

#[test]
fn an_urgent_byte_is_a_hole_of_one() {
    let Some(mut story) = Story::begin() else { return };
    let (client, server) = connected();

    send(&client, b"ab!", libc::MSG_OOB);
    send(&client, b"cd", 0);
    assert_eq!(receive(&server, 1, libc::MSG_OOB), b"!");
    assert_eq!(receive(&server, 10, 0), b"ab");
    assert_eq!(receive(&server, 10, 0), b"cd");

    let received = story.receives(&server, 2);
    let first = received[0].header.identity.peer_first;
    assert_eq!(received[0].header.position, first);
    assert_eq!(received[1].header.position, first.plus(3));
}

#[test]
fn discarded_bytes_are_counted_without_payload() {
    let Some(mut story) = Story::begin() else { return };
    let (client, server) = connected();

    send(&client, b"unwanted", 0);
    // SAFETY: with MSG_TRUNC the kernel writes nothing.
    moved(unsafe { libc::recv(server.as_raw_fd(), std::ptr::null_mut(), 8, libc::MSG_TRUNC) });
    send(&client, b"wanted", 0);
    receive(&server, 10, 0);

    let received = story.receives(&server, 2);
    assert_eq!((received[0].header.length, received[0].header.payload), (8, Payload::Discarded));
    assert!(received[0].payload.is_empty());
    assert_eq!(received[1].payload, b"wanted");
    assert_eq!(received[1].header.position, received[0].header.position.plus(8));
}

#[test]
fn a_call_that_would_block_is_no_chunk() {
    let Some(mut story) = Story::begin() else { return };
    let (client, server) = connected();
    let mut buffer = [0_u8; 10];

    // SAFETY: the buffer is valid for its length.
    let outcome = unsafe { libc::recv(server.as_raw_fd(), buffer.as_mut_ptr().cast(), 10, libc::MSG_DONTWAIT) };
    assert_eq!(outcome, -1);
    send(&client, b"now", 0);
    receive(&server, 10, 0);

    assert_eq!(story.receives(&server, 1)[0].payload, b"now");
}

#[test]
fn a_fin_that_is_read_with_the_last_bytes_does_not_shift_them() {
    let Some(mut story) = Story::begin() else { return };
    let (client, server) = connected();

    send(&client, b"bye", 0);
    client.shutdown(Shutdown::Write).unwrap();
    await_fin(&server);
    assert_eq!(receive(&server, 100, 0), b"bye");

    let sent = story.sends(&client, 1);
    let received = story.receives(&server, 1);
    assert_eq!(received[0].header.position, sent[0].header.position);
}

#[test]
fn closing_the_reading_half_is_no_fin() {
    let Some(mut story) = Story::begin() else { return };
    let (client, server) = connected();

    send(&client, b"late", 0);
    server.shutdown(Shutdown::Read).unwrap();
    assert_eq!(receive(&server, 100, 0), b"late");

    let sent = story.sends(&client, 1);
    let received = story.receives(&server, 1);
    assert_eq!(received[0].header.position, sent[0].header.position);
}

#[test]
fn sendfile_is_counted_without_payload() {
    let Some(mut story) = Story::begin() else { return };
    let (client, server) = connected();
    // SAFETY: a new descriptor without other owner.
    let mut file = unsafe { File::from_raw_fd(libc::memfd_create(c"body".as_ptr(), 0)) };
    file.write_all(&[b'x'; 3000]).unwrap();

    let mut offset = 0;
    // SAFETY: both descriptors are open, `offset` is valid.
    moved(unsafe { libc::sendfile(client.as_raw_fd(), file.as_raw_fd(), &raw mut offset, 3000) });
    send(&client, b"after", 0);
    assert_eq!(receive(&server, 3005, libc::MSG_WAITALL).len(), 3005);

    story.until("what came after the file", |seen| seen.sent_by(&client).iter().any(|chunk| chunk.payload == b"after"));
    let sent = story.seen.sent_by(&client);
    let (last, from_file) = sent.split_last().unwrap();
    assert!(from_file.iter().all(|chunk| chunk.header.payload == Payload::NoUserBuffer && chunk.payload.is_empty()));
    assert_eq!(from_file.iter().map(|chunk| chunk.header.length).sum::<u32>(), 3000);
    assert_eq!(last.header.position, last.header.identity.own_first.plus(3000));
}

#[test]
fn a_splice_from_a_socket_is_a_jump_of_the_position() {
    let Some(mut story) = Story::begin() else { return };
    let (client, server) = connected();
    let (_reading, writing) = pipe();

    send(&client, b"unseen", 0);
    // SAFETY: both descriptors are open, the offsets are absent.
    let spliced =
        moved(unsafe { libc::splice(server.as_raw_fd(), std::ptr::null_mut(), writing, std::ptr::null_mut(), 6, 0) });
    assert_eq!(spliced, 6);
    send(&client, b"seen", 0);
    receive(&server, 10, 0);

    let received = story.receives(&server, 1);
    assert_eq!(received[0].payload, b"seen");
    assert_eq!(received[0].header.position, received[0].header.identity.peer_first.plus(6));
}

#[test]
fn positions_are_the_same_at_both_ends() {
    let Some(mut story) = Story::begin() else { return };
    let (client, server) = connected();

    for text in [&b"first"[..], b"second", b"third"] {
        send(&client, text, 0);
        receive(&server, 20, 0);
    }

    let places = |chunks: Vec<common::Chunk>| -> Vec<(StreamPosition, u32)> {
        chunks.iter().map(|chunk| (chunk.header.position, chunk.header.length)).collect()
    };
    let sent = places(story.sends(&client, 3));
    assert_eq!(sent, places(story.receives(&server, 3)));
    assert_eq!(sent[1].0, sent[0].0.plus(5));
    assert_eq!(sent[2].0.distance_from(sent[0].0), 11);
}

#[test]
fn unix_sockets_and_datagrams_are_only_counted() {
    let Some(mut story) = Story::begin() else { return };
    let (mut here, mut there) = UnixStream::pair().unwrap();
    let one = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let other = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let before = story.counters();

    here.write_all(b"local").unwrap();
    there.read_exact(&mut [0; 5]).unwrap();
    one.send_to(b"datagram", other.local_addr().unwrap()).unwrap();
    other.recv(&mut [0; 20]).unwrap();

    let after = story.counters();
    assert_eq!(after.unix_sent_bytes - before.unix_sent_bytes, 5);
    assert_eq!(after.unix_received_bytes - before.unix_received_bytes, 5);
    assert_eq!(after.udp_sent_bytes - before.udp_sent_bytes, 8);
    assert_eq!(after.udp_received_bytes - before.udp_received_bytes, 8);
    let (client, server) = connected();
    send(&client, b"end", 0);
    receive(&server, 3, 0);
    story.sends(&client, 1);
    assert!(story.seen.sent_by(&here).is_empty() && story.seen.sent_by(&one).is_empty());
}
