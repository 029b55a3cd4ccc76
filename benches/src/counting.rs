//! Counts spans in OTLP bytes, independently of what it measures, at a few nanoseconds each.

/// How many spans, and of which kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spans {
    /// Of any kind.
    pub all: u64,
    /// Of kind server.
    pub servers: u64,
    /// Of kind client.
    pub clients: u64,
}

const RESOURCE_SPANS: u64 = 1;
const SCOPE_SPANS: u64 = 2;
const SPANS: u64 = 2;
const KIND: u64 = 6;

/// The spans of an `ExportTraceServiceRequest`. What is not one has none.
pub fn spans(request: &[u8]) -> Spans {
    let mut counted = Spans::default();
    for resource in messages(request, RESOURCE_SPANS) {
        for scope in messages(resource, SCOPE_SPANS) {
            for span in messages(scope, SPANS) {
                counted.all += 1;
                let kind = fields(span).find(|(number, _)| *number == KIND);
                match kind {
                    Some((_, Field::Varint(2))) => counted.servers += 1,
                    Some((_, Field::Varint(3))) => counted.clients += 1,
                    _ => {}
                }
            }
        }
    }
    counted
}

enum Field<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    Fixed,
}

fn messages(bytes: &[u8], wanted: u64) -> impl Iterator<Item = &[u8]> {
    fields(bytes).filter_map(move |(number, field)| match field {
        Field::Bytes(inner) if number == wanted => Some(inner),
        _ => None,
    })
}

/// Ends at the first byte that makes no sense.
fn fields(mut rest: &[u8]) -> impl Iterator<Item = (u64, Field<'_>)> {
    std::iter::from_fn(move || {
        let tag = varint(&mut rest)?;
        let field = match tag & 7 {
            0 => Field::Varint(varint(&mut rest)?),
            1 => fixed(&mut rest, 8)?,
            2 => {
                let length = usize::try_from(varint(&mut rest)?).ok()?;
                let (inner, after) = rest.split_at_checked(length)?;
                rest = after;
                Field::Bytes(inner)
            }
            5 => fixed(&mut rest, 4)?,
            _ => return None,
        };
        Some((tag >> 3, field))
    })
}

fn fixed<'a>(rest: &mut &[u8], size: usize) -> Option<Field<'a>> {
    *rest = rest.get(size..)?;
    Some(Field::Fixed)
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (first, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_request_have_no_spans() {
        assert_eq!(spans(&[0xff; 40]), Spans::default());
        assert_eq!(spans(&[0x0a, 0x7f, 0x01]), Spans::default());
    }
}
