//! Posts bodies to URLs.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use component::Clock;
use http::header::{AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use http::{HeaderMap, Request, Response, StatusCode, Uri};
use hyper::body::Incoming;

use super::LONGEST_ANSWER;
use super::pool::{Lease, Limits, Pool};
use super::retry_after::retry_after;
use crate::body::{Payload, beginning};
use crate::compression::{Codec, Compression, compress};
use crate::delivery::DeliveryError;

/// A URL that cannot be posted to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Not a URL, or without scheme or host.
    #[error("{0:?} is not a URL of the form http://host:port/path")]
    NotAUrl(String),
    /// TLS is not built yet.
    #[error("{0:?}: https is not supported yet; use http:// to a local TLS proxy or to a trusted network")]
    Https(String),
}

/// A URL, taken apart.
#[derive(Debug, Clone)]
pub struct Target {
    /// As shown in errors and logs: without credentials.
    url: String,
    host_and_port: Rc<str>,
    host: HeaderValue,
    path: Uri,
    authorization: Option<HeaderValue>,
}

impl Target {
    /// Reads `http://host:port/path`. Credentials in the URL become an `Authorization` header.
    pub fn parse(url: &str) -> Result<Self, TargetError> {
        let not_a_url = || TargetError::NotAUrl(without_credentials(url));
        let uri: Uri = url.parse().map_err(|_| not_a_url())?;
        let authority = uri.authority().ok_or_else(not_a_url)?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => return Err(TargetError::Https(without_credentials(url))),
            _ => return Err(not_a_url()),
        }
        let (credentials, host) = match authority.as_str().rsplit_once('@') {
            Some((credentials, host)) => (Some(credentials), host),
            None => (None, authority.as_str()),
        };
        let port = authority.port_u16().unwrap_or(80);
        let authorization = credentials.map(|credentials| format!("Basic {}", STANDARD.encode(credentials)));
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Self {
            url: without_credentials(url),
            host_and_port: format!("{}:{port}", authority.host()).into(),
            host: HeaderValue::try_from(host).map_err(|_| not_a_url())?,
            path: path.parse().map_err(|_| not_a_url())?,
            authorization: authorization.and_then(|value| HeaderValue::try_from(value).ok()),
        })
    }

    /// As shown in errors and logs: without credentials.
    pub fn url(&self) -> &str {
        &self.url
    }
}

fn without_credentials(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
    match authority.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://{host}{path}"),
        None => url.to_owned(),
    }
}

/// How a client sends; `settings::HttpClientSettings` writes it.
#[derive(Debug, Clone)]
pub struct HttpClientOptions {
    /// Sent with every request.
    pub headers: HeaderMap,
    /// Sent with every request.
    pub user_agent: HeaderValue,
    /// Of bodies, and its name in `Content-Encoding`.
    pub compression: Option<(Compression, HeaderValue)>,
    /// Of one request, from connecting to the last byte of the answer.
    pub timeout: Option<Duration>,
    /// Idle connections kept per host.
    pub max_idle: usize,
    /// Connections per host at a time; 0 is no limit.
    pub max_connections: usize,
    /// How long an idle connection is kept.
    pub idle_time: Duration,
    /// Keep connections for more than one request.
    pub keep_alive: bool,
}

/// An answer; of its body at most 64 KiB.
#[derive(Debug)]
pub struct HttpResponse {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// The beginning of its body.
    pub body: Bytes,
    /// When to come back, if it says so.
    pub retry_after: Option<Duration>,
}

/// Posts to any number of targets over kept connections.
pub struct HttpClient {
    options: HttpClientOptions,
    pool: Pool,
    clock: Arc<dyn Clock>,
}

impl HttpClient {
    /// A client that has not connected yet. The clock is for `Retry-After` dates.
    pub fn new(options: HttpClientOptions, clock: Arc<dyn Clock>) -> Self {
        let idle = if options.keep_alive { options.max_idle } else { 0 };
        let limits = Limits { idle, connections: options.max_connections, idle_time: options.idle_time };
        Self { pool: Pool::new(limits), options, clock }
    }

