//! What an RPC answers: `google.rpc.Status`, used by gRPC and by OTLP/HTTP alike.

use std::time::Duration;

use component::Refusal;

use crate::delivery::DeliveryError;
use crate::intake::Rejection;
use crate::wire::{self, Value};

const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

/// gRPC status codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the gRPC specification")]
pub enum Code {
    Ok,
    Canceled,
    Unknown,
    InvalidArgument,
    DeadlineExceeded,
    NotFound,
    AlreadyExists,
    PermissionDenied,
    ResourceExhausted,
    FailedPrecondition,
    Aborted,
    OutOfRange,
    Unimplemented,
    Internal,
    Unavailable,
    DataLoss,
    Unauthenticated,
}

const CODES: [Code; 17] = [
    Code::Ok,
    Code::Canceled,
    Code::Unknown,
    Code::InvalidArgument,
    Code::DeadlineExceeded,
    Code::NotFound,
    Code::AlreadyExists,
    Code::PermissionDenied,
    Code::ResourceExhausted,
    Code::FailedPrecondition,
    Code::Aborted,
    Code::OutOfRange,
    Code::Unimplemented,
    Code::Internal,
    Code::Unavailable,
    Code::DataLoss,
    Code::Unauthenticated,
];

impl Code {
    /// By its number on the wire.
    pub fn of_number(number: u64) -> Self {
        usize::try_from(number).ok().and_then(|number| CODES.get(number)).copied().unwrap_or(Self::Unknown)
    }

    /// Its number on the wire.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// What a gRPC library makes of an HTTP status without a gRPC one.
    pub(crate) fn of_http(status: http::StatusCode) -> Self {
        match status.as_u16() {
            400 => Self::Internal,
            401 => Self::Unauthenticated,
            403 => Self::PermissionDenied,
            404 => Self::Unimplemented,
            429 | 502 | 503 | 504 => Self::Unavailable,
            _ => Self::Unknown,
        }
    }

    /// The status of the HTTP answer that says the same.
    fn http(self) -> http::StatusCode {
        use http::StatusCode as Http;
        match self {
            Self::Ok => Http::OK,
            Self::Canceled
            | Self::DeadlineExceeded
            | Self::Aborted
            | Self::OutOfRange
            | Self::Unavailable
            | Self::DataLoss => Http::SERVICE_UNAVAILABLE,
            Self::ResourceExhausted => Http::TOO_MANY_REQUESTS,
            Self::InvalidArgument => Http::BAD_REQUEST,
            Self::Unauthenticated => Http::UNAUTHORIZED,
            Self::PermissionDenied => Http::FORBIDDEN,
            Self::Unimplemented => Http::NOT_FOUND,
            Self::Unknown | Self::NotFound | Self::AlreadyExists | Self::FailedPrecondition | Self::Internal => {
                Http::INTERNAL_SERVER_ERROR
            }
        }
    }
}

/// An answer other than success.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rpc error: code = {code:?} desc = {message}")]
pub struct Status {
    /// What kind of answer.
    pub code: Code,
    /// For a person.
    pub message: String,
    /// When to come back (`RetryInfo`).
    pub retry_after: Option<Duration>,
}

