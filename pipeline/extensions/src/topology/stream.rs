//! `/api/v1/graph/stream`: tells pages that the map has changed, so that they ask again.
//!
//! A tick carries a number and nothing else, and a client that is slow gets only the latest: nothing piles up for it.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{Stream, unfold};
use http_body::Frame;
use tokio::sync::watch;

use super::published::Published;

/// Comments between ticks show that the connection lives; without them neither side would notice its end.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The streams that are open.
#[derive(Debug, Clone, Default)]
pub struct Streams(Arc<AtomicUsize>);

/// One open stream, until it is dropped.
struct Open(Streams);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Client {
    map: watch::Receiver<Arc<Published>>,
    stopping: watch::Receiver<bool>,
    told: Option<u64>,
    _open: Open,
}

impl Streams {
    /// Opens one more, if fewer than `most` are open.
    pub fn open(
        &self,
        most: usize,
        map: watch::Receiver<Arc<Published>>,
        stopping: watch::Receiver<bool>,
    ) -> Option<impl Stream<Item = Result<Frame<Bytes>, Infallible>> + use<>> {
        // One thread opens; any thread may drop.
        if self.0.load(Ordering::Relaxed) >= most {
            return None;
        }
        self.0.fetch_add(1, Ordering::Relaxed);
        let client = Client { map, stopping, told: None, _open: Open(self.clone()) };
        Some(unfold(client, |mut client| async move {
            let event = client.next().await?;
            Some((Ok(Frame::data(Bytes::from(event))), client))
        }))
    }
}

impl Client {
    /// The next thing to say; `None` when the server stops.
    async fn next(&mut self) -> Option<String> {
        loop {
            let revision = self.map.borrow_and_update().revision;
            if self.told != Some(revision) {
                self.told = Some(revision);
                return Some(format!("event: tick\ndata: {{\"revision\":{revision}}}\n\n"));
            }
            tokio::select! {
                changed = self.map.changed() => changed.ok()?,
                stopping = self.stopping.wait_for(|stopping| *stopping) => {
                    drop(stopping);
                    return None;
                }
                () = tokio::time::sleep(HEARTBEAT) => return Some(":\n\n".to_owned()),
            }
        }
    }
}
