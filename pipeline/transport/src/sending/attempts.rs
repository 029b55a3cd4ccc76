//! One batch on its way: attempts with waits between them, until it is delivered or given up.

use std::cell::RefCell;
use std::time::Duration;

use component::{BuildContext, Refusal};
use pdata::Batch;
use tokio::sync::watch;
use tokio::time::Instant;

use super::Delivery;
use crate::delivery::DeliveryError;
use crate::settings::RetrySettings;

/// How all batches of one exporter are attempted.
pub(super) struct Attempts<D> {
    delivery: D,
    retry: Option<RetrySettings>,
    timeout: Option<Duration>,
    component: String,
    // Seeded per shard, so that shards and replicas do not return in step.
    random: RefCell<fastrand::Rng>,
    stopping: watch::Sender<bool>,
}

impl<D: Delivery> Attempts<D> {
    pub fn new(delivery: D, retry: Option<RetrySettings>, timeout: Option<Duration>, context: &BuildContext) -> Self {
        let seed = context.clock.now().unix_nanos ^ context.shard as u64;
        Self {
            delivery,
            retry,
            timeout,
            component: context.id.to_string(),
            random: RefCell::new(fastrand::Rng::with_seed(seed)),
            stopping: watch::channel(false).0,
        }
    }

    /// Ends all waits; whoever waits makes one last attempt.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Attempts until it works, cannot work, or time is up. The refusal is what a waiting sender is told.
    pub async fn send(&self, batch: &Batch) -> Result<(), Refusal> {
        let mut waits = self.retry.as_ref().map(|retry| Waits::new(retry, Instant::now()));
        loop {
            let stopping = *self.stopping.borrow();
            let Err(error) = self.attempt(batch.clone()).await else {
                return Ok(());
            };
            match self.next_wait(&error, waits.as_mut(), stopping) {
                Ok(wait) => self.wait(wait, &error).await,
                Err(reason) => return Err(self.give_up(batch.items(), error, &reason)),
            }
        }
    }

    async fn attempt(&self, batch: Batch) -> Result<(), DeliveryError> {
        let delivery = self.delivery.deliver(batch);
        match self.timeout {
            None => delivery.await,
            Some(limit) => tokio::time::timeout(limit, delivery).await.unwrap_or_else(|_| {
                let seconds = limit.as_secs_f64();
                let reason = format!("context deadline exceeded: no answer from the destination within {seconds}s");
                Err(DeliveryError::Retryable(reason))
            }),
        }
    }

    /// How long to wait before the next attempt, or the Collector's sentence for why there is none.
    fn next_wait(&self, error: &DeliveryError, waits: Option<&mut Waits>, stopping: bool) -> Result<Duration, String> {
        if let DeliveryError::Permanent(_) = error {
            return Err(format!("not retryable error: {error}"));
        }
        let Some(waits) = waits else {
            return Err(error.to_string());
        };
        if stopping {
            return Err(format!("interrupted due to shutdown: {error}"));
        }
        let wait = waits.next(&mut self.random.borrow_mut()).max(error.throttle());
        if waits.end_before(Instant::now(), wait) {
            return Err(format!("no more retries left: {error}"));
        }
        Ok(wait)
    }

    async fn wait(&self, wait: Duration, error: &DeliveryError) {
        tracing::info!(component = self.component, %error, interval = ?wait, "Exporting failed. Will retry the request after interval.");
        let mut stopping = self.stopping.subscribe();
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = stopping.wait_for(|stopping| *stopping) => {}
        }
    }

    fn give_up(&self, dropped_items: usize, error: DeliveryError, reason: &str) -> Refusal {
        let component = &self.component;
        if self.retry.is_none() && !matches!(error, DeliveryError::Permanent(_)) {
            tracing::error!(
                component,
                error = reason,
                dropped_items,
                "Exporting failed. Dropping data. Try enabling retry_on_failure config option to retry on retryable errors."
            );
        } else {
            tracing::error!(component, error = reason, dropped_items, "Exporting failed. Dropping data.");
        }
        match error {
            DeliveryError::Permanent(cause) => Refusal::Permanent(cause),
            DeliveryError::Retryable(_) => Refusal::Retryable(reason.to_owned()),
            DeliveryError::Throttled { after, .. } => {
                Refusal::Overload { reason: reason.to_owned(), retry_after: Some(after) }
            }
        }
    }
}

/// Exponential waits with jitter.
struct Waits {
    interval: f64,
    multiplier: f64,
    randomization: f64,
    longest: f64,
    deadline: Option<Instant>,
}

impl Waits {
    fn new(retry: &RetrySettings, now: Instant) -> Self {
        let limit = retry.max_elapsed_time.as_duration();
        Self {
            interval: retry.initial_interval.as_duration().as_secs_f64(),
            multiplier: retry.multiplier,
            randomization: retry.randomization_factor,
            longest: retry.max_interval.as_duration().as_secs_f64(),
            deadline: if limit.is_zero() { None } else { now.checked_add(limit) },
        }
    }

    fn next(&mut self, random: &mut fastrand::Rng) -> Duration {
        let spread = self.interval * self.randomization;
        let wait = self.interval - spread + random.f64() * 2.0 * spread;
        self.interval = (self.interval * self.multiplier).min(self.longest);
        Duration::try_from_secs_f64(wait).unwrap_or_default()
    }

    /// True if an attempt after `wait` would come too late.
    fn end_before(&self, now: Instant, wait: Duration) -> bool {
        let next = now.checked_add(wait);
        self.deadline.is_some_and(|deadline| next.is_none_or(|next| next > deadline))
    }
}
