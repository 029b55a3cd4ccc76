//! `retry_on_failure` and `timeout`.

use config::{Check, Config, GoDuration, Validate};

/// When a batch is attempted again.
#[derive(Debug, Clone, PartialEq, Config)]
pub struct RetrySettings {
    /// Wait before the second attempt.
    #[config(default = GoDuration::seconds(5))]
    pub initial_interval: GoDuration,
    /// Each wait is changed at random by up to this share of it, so that many senders do not return at once.
    #[config(default = 0.5)]
    pub randomization_factor: f64,
    /// Each wait is longer than the one before by this factor.
    #[config(default = 1.5)]
    pub multiplier: f64,
    /// Longest wait.
    #[config(default = GoDuration::seconds(30))]
    pub max_interval: GoDuration,
    /// After this time a batch is given up. 0: never.
    #[config(default = GoDuration::seconds(300))]
    pub max_elapsed_time: GoDuration,
}

impl Validate for RetrySettings {
    fn validate(&self, check: &mut Check<'_, '_>) {
        not_below_zero(check, "initial_interval", !self.initial_interval.is_negative());
        not_below_zero(check, "multiplier", self.multiplier >= 0.0);
        not_below_zero(check, "max_interval", !self.max_interval.is_negative());
        not_below_zero(check, "max_elapsed_time", !self.max_elapsed_time.is_negative());
        not_below_zero(check, "randomization_factor", self.randomization_factor >= 0.0);
        let text = "randomization_factor value must be less than or equal to 1";
        check.require(
            self.randomization_factor.is_nan() || self.randomization_factor <= 1.0,
            "randomization_factor",
            text,
        );
        if self.max_elapsed_time.is_zero() || self.max_elapsed_time.is_negative() {
            return;
        }
        for (key, interval) in [("initial_interval", self.initial_interval), ("max_interval", self.max_interval)] {
            let text = format!("'max_elapsed_time' must not be less than '{key}'");
            check.require(self.max_elapsed_time >= interval, "max_elapsed_time", text);
        }
    }
}

/// How long one attempt may take.
#[derive(Debug, Clone, PartialEq, Config)]
pub struct TimeoutSettings {
    /// Longest time of one attempt. 0: no limit.
    #[config(default = GoDuration::seconds(5))]
    pub timeout: GoDuration,
}

impl TimeoutSettings {
    /// The limit, if there is one.
    pub fn limit(&self) -> Option<std::time::Duration> {
        super::unless_zero(self.timeout)
    }
}

impl Validate for TimeoutSettings {
    fn validate(&self, check: &mut Check<'_, '_>) {
        not_below_zero(check, "timeout", !self.timeout.is_negative());
    }
}

/// The Collector's sentence, which names the key without quotes.
pub(super) fn not_below_zero(check: &mut Check<'_, '_>, key: &str, holds: bool) {
    check.require(holds, key, format!("{key} value must be greater than or equal to 0"));
}