    /// Posts segments as one body. An error means that there is no answer; what an answer means is for the caller.
    pub async fn post(
        &self,
        target: &Target,
        content_type: HeaderValue,
        segments: impl IntoIterator<Item = Bytes>,
    ) -> Result<HttpResponse, DeliveryError> {
        let request = self.request(target, content_type, segments.into_iter().collect())?;
        let limit = self.options.timeout.unwrap_or(Duration::MAX);
        let late = |_| format!("Post {:?}: no answer within {}s", target.url, limit.as_secs_f64());
        let outcome = tokio::time::timeout(limit, self.send(target, request)).await;
        let outcome = outcome.map_err(late).flatten();
        outcome.map_err(|reason| DeliveryError::Retryable(format!("failed to make an HTTP request: {reason}")))
    }

    fn request(
        &self,
        target: &Target,
        content_type: HeaderValue,
        segments: Vec<Bytes>,
    ) -> Result<Request<Payload>, DeliveryError> {
        let mut headers = self.options.headers.clone();
        headers.insert(CONTENT_TYPE, content_type);
        headers.entry(HOST).or_insert_with(|| target.host.clone());
        headers.entry(USER_AGENT).or_insert_with(|| self.options.user_agent.clone());
        if let Some(authorization) = &target.authorization {
            headers.entry(AUTHORIZATION).or_insert_with(|| authorization.clone());
        }
        if !self.options.keep_alive {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let segments = match &self.options.compression {
            Some((compression, name)) => {
                headers.insert(CONTENT_ENCODING, name.clone());
                vec![compress(*compression, &segments).map_err(|error| DeliveryError::Permanent(error.to_string()))?]
            }
            None => segments,
        };
        let mut request = Request::new(Payload::new(segments));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = target.path.clone();
        *request.headers_mut() = headers;
        Ok(request)
    }

    async fn send(&self, target: &Target, mut request: Request<Payload>) -> Result<HttpResponse, String> {
        loop {
            let mut lease = self.pool.lease(&target.host_and_port).await?;
            let mut failed = match lease.sender.try_send_request(request).await {
                Ok(response) => return self.read(target, lease, response).await,
                Err(failed) => failed,
            };
            match failed.take_message() {
                // The server closed the connection while it was idle, and never saw the request.
                Some(unsent) if lease.used => request = unsent,
                _ => return Err(format!("Post {:?}: {}", target.url, failed.into_error())),
            }
        }
    }

    async fn read(&self, target: &Target, lease: Lease, response: Response<Incoming>) -> Result<HttpResponse, String> {
        let (head, body) = response.into_parts();
        let read = beginning(body, LONGEST_ANSWER).await;
        let read = read.map_err(|error| format!("Post {:?}: the answer broke off: {error}", target.url))?;
        if read.complete {
            self.pool.keep(lease);
        }
        let now = UNIX_EPOCH + Duration::from_nanos(self.clock.now().unix_nanos);
        let retry_after = retry_after(&head.headers, now);
        Ok(HttpResponse { status: head.status, headers: head.headers, body: read.bytes, retry_after })
    }
}

/// The codec that `Content-Encoding` calls by this name, with the header's value.
pub(crate) fn content_encoding(name: &str, level: Option<i32>) -> Option<(Compression, HeaderValue)> {
    let codec: Codec = Codec::of_content_encoding(name).ok()??;
    Some((Compression { codec, level }, HeaderValue::try_from(name).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_and_its_credentials_are_not_shown() {
        let target = Target::parse("http://user:secret@[::1]:4318/v1/traces?x=1").unwrap();

        assert_eq!(target.url(), "http://[::1]:4318/v1/traces?x=1");
        assert_eq!(&*target.host_and_port, "[::1]:4318");
        assert_eq!(target.host, "[::1]:4318");
        assert_eq!(target.path, "/v1/traces?x=1");
        assert_eq!(target.authorization.unwrap(), "Basic dXNlcjpzZWNyZXQ=");
    }

    #[test]
    fn what_cannot_be_posted_to_is_an_error_without_secrets() {
        for url in ["localhost:4318", "ftp://a/", "http://", "", "https://u:p@h/x"] {
            let error = Target::parse(url).unwrap_err().to_string();
            assert!(!error.contains("u:p"), "{error}");
        }
    }
}
