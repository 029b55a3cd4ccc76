//! What is kept of an HTTP exchange: its texts in one buffer, its numbers.
//!
//! In this room: the values and how to read them.
//! Not here: parsing (`head`), names for the outside (`semconv`).
//!
//! Enter at [`HttpExchange`].

use httparse::Header;

use super::HttpSettings;
use crate::context::{B3Headers, TraceContext};

/// A text in the buffer of its exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Span {
    start: u32,
    end: u32,
}

/// Longest text kept of one header; longer ones are cut.
const MAX_TEXT: usize = 4096;
/// Longest target kept.
const MAX_TARGET: usize = 8192;
/// Room made at once for the texts of a message.
const USUAL_TEXT: usize = 512;

impl Span {
    fn new(start: usize, end: usize) -> Self {
        Self { start: u32::try_from(start).unwrap_or(0), end: u32::try_from(end).unwrap_or(0) }
    }

    fn append(text: &mut String, value: &[u8]) -> Self {
        Self::append_up_to(MAX_TEXT, text, value)
    }

    /// Of a text that is one already.
    fn append_text(limit: usize, text: &mut String, value: &str) -> Self {
        let start = text.len();
        match value.get(..limit) {
            None if value.len() > limit => return Self::append_up_to(limit, text, value.as_bytes()),
            part => text.push_str(part.unwrap_or(value)),
        }
        Self::new(start, text.len())
    }

    fn append_up_to(limit: usize, text: &mut String, value: &[u8]) -> Self {
        let start = text.len();
        let value = value.get(..limit).unwrap_or(value);
        match std::str::from_utf8(value) {
            Ok(value) => text.push_str(value),
            Err(_) => text.push_str(&String::from_utf8_lossy(value)),
        }
        Self::new(start, text.len())
    }

    fn of(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// One of the two messages of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The request.
    Request,
    /// The response.
    Response,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct KeptHeader {
    part: Part,
    /// Index in [`HttpSettings::headers`].
    index: usize,
    value: Span,
}

/// What request and response heads say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Message {
    method: Span,
    target: Span,
    /// Of the target, if it names one.
    authority: Option<Span>,
    path: Span,
    query: Option<Span>,
    minor_version: u8,
    traceparents: u8,
    host: Span,
    user_agent: Span,
    tracestate: Span,
    upgraded_to: Span,
    /// Of a `b3` header.
    context: Option<TraceContext>,
    b3: B3Headers,
    traceparent: Option<TraceContext>,
}

impl Message {
    /// Finds the parts of a target that begins at `start` of its text.
    fn split_target(&mut self, target: &str, start: usize) {
        let span = |from: usize, to: usize| Span::new(start.saturating_add(from), start.saturating_add(to));
        let rest = match absolute(target) {
            Some((from, to)) => {
                self.authority = Some(span(from, to));
                to
            }
            None => 0,
        };
        let bytes = target.as_bytes().get(rest..).unwrap_or_default();
        let fragment = bytes.iter().position(|byte| *byte == b'#').unwrap_or(bytes.len());
        let query = bytes.iter().take(fragment).position(|byte| *byte == b'?');
        let end = rest.saturating_add(fragment);
        let mark = query.map(|at| rest.saturating_add(at));
        self.path = span(rest, mark.unwrap_or(end));
        self.query = mark.map(|at| span(at.saturating_add(1), end));
    }

    /// `traceparent` before `b3` before `x-b3-*`.
    fn trace_context(&self) -> Option<TraceContext> {
        self.traceparent.or(self.context).or_else(|| self.b3.context())
    }
}

/// Where the authority of an absolute target lies.
fn absolute(target: &str) -> Option<(usize, usize)> {
    // Nearly every target is a path, and has no scheme before its first slash.
    if target.starts_with('/') {
        return None;
    }
    let (scheme, rest) = target.split_once("://")?;
    if scheme.is_empty() || !scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) {
        return None;
    }
    let from = target.len().saturating_sub(rest.len());
    let length = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    Some((from, from.saturating_add(length)))
}

/// An HTTP/1.x request with what is known of its response.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HttpExchange {
    text: String,
    message: Message,
    headers: Vec<KeptHeader>,
    pub(super) status: Option<u16>,
    pub(super) request_body: Option<u64>,
    pub(super) response_body: Option<u64>,
    pub(super) request_bytes: Option<u64>,
    pub(super) response_bytes: Option<u64>,
}

/// A message that is being read: what it says is put here.
impl HttpExchange {
    /// Begins with a request line; whatever was here is forgotten, its buffers are used again. `head` is the length of
    /// the head: no more text than that is kept of it.
    pub(super) fn begin(&mut self, method: &str, target: &str, minor_version: u8, head: usize) {
        // A head that was read once already, and was found to need unfolding.
        if !self.text.is_empty() {
            self.clear();
        }
        self.text.reserve(head.min(USUAL_TEXT));
        let text = &mut self.text;
        let method = Span::append_text(64, text, method);
        let target = Span::append_text(MAX_TARGET, text, target);
        self.message = Message { method, target, minor_version, ..Message::default() };
        if self.method() == "CONNECT" {
            self.message.authority = Some(target);
        } else {
            self.message.split_target(target.of(&self.text), target.start as usize);
        }
    }

    /// Forgets everything but its buffers.
    pub(crate) fn clear(&mut self) {
        let (mut text, mut headers) = (std::mem::take(&mut self.text), std::mem::take(&mut self.headers));
        text.clear();
        headers.clear();
        *self = Self { text, headers, ..Self::default() };
    }

    /// Bytes that its buffers take.
    pub(crate) fn capacity(&self) -> usize {
        self.text.capacity().saturating_add(self.headers.capacity().saturating_mul(size_of::<KeptHeader>()))
    }

