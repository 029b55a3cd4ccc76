//! The process's own log, as `service::telemetry::logs` asks for it.

use config::telemetry::{LogEncoding, LogLevel, Logs};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::prelude::*;

/// Starts logging to standard error, as text or as JSON lines.
pub fn start(settings: &Logs) {
    let level = match settings.level {
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Error => LevelFilter::ERROR,
    };
    let lines = fmt::layer().with_writer(std::io::stderr).with_target(false);
    let registry = tracing_subscriber::registry().with(level);
    match settings.encoding {
        LogEncoding::Console => registry.with(lines.with_ansi(false)).init(),
        LogEncoding::Json => registry.with(lines.json().flatten_event(true)).init(),
    }
}
