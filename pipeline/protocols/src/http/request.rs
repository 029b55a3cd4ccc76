//! One request on its way to becoming an exchange.
//!
//! In this room: what is remembered until the response is complete, and how that becomes an exchange.
//! Not here: deciding when (`super`).
//!
//! Enter at [`Request::answered`].

use super::HttpExchange;
use super::head::{Framing, Method, RequestHead, ResponseHead};
use crate::chunk::Nanos;
use crate::exchange::{Details, Exchange, Outcome};
use crate::protocol::{Closed, Label};
use crate::stream::Mark;

#[derive(Debug)]
pub(super) struct Request {
    pub(super) head: RequestHead,
    /// What the exchange will say.
    pub(super) http: Box<HttpExchange>,
    pub(super) start: u64,
    pub(super) first: Mark,
    /// Position after the last byte.
    pub(super) end: Option<u64>,
    pub(super) body: Option<u64>,
    pub(super) expects: bool,
    pub(super) response: Option<Response>,
}

#[derive(Debug)]
pub(super) struct Response {
    pub(super) head: ResponseHead,
    pub(super) start: u64,
    pub(super) first: Mark,
    pub(super) body: Option<u64>,
    /// Position after the last byte, and the chunk that held it.
    pub(super) end: Option<(u64, Option<Mark>)>,
}

impl Request {
    pub(super) fn may_switch(&self) -> bool {
        self.head.upgrade || self.head.method == Method::Connect
    }

    /// Whether the response turned the connection into something else.
    pub(super) fn switched(&self) -> bool {
        let status = self.response.as_ref().map(|response| response.head.status);
        match status {
            Some(101) => self.head.upgrade,
            Some(200..=299) => self.head.method == Method::Connect,
            _ => false,
        }
    }

    pub(super) fn new_label(&self) -> Label {
        if self.head.method == Method::Connect {
            return Label::Tunnel;
        }
        let name = self.http.upgraded_to();
        if name.eq_ignore_ascii_case("websocket") {
            Label::WebSocket
        } else if name.eq_ignore_ascii_case("h2c") {
            Label::Http2
        } else {
            Label::Upgraded
        }
    }

    pub(super) fn answered(self, end: Nanos, outcome: Outcome) -> Exchange {
        let (response, mut http) = (self.response, self.http);
        let response_end = response.as_ref().and_then(|response| response.end);
        http.status = response.as_ref().map(|response| response.head.status);
        http.request_body = self.body;
        http.response_body = response.as_ref().and_then(|response| response.body);
        http.request_bytes = self.end.map(|end| end.saturating_sub(self.start));
        let sized = response.as_ref().zip(response_end);
        http.response_bytes = sized.map(|(response, (end, _))| end.saturating_sub(response.start));
        Exchange {
            protocol: Label::Http,
            position: self.start as u32,
            start: self.first.origin.time,
            first_response: response.as_ref().map(|response| response.first.origin.time),
            end,
            request_origin: self.first.origin,
            response_origin: response.map(|response| response.first.origin),
            outcome,
            details: Details::Http(http),
        }
    }

    /// The exchange as it stands when the connection ends; `begun` is when an unfinished response head began.
    pub(super) fn cut_off(self, closed: &Closed, begun: Option<Nanos>) -> Exchange {
        let ending = closed.ending;
        let done = self.response.as_ref().and_then(|response| response.end);
        let end = done.and_then(|(_, last)| last).map_or(closed.time, |last| last.origin.time);
        let outcome = match (&self.response, self.end) {
            (Some(_), _) if done.is_some() && !(ending.reset && self.ends_by_close()) => Outcome::Complete,
            (Some(_), _) => Outcome::ResponseTruncated(ending),
            (None, _) if begun.is_some() => Outcome::ResponseTruncated(ending),
            (None, Some(_)) => Outcome::NoResponse(ending),
            (None, None) => Outcome::RequestTruncated(ending),
        };
        let exchange = self.answered(end, outcome);
        Exchange { first_response: exchange.first_response.or(begun), ..exchange }
    }

    fn ends_by_close(&self) -> bool {
        let method = self.head.method;
        self.response.as_ref().is_some_and(|response| response.head.framing(method) == Some(Framing::UntilClose))
    }
}
