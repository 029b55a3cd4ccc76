use std::io::Write;

use bytes::Bytes;

use super::*;

const CODECS: [Codec; 6] = [Codec::Gzip, Codec::Zlib, Codec::Zstd, Codec::Snappy, Codec::SnappyFramed, Codec::Lz4];

fn whole(codec: Codec, input: Bytes, limit: usize) -> Result<Bytes, DecompressError> {
    decompress(codec, input, limit, &mut |_| true)
}

fn squeezed(codec: Codec, segments: &[Bytes]) -> Bytes {
    compress(Compression { codec, level: None }, segments).unwrap()
}

#[test]
fn every_codec_gives_back_what_it_was_given() {
    let segments = [Bytes::from("one ".repeat(40_000)), Bytes::from_static(b""), Bytes::from("two".repeat(7))];
    let plain = segments.concat();

    for codec in CODECS {
        // Twice: the second run works on contexts that the first left behind.
        for _ in 0..2 {
            let packed = squeezed(codec, &segments);
            assert!(packed.len() < plain.len() / 2, "{codec:?} did not compress");
            assert_eq!(whole(codec, packed, plain.len()).as_deref(), Ok(&plain[..]), "{codec:?}");
        }
    }
}

#[test]
fn an_empty_body_stays_empty() {
    for codec in CODECS {
        assert_eq!(whole(codec, squeezed(codec, &[]), 10), Ok(Bytes::new()), "{codec:?}");
    }
}

#[test]
fn a_bomb_is_refused_before_it_fills_the_memory() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let block = vec![0; 1 << 20];
    (0..100).for_each(|_| encoder.write_all(&block).unwrap());
    let bomb = Bytes::from(encoder.finish().unwrap());
    let mut most = 0;

    let outcome = decompress(Codec::Gzip, bomb, 4 << 20, &mut |bytes| {
        most = most.max(bytes);
        true
    });

    assert_eq!(outcome, Err(DecompressError::TooLarge { limit: 4 << 20 }));
    assert!(most <= (4 << 20) + 1, "{most} bytes were taken");
}

#[test]
fn each_codec_stops_at_the_limit_and_not_before() {
    let plain = Bytes::from(vec![7; 300_000]);
    for codec in CODECS {
        let packed = squeezed(codec, std::slice::from_ref(&plain));

        assert_eq!(whole(codec, packed.clone(), 300_000), Ok(plain.clone()), "{codec:?}");
        assert_eq!(whole(codec, packed, 299_999), Err(DecompressError::TooLarge { limit: 299_999 }), "{codec:?}");
    }
}

#[test]
fn output_is_granted_before_it_is_taken_and_settled_at_its_true_size() {
    let packed = squeezed(Codec::Zstd, &[Bytes::from(vec![1; 500_000])]);
    let mut asked = Vec::new();

    let refused = decompress(Codec::Zstd, packed.clone(), 1 << 20, &mut |bytes| bytes < 200_000);
    decompress(Codec::Zstd, packed, 1 << 20, &mut |bytes| {
        asked.push(bytes);
        true
    })
    .unwrap();

    assert_eq!(refused, Err(DecompressError::NoRoom));
    assert_eq!(asked.last(), Some(&500_000));
}

#[test]
fn cut_and_foreign_bytes_are_an_error_and_leave_the_contexts_usable() {
    for codec in CODECS {
        let packed = squeezed(codec, &[Bytes::from("payload ".repeat(5_000))]);
        let cut = packed.slice(..packed.len() - 3);

        assert!(matches!(whole(codec, cut, 1 << 20), Err(DecompressError::Corrupt { .. })), "{codec:?} took cut bytes");
        let foreign = whole(codec, Bytes::from_static(b"\xff\xffthis is not it"), 1 << 20);
        assert!(
            matches!(foreign, Err(DecompressError::Corrupt { .. } | DecompressError::TooLarge { .. })),
            "{codec:?}: {foreign:?}"
        );
        assert!(whole(codec, packed, 1 << 20).is_ok(), "{codec:?} stayed broken");
    }
}

#[test]
fn a_gzip_of_several_members_is_one_body() {
    let members = [squeezed(Codec::Gzip, &["one,".into()]), squeezed(Codec::Gzip, &["two".into()])].concat();

    assert_eq!(whole(Codec::Gzip, members.into(), 100).as_deref(), Ok(&b"one,two"[..]));
}

#[test]
fn levels_trade_size_for_time() {
    let text: String = (0..20_000).map(|number| format!("{} ", number * 7919 % 10_007)).collect();
    let size =
        |codec, level| compress(Compression { codec, level: Some(level) }, &[text.clone().into()]).unwrap().len();

    assert!(size(Codec::Gzip, 9) < size(Codec::Gzip, 1));
    assert!(size(Codec::Zstd, 9) < size(Codec::Zstd, 1));
}
