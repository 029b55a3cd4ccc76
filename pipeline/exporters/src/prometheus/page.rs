//! The page that scrapers read, and the door it is behind.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use component::{Clock, StartError};
use http::header::{ACCEPT, ACCEPT_ENCODING, ALLOW, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use tokio::sync::Semaphore;
use transport::{Codec, Compression, HttpServerOptions, Payload, Serving, Sharing, compress, listen, serve_http};

use super::exposition::{write_end, write_family};
use super::negotiation::Style;
use super::store::Store;

/// Pages written at a time; more scrapers wait. A page may be large.
const PAGES: usize = 4;
/// Smaller pages are not worth a gzip header.
const SMALLEST_TO_COMPRESS: usize = 1024;

/// What all instances of an exporter share.
#[derive(Debug)]
pub(super) struct Shared {
    /// A lock and no owner: batches come in on every shard and pages are written on threads of their own.
    store: Mutex<Store>,
    open: AtomicBool,
}

impl Shared {
    pub(super) fn new(store: Store) -> Self {
        Self { store: Mutex::new(store), open: AtomicBool::new(false) }
    }

    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How pages are written, by the configuration.
#[derive(Debug, Clone, Copy)]
pub(super) struct PageSettings {
    pub(super) open_metrics: bool,
    pub(super) timestamps: bool,
}

/// The listening socket. One instance of the process holds it; when that goes, another may open it again.
pub(super) struct Door {
    shared: Arc<Shared>,
    serving: Option<Serving>,
}

impl Door {
    /// Opens the door unless another instance has. `None` if so.
    pub(super) async fn open(
        shared: &Arc<Shared>,
        endpoint: &str,
        options: HttpServerOptions,
        page: PageSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Option<Self>, StartError> {
        if shared.open.swap(true, Ordering::AcqRel) {
            return Ok(None);
        }
        let mut door = Self { shared: Arc::clone(shared), serving: None };
        let listener = listen(endpoint, Sharing::Alone).await.map_err(|error| StartError(error.to_string()))?;
        let scrapes = Rc::new(Scrapes { shared: Arc::clone(shared), page, clock, room: Semaphore::new(PAGES) });
        door.serving = Some(serve_http(listener, options, move |request, _| {
            let scrapes = Rc::clone(&scrapes);
            async move {
                let (head, _) = request.into_parts();
                scrapes.answer(&head.method, head.uri.path(), &head.headers).await
            }
        }));
        Ok(Some(door))
    }

    /// Where it listens.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.serving.as_ref().and_then(Serving::address)
    }

    /// Lets running scrapes end and closes.
    pub(super) async fn close(mut self) {
        if let Some(serving) = self.serving.take() {
            serving.stop().await;
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.shared.open.store(false, Ordering::Release);
    }
}

struct Scrapes {
    shared: Arc<Shared>,
    page: PageSettings,
    clock: Arc<dyn Clock>,
    room: Semaphore,
}

impl Scrapes {
    async fn answer(&self, method: &Method, path: &str, headers: &HeaderMap) -> Response<Payload> {
        if path != "/metrics" {
            return plain(StatusCode::NOT_FOUND, "404 page not found\n");
        }
        if method != Method::GET && method != Method::HEAD {
            let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "use GET\n");
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        let accept = all_values(headers, ACCEPT.as_str());
        let style = Style::negotiate(&accept, self.page.open_metrics, self.page.timestamps);
        let gzip = accepts_gzip(&all_values(headers, ACCEPT_ENCODING.as_str()));
        let Ok(_room) = self.room.acquire().await else {
            return plain(StatusCode::SERVICE_UNAVAILABLE, "the exporter stops\n");
        };
        let (shared, now) = (Arc::clone(&self.shared), self.clock.now().monotonic);
        // Writing a large page takes long: on a thread of its own the shard goes on.
        let written = tokio::task::spawn_blocking(move || {
            shared.store().expire(now);
            pack(write_page(&shared, style), gzip)
        });
        match written.await {
            Ok((page, packed)) => found(page, packed, style),
            Err(error) => {
                tracing::error!(%error, "the page of metrics was not written");
                plain(StatusCode::INTERNAL_SERVER_ERROR, "the page was not written\n")
            }
        }
    }
}

/// Writes all families. The store is locked for one family at a time, so that batches get in between.
pub(super) fn write_page(shared: &Shared, style: Style) -> Vec<u8> {
    let mut page = Vec::new();
    let mut last: Option<String> = None;
    loop {
        let store = shared.store();
        let Some((name, family)) = store.after(last.as_deref()) else { break };
        write_family(&mut page, name, family, style);
        last = Some(name.to_owned());
    }
    write_end(&mut page, style);
    page
}

fn pack(page: Vec<u8>, gzip: bool) -> (Bytes, bool) {
    let page = Bytes::from(page);
    if !gzip || page.len() < SMALLEST_TO_COMPRESS {
        return (page, false);
    }
    let fast = Compression { codec: Codec::Gzip, level: Some(1) };
    match compress(fast, std::slice::from_ref(&page)) {
        Ok(packed) => (packed, true),
        Err(_) => (page, false),
    }
}

fn found(page: Bytes, packed: bool, style: Style) -> Response<Payload> {
    let mut response = Response::new(Payload::from(page));
    let headers = response.headers_mut();
    if let Ok(content_type) = HeaderValue::try_from(style.content_type()) {
        headers.insert(CONTENT_TYPE, content_type);
    }
    headers.insert(VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
    if packed {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

fn plain(status: StatusCode, text: &'static str) -> Response<Payload> {
    let mut response = Response::new(Payload::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

fn all_values(headers: &HeaderMap, name: &str) -> String {
    let values: Vec<&str> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    values.join(",")
}

fn accepts_gzip(accepted: &str) -> bool {
    accepted.split(',').any(|entry| {
        let mut parts = entry.split(';').map(str::trim);
        let refused = |part: &str| matches!(part.replace(' ', "").as_str(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000");
        parts.next() == Some("gzip") && !parts.any(refused)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_used_where_it_is_accepted() {
        assert!(accepts_gzip("gzip"));
        assert!(accepts_gzip("deflate, gzip;q=0.5"));
        assert!(!accepts_gzip("gzip; q=0, deflate"));
        assert!(!accepts_gzip(""));
    }
}
