//! `nop`: takes data and does nothing with it.
//!
//! In this room: the exporter.
//! Not here: anything else.
//!
//! Enter at [`NopExporter`].

use component::{Ack, BuildContext, BuildError, Exporter, ExporterFactory, ExporterTelemetry, Stability};
use config::Config;
use pdata::{Batch, Signal};

/// Takes data and does nothing with it.
pub const FACTORY: ExporterFactory = ExporterFactory::of::<NopExporter>("nop").stability(Stability::Beta);

/// `nop`: takes data and does nothing with it.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub struct NopConfig {}

/// Accepts and counts.
pub struct NopExporter {
    telemetry: ExporterTelemetry,
}

#[async_trait::async_trait(?Send)]
impl Exporter for NopExporter {
    type Config = NopConfig;
    const SIGNALS: &'static [Signal] = &Signal::ALL;

    fn build(_config: &Self::Config, context: &BuildContext) -> Result<Self, BuildError> {
        Ok(Self { telemetry: context.exporter_telemetry() })
    }

    fn accept(&mut self, batch: Batch, ack: Ack) {
        self.telemetry.sent(batch.items());
        ack.accept();
    }
}

#[cfg(test)]
mod tests {
    use component::testkit::{exporter, faults};
    use pdata::json;

    use super::*;

    #[test]
    fn what_goes_nowhere_is_acknowledged_and_counted() {
        let request = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{},{}]}]}]}"#;
        let mut story = exporter::<NopExporter>(Signal::Logs, "");

        assert_eq!(story.delivers(json::decode(Signal::Logs, request.as_bytes()).unwrap()), Ok(()));

        assert_eq!(story.stage.metric("otelcol_exporter_sent_log_records", &[("exporter", "story")]), 2.0);
    }

    #[test]
    fn it_has_no_keys() {
        assert_eq!(faults::<NopConfig>("{a: 1}"), ["'' has invalid keys: a"]);
    }
}
