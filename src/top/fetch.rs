//! GETs a page over plain HTTP.

use http_body_util::{BodyExt, Empty, Limited};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use std::time::Duration;
use tokio::net::TcpStream;

/// Why a page could not be had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The URL is not one that can be read.
    #[error("\"{0}\" is not a URL of the form http://host:port/path")]
    Url(String),
    /// The URL wants TLS.
    #[error(
        "\"{0}\" cannot be read: TLS is not supported here; ask the server itself by http://, if need be through a tunnel"
    )]
    Tls(String),
    /// Nobody answers.
    #[error("cannot read {url}: {reason}")]
    Unreachable {
        /// What was asked.
        url: String,
        /// What happened.
        reason: String,
    },
}

/// Where a page is.
#[derive(Debug, Clone)]
pub struct Address {
    url: String,
    authority: String,
    path: String,
}

impl Address {
    /// Reads a URL.
    pub fn parse(url: &str) -> Result<Self, FetchError> {
        if url.starts_with("https://") {
            return Err(FetchError::Tls(url.into()));
        }
        let rest = url.strip_prefix("http://").ok_or_else(|| FetchError::Url(url.into()))?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if authority.is_empty() {
            return Err(FetchError::Url(url.into()));
        }
        Ok(Self { url: url.into(), authority: authority.into(), path: format!("/{path}") })
    }
}

/// Larger pages are not read.
const MOST_BYTES: usize = 64 * 1024 * 1024;
const TIMEOUT: Duration = Duration::from_secs(10);

/// The body of the page. A token is sent as `Authorization: Bearer`.
pub async fn get(address: &Address, token: Option<&str>) -> Result<String, FetchError> {
    let unreachable = |reason: String| FetchError::Unreachable { url: address.url.clone(), reason };
    match tokio::time::timeout(TIMEOUT, exchange(address, token)).await {
        Ok(outcome) => outcome.map_err(|error| unreachable(error.to_string())),
        Err(_) => Err(unreachable(format!("no answer within {TIMEOUT:?}"))),
    }
}

async fn exchange(address: &Address, token: Option<&str>) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let target =
        if address.authority.contains(':') { address.authority.clone() } else { format!("{}:80", address.authority) };
    let stream = TcpStream::connect(&target).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let mut request = Request::get(&address.path).header("host", &address.authority);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let request = request.body(Empty::<Bytes>::new())?;
    // The connection has to be driven while the answer is awaited.
    let driver = tokio::spawn(connection);
    let response = sender.send_request(request).await?;
    let status = response.status();
    let body = Limited::new(response.into_body(), MOST_BYTES).collect().await?;
    driver.abort();
    let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
    if status.is_success() { Ok(body) } else { Err(refusal(status, &body).into()) }
}

/// What a server says about a request that it does not answer, as far as it fits a line.
fn refusal(status: hyper::StatusCode, body: &str) -> String {
    const LONGEST: usize = 300;
    let printable = |letter: char| if letter.is_control() { ' ' } else { letter };
    let said: String = body.chars().take(LONGEST).map(printable).collect();
    if said.trim().is_empty() {
        format!("it answers {status}")
    } else {
        format!("it answers {status}: {}", said.trim())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_plain_http_is_refused_with_the_reason() {
        let refusal = |url: &str| Address::parse(url).unwrap_err().to_string();

        assert!(refusal("https://map.example/").contains("TLS is not supported"));
        assert!(refusal("map.example:4680").contains("http://host:port"));
        assert!(refusal("http:///api").contains("http://host:port"));
        assert!(Address::parse("http://localhost:4680").is_ok());
    }
}
