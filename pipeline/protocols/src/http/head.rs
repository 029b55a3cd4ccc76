//! Heads of requests and responses, and what they say about the framing of bodies.
//!
//! In this room: one head at a time, from complete bytes.
//! Not here: which head belongs to which (`super`).
//!
//! Enter at [`request`] and [`response`].

use std::mem::MaybeUninit;

use httparse::{Header, Status};

use super::HttpSettings;
use super::message::{HttpExchange, Part};
use crate::stream::Step;

/// Longest head that is read.
pub(super) const MAX_HEAD: usize = 64 * 1024;
const FEW_HEADERS: usize = 64;
const MANY_HEADERS: usize = 1024;

/// How the end of a body is found. RFC 9112 6.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    None,
    Fixed(u64),
    Chunked,
    UntilClose,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Head,
    Connect,
    Other,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct RequestHead {
    pub(super) method: Method,
    pub(super) framing: Framing,
    pub(super) expects_continue: bool,
    pub(super) upgrade: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct ResponseHead {
    pub(super) status: u16,
    /// What the headers say; `None` if they contradict each other.
    framing: Option<Declared>,
}

impl ResponseHead {
    /// The framing of the response to a request with this method; `None` for one that cannot be trusted.
    pub(super) fn framing(&self, method: Method) -> Option<Framing> {
        let bodiless = matches!(self.status, 100..=199 | 204 | 304) || method == Method::Head;
        if bodiless || (method == Method::Connect && (200..=299).contains(&self.status)) {
            return Some(Framing::None);
        }
        Some(match self.framing? {
            Declared::Nothing => Framing::UntilClose,
            Declared::Length(length) => Framing::Fixed(length),
            Declared::Chunked => Framing::Chunked,
        })
    }
}

/// What `Content-Length` and `Transfer-Encoding` say together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Declared {
    Nothing,
    Length(u64),
    Chunked,
}

/// Collects framing headers. Whatever two readers could understand differently is refused: such bytes are how requests
/// are smuggled, and a guess would pair wrong exchanges from there on.
#[derive(Default)]
struct FramingHeaders {
    length: Option<u64>,
    chunked: bool,
    refused: bool,
}

impl FramingHeaders {
    fn content_length(&mut self, value: &[u8]) {
        let digits = value.trim_ascii();
        let number = std::str::from_utf8(digits)
            .ok()
            .filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|text| text.parse::<u64>().ok());
        match (number, self.length) {
            (None, _) => self.refused = true,
            (Some(new), Some(old)) if new != old => self.refused = true,
            (Some(new), _) => self.length = Some(new),
        }
    }

    fn transfer_encoding(&mut self, value: &[u8]) {
        let once = !self.chunked && value.trim_ascii().eq_ignore_ascii_case(b"chunked");
        self.refused |= !once;
        self.chunked = true;
    }

    fn declared(&self, minor_version: u8) -> Option<Declared> {
        let contradicts = self.chunked && (self.length.is_some() || minor_version == 0);
        if self.refused || contradicts {
            return None;
        }
        Some(match (self.chunked, self.length) {
            (true, _) => Declared::Chunked,
            (false, Some(length)) => Declared::Length(length),
            (false, None) => Declared::Nothing,
        })
    }
}

/// Reads one head with `parse`, which returns its value and length. `scanned` is where an earlier, shorter look ended:
/// a head that trickles in is searched for its end once, not parsed again with each byte.
fn head<T>(
    bytes: &[u8],
    scanned: &mut usize,
    mut parse: impl for<'b> FnMut(&'b [u8]) -> httparse::Result<(T, usize)>,
) -> Step<T> {
    if *scanned > 0 && head_end(bytes, scanned.saturating_sub(3)).is_none() {
        return incomplete(bytes, scanned);
    }
    let outcome = match parse(bytes) {
        Err(_) if has_fold(bytes) => match head_end(bytes, 0) {
            None => Ok(Status::Partial),
            Some(end) => parse(&unfolded(bytes.get(..end).unwrap_or(bytes))),
        },
        outcome => outcome,
    };
    match outcome {
        Ok(Status::Complete((value, used))) if used <= MAX_HEAD => Step::Frame(value, used),
        Ok(Status::Partial) => incomplete(bytes, scanned),
        Ok(Status::Complete(_)) | Err(_) => Step::Gap,
    }
}

