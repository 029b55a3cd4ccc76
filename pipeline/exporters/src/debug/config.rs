//! The keys of `debug`.

use config::{Check, Config, Validate};

/// `debug`: shows data to a person.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(unsupported("sending_queue"))]
pub struct DebugConfig {
    /// How much is shown of each batch.
    pub verbosity: Verbosity,
    /// How many equal messages are shown in each second before sampling begins.
    #[config(default = 2)]
    pub sampling_initial: i64,
    /// Of the equal messages that follow in that second, each so many-th is shown; none if zero.
    #[config(default = 1)]
    pub sampling_thereafter: i64,
    /// Whether data goes into the log of the process, or bare to `output_paths`.
    #[config(default = true)]
    pub use_internal_logger: bool,
    /// `stdout`, `stderr` or files to append to. Only without the internal logger.
    #[config(default = vec!["stdout".to_owned()])]
    pub output_paths: Vec<String>,
}

impl Validate for DebugConfig {
    fn validate(&self, check: &mut Check<'_, '_>) {
        check.require(self.verbosity != Verbosity::None, "verbosity", "verbosity level \"None\" is not supported");
        if self.use_internal_logger && check.is_set("output_paths") {
            check.error("output_paths", "output_paths is not supported when use_internal_logger is true");
        }
        let is_mute = !self.use_internal_logger && self.output_paths.is_empty();
        check.require(!is_mute, "output_paths", "output_paths must not be empty when use_internal_logger is false");
    }
}

/// How much is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Config)]
#[config(unknown = "unknown metrics level {:?}", ignore_case)]
pub enum Verbosity {
    /// Nothing; refused.
    None,
    /// One line for each batch.
    #[default]
    Basic,
    /// One line for each item.
    Normal,
    /// Every field of each item.
    Detailed,
}
