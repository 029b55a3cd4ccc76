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
pub(super) struct Span {
    start: u32,
    end: u32,
}

/// Longest text kept of one header; longer ones are cut.
const MAX_TEXT: usize = 4096;
/// Longest target kept.
const MAX_TARGET: usize = 8192;

impl Span {
    pub(super) fn append(text: &mut String, value: &[u8]) -> Self {
        Self::append_up_to(MAX_TEXT, text, value)
    }

    fn append_up_to(limit: usize, text: &mut String, value: &[u8]) -> Self {
        let start = text.len();
        let value = value.get(..limit).unwrap_or(value);
        match std::str::from_utf8(value) {
            Ok(value) => text.push_str(value),
            Err(_) => text.push_str(&String::from_utf8_lossy(value)),
        }
        Self { start: u32::try_from(start).unwrap_or(0), end: u32::try_from(text.len()).unwrap_or(0) }
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    method: Span,
    target: Span,
    minor_version: u8,
    traceparents: u8,
    pub(super) host: Span,
    pub(super) user_agent: Span,
    pub(super) tracestate: Span,
    pub(super) upgraded_to: Span,
    pub(super) context: Option<TraceContext>,
    pub(super) b3: B3Headers,
    traceparent: Option<TraceContext>,
    headers: Vec<KeptHeader>,
}

impl Message {
    pub(super) fn new(method: &str, target: &str, minor_version: u8, text: &mut String) -> Self {
        Self {
            method: Span::append_up_to(64, text, method.as_bytes()),
            target: Span::append_up_to(MAX_TARGET, text, target.as_bytes()),
            minor_version,
            traceparents: 0,
            host: Span::default(),
            user_agent: Span::default(),
            tracestate: Span::default(),
            upgraded_to: Span::default(),
            context: None,
            b3: B3Headers::default(),
            traceparent: None,
            headers: Vec::new(),
        }
    }

    /// A second `traceparent` makes both invalid (Trace Context 3.2.1).
    pub(super) fn read_traceparent(&mut self, value: &[u8]) {
        self.traceparents = self.traceparents.saturating_add(1);
        self.traceparent = if self.traceparents == 1 { TraceContext::from_traceparent(value) } else { None };
    }

    pub(super) fn keep_header(&mut self, part: Part, header: &Header<'_>, settings: &HttpSettings, text: &mut String) {
        if let Some(index) = settings.headers.iter().position(|name| header.name.eq_ignore_ascii_case(name)) {
            let value = Span::append(text, header.value);
            self.headers.push(KeptHeader { part, index, value });
        }
    }

    /// `traceparent` before `b3` before `x-b3-*`.
    pub(super) fn trace_context(&self) -> Option<TraceContext> {
        self.traceparent.or(self.context).or_else(|| self.b3.context())
    }

    pub(super) fn upgraded_to<'t>(&self, text: &'t str) -> &'t str {
        self.upgraded_to.of(text)
    }
}

/// An HTTP/1.x request with what is known of its response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpExchange {
    pub(super) text: String,
    pub(super) message: Message,
    pub(super) status: Option<u16>,
    pub(super) request_body: Option<u64>,
    pub(super) response_body: Option<u64>,
    pub(super) request_bytes: Option<u64>,
    pub(super) response_bytes: Option<u64>,
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
        if self.method() == "CONNECT" {
            return "";
        }
        let (_, rest) = self.split_target();
        let path = rest.split(['?', '#']).next().unwrap_or_default();
        if path.is_empty() { "/" } else { path }
    }

    /// The query, without its question mark.
    pub fn query(&self) -> Option<&str> {
        let (_, rest) = self.split_target();
        let rest = rest.split('#').next().unwrap_or_default();
        rest.split_once('?').map(|(_, query)| query)
    }

    /// The authority that the request is for: of the target if it has one (RFC 9112 3.2.2), else of `Host`.
    pub fn host(&self) -> Option<&str> {
        let host = self.authority().map(|authority| authority.rsplit_once('@').map_or(authority, |(_, host)| host));
        host.filter(|host| !host.is_empty())
    }

    /// The authority as sent, with user information if there is any.
    pub fn authority(&self) -> Option<&str> {
        let header = self.message.host.of(&self.text).trim();
        self.split_target().0.or(Some(header)).filter(|authority| !authority.is_empty())
    }

    /// `Host`, or the authority of the target, split into name and port.
    pub fn host_and_port(&self) -> (Option<&str>, Option<u16>) {
        let Some(host) = self.host() else { return (None, None) };
        if let Some(rest) = host.strip_prefix('[') {
            let (name, port) = rest.split_once(']').unwrap_or((rest, ""));
            return (Some(name), port.strip_prefix(':').and_then(|port| port.parse().ok()));
        }
        match host.rsplit_once(':') {
            Some((name, port)) if !name.contains(':') => (Some(name), port.parse().ok()),
            _ => (Some(host), None),
        }
    }

    fn split_target(&self) -> (Option<&str>, &str) {
        let target = self.target();
        if self.method() == "CONNECT" {
            return (Some(target), "");
        }
        let Some((scheme, rest)) = target.split_once("://") else { return (None, target) };
        if scheme.is_empty() || !scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) {
            return (None, target);
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
        (Some(authority), path)
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
        self.message.headers.iter().map(|header| (header.part, header.index, header.value.of(&self.text)))
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

    pub(crate) fn into_text(self) -> String {
        self.text
    }
}
