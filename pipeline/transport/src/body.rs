//! Bodies of requests and replies, as lists of segments that are never joined.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;

/// Payload, then trailers if there are any.
#[derive(Debug, Clone, Default)]
pub struct Payload {
    waiting: VecDeque<Bytes>,
    bytes: u64,
    trailers: Option<HeaderMap>,
}

impl Payload {
    /// A body without trailers.
    pub fn new(segments: impl IntoIterator<Item = Bytes>) -> Self {
        let waiting: VecDeque<Bytes> = segments.into_iter().filter(|segment| !segment.is_empty()).collect();
        let bytes = waiting.iter().map(|segment| segment.len() as u64).sum();
        Self { waiting, bytes, trailers: None }
    }

    /// The same body, ended by trailers.
    pub(crate) fn with_trailers(mut self, trailers: HeaderMap) -> Self {
        self.trailers = Some(trailers);
        self
    }
}

impl<B: Into<Bytes>> From<B> for Payload {
    fn from(bytes: B) -> Self {
        Self::new([bytes.into()])
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(segment) = self.waiting.pop_front() {
            self.bytes = self.bytes.saturating_sub(segment.len() as u64);
            return Poll::Ready(Some(Ok(Frame::data(segment))));
        }
        Poll::Ready(self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.waiting.is_empty() && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes)
    }
}

/// What was read of a reply.
pub(crate) struct Beginning {
    pub bytes: Bytes,
    pub trailers: Option<HeaderMap>,
    /// False if there was more than the limit.
    pub complete: bool,
}

/// Reads at most `limit` bytes of a reply; an honest one is short.
pub(crate) async fn beginning(mut body: Incoming, limit: usize) -> Result<Beginning, hyper::Error> {
    let mut read = Vec::new();
    let mut trailers = None;
    while let Some(frame) = body.frame().await {
        match frame?.into_data() {
            Ok(segment) => {
                let room = limit.saturating_sub(read.len());
                read.extend_from_slice(segment.get(..room).unwrap_or(&segment));
                if room < segment.len() {
                    return Ok(Beginning { bytes: read.into(), trailers, complete: false });
                }
            }
            Err(other) => trailers = other.into_trailers().ok(),
        }
    }
    Ok(Beginning { bytes: read.into(), trailers, complete: true })
}
