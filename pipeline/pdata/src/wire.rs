//! The protobuf wire format: reading fields and writing them.
//!
//! In this room: varints, tags, fields, back-patched lengths.
//! Not here: what a field means (`schema`), whether bytes may be trusted (`framing`).
//!
//! Enter at [`Fields`] to read and [`open`]/[`close`] to write.

use crate::text::text;

/// Wire type of varints.
pub(crate) const VARINT: u8 = 0;
/// Wire type of eight little-endian bytes.
pub(crate) const FIXED64: u8 = 1;
/// Wire type of length-prefixed bytes.
pub(crate) const LENGTH: u8 = 2;
/// Wire type of four little-endian bytes.
pub(crate) const FIXED32: u8 = 5;

/// A place in bytes that only moves forward. Every read is bounded; `None` means that the bytes end too early.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// Nearly all varints of OTLP (tags, lengths, kinds) have one byte, and lengths of spans two; the rest goes out of
    /// line.
    #[inline]
    pub(crate) fn varint(&mut self) -> Option<u64> {
        match self.bytes.get(self.at..)? {
            [first @ 0..0x80, ..] => {
                self.at += 1;
                Some(u64::from(*first))
            }
            [first, second @ 0..0x80, ..] => {
                self.at += 2;
                Some(u64::from(first & 0x7f) | u64::from(*second) << 7)
            }
            _ => self.long_varint(),
        }
    }

    #[inline(never)]
    fn long_varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for (index, &byte) in self.bytes.get(self.at..)?.iter().take(10).enumerate() {
            // The tenth byte holds the 64th bit only.
            if index == 9 && byte > 1 {
                return None;
            }
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte < 0x80 {
                self.at += index + 1;
                return Some(value);
            }
        }
        None
    }

    #[inline]
    pub(crate) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let taken = self.bytes.get(self.at..)?.get(..length)?;
        self.at += length;
        Some(taken)
    }

    #[inline]
    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let taken = *self.bytes.get(self.at..)?.first_chunk::<N>()?;
        self.at += N;
        Some(taken)
    }

    #[inline]
    pub(crate) fn prefixed(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.varint()?).ok()?;
        self.take(length)
    }
}

/// What a field carries, by its wire type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Payload<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(&'a [u8]),
}

impl<'a> Payload<'a> {
    #[inline]
    pub(crate) fn bytes(self) -> &'a [u8] {
        match self {
            Payload::Bytes(bytes) => bytes,
            _ => &[],
        }
    }

    #[inline]
    pub(crate) fn number(self) -> u64 {
        match self {
            Payload::Varint(value) | Payload::Fixed64(value) => value,
            Payload::Fixed32(value) => u64::from(value),
            Payload::Bytes(_) => 0,
        }
    }

    /// Protobuf cuts 32-bit fields out of longer varints.
    #[inline]
    pub(crate) fn number32(self) -> u32 {
        (self.number() & u64::from(u32::MAX)) as u32
    }

    #[inline]
    pub(crate) fn double(self) -> f64 {
        f64::from_bits(self.number())
    }

    /// A `string` field.
    #[inline]
    pub(crate) fn text(self) -> &'a str {
        text(self.bytes())
    }
}

/// The body of a field with this one-byte tag and less than 128 bytes, and what follows it: the form of nearly all
/// strings, attributes and values. `None` says nothing about the field but that it is not so.
#[inline]
pub(crate) fn split_short(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    match bytes {
        [first, length @ 0..0x80, rest @ ..] if *first == tag => rest.split_at_checked(usize::from(*length)),
        _ => None,
    }
}

/// One field of a message: its number, what it carries, and where it lies in the message (tag included).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field<'a> {
    pub(crate) number: u32,
    pub(crate) payload: Payload<'a>,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Field<'_> {
    /// Where the payload of a length-prefixed field lies.
    pub(crate) fn body(&self) -> std::ops::Range<usize> {
        self.end - self.payload.bytes().len()..self.end
    }
}

/// The fields of a message, in wire order. Made for bytes that passed framing; on others it ends early.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a>(pub(crate) Reader<'a>);

impl<'a> Fields<'a> {
    pub(crate) fn new(message: &'a [u8]) -> Self {
        Self(Reader::new(message))
    }

    /// The fields from byte `at` of the message on.
    pub(crate) fn starting_at(message: &'a [u8], at: usize) -> Self {
        Self(Reader { bytes: message, at })
    }

    /// The body of the next field if it has this one-byte tag and less than 128 bytes; else nothing is consumed, and
    /// [`Fields::next`] says what comes.
    #[inline]
    pub(crate) fn next_short(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (body, _) = split_short(self.0.bytes.get(self.0.at..)?, tag)?;
        self.0.at += 2 + body.len();
        Some(body)
    }

