//! Status, timeouts and codecs as gRPC writes them into headers.
//! Source: grpc/grpc, doc/PROTOCOL-HTTP2.md.

use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::status::{Code, Status};

pub(super) const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
pub(super) const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
pub(super) const GRPC_DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");
pub(super) const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
pub(super) const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
pub(super) const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
pub(super) const ACCEPTED: HeaderValue = HeaderValue::from_static("gzip,zstd,deflate,snappy,identity");
pub(super) const APPLICATION_GRPC: HeaderValue = HeaderValue::from_static("application/grpc");

/// Longer messages are cut: a header must fit into the peer's limits.
const LONGEST_MESSAGE: usize = 2048;

// "Implementations must accept padded and un-padded values and should emit un-padded ones."
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_encode_padding(false).with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Writes a status.
pub(super) fn put_status(headers: &mut HeaderMap, status: &Status) {
    headers.insert(GRPC_STATUS, HeaderValue::from(u16::from(status.code.number())));
    if let Ok(message) = HeaderValue::try_from(percent_encoded(&status.message)) {
        headers.insert(GRPC_MESSAGE, message);
    }
    if status.retry_after.is_some()
        && let Ok(details) = HeaderValue::try_from(BASE64.encode(status.encode()))
    {
        headers.insert(GRPC_DETAILS, details);
    }
}

/// Reads a status, if there is one.
pub(super) fn status(headers: &HeaderMap) -> Option<Status> {
    let number = headers.get(GRPC_STATUS)?.to_str().ok().and_then(|number| number.parse().ok());
    let details = headers.get(GRPC_DETAILS).and_then(|details| BASE64.decode(details).ok());
    let mut status = Status::decode(&details.unwrap_or_default());
    // The headers win over the details, which some proxies make up.
    status.code = number.map_or(Code::Unknown, Code::of_number);
    if let Some(message) = headers.get(GRPC_MESSAGE) {
        status.message = percent_decoded(message.as_bytes());
    }
    Some(status)
}

/// Reads `grpc-timeout`: at most eight digits and a unit.
pub(super) fn timeout(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(GRPC_TIMEOUT)?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let amount: u64 = if digits.len() <= 8 { digits.parse().ok()? } else { return None };
    match unit {
        "H" => Some(Duration::from_secs(amount.saturating_mul(3600))),
        "M" => Some(Duration::from_secs(amount.saturating_mul(60))),
        "S" => Some(Duration::from_secs(amount)),
        "m" => Some(Duration::from_millis(amount)),
        "u" => Some(Duration::from_micros(amount)),
        "n" => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}

/// Writes `grpc-timeout` in the finest unit that fits eight digits.
pub(super) fn timeout_value(timeout: Duration) -> Option<HeaderValue> {
    let units = [(timeout.as_micros(), 'u'), (timeout.as_millis(), 'm'), (timeout.as_secs().into(), 'S')];
    let (amount, unit) = units.into_iter().find(|(amount, _)| *amount < 100_000_000)?;
    HeaderValue::try_from(format!("{amount}{unit}")).ok()
}

fn percent_encoded(message: &str) -> String {
    let mut encoded = String::with_capacity(message.len());
    for byte in message.bytes().take(LONGEST_MESSAGE) {
        match byte {
            b' '..=b'$' | b'&'..=b'~' => encoded.push(char::from(byte)),
            _ => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

fn percent_decoded(mut encoded: &[u8]) -> String {
    let mut decoded = Vec::with_capacity(encoded.len());
    while let Some((byte, rest)) = encoded.split_first() {
        let hex = rest.get(..2).filter(|_| *byte == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(escaped) => {
                decoded.push(escaped);
                encoded = rest.get(2..).unwrap_or_default();
            }
            None => {
                decoded.push(*byte);
                encoded = rest;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_survives_the_headers() {
        let status = Status {
            code: Code::ResourceExhausted,
            message: "100 % full: Überlauf\nsecond line".into(),
            retry_after: Some(Duration::from_secs(3)),
        };
        let mut headers = HeaderMap::new();

        put_status(&mut headers, &status);

        assert_eq!(headers[GRPC_MESSAGE], "100 %25 full: %C3%9Cberlauf%0Asecond line");
        assert_eq!(super::status(&headers), Some(status));
    }

    #[test]
    fn timeouts_are_read_in_every_unit_and_nonsense_is_none() {
        let read =
            |text: &'static str| timeout(&HeaderMap::from_iter([(GRPC_TIMEOUT, HeaderValue::from_static(text))]));

        assert_eq!(read("5S"), Some(Duration::from_secs(5)));
        assert_eq!(read("1H"), Some(Duration::from_secs(3600)));
        assert_eq!(read("99999999n"), Some(Duration::from_nanos(99_999_999)));
        for nonsense in ["", "S", "5", "5x", "123456789S", "-1S"] {
            assert_eq!(read(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn timeouts_are_written_in_at_most_eight_digits() {
        assert_eq!(timeout_value(Duration::from_millis(5)).unwrap(), "5000u");
        assert_eq!(timeout_value(Duration::from_secs(300)).unwrap(), "300000m");
        assert_eq!(timeout_value(Duration::from_secs(1_000_000)).unwrap(), "1000000S");
    }
}
