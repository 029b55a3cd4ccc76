//! Both formats, whole, in pieces, and broken.

use super::*;

fn classic(order: fn(u32) -> [u8; 4], magic: u32, records: &[(u32, u32, &[u8])]) -> Vec<u8> {
    let two_halves = if order(1)[0] == 1 { [2, 0, 4, 0] } else { [0, 2, 0, 4] };
    let mut file = [order(magic), two_halves, order(0), order(0), order(65535), order(1)].concat();
    for (seconds, ticks, bytes) in records {
        let length = u32::try_from(bytes.len()).unwrap();
        file.extend([order(*seconds), order(*ticks), order(length), order(length + 5)].concat());
        file.extend_from_slice(bytes);
    }
    file
}

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    body.resize(body.len().next_multiple_of(4), 0);
    let length = u32::try_from(body.len() + 12).unwrap().to_le_bytes();
    [&kind.to_le_bytes()[..], &length, &body, &length].concat()
}

fn section() -> Vec<u8> {
    block(0x0a0d_0d0a, &[&0x1a2b_3c4d_u32.to_le_bytes()[..], &[1, 0, 0, 0], &[0xff; 8]].concat())
}

fn interface(link: u16, options: &[u8]) -> Vec<u8> {
    block(1, &[&link.to_le_bytes()[..], &[0, 0], &[0; 4], options].concat())
}

fn packet(interface: u32, ticks: u64, bytes: &[u8]) -> Vec<u8> {
    let [low, high] = [ticks as u32, (ticks >> 32) as u32];
    let length = u32::try_from(bytes.len()).unwrap();
    let numbers = [interface, high, low, length, length].map(u32::to_le_bytes).concat();
    block(6, &[&numbers, bytes].concat())
}

type Read = (u16, Option<u64>, Vec<u8>);

fn read_in_pieces(file: &[u8], piece: usize) -> (Vec<Read>, Result<(), Fault>) {
    let mut reader = CaptureReader::new();
    let mut packets = Vec::new();
    for piece in file.chunks(piece) {
        reader.push(piece);
        loop {
            match reader.next() {
                Ok(Some(packet)) => {
                    packets.push((packet.link.0, packet.time.map(|time| time.0), packet.captured.to_vec()));
                }
                Ok(None) => break,
                Err(fault) => return (packets, Err(fault)),
            }
        }
    }
    (packets, reader.end())
}

fn read(file: &[u8]) -> (Vec<Read>, Result<(), Fault>) {
    let whole = read_in_pieces(file, file.len().max(1));
    assert_eq!(read_in_pieces(file, 1), whole, "pieces make no difference");
    whole
}

#[test]
fn both_byte_orders_and_both_resolutions_are_read() {
    let packet = (1, Some(7_000_000_009), b"abc".to_vec());
    let micros = (1, Some(7_000_009_000), b"abc".to_vec());
    let records: &[(u32, u32, &[u8])] = &[(7, 9, b"abc")];

    for order in [u32::to_le_bytes, u32::to_be_bytes] {
        assert_eq!(read(&classic(order, 0xa1b2_3c4d, records)), (vec![packet.clone()], Ok(())));
        assert_eq!(read(&classic(order, 0xa1b2_c3d4, records)), (vec![micros.clone()], Ok(())));
    }
}

#[test]
fn each_interface_has_its_own_link_type_and_time() {
    let nanoseconds = [9, 0, 1, 0, 9, 0, 0, 0];
    let powers_of_two = [9, 0, 1, 0, 0x81, 0, 0, 0, 14, 0, 8, 0, 100, 0, 0, 0, 0, 0, 0, 0];
    let file = [
        section(),
        interface(1, &[]),
        interface(101, &nanoseconds),
        interface(113, &powers_of_two),
        block(0xbad, b"nobody knows this"),
        packet(0, 3, b"a"),
        packet(1, 3, b"bb"),
        packet(2, 3, b"ccc"),
    ]
    .concat();

    let (packets, end) = read(&file);

    let expected = [(1, 3_000, "a"), (101, 3, "bb"), (113, 101_500_000_000, "ccc")];
    let expected = expected.map(|(link, time, bytes)| (link, Some(time), bytes.as_bytes().to_vec()));
    assert_eq!((packets, end), (expected.to_vec(), Ok(())));
}

#[test]
fn a_packet_without_time_is_read() {
    let file = [section(), interface(1, &[]), block(3, &[3, 0, 0, 0, b'a', b'b', b'c', 0])].concat();
    assert_eq!(read(&file).0, vec![(1, None, b"abc".to_vec())]);
}

#[test]
fn a_cut_file_gives_what_came_before_and_says_where() {
    let file = classic(u32::to_le_bytes, 0xa1b2_c3d4, &[(1, 0, b"whole"), (2, 0, b"cut")]);
    let cut = &file[..file.len() - 1];

    let (packets, end) = read(cut);

    assert_eq!(packets.len(), 1);
    assert_eq!(end, Err(Fault::Cut { offset: 24 + 16 + 5 }));
}

#[test]
fn whatever_is_no_capture_is_called_what_it_is() {
    assert_eq!(read(b"").1, Err(Fault::Empty));
    assert_eq!(read(b"\x1f\x8b\x08\0...").1, Err(Fault::Compressed));
    assert!(matches!(read(b"GET / HTTP").1, Err(Fault::NotACapture(_))));
    assert_eq!(read(&0xa1b2_c3d4_u32.to_le_bytes()).1, Err(Fault::Cut { offset: 0 }));
}

#[test]
fn impossible_lengths_end_the_reading_with_their_place() {
    let mut huge = classic(u32::to_le_bytes, 0xa1b2_c3d4, &[(1, 0, b"")]);
    huge[32..36].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(matches!(read(&huge).1, Err(Fault::Damaged { offset: 24, .. })));

    let no_interface = [section(), packet(0, 3, b"a")].concat();
    assert!(matches!(read(&no_interface).1, Err(Fault::Damaged { offset: 28, .. })));
}

#[test]
fn damage_anywhere_ends_in_a_value() {
    let file = [section(), interface(1, &[9, 0, 1, 0, 6, 0, 0, 0]), packet(0, 3, b"abcd")].concat();
    for at in 0..file.len() {
        for value in [0, 1, 0x7f, 0xff] {
            let mut damaged = file.clone();
            damaged[at] = value;
            let (packets, _) = read_in_pieces(&damaged, 7);
            assert!(packets.len() <= 1);
        }
    }
}