    /// Any field that is not a short string or message.
    #[inline(never)]
    fn next_unusual(&mut self) -> Option<Field<'a>> {
        let start = self.0.at;
        let tag = self.0.varint()?;
        let payload = match (tag & 7) as u8 {
            VARINT => Payload::Varint(self.0.varint()?),
            FIXED64 => Payload::Fixed64(u64::from_le_bytes(self.0.array()?)),
            LENGTH => Payload::Bytes(self.0.prefixed()?),
            FIXED32 => Payload::Fixed32(u32::from_le_bytes(self.0.array()?)),
            _ => return None,
        };
        Some(Field { number: (tag >> 3) as u32, payload, start, end: self.0.at })
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    #[inline]
    fn next(&mut self) -> Option<Field<'a>> {
        let start = self.0.at;
        // Short strings and messages, which most fields are, without a second look at the tag.
        if let [tag @ 0..0x80, length @ 0..0x80, rest @ ..] = self.0.bytes.get(start..)?
            && tag & 7 == LENGTH
        {
            let body = rest.get(..usize::from(*length))?;
            self.0.at = start + 2 + body.len();
            return Some(Field { number: u32::from(tag >> 3), payload: Payload::Bytes(body), start, end: self.0.at });
        }
        self.next_unusual()
    }
}

/// The payload of the first field with this number. In normal form there is at most one of a singular field.
#[inline]
pub(crate) fn find<'a>(message: &'a [u8], number: u32) -> Option<Payload<'a>> {
    Fields::new(message).find(|field| field.number == number).map(|field| field.payload)
}

/// Bytes that the varint of this value takes.
pub(crate) const fn varint_size(value: u64) -> usize {
    // One byte for every begun group of seven bits; zero takes one too.
    (64 - (value | 1).leading_zeros()).div_ceil(7) as usize
}

/// The one-byte tag of a field number below 16; all that we write have one or two bytes.
pub(crate) const fn tag(number: u32, wire: u8) -> u64 {
    ((number as u64) << 3) | wire as u64
}

#[inline]
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(crate) fn put_varint_field(out: &mut Vec<u8>, number: u32, value: u64) {
    put_varint(out, tag(number, VARINT));
    put_varint(out, value);
}

pub(crate) fn put_fixed64_field(out: &mut Vec<u8>, number: u32, value: u64) {
    put_varint(out, tag(number, FIXED64));
    out.extend_from_slice(&value.to_le_bytes());
}

pub(crate) fn put_fixed32_field(out: &mut Vec<u8>, number: u32, value: u32) {
    put_varint(out, tag(number, FIXED32));
    out.extend_from_slice(&value.to_le_bytes());
}

pub(crate) fn put_bytes_field(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    out.reserve(2 + bytes.len());
    put_varint(out, tag(number, LENGTH));
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// `sint32` and `sint64` fold the sign into the lowest bit.
pub(crate) const fn zigzag(value: i32) -> u64 {
    ((value << 1) ^ (value >> 31)) as u32 as u64
}

pub(crate) const fn unzigzag(value: u32) -> i32 {
    ((value >> 1) as i32) ^ -((value & 1) as i32)
}

/// A nested message whose length is not known yet.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub(crate) struct Open {
    body: usize,
    reserved: usize,
}

/// Writes the tag of a nested message and leaves `reserved` bytes for its length: the number that its usual size needs.
pub(crate) fn open(out: &mut Vec<u8>, number: u32, reserved: usize) -> Open {
    put_varint(out, tag(number, LENGTH));
    out.resize(out.len() + reserved, 0);
    Open { body: out.len(), reserved }
}

/// Writes the length. Where the guess was wrong the body is moved, so that lengths are always minimal varints.
pub(crate) fn close(out: &mut Vec<u8>, open: Open) {
    let Open { body, reserved } = open;
    let length = out.len().saturating_sub(body);
    let needed = varint_size(length as u64);
    let at = body.saturating_sub(reserved);
    if needed == 1
        && reserved == 1
        && let Some(byte) = out.get_mut(at)
    {
        *byte = length as u8;
        return;
    }
    if needed > reserved {
        out.resize(out.len() + needed - reserved, 0);
    }
    if needed != reserved {
        out.copy_within(body..body + length, at + needed);
        out.truncate(at + needed + length);
    }
    let mut value = length as u64;
    for byte in out.iter_mut().skip(at).take(needed) {
        *byte = if value >= 0x80 { (value & 0x7f) as u8 | 0x80 } else { value as u8 };
        value >>= 7;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_varint_reads_back_and_knows_its_size() {
        for value in [0, 1, 127, 128, 300, 16_383, 16_384, u64::from(u32::MAX), u64::MAX] {
            let mut out = Vec::new();
            put_varint(&mut out, value);

            assert_eq!(out.len(), varint_size(value), "size of {value}");
            assert_eq!(Reader::new(&out).varint(), Some(value));
        }
    }

    #[test]
    fn a_varint_of_more_than_64_bits_is_none() {
        assert_eq!(Reader::new(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]).varint(), None);
        assert_eq!(Reader::new(&[0x80; 11]).varint(), None);
    }

    #[test]
    fn a_wrong_guess_of_a_length_moves_the_body() {
        for (length, reserved) in [(0, 1), (5, 1), (127, 2), (128, 1), (200, 4), (20_000, 2), (3, 0)] {
            let body = vec![7_u8; length];
            let mut guessed = vec![9];
            let nested = open(&mut guessed, 3, reserved);
            guessed.extend_from_slice(&body);
            close(&mut guessed, nested);

            let mut known = vec![9];
            put_bytes_field(&mut known, 3, &body);
            assert_eq!(guessed, known, "{length} bytes with {reserved} reserved");
        }
    }

    #[test]
    fn zigzag_goes_both_ways() {
        for value in [0, -1, 1, i32::MIN, i32::MAX] {
            assert_eq!(unzigzag(zigzag(value) as u32), value);
        }
    }
}
