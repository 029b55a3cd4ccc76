//! Keys of the `otlp_grpc` exporter.

use config::{Check, Config, Toggle, Validate};
use transport::settings::{CompressionType, GrpcClientSettings, QueueSettings, RetrySettings, TimeoutSettings};

/// `otlp_grpc`: sends OTLP over gRPC.
#[derive(Debug, Clone, PartialEq, Config)]
pub struct OtlpGrpcConfig {
    /// The client.
    #[config(flatten = "clientconfig", default = GrpcClientSettings {
        compression: CompressionType::Gzip,
        write_buffer_size: 512 * 1024,
        ..GrpcClientSettings::default()
    })]
    pub client: GrpcClientSettings,
    /// Of one attempt.
    #[config(flatten = "timeoutconfig")]
    pub timeout: TimeoutSettings,
    /// When a batch is attempted again.
    #[config(default = Toggle::on(RetrySettings::default()))]
    pub retry_on_failure: Toggle<RetrySettings>,
    /// What waits between the pipeline and the destination.
    #[config(default = Toggle::on(QueueSettings::default()))]
    pub sending_queue: Toggle<QueueSettings>,
}

impl Validate for OtlpGrpcConfig {
    fn validate(&self, check: &mut Check<'_, '_>) {
        check.require(!self.client.endpoint.is_empty(), "endpoint", "requires a non-empty \"endpoint\"");
    }
}
