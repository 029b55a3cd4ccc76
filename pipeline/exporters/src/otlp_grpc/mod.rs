//! `otlp_grpc`: sends OTLP over gRPC.
//!
//! In this room: keys, and one attempt to deliver a batch.
//! Not here: the client, queue, retries and compression (`transport`).
//!
//! Enter at [`OtlpGrpcExporter`].

mod config;
#[cfg(test)]
mod tests;

use std::cell::RefCell;

use async_trait::async_trait;
use component::{Ack, BuildContext, BuildError, Exporter, ExporterFactory, Stability, StartError};
use pdata::{Batch, BufferPool, Signal};
use transport::{Delivery, DeliveryError, GrpcClient, Sending};

pub use self::config::OtlpGrpcConfig;
use crate::outbound::Outbound;
use crate::partial::Rejected;

/// Sends OTLP over gRPC.
pub const FACTORY: ExporterFactory =
    ExporterFactory::of::<OtlpGrpcExporter>("otlp_grpc").alias("otlp").stability(Stability::Beta);

/// Its client and queue on one shard, for one signal.
pub struct OtlpGrpcExporter {
    config: OtlpGrpcConfig,
    context: BuildContext,
    outbound: Outbound<GrpcDelivery>,
}

#[async_trait(?Send)]
impl Exporter for OtlpGrpcExporter {
    type Config = OtlpGrpcConfig;
    const SIGNALS: &'static [Signal] = &Signal::ALL;

    fn build(config: &OtlpGrpcConfig, context: &BuildContext) -> Result<Self, BuildError> {
        Ok(Self { config: config.clone(), context: context.clone(), outbound: Outbound::closed() })
    }

    async fn start(&mut self) -> Result<(), StartError> {
        let config = &self.config;
        let timeout = config.timeout.limit();
        let delivery = GrpcDelivery {
            client: config.client.client(timeout)?,
            pool: RefCell::default(),
            rejected: Rejected::new(&self.context),
        };
        let (queue, retry) = (config.sending_queue.get(), config.retry_on_failure.get());
        self.outbound.open(Sending::new(delivery, queue, retry, timeout, &self.context));
        Ok(())
    }

    fn accept(&mut self, batch: Batch, ack: Ack) {
        self.outbound.accept(batch, ack);
    }

    async fn stop(&mut self) {
        self.outbound.stop().await;
    }
}

struct GrpcDelivery {
    client: GrpcClient,
    pool: RefCell<BufferPool>,
    rejected: Rejected,
}

impl Delivery for GrpcDelivery {
    async fn deliver(&self, batch: Batch) -> Result<(), DeliveryError> {
        let signal = batch.signal();
        let segments = batch.into_segments(&mut self.pool.borrow_mut());
        let partial = self.client.export(signal, segments.into_vec()).await?;
        self.rejected.note(&partial);
        Ok(())
    }
}