fn incomplete<T>(bytes: &[u8], scanned: &mut usize) -> Step<T> {
    *scanned = bytes.len();
    if bytes.len() >= MAX_HEAD { Step::Gap } else { Step::Need(bytes.len().saturating_add(1)) }
}

/// Where the empty line ends that ends a head. Starts to look at `from`.
fn head_end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut line_was_empty = false;
    for (index, byte) in bytes.iter().enumerate().skip(from) {
        match byte {
            b'\n' if line_was_empty => return Some(index.saturating_add(1)),
            b'\n' => line_was_empty = true,
            b'\r' => {}
            _ => line_was_empty = false,
        }
    }
    None
}

/// Whether a header line continues on the next (obs-fold, RFC 9112 5.2). Never the first line: that is no fold.
fn has_fold(bytes: &[u8]) -> bool {
    let mut lines = bytes.split(|byte| *byte == b'\n').skip(1);
    lines.next().is_some_and(|line| !starts_blank(line)) && lines.any(starts_blank)
}

fn starts_blank(line: &[u8]) -> bool {
    matches!(line, [b' ' | b'\t', ..])
}

/// The same head, as long, with folds replaced by spaces.
fn unfolded(head: &[u8]) -> Vec<u8> {
    let mut flat = Vec::with_capacity(head.len());
    for byte in head {
        if matches!(byte, b' ' | b'\t') && flat.last() == Some(&b'\n') {
            let kept =
                flat.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |last| last.saturating_add(1));
            let blanks = flat.len().saturating_sub(kept);
            flat.truncate(kept);
            flat.extend(std::iter::repeat_n(b' ', blanks));
        }
        flat.push(*byte);
    }
    flat
}

type Slots<'a, const N: usize> = [MaybeUninit<Header<'a>>; N];

/// Reads a request head; what it says goes into `http`. `scanned` remembers, between calls with more bytes, how far an incomplete head was looked at.
pub(super) fn request(
    bytes: &[u8],
    scanned: &mut usize,
    settings: &HttpSettings,
    http: &mut HttpExchange,
) -> Step<RequestHead> {
    let step = head(bytes, scanned, |bytes| {
        let mut slots: Slots<'_, FEW_HEADERS> = [const { MaybeUninit::uninit() }; FEW_HEADERS];
        match request_with(bytes, &mut slots, settings, http) {
            Err(httparse::Error::TooManyHeaders) => {
                let mut slots: Slots<'_, MANY_HEADERS> = [const { MaybeUninit::uninit() }; MANY_HEADERS];
                request_with(bytes, &mut slots, settings, http)
            }
            outcome => outcome,
        }
    });
    match step {
        Step::Frame(Some(head), used) => Step::Frame(head, used),
        Step::Frame(None, _) | Step::Gap => Step::Gap,
        Step::Need(count) => Step::Need(count),
        Step::Skip(count) => Step::Skip(count),
    }
}

fn request_with<'b>(
    bytes: &'b [u8],
    slots: &mut [MaybeUninit<Header<'b>>],
    settings: &HttpSettings,
    http: &mut HttpExchange,
) -> httparse::Result<(Option<RequestHead>, usize)> {
    let mut request = httparse::Request::new(&mut []);
    let used = match httparse::ParserConfig::default().parse_request_with_uninit_headers(&mut request, bytes, slots)? {
        Status::Complete(used) => used,
        Status::Partial => return Ok(Status::Partial),
    };
    let (method, target) = (request.method.unwrap_or_default(), request.path.unwrap_or_default());
    let minor_version = request.version.unwrap_or(1);
    http.begin(method, target, minor_version, used);
    let mut head = RequestHead {
        method: match method {
            "HEAD" => Method::Head,
            "CONNECT" => Method::Connect,
            _ => Method::Other,
        },
        framing: Framing::None,
        expects_continue: false,
        upgrade: false,
    };
    let mut framing = FramingHeaders::default();
    for header in request.headers.iter() {
        read_request_header(header, &mut head, &mut framing, http);
        http.keep_header(Part::Request, header, settings);
    }
    head.framing = match framing.declared(minor_version) {
        None => return Ok(Status::Complete((None, used))),
        Some(Declared::Nothing) => Framing::None,
        Some(Declared::Length(length)) => Framing::Fixed(length),
        Some(Declared::Chunked) => Framing::Chunked,
    };
    Ok(Status::Complete((Some(head), used)))
}

