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

/// The body of the page.
pub async fn get(address: &Address) -> Result<String, FetchError> {
    let unreachable = |reason: String| FetchError::Unreachable { url: address.url.clone(), reason };
    match tokio::time::timeout(TIMEOUT, exchange(address)).await {
        Ok(outcome) => outcome.map_err(|error| unreachable(error.to_string())),
        Err(_) => Err(unreachable(format!("no answer within {TIMEOUT:?}"))),
    }
}

async fn exchange(address: &Address) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let target =
        if address.authority.contains(':') { address.authority.clone() } else { format!("{}:80", address.authority) };
    let stream = TcpStream::connect(&target).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::get(&address.path).header("host", &address.authority).body(Empty::<Bytes>::new())?;
    // The connection has to be driven while the answer is awaited.
    let driver = tokio::spawn(connection);
    let response = sender.send_request(request).await?;
    if !response.status().is_success() {
        return Err(format!("it answers {}", response.status()).into());
    }
    let body = Limited::new(response.into_body(), MOST_BYTES).collect().await?;
    driver.abort();
    Ok(String::from_utf8_lossy(&body.to_bytes()).into_owned())
}
