//! Open while there is memory, closed while there is not.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::config::MemoryLimiterConfig;
use super::meter::Meter;

const MIB: u64 = 1 << 20;

/// What all instances of one limiter share.
#[derive(Debug)]
pub(crate) struct Gate {
    is_closed: AtomicBool,
    // A lock and not an owner: taken once per interval by each instance, and only the first of them measures.
    checks: Mutex<Checks>,
}

#[derive(Debug)]
struct Checks {
    meter: Meter,
    rule: Rule,
    /// Data is refused from here on; unknown until the first check.
    soft_limit: Option<u64>,
    interval: Duration,
    due: Duration,
}

/// How the limits were given.
#[derive(Debug, Clone, Copy)]
enum Rule {
    Fixed { limit: u64, spike: u64 },
    Percent { limit: u64, spike: u64 },
}

impl Gate {
    pub(crate) fn new(config: &MemoryLimiterConfig) -> Self {
        Self::measuring(config, Meter::default())
    }

    pub(crate) fn measuring(config: &MemoryLimiterConfig, meter: Meter) -> Self {
        let rule = if config.limit_mib > 0 {
            let mib = |mib: u32| u64::from(mib).saturating_mul(MIB);
            Rule::Fixed { limit: mib(config.limit_mib), spike: mib(config.spike_limit_mib) }
        } else {
            let (limit, spike) = (config.limit_percentage.into(), config.spike_limit_percentage.into());
            Rule::Percent { limit, spike }
        };
        let interval = config.check_interval.as_duration();
        let checks = Checks { meter, rule, soft_limit: None, interval, due: Duration::ZERO };
        Self { is_closed: AtomicBool::new(false), checks: Mutex::new(checks) }
    }

    /// Whether data must be refused.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }

    /// Measures, unless another instance has done so for this interval.
    pub(crate) fn check(&self, now: Duration) {
        let mut checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        if now < checks.due {
            return;
        }
        checks.due = now + checks.interval;
        if checks.soft_limit.is_none() {
            checks.learn_limit();
        }
        let (Some(used), Some(limit)) = (checks.meter.resident(), checks.soft_limit) else {
            tracing::warn!("memory cannot be measured, so it is not limited; is /proc mounted?");
            return;
        };
        let must_close = used >= limit;
        let was_closed = self.is_closed.swap(must_close, Ordering::Relaxed);
        let cur_mem_mib = used / MIB;
        match (was_closed, must_close) {
            (false, true) => tracing::warn!(cur_mem_mib, "Memory usage is above soft limit. Refusing data."),
            (true, false) => {
                tracing::info!(cur_mem_mib, "Memory usage back within limits. Resuming normal operation.");
            }
            _ => {}
        }
    }
}

impl Checks {
    fn learn_limit(&mut self) {
        let limits = match self.rule {
            Rule::Fixed { limit, spike } => Some((limit, spike)),
            Rule::Percent { limit, spike } => self.meter.available().map(|available| {
                let share = |percent: u64| available.saturating_mul(percent) / 100;
                (share(limit), share(spike))
            }),
        };
        let Some((limit, spike)) = limits else { return };
        let spike = if spike == 0 { limit / 5 } else { spike };
        self.soft_limit = Some(limit.saturating_sub(spike));
        tracing::info!(
            limit_mib = limit / MIB,
            spike_limit_mib = spike / MIB,
            check_interval = ?self.interval,
            "Memory limiter configured"
        );
    }
}
