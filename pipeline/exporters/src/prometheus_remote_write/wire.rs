//! The few forms of protobuf that remote write needs.

/// Appends fields of a message to bytes.
pub(super) trait PutField {
    /// A number, unless it is the default.
    fn varint(&mut self, field: u32, value: u64);
    /// A number that is often negative, unless it is the default.
    fn zigzag(&mut self, field: u32, value: i64);
    /// A double, also when it is zero: zero is a sample too.
    fn double(&mut self, field: u32, value: f64);
    /// Bytes, text or a message, also when it is empty.
    fn bytes(&mut self, field: u32, value: &[u8]);
    /// What stands before a message of this length, which the caller appends.
    fn head(&mut self, field: u32, length: usize);
}

impl PutField for Vec<u8> {
    fn varint(&mut self, field: u32, value: u64) {
        if value != 0 {
            raw_varint(self, u64::from(field) << 3);
            raw_varint(self, value);
        }
    }

    fn zigzag(&mut self, field: u32, value: i64) {
        self.varint(field, zigzagged(value));
    }

    fn double(&mut self, field: u32, value: f64) {
        raw_varint(self, u64::from(field) << 3 | 1);
        self.extend_from_slice(&value.to_le_bytes());
    }

    fn bytes(&mut self, field: u32, value: &[u8]) {
        self.head(field, value.len());
        self.extend_from_slice(value);
    }

    fn head(&mut self, field: u32, length: usize) {
        raw_varint(self, u64::from(field) << 3 | 2);
        raw_varint(self, length as u64);
    }
}

/// The packed form of a list of numbers that are often negative.
pub(super) fn packed_zigzag(values: &[i64]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(values.len());
    for value in values {
        raw_varint(&mut packed, zigzagged(*value));
    }
    packed
}

/// Bytes that [`PutField::varint`] writes for a field below 16.
pub(super) fn varint_size(value: u64) -> usize {
    if value == 0 { 0 } else { raw_size(value).saturating_add(1) }
}

/// Bytes that [`PutField::bytes`] writes for a field below 16.
pub(super) fn bytes_size(length: usize) -> usize {
    raw_size(length as u64).saturating_add(length).saturating_add(1)
}

fn raw_size(value: u64) -> usize {
    let bits = u64::BITS.saturating_sub(value.leading_zeros()).max(1);
    bits.div_ceil(7) as usize
}

fn zigzagged(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

fn raw_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}
