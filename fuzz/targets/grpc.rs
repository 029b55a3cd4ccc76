//! Bodies and headers of gRPC requests from anywhere: one message or a status, the same wherever frames are cut.
#![no_main]

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use arbitrary::Arbitrary;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::{Body, Frame};
use libfuzzer_sys::fuzz_target;

use self::message::{MessageReader, framed};
use self::status::{Code, Status};

// The rooms as they are: the transport shows servers and clients, not how they frame.
#[allow(dead_code)]
#[path = "../../pipeline/transport/src/admission.rs"]
mod admission;
#[allow(dead_code)]
#[path = "../../pipeline/transport/src/delivery.rs"]
mod delivery;
#[allow(dead_code)]
#[path = "../../pipeline/transport/src/grpc/headers.rs"]
mod headers;
#[allow(dead_code)]
#[path = "../../pipeline/transport/src/intake.rs"]
mod intake;
#[allow(dead_code)]
#[path = "../../pipeline/transport/src/grpc/message.rs"]
mod message;
#[allow(dead_code, unfulfilled_lint_expectations)]
#[path = "../../pipeline/transport/src/status.rs"]
mod status;
#[allow(dead_code)]
#[path = "../../pipeline/transport/src/wire.rs"]
mod wire;

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
            return Err(Status::new(Code::ResourceExhausted, "too large"));
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
    ];
    for (name, value) in fields {
        put(&mut names, name, value);
    }
    let _ = headers::timeout(&names);
    let _ = Status::decode(call.details);
    let Some(status) = headers::status(&names) else { return };
    let _ = status.clone().into_delivery_error();
    let mut written = HeaderMap::new();
    headers::put_status(&mut written, &status);
    let again = headers::status(&written).expect("a status was written");
    assert_eq!(again.code, status.code);
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

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }
}
