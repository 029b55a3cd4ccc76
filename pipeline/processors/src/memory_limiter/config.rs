//! The keys of `memory_limiter`.

use config::{Check, Config, GoDuration, Validate};

/// `memory_limiter`: refuses data before memory runs out.
#[derive(Debug, Clone, PartialEq, Config)]
pub struct MemoryLimiterConfig {
    /// How often memory is measured. Must be above zero.
    pub check_interval: GoDuration,
    /// Most memory that the process may use, in MiB. Wins over `limit_percentage`.
    pub limit_mib: u32,
    /// How far below the limit data is refused, in MiB; a fifth of the limit if zero.
    pub spike_limit_mib: u32,
    /// Most memory that the process may use, in percent of what the cgroup (or the machine) has.
    pub limit_percentage: u32,
    /// How far below the limit data is refused, in percent of what the cgroup (or the machine) has; a fifth of the
    /// limit if zero.
    pub spike_limit_percentage: u32,
    /// Accepted for compatibility: there is no garbage to collect.
    #[config(default = GoDuration::seconds(10))]
    pub min_gc_interval_when_soft_limited: GoDuration,
    /// Accepted for compatibility: there is no garbage to collect.
    pub min_gc_interval_when_hard_limited: GoDuration,
    /// Accepted for compatibility: there is no garbage to collect.
    #[config(default = GoDuration::seconds(30))]
    pub max_gc_interval_when_soft_limited: GoDuration,
    /// Accepted for compatibility: there is no garbage to collect.
    #[config(default = GoDuration::seconds(30))]
    pub max_gc_interval_when_hard_limited: GoDuration,
}

impl Validate for MemoryLimiterConfig {
    /// As in the Collector only the first fault is told.
    fn validate(&self, check: &mut Check<'_, '_>) {
        if let Some((key, message)) = self.fault() {
            check.error(key, message);
        }
    }
}

impl MemoryLimiterConfig {
    fn fault(&self) -> Option<(&'static str, &'static str)> {
        if self.check_interval <= GoDuration::default() {
            return Some(("check_interval", "'check_interval' must be greater than zero"));
        }
        if let Some(fault) = self.collection_fault() {
            return Some(fault);
        }
        if self.limit_mib == 0 && self.limit_percentage == 0 {
            return Some(("limit_mib", "'limit_mib' or 'limit_percentage' must be greater than zero"));
        }
        if self.limit_percentage > 100 || self.spike_limit_percentage > 100 {
            let range = "'limit_percentage' and 'spike_limit_percentage' must be greater than zero and less than or equal to hundred";
            return Some(("limit_percentage", range));
        }
        if self.limit_mib > 0 && self.limit_mib <= self.spike_limit_mib {
            return Some(("spike_limit_mib", "'spike_limit_mib' must be smaller than 'limit_mib'"));
        }
        if self.limit_percentage > 0 && self.limit_percentage <= self.spike_limit_percentage {
            return Some((
                "spike_limit_percentage",
                "'spike_limit_percentage' must be smaller than 'limit_percentage'",
            ));
        }
        None
    }

    /// The intervals of a garbage collector mean nothing here, but a file that the Collector refuses is refused.
    fn collection_fault(&self) -> Option<(&'static str, &'static str)> {
        let zero = GoDuration::default();
        let (soft_min, hard_min) = (self.min_gc_interval_when_soft_limited, self.min_gc_interval_when_hard_limited);
        let (soft_max, hard_max) = (self.max_gc_interval_when_soft_limited, self.max_gc_interval_when_hard_limited);
        let rules = [
            (
                soft_min < hard_min,
                "min_gc_interval_when_soft_limited",
                "'min_gc_interval_when_soft_limited' should be larger than 'min_gc_interval_when_hard_limited'",
            ),
            (
                soft_max < zero,
                "max_gc_interval_when_soft_limited",
                "'max_gc_interval_when_soft_limited' must be non-negative",
            ),
            (
                hard_max < zero,
                "max_gc_interval_when_hard_limited",
                "'max_gc_interval_when_hard_limited' must be non-negative",
            ),
            (
                soft_max > zero && soft_max < soft_min,
                "max_gc_interval_when_soft_limited",
                "'max_gc_interval_when_soft_limited' must be greater than or equal to 'min_gc_interval_when_soft_limited' (or 0 to disable)",
            ),
            (
                hard_max > zero && hard_max < hard_min,
                "max_gc_interval_when_hard_limited",
                "'max_gc_interval_when_hard_limited' must be greater than or equal to 'min_gc_interval_when_hard_limited' (or 0 to disable)",
            ),
            (
                soft_max > zero && hard_max > zero && soft_max < hard_max,
                "max_gc_interval_when_soft_limited",
                "'max_gc_interval_when_soft_limited' should be larger than or equal to 'max_gc_interval_when_hard_limited' (when both are set)",
            ),
        ];
        rules.into_iter().find(|(broken, ..)| *broken).map(|(_, key, message)| (key, message))
    }
}
