//! `otlp_http`: sends OTLP over HTTP, protobuf or JSON.
//!
//! In this room: keys, and one attempt to deliver a batch.
//! Not here: the client, queue, retries and compression (`transport`).
//!
//! Enter at [`OtlpHttpExporter`].

mod config;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use component::{Ack, BuildContext, BuildError, Exporter, ExporterFactory, Stability, StartError};
use pdata::{Batch, BufferPool, Signal, json};
use transport::{Delivery, DeliveryError, Encoding, HttpClient, Sending, Target, export_over_http};

pub use self::config::{EncodingType, OtlpHttpConfig};
use crate::outbound::Outbound;
use crate::partial::Rejected;

/// Sends OTLP over HTTP.
pub const FACTORY: ExporterFactory =
    ExporterFactory::of::<OtlpHttpExporter>("otlp_http").alias("otlphttp").stability(Stability::Beta);

/// Its client and queue on one shard, for one signal.
pub struct OtlpHttpExporter {
    config: OtlpHttpConfig,
    context: BuildContext,
    outbound: Outbound<HttpDelivery>,
}

#[async_trait(?Send)]
impl Exporter for OtlpHttpExporter {
    type Config = OtlpHttpConfig;
    const SIGNALS: &'static [Signal] = &Signal::ALL;

    fn build(config: &OtlpHttpConfig, context: &BuildContext) -> Result<Self, BuildError> {
        Ok(Self { config: config.clone(), context: context.clone(), outbound: Outbound::closed() })
    }

    async fn start(&mut self) -> Result<(), StartError> {
        let config = &self.config;
        let url = config.url(self.context.signal.unwrap_or(Signal::Traces));
        let target = Target::parse(&url).map_err(|error| StartError(error.to_string()))?;
        let delivery = HttpDelivery {
            client: config.client.client(Arc::clone(&self.context.clock)),
            target,
            encoding: match config.encoding {
                EncodingType::Proto => Encoding::Protobuf,
                EncodingType::Json => Encoding::Json,
            },
            pool: RefCell::default(),
            rejected: Rejected::new(&self.context),
        };
        let (queue, retry) = (config.sending_queue.get(), config.retry_on_failure.get());
        // The client bounds each attempt itself.
        self.outbound.open(Sending::new(delivery, queue, retry, None, &self.context));
        Ok(())
    }

    fn accept(&mut self, batch: Batch, ack: Ack) {
        self.outbound.accept(batch, ack);
    }

    async fn stop(&mut self) {
        self.outbound.stop().await;
    }
}

struct HttpDelivery {
    client: HttpClient,
    target: Target,
    encoding: Encoding,
    pool: RefCell<BufferPool>,
    rejected: Rejected,
}

impl Delivery for HttpDelivery {
    async fn deliver(&self, batch: Batch) -> Result<(), DeliveryError> {
        let segments = match self.encoding {
            Encoding::Protobuf => batch.into_segments(&mut self.pool.borrow_mut()).into_vec(),
            Encoding::Json => vec![Bytes::from(json::encode(&batch))],
        };
        let partial = export_over_http(&self.client, &self.target, self.encoding, segments).await?;
        self.rejected.note(&partial);
        Ok(())
    }
}
