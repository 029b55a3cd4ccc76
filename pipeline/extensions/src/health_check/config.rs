//! Keys of the `health_check` extension.

use config::{Check, Config, Validate};
use transport::settings::HttpServerSettings;

/// `health_check`: answers probes.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(unsupported("check_collector_pipeline"))]
pub struct HealthCheckConfig {
    /// The server.
    #[config(flatten, default = HttpServerSettings { endpoint: "localhost:13133".into(), ..HttpServerSettings::default() })]
    pub server: HttpServerSettings,
    /// Where it answers.
    #[config(default = "/")]
    pub path: String,
    /// Answers other than the usual JSON.
    pub response_body: Option<ResponseBody>,
}

/// Answers other than the usual JSON.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub struct ResponseBody {
    /// While data flows.
    pub healthy: String,
    /// Else.
    pub unhealthy: String,
}

impl Validate for HealthCheckConfig {
    fn validate(&self, check: &mut Check<'_, '_>) {
        check.require(self.path.starts_with('/'), "path", "path must start with /");
    }
}
