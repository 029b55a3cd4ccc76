//! Bodies and headers of gRPC requests and answers from anywhere: one message or a status, the same wherever frames are cut.
#![no_main]

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use arbitrary::Arbitrary;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use http_body::{Body, Frame};
use libfuzzer_sys::fuzz_target;
use transport::DeliveryError;

use self::message::{MessageReader, framed};
use self::status::{Code, Status};

// The rooms as they are: the transport shows servers and clients, not how they frame.
#[path = "../../pipeline/transport/src/grpc/headers.rs"]
mod headers;
#[path = "../../pipeline/transport/src/grpc/message.rs"]
mod message;
#[path = "../../pipeline/transport/src/status.rs"]
pub mod status;
#[path = "../../pipeline/transport/src/wire.rs"]
mod wire;

/// Their neighbours, of which they need what the transport shows.
mod delivery {
    pub use transport::DeliveryError;
}
mod intake {
    pub use transport::Rejection;
}

/// What the server allows; its reader is told the length only after this was asked.
const MOST: usize = 1 << 16;

#[derive(Debug, Arbitrary)]
struct Call<'a> {
    body: &'a [u8],
    /// Lengths of the data frames; none is an empty frame.
    cuts: Vec<u8>,
    has_trailers: bool,
    timeout: &'a [u8],
    status: &'a [u8],
    text: &'a [u8],
    details: &'a [u8],
}

fuzz_target!(|call: Call<'_>| {
    let whole = read(Frames::of(call.body, VecDeque::new(), false));
    let cut = read(Frames::of(call.body, call.cuts.iter().copied().collect(), call.has_trailers));
    assert_eq!(whole, cut, "the same body in other frames is the same message");
    if let Ok((message, is_compressed)) = whole {
        let again: Vec<u8> = framed(vec![message.clone()], is_compressed).expect("it was one").concat();
        assert_eq!(again, call.body, "what was read is what was written");
    }
    look_at_headers(&call);
});

/// The message as the server reads it.
fn read(frames: Frames) -> Result<(Bytes, bool), Status> {
    let reading = async {
        let mut reader = MessageReader::new(frames);
        let prefix = reader.prefix().await?;
        if prefix.length > MOST {
            return Err(Status::no_room());
        }
        let message = reader.message(prefix.length).await?;
        assert_eq!(message.len(), prefix.length);
        reader.end().await?;
        Ok((message, prefix.compressed))
    };
    match pin!(reading).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => panic!("all frames are there, and nobody else is waited for"),
    }
}

fn look_at_headers(call: &Call<'_>) {
    let mut names = HeaderMap::new();
    let fields = [
        (headers::GRPC_TIMEOUT, call.timeout),
        (headers::GRPC_STATUS, call.status),
        (headers::GRPC_MESSAGE, call.text),
        (headers::GRPC_DETAILS, call.details),
        (headers::GRPC_ENCODING, call.text),
    ];
    for (name, value) in fields {
        put(&mut names, name, value);
    }
    if let Some(timeout) = headers::timeout(&names) {
        look_at_timeout(timeout);
    }
    let _ = Status::decode(call.details);
    if let Some(status) = headers::status(&names) {
        look_at_status(&status);
    }
}

/// What is written of a timeout is it, or a little less.
fn look_at_timeout(timeout: Duration) {
    let Some(value) = headers::timeout_value(timeout) else { return };
    let again = headers::timeout(&HeaderMap::from_iter([(headers::GRPC_TIMEOUT, value)])).expect("it was written");
    let least = timeout.saturating_sub(Duration::from_micros(1) + timeout / 100_000);
    assert!((least..=timeout).contains(&again), "{timeout:?} became {again:?}");
}

/// Written as the server does, a status is read again; and it is worth another attempt or not, whether it came by gRPC or
/// by HTTP.
fn look_at_status(status: &Status) {
    let mut written = HeaderMap::from_iter([
        (header::CONTENT_TYPE, headers::APPLICATION_GRPC),
        (headers::GRPC_ACCEPT_ENCODING, headers::ACCEPTED),
    ]);
    headers::put_status(&mut written, status);
    let again = headers::status(&written).expect("a status was written");
    assert_eq!(again.code, status.code);
    let by_http = Status::new(Code::of_http(status.http()), "");
    assert_eq!(is_for_good(by_http), is_for_good(status.clone()), "{status:?}");
}

fn is_for_good(status: Status) -> bool {
    matches!(status.into_delivery_error(), DeliveryError::Permanent(_))
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &[u8]) {
    if let Ok(value) = HeaderValue::from_bytes(value) {
        headers.insert(name, value);
    }
}

/// A body whose frames are all there.
struct Frames(VecDeque<Frame<Bytes>>);

impl Frames {
    fn of(body: &[u8], mut cuts: VecDeque<u8>, has_trailers: bool) -> Self {
        let mut rest = Bytes::copy_from_slice(body);
        let mut frames = VecDeque::new();
        while let Some(cut) = cuts.pop_front() {
            frames.push_back(Frame::data(rest.split_to(usize::from(cut).min(rest.len()))));
        }
        frames.push_back(Frame::data(rest));
        if has_trailers {
            frames.push_back(Frame::trailers(HeaderMap::new()));
        }
        Self(frames)
    }
}

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }
}
