//! Length-prefixed messages in a stream of data frames.

use std::fmt::Display;

use bytes::{BufMut, Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt;

use crate::status::{Code, Status};

/// A flag byte and the length, big-endian.
const PREFIX: usize = 5;
/// Smaller messages are joined with their prefix: one frame costs less than two.
const JOIN_BELOW: usize = 64 * 1024;

/// What stands before a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Prefix {
    pub compressed: bool,
    pub length: usize,
}

/// Reads the one message of a unary call.
pub(super) struct MessageReader<B> {
    body: B,
    read: Bytes,
}

impl<B: Body<Data = Bytes, Error: Display> + Unpin> MessageReader<B> {
    pub fn new(body: B) -> Self {
        Self { body, read: Bytes::new() }
    }

    /// The next data frame; `None` at the end.
    async fn more(&mut self) -> Result<Option<Bytes>, Status> {
        while let Some(frame) = self.body.frame().await {
            let frame =
                frame.map_err(|error| Status::new(Code::Canceled, format!("the request broke off: {error}")))?;
            if let Ok(segment) = frame.into_data() {
                return Ok(Some(segment));
            }
        }
        Ok(None)
    }

    pub async fn prefix(&mut self) -> Result<Prefix, Status> {
        let mut head = BytesMut::new();
        while head.len() + self.read.len() < PREFIX {
            head.extend_from_slice(&self.read);
            self.read = self.more().await?.ok_or_else(|| Status::new(Code::Internal, "the request has no message"))?;
        }
        head.put(self.read.split_to(PREFIX - head.len()));
        match head[..] {
            [flag @ (0 | 1), a, b, c, d] => {
                let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
                Ok(Prefix { compressed: flag == 1, length })
            }
            _ => Err(Status::new(Code::Internal, "grpc: received unexpected payload format")),
        }
    }

    /// The message of this length. What came in one frame is not copied.
    pub async fn message(&mut self, length: usize) -> Result<Bytes, Status> {
        if self.read.is_empty() && length > 0 {
            self.read = self.more().await?.unwrap_or_default();
        }
        if self.read.len() >= length {
            return Ok(self.read.split_to(length));
        }
        let mut message = Vec::with_capacity(length);
        loop {
            message.extend_from_slice(&self.read.split_to(self.read.len().min(length - message.len())));
            if message.len() == length {
                return Ok(message.into());
            }
            self.read = self.more().await?.ok_or_else(|| Status::new(Code::Internal, "unexpected EOF"))?;
        }
    }

    /// Nothing may follow the message of a unary call.
    pub async fn end(mut self) -> Result<(), Status> {
        // Empty frames may stand anywhere, also before what must not come.
        while self.read.is_empty() {
            let Some(more) = self.more().await? else { return Ok(()) };
            self.read = more;
        }
        Err(Status::new(Code::Unimplemented, "one message is expected, more came"))
    }
}

/// A message ready to be sent, as segments.
pub(super) fn framed(segments: Vec<Bytes>, compressed: bool) -> Result<Vec<Bytes>, Status> {
    let length = segments.iter().map(Bytes::len).sum::<usize>();
    let on_the_wire = u32::try_from(length).map_err(|_| {
        Status::new(Code::ResourceExhausted, format!("a message of {length} bytes is too large for gRPC"))
    })?;
    let joins = length < JOIN_BELOW;
    let mut head = BytesMut::with_capacity(if joins { PREFIX + length } else { PREFIX });
    head.put_u8(compressed.into());
    head.put_u32(on_the_wire);
    if joins {
        segments.iter().for_each(|segment| head.extend_from_slice(segment));
        return Ok(vec![head.freeze()]);
    }
    Ok(std::iter::once(head.freeze()).chain(segments).collect())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body::Frame;
    use http_body_util::StreamBody;

    use super::*;

    #[tokio::test]
    async fn nothing_hides_behind_an_empty_frame() {
        let frames = [&b"\0\0\0\0\x02"[..], b"", b"ab", b"", b"c"];
        let frames = frames.map(|frame| Ok::<_, Infallible>(Frame::data(Bytes::from_static(frame))));
        let mut reader = MessageReader::new(StreamBody::new(futures_util::stream::iter(frames)));

        let prefix = reader.prefix().await.unwrap();
        let message = reader.message(prefix.length).await.unwrap();

        assert_eq!(message, "ab");
        assert_eq!(reader.end().await.unwrap_err().code, Code::Unimplemented);
    }
}
