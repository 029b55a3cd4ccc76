//! Capture files from anywhere: the same packets wherever the file is cut into pieces, and segments within their packets.
#![no_main]

use std::collections::VecDeque;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;

use self::file::{CaptureReader, Fault, Packet};

// The rooms as they are: the receiver shows only itself to others.
#[path = "../../pipeline/receivers/src/pcap/file/mod.rs"]
pub mod file;
#[path = "../../pipeline/receivers/src/pcap/frame.rs"]
pub mod frame;

/// A header that a file may begin with, so that not every run has to find one.
#[derive(Debug, Clone, Copy, Arbitrary)]
enum Beginning {
    /// The bytes as they are.
    None,
    Classic {
        is_big_endian: bool,
        in_nanoseconds: bool,
        link: u16,
    },
    Blocks {
        is_big_endian: bool,
        link: u16,
    },
}

#[derive(Debug, Arbitrary)]
struct Capture<'a> {
    beginning: Beginning,
    pieces: Vec<u8>,
    bytes: &'a [u8],
}

fuzz_target!(|capture: Capture<'_>| {
    let mut bytes = beginning(capture.beginning);
    bytes.extend_from_slice(capture.bytes);

    let whole = read(&bytes, VecDeque::new());
    let cut = read(&bytes, capture.pieces.into());

    assert_eq!(whole, cut, "the same file in other pieces holds the same packets");
});

/// The packets and how the file ended.
fn read(mut bytes: &[u8], mut pieces: VecDeque<u8>) -> (Vec<String>, Result<(), Fault>) {
    let mut reader = CaptureReader::new();
    let mut packets = Vec::new();
    while !bytes.is_empty() {
        let length = pieces.pop_front().map_or(bytes.len(), |piece| usize::from(piece).clamp(1, bytes.len()));
        let (piece, rest) = bytes.split_at(length);
        bytes = rest;
        reader.push(piece);
        loop {
            match reader.next() {
                Ok(Some(packet)) => packets.push(told(&packet)),
                Ok(None) => break,
                Err(fault) => return (packets, Err(fault)),
            }
        }
    }
    let end = reader.end();
    (packets, end)
}

fn told(packet: &Packet<'_>) -> String {
    let segment = frame::segment(packet);
    if let Ok((segment, _)) = &segment {
        assert!(segment.payload.len() <= segment.length as usize, "more was kept than there was");
        assert!(segment.payload.len() <= packet.captured.len(), "a segment lies in its packet");
    }
    format!("{packet:?} {segment:?}")
}

fn beginning(beginning: Beginning) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut number = |is_big_endian: bool, width: usize, value: u32| {
        let big = value.to_be_bytes();
        let mut field = big[4 - width..].to_vec();
        if !is_big_endian {
            field.reverse();
        }
        bytes.extend(field);
    };
    match beginning {
        Beginning::None => {}
        Beginning::Classic { is_big_endian, in_nanoseconds, link } => {
            number(is_big_endian, 4, if in_nanoseconds { 0xa1b2_3c4d } else { 0xa1b2_c3d4 });
            number(is_big_endian, 2, 2);
            number(is_big_endian, 2, 4);
            for field in [0, 0, 65_535, u32::from(link)] {
                number(is_big_endian, 4, field);
            }
        }
        Beginning::Blocks { is_big_endian, link } => {
            // A section header of unknown length, and an interface.
            for field in [0x0a0d_0d0a, 28, 0x1a2b_3c4d, 0x0001_0000, u32::MAX, u32::MAX, 28] {
                number(is_big_endian, 4, field);
            }
            for field in [1, 20] {
                number(is_big_endian, 4, field);
            }
            number(is_big_endian, 2, u32::from(link));
            number(is_big_endian, 2, 0);
            for field in [65_535, 20] {
                number(is_big_endian, 4, field);
            }
        }
    }
    bytes
}