impl Status {
    /// A status without a time to come back.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry_after: None }
    }

    /// There is no room now.
    pub(crate) fn no_room() -> Self {
        Refusal::overload("too many bytes in flight; send this again later").into()
    }

    /// The status of the HTTP answer that says the same. Exhausted without a time to come back is for good, as OTLP
    /// reads it; HTTP has a word of its own for that.
    pub(crate) fn http(&self) -> http::StatusCode {
        match self.code {
            Code::ResourceExhausted if self.retry_after.is_none() => http::StatusCode::PAYLOAD_TOO_LARGE,
            code => code.http(),
        }
    }

    /// As a `google.rpc.Status` message.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut message = Vec::new();
        wire::put_varint(&mut message, 1, self.code.number().into());
        wire::put_bytes(&mut message, 2, self.message.as_bytes());
        if let Some(delay) = self.retry_after {
            let (mut duration, mut info, mut detail) = (Vec::new(), Vec::new(), Vec::new());
            wire::put_varint(&mut duration, 1, delay.as_secs());
            wire::put_varint(&mut duration, 2, delay.subsec_nanos().into());
            wire::put_bytes(&mut info, 1, &duration);
            wire::put_bytes(&mut detail, 1, RETRY_INFO.as_bytes());
            wire::put_bytes(&mut detail, 2, &info);
            wire::put_bytes(&mut message, 3, &detail);
        }
        message
    }

    /// From a `google.rpc.Status` message.
    pub(crate) fn decode(message: &[u8]) -> Self {
        let mut status = Self::new(Code::Ok, "");
        for field in wire::fields(message) {
            match field {
                (1, Value::Varint(number)) => status.code = Code::of_number(number),
                (2, Value::Bytes(text)) => status.message = String::from_utf8_lossy(text).into_owned(),
                (3, Value::Bytes(detail)) => status.retry_after = retry_info(detail).or(status.retry_after),
                _ => {}
            }
        }
        status
    }

    /// As what an exporter is told. The codes are those that the OTLP specification calls retryable.
    pub(crate) fn into_delivery_error(self) -> DeliveryError {
        let reason = self.to_string();
        let retryable = match self.code {
            Code::Canceled
            | Code::DeadlineExceeded
            | Code::Aborted
            | Code::OutOfRange
            | Code::Unavailable
            | Code::DataLoss => true,
            Code::ResourceExhausted => self.retry_after.is_some(),
            _ => false,
        };
        match self.retry_after {
            _ if !retryable => DeliveryError::Permanent(reason),
            Some(after) if !after.is_zero() => DeliveryError::Throttled { after, reason },
            _ => DeliveryError::Retryable(reason),
        }
    }
}

fn retry_info(detail: &[u8]) -> Option<Duration> {
    let inner = |message, number| {
        wire::fields(message).find_map(|field| match field {
            (found, Value::Bytes(bytes)) if found == number => Some(bytes),
            _ => None,
        })
    };
    if inner(detail, 1)? != RETRY_INFO.as_bytes() {
        return None;
    }
    let duration = inner(inner(detail, 2).unwrap_or_default(), 1).unwrap_or_default();
    let number = |number| {
        wire::fields(duration).find_map(|field| match field {
            (found, Value::Varint(value)) if found == number => Some(value),
            _ => None,
        })
    };
    // A negative duration is a huge varint; it means "now".
    let seconds = number(1).and_then(|seconds| i64::try_from(seconds).ok()).unwrap_or(0).unsigned_abs();
    let nanos = number(2).and_then(|nanos| u32::try_from(nanos).ok()).unwrap_or(0);
    Some(Duration::from_secs(seconds).saturating_add(Duration::from_nanos(nanos.into())))
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            Refusal::Permanent(_) => Self::new(Code::Internal, message),
            Refusal::Retryable(_) => Self::new(Code::Unavailable, message),
            Refusal::Overload { retry_after, .. } => {
                let retry_after = Some(retry_after.unwrap_or(Duration::from_secs(1)));
                Self { code: Code::ResourceExhausted, message, retry_after }
            }
        }
    }
}

impl From<Rejection> for Status {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::Malformed(reason) => Self::new(Code::InvalidArgument, reason),
            Rejection::Refused(refusal) => refusal.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_with_a_retry_hint_survives_the_wire() {
        let status = Status {
            code: Code::ResourceExhausted,
            message: "full".into(),
            retry_after: Some(Duration::from_millis(2500)),
        };

        assert_eq!(Status::decode(&status.encode()), status);
    }

    #[test]
    fn exhausted_is_worth_a_retry_only_with_a_hint() {
        let mut status = Status::new(Code::ResourceExhausted, "received message larger than max");
        let without = status.clone().into_delivery_error();
        status.retry_after = Some(Duration::from_secs(2));
        let with = status.into_delivery_error();

        let text = "rpc error: code = ResourceExhausted desc = received message larger than max";
        assert_eq!(without, DeliveryError::Permanent(text.into()));
        assert_eq!(with, DeliveryError::Throttled { after: Duration::from_secs(2), reason: text.into() });
    }

    #[test]
    fn hostile_durations_do_not_overflow() {
        let mut info = Vec::new();
        wire::put_varint(&mut info, 1, u64::MAX);
        wire::put_varint(&mut info, 2, u64::MAX);
        let mut any = Vec::new();
        wire::put_bytes(&mut any, 1, RETRY_INFO.as_bytes());
        let mut wrapped = Vec::new();
        wire::put_bytes(&mut wrapped, 1, &info);
        wire::put_bytes(&mut any, 2, &wrapped);

        assert_eq!(retry_info(&any), Some(Duration::ZERO));
    }
}
