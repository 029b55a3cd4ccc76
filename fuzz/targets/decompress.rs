//! Compressed bodies from anywhere: never more than the limit, never more memory than was granted.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use transport::{Codec, decompress};

const LIMIT: usize = 1 << 16;
const CODECS: [Codec; 6] = [Codec::Gzip, Codec::Zlib, Codec::Zstd, Codec::Snappy, Codec::SnappyFramed, Codec::Lz4];

fuzz_target!(|input: (u8, u16, &[u8])| {
    let (codec, room, bytes) = input;
    let codec = CODECS[usize::from(codec) % CODECS.len()];
    let mut granted = 0;
    let mut grow = |size: usize| {
        let fits = size <= usize::from(room);
        if fits {
            granted = granted.max(size);
        }
        fits
    };
    if let Ok(output) = decompress(codec, Bytes::copy_from_slice(bytes), LIMIT, &mut grow) {
        assert!(output.len() <= LIMIT);
        assert!(output.len() <= granted || output.is_empty(), "memory was asked for before it was taken");
    }
});