    pub(super) fn read_host(&mut self, value: &[u8]) {
        self.message.host = Span::append(&mut self.text, value);
    }

    pub(super) fn read_user_agent(&mut self, value: &[u8]) {
        self.message.user_agent = Span::append(&mut self.text, value);
    }

    pub(super) fn read_tracestate(&mut self, value: &[u8]) {
        self.message.tracestate = Span::append(&mut self.text, value);
    }

    /// The name of the protocol that the response upgrades to.
    pub(super) fn read_upgrade(&mut self, value: &[u8]) {
        self.message.upgraded_to = Span::append(&mut self.text, value);
    }

    /// Of several `b3` headers the first that says something counts.
    pub(super) fn read_b3(&mut self, value: &[u8]) {
        self.message.context = self.message.context.or_else(|| TraceContext::from_b3(value));
    }

    pub(super) fn b3(&mut self) -> &mut B3Headers {
        &mut self.message.b3
    }

    /// A second `traceparent` makes both invalid (Trace Context 3.2.1).
    pub(super) fn read_traceparent(&mut self, value: &[u8]) {
        let message = &mut self.message;
        message.traceparents = message.traceparents.saturating_add(1);
        message.traceparent = if message.traceparents == 1 { TraceContext::from_traceparent(value) } else { None };
    }

    #[inline]
    pub(super) fn keep_header(&mut self, part: Part, header: &Header<'_>, settings: &HttpSettings) {
        if settings.headers.is_empty() {
            return;
        }
        if let Some(index) = settings.headers.iter().position(|name| header.name.eq_ignore_ascii_case(name)) {
            let value = Span::append(&mut self.text, header.value);
            self.headers.push(KeptHeader { part, index, value });
        }
    }

    pub(super) fn upgraded_to(&self) -> &str {
        self.message.upgraded_to.of(&self.text)
    }
}

impl HttpExchange {
    /// Method as sent.
    pub fn method(&self) -> &str {
        self.message.method.of(&self.text)
    }

    /// Request target as sent: origin form, absolute form, authority form or `*`.
    pub fn target(&self) -> &str {
        self.message.target.of(&self.text)
    }

    /// The path, without query and fragment. Empty for CONNECT, `/` where an absolute target has none.
    pub fn path(&self) -> &str {
        let path = self.message.path.of(&self.text);
        if path.is_empty() && self.method() != "CONNECT" { "/" } else { path }
    }

    /// The query, without its question mark.
    pub fn query(&self) -> Option<&str> {
        self.message.query.map(|query| query.of(&self.text))
    }

    /// The authority that the request is for: of the target if it has one (RFC 9112 3.2.2), else of `Host`.
    pub fn host(&self) -> Option<&str> {
        let authority = self.authority()?;
        let user = authority.bytes().rposition(|byte| byte == b'@');
        let host = user.map_or(Some(authority), |at| authority.get(at.saturating_add(1)..));
        host.filter(|host| !host.is_empty())
    }

    /// The authority as sent, with user information if there is any.
    pub fn authority(&self) -> Option<&str> {
        let authority = match self.message.authority {
            Some(authority) => authority.of(&self.text),
            None => self.message.host.of(&self.text).trim(),
        };
        Some(authority).filter(|authority| !authority.is_empty())
    }

    /// `Host`, or the authority of the target, split into name and port.
    pub fn host_and_port(&self) -> (Option<&str>, Option<u16>) {
        let Some(host) = self.host() else { return (None, None) };
        if let Some(rest) = host.strip_prefix('[') {
            let (name, port) = rest.split_once(']').unwrap_or((rest, ""));
            return (Some(name), port.strip_prefix(':').and_then(|port| port.parse().ok()));
        }
        // Hosts are short: a loop over bytes is quicker than a search that prepares itself.
        let colon = host.bytes().position(|byte| byte == b':');
        match colon.and_then(|at| Some((host.get(..at)?, host.get(at.saturating_add(1)..)?))) {
            Some((name, port)) if !port.contains(':') => (Some(name), port.parse().ok()),
            _ => (Some(host), None),
        }
    }

    /// `1.0` or `1.1`.
    pub fn version(&self) -> &'static str {
        if self.message.minor_version == 0 { "1.0" } else { "1.1" }
    }

    /// `User-Agent`.
    pub fn user_agent(&self) -> Option<&str> {
        Some(self.message.user_agent.of(&self.text)).filter(|text| !text.is_empty())
    }

    /// Trace context on the wire: `traceparent` before `b3` before `x-b3-*`.
    pub fn context(&self) -> Option<TraceContext> {
        self.message.trace_context()
    }

    /// `tracestate`, which is worth something only beside a valid `traceparent`.
    pub fn tracestate(&self) -> Option<&str> {
        self.message.traceparent?;
        Some(self.message.tracestate.of(&self.text)).filter(|text| !text.is_empty())
    }

    /// Configured headers that were present: message, index in [`HttpSettings::headers`], value.
    pub fn headers(&self) -> impl Iterator<Item = (Part, usize, &str)> {
        self.headers.iter().map(|header| (header.part, header.index, header.value.of(&self.text)))
    }

    /// Status of the final response.
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// Size of the request body without chunk framing, where it is known.
    pub fn request_body_size(&self) -> Option<u64> {
        self.request_body
    }

    /// Size of the response body without chunk framing, where it is known.
    pub fn response_body_size(&self) -> Option<u64> {
        self.response_body
    }

    /// Bytes of the request on the wire, head and framing included.
    pub fn request_size(&self) -> Option<u64> {
        self.request_bytes
    }

    /// Bytes of the final response on the wire, head and framing included.
    pub fn response_size(&self) -> Option<u64> {
        self.response_bytes
    }
}
