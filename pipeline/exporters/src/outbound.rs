//! The half of an exporter that both OTLP exporters are: a queue that exists once the exporter has started.

use component::{Ack, Refusal};
use pdata::Batch;
use transport::{Delivery, Sending};

/// A queue in front of a destination, from start to stop.
pub(crate) struct Outbound<D: Delivery>(Option<Sending<D>>);

impl<D: Delivery> Outbound<D> {
    /// Not started: nothing is taken.
    pub(crate) fn closed() -> Self {
        Self(None)
    }

    /// Takes from now on.
    pub(crate) fn open(&mut self, sending: Sending<D>) {
        self.0 = Some(sending);
    }

    /// Takes one batch and answers its promise, now or later.
    pub(crate) fn accept(&self, batch: Batch, ack: Ack) {
        match &self.0 {
            Some(sending) => sending.accept(batch, ack),
            None => ack.refuse(Refusal::Retryable("the exporter has not started".into())),
        }
    }

    /// Delivers what is queued.
    pub(crate) async fn stop(&self) {
        if let Some(sending) = &self.0 {
            sending.stop().await;
        }
    }
}
