//! The few protobuf messages that travel beside the data: `google.rpc.Status`, `RetryInfo`, partial success.

/// One field of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    /// Fixed-width: in none of our messages.
    Other,
}

/// Number and value of each field; ends early at the first byte that makes no sense.
pub(crate) fn fields(mut rest: &[u8]) -> impl Iterator<Item = (u64, Value<'_>)> {
    std::iter::from_fn(move || {
        let key = varint(&mut rest)?;
        let value = match key & 7 {
            0 => Value::Varint(varint(&mut rest)?),
            1 => take(&mut rest, 8).map(|_| Value::Other)?,
            2 => {
                let length = usize::try_from(varint(&mut rest)?).ok()?;
                Value::Bytes(take(&mut rest, length)?)
            }
            5 => take(&mut rest, 4).map(|_| Value::Other)?,
            _ => return None,
        };
        Some((key >> 3, value))
    })
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, left) = rest.split_first()?;
        *rest = left;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Appends a varint field; zero is left out, as proto3 does.
pub(crate) fn put_varint(message: &mut Vec<u8>, number: u64, value: u64) {
    if value != 0 {
        raw_varint(message, number << 3);
        raw_varint(message, value);
    }
}

/// Appends a field of bytes; an empty one is left out.
pub(crate) fn put_bytes(message: &mut Vec<u8>, number: u64, bytes: &[u8]) {
    if !bytes.is_empty() {
        raw_varint(message, number << 3 | 2);
        raw_varint(message, bytes.len() as u64);
        message.extend_from_slice(bytes);
    }
}

fn raw_varint(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        message.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    message.push((value & 0x7f) as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_as_they_were_written() {
        let mut message = Vec::new();
        put_varint(&mut message, 1, 300);
        put_bytes(&mut message, 2, b"text");
        put_varint(&mut message, 3, 0);

        assert_eq!(fields(&message).collect::<Vec<_>>(), [(1, Value::Varint(300)), (2, Value::Bytes(b"text"))]);
    }

    #[test]
    fn nonsense_ends_the_message() {
        for nonsense in [&[0xff; 12][..], &[0x0a, 0x7f, 1], &[0x0b], &[0x08]] {
            assert_eq!(fields(nonsense).count(), 0, "{nonsense:?}");
        }
    }
}