fn read_request_header(
    header: &Header<'_>,
    head: &mut RequestHead,
    framing: &mut FramingHeaders,
    http: &mut HttpExchange,
) {
    let is = |name: &str| header.name.eq_ignore_ascii_case(name);
    // By length first: most headers are nobody's business and are passed with one comparison.
    match header.name.len() {
        2 if is("b3") => http.read_b3(header.value),
        4 if is("host") => http.read_host(header.value),
        6 if is("expect") => head.expects_continue = header.value.trim_ascii().eq_ignore_ascii_case(b"100-continue"),
        7 if is("upgrade") => head.upgrade = true,
        10 if is("user-agent") => http.read_user_agent(header.value),
        10 if is("tracestate") => http.read_tracestate(header.value),
        10 if is("x-b3-flags") => http.b3().flags(header.value),
        11 if is("traceparent") => http.read_traceparent(header.value),
        11 if is("x-b3-spanid") => http.b3().span_id(header.value),
        12 if is("x-b3-traceid") => http.b3().trace_id(header.value),
        12 if is("x-b3-sampled") => http.b3().sampled(header.value),
        14 if is("content-length") => framing.content_length(header.value),
        17 if is("transfer-encoding") => framing.transfer_encoding(header.value),
        _ => {}
    }
}

/// Reads a response head; configured headers and the name of an upgrade go into the exchange that it answers.
pub(super) fn response(
    bytes: &[u8],
    scanned: &mut usize,
    settings: &HttpSettings,
    http: &mut HttpExchange,
) -> Step<ResponseHead> {
    head(bytes, scanned, |bytes| {
        let mut slots: Slots<'_, FEW_HEADERS> = [const { MaybeUninit::uninit() }; FEW_HEADERS];
        match response_with(bytes, &mut slots, settings, http) {
            Err(httparse::Error::TooManyHeaders) => {
                let mut slots: Slots<'_, MANY_HEADERS> = [const { MaybeUninit::uninit() }; MANY_HEADERS];
                response_with(bytes, &mut slots, settings, http)
            }
            outcome => outcome,
        }
    })
}

fn response_with<'b>(
    bytes: &'b [u8],
    slots: &mut [MaybeUninit<Header<'b>>],
    settings: &HttpSettings,
    http: &mut HttpExchange,
) -> httparse::Result<(ResponseHead, usize)> {
    let mut response = httparse::Response::new(&mut []);
    let used =
        match httparse::ParserConfig::default().parse_response_with_uninit_headers(&mut response, bytes, slots)? {
            Status::Complete(used) => used,
            Status::Partial => return Ok(Status::Partial),
        };
    let status = response.code.unwrap_or(0);
    if status < 100 {
        return Err(httparse::Error::Status);
    }
    let minor_version = response.version.unwrap_or(1);
    let mut framing = FramingHeaders::default();
    for header in response.headers.iter() {
        match header.name.len() {
            7 if status == 101 && header.name.eq_ignore_ascii_case("upgrade") => {
                http.read_upgrade(header.value);
            }
            14 if header.name.eq_ignore_ascii_case("content-length") => framing.content_length(header.value),
            17 if header.name.eq_ignore_ascii_case("transfer-encoding") => framing.transfer_encoding(header.value),
            _ => {}
        }
        if status >= 200 || status == 101 {
            http.keep_header(Part::Response, header, settings);
        }
    }
    Ok(Status::Complete((ResponseHead { status, framing: framing.declared(minor_version) }, used)))
}
