//! What goes back: a body in its plain and perhaps its packed form, with the mark by which a client knows it again.

use std::hash::{DefaultHasher, Hasher};

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;
use transport::{Codec, Compression, Payload, compress};

use super::asked::Fault;

/// JSON.
pub const JSON: &str = "application/json";
/// Packing less gains nothing.
const WORTH_PACKING: usize = 1024;
/// Fast: the whole graph is packed while somebody waits for it.
const GZIP: Compression = Compression { codec: Codec::Gzip, level: Some(1) };

/// Everything that a page may do comes from this server: no inline scripts and styles, no frames, no other sites.
const POLICY: &str =
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'";

/// Sent with every answer.
const ALWAYS: [(&str, &str); 5] = [
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// A complete answer, to be sent as often as it is asked for.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The media type.
    pub kind: &'static str,
    /// As it is.
    pub plain: Bytes,
    /// With gzip, if the client takes it and it is worth it.
    pub packed: Option<Bytes>,
    /// Names the content.
    pub etag: Option<HeaderValue>,
}

#[derive(Serialize)]
struct FaultBody<'a> {
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
}

impl Answer {
    /// A body of some kind.
    pub fn new(kind: &'static str, body: impl Into<Bytes>) -> Self {
        Self { status: StatusCode::OK, kind, plain: body.into(), packed: None, etag: None }
    }

    /// A value as JSON.
    pub fn json(value: &impl Serialize) -> Result<Self, Fault> {
        match serde_json::to_vec(value) {
            Ok(body) => Ok(Self::new(JSON, body)),
            Err(error) => {
                Err(Fault { status: 500, error: format!("the answer cannot be written: {error}"), help: None })
            }
        }
    }

    /// What is wrong, as JSON.
    pub fn fault(fault: &Fault) -> Self {
        let body = FaultBody { error: &fault.error, help: fault.help.as_deref() };
        let status = StatusCode::from_u16(fault.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, ..Self::new(JSON, serde_json::to_vec(&body).unwrap_or_default()) }
    }

    /// Adds what takes time: the mark of the content, and the packed form if it is wanted.
    pub fn finished(mut self, wants_gzip: bool) -> Self {
        if self.status == StatusCode::OK {
            // Not a secret and not a proof: only "is this what I have already".
            let mut hasher = DefaultHasher::new();
            hasher.write(&self.plain);
            self.etag = HeaderValue::try_from(format!("\"{:016x}\"", hasher.finish())).ok();
        }
        if wants_gzip && self.plain.len() >= WORTH_PACKING {
            let packed = compress(GZIP, std::slice::from_ref(&self.plain)).ok();
            self.packed = packed.filter(|packed| packed.len() < self.plain.len());
        }
        self
    }

    /// Bytes that it occupies.
    pub fn size(&self) -> usize {
        self.plain.len().saturating_add(self.packed.as_ref().map_or(0, Bytes::len))
    }

    /// The answer to a request with these headers: nothing but the mark if the client has the content already.
    pub fn response(&self, request: &HeaderMap) -> Response<Payload> {
        let known = request.get(IF_NONE_MATCH).and_then(|marks| marks.to_str().ok()).unwrap_or_default();
        let etag = self.etag.as_ref().and_then(|etag| etag.to_str().ok()).filter(|etag| !etag.is_empty());
        let is_known =
            etag.is_some_and(|etag| known.split(',').any(|mark| mark.trim().trim_start_matches("W/") == etag));
        let (status, body) = match &self.packed {
            _ if is_known => (StatusCode::NOT_MODIFIED, Bytes::new()),
            Some(packed) => (self.status, packed.clone()),
            None => (self.status, self.plain.clone()),
        };
        let mut response = Response::new(Payload::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(VARY, HeaderValue::from_static("accept-encoding, authorization"));
        headers.extend(self.etag.clone().map(|etag| (ETAG, etag)));
        if !is_known {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.kind));
            if self.packed.is_some() {
                headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
        }
        guarded(headers);
        response
    }
}

/// Adds the headers that every answer has.
pub fn guarded(headers: &mut HeaderMap) {
    for (name, value) in ALWAYS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
}

/// Whether the client takes gzip. RFC 9110 12.5.3, as far as anybody uses it.
pub fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|coding| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
        let is_refused = quality.trim().strip_prefix("q=").is_some_and(|quality| quality.parse() == Ok(0.0));
        matches!(name.trim(), "gzip" | "*") && !is_refused
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::try_from(value).unwrap())])
    }

    #[test]
    fn a_client_that_has_the_content_gets_only_the_mark() {
        let answer = Answer::new(JSON, "{\"a\":1}").finished(false);
        let etag = answer.etag.clone().unwrap();

        let again = answer.response(&headers(IF_NONE_MATCH, etag.to_str().unwrap()));
        let other = answer.response(&headers(IF_NONE_MATCH, "\"0\""));

        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(again.headers().get(ETAG), Some(&etag));
        assert_eq!(other.status(), StatusCode::OK);
    }

    #[test]
    fn what_is_worth_it_is_packed_for_those_who_take_it() {
        let long = "a".repeat(5000);

        assert!(Answer::new(JSON, long.clone()).finished(true).packed.is_some());
        assert!(Answer::new(JSON, long).finished(false).packed.is_none());
        assert!(Answer::new(JSON, "{}").finished(true).packed.is_none());
    }

    #[test]
    fn gzip_is_understood_as_browsers_and_programs_ask_for_it() {
        for (value, takes) in
            [("gzip, deflate, br", true), ("*", true), ("br", false), ("gzip;q=0", false), ("gzip;q=0.5", true)]
        {
            assert_eq!(takes_gzip(&headers(ACCEPT_ENCODING, value)), takes, "{value}");
        }
    }

    #[test]
    fn every_answer_forbids_what_a_page_must_not_do() {
        let response = Answer::fault(&Fault::bad("no")).response(&HeaderMap::new());

        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        let policy = response.headers().get(http::header::CONTENT_SECURITY_POLICY).unwrap();
        assert!(policy.to_str().unwrap().starts_with("default-src 'self'"));
    }
}
