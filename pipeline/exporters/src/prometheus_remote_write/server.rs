//! The server: what a request is, what its answers mean, when to try again.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use component::{Clock, Counter, Refusal};
use http::{HeaderValue, StatusCode};
use tokio::sync::watch;
use transport::settings::RetrySettings;
use transport::{DeliveryError, HttpClient, HttpResponse, Target};

use super::lanes::wait;

/// As much of an answer as the log shows.
const EXCERPT: usize = 256;

/// Where samples go.
pub(super) struct Server {
    pub(super) client: HttpClient,
    pub(super) target: Target,
    pub(super) retry: Option<RetrySettings>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) component: String,
    pub(super) requests: Counter,
    pub(super) random: RefCell<fastrand::Rng>,
    pub(super) stopping: watch::Sender<bool>,
}

impl Server {
    /// Sends blocks as one request, again and again as configured.
    pub(super) async fn send(&self, blocks: Vec<Bytes>, items: usize) -> Result<(), Refusal> {
        let started = self.clock.now().monotonic;
        let mut interval = self.retry.as_ref().map_or(Duration::ZERO, |retry| retry.initial_interval.as_duration());
        loop {
            let Err(error) = self.attempt(blocks.clone()).await else { return Ok(()) };
            let Some(pause) = self.pause(&error, &mut interval, started) else {
                tracing::error!(
                    component = self.component,
                    endpoint = self.target.url(),
                    %error,
                    dropped_items = items,
                    "Exporting failed. Dropping data."
                );
                return Err(error.into());
            };
            tracing::info!(
                component = self.component,
                %error,
                interval = ?pause,
                "Exporting failed. Will retry the request after interval."
            );
            let mut stopping = self.stopping.subscribe();
            wait(pause, async move {
                // An error means that the server is gone, which is a stop as well.
                let _ = stopping.wait_for(|stopping| *stopping).await;
            })
            .await;
        }
    }

    /// From now on nothing is attempted again.
    pub(super) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    async fn attempt(&self, blocks: Vec<Bytes>) -> Result<(), DeliveryError> {
        let protobuf = HeaderValue::from_static("application/x-protobuf");
        let answer = self.client.post(&self.target, protobuf, blocks).await;
        self.requests.add(1);
        judge(&answer?)
    }

    /// How long to wait before the next attempt, if there is to be one.
    fn pause(&self, error: &DeliveryError, interval: &mut Duration, started: Duration) -> Option<Duration> {
        let retry = self.retry.as_ref()?;
        let asked = match error {
            DeliveryError::Permanent(_) => return None,
            DeliveryError::Retryable(_) => Duration::ZERO,
            DeliveryError::Throttled { after, .. } => *after,
        };
        if *self.stopping.borrow() {
            return None;
        }
        let spread = 1.0 + retry.randomization_factor * (2.0 * self.random.borrow_mut().f64() - 1.0);
        let pause = scaled(*interval, spread).max(asked);
        *interval = scaled(*interval, retry.multiplier).min(retry.max_interval.as_duration());
        let spent = self.clock.now().monotonic.saturating_sub(started).saturating_add(pause);
        let most = retry.max_elapsed_time.as_duration();
        (most.is_zero() || spent <= most).then_some(pause)
    }
}

fn scaled(duration: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(duration.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}

/// What an answer means: remote write 1.0 says that 5xx and 429 are worth another attempt, and nothing else is.
fn judge(answer: &HttpResponse) -> Result<(), DeliveryError> {
    if answer.status.is_success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&answer.body);
    let excerpt: String = text.trim().chars().take(EXCERPT).collect();
    let reason = format!("remote write request failed: the server answered {}: {excerpt}", answer.status);
    if !answer.status.is_server_error() && answer.status != StatusCode::TOO_MANY_REQUESTS {
        return Err(DeliveryError::Permanent(reason));
    }
    Err(match answer.retry_after {
        Some(after) => DeliveryError::Throttled { after, reason },
        None => DeliveryError::Retryable(reason),
    })
}
