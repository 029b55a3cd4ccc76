//! What the sub-commands do.

mod baseline;
mod check;
mod components;
mod doctor;
mod evidence;
mod graph;
mod print_config;

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use component::{Budget, BuildContext, SystemClock};
use config::{Loaded, Problems, Request, Severity, Shards};
use engine::{Plan, RunOptions};

use crate::cli::Sources;
use crate::tables::TABLES;
use crate::{allocator, logging};

pub use baseline::{BaselineCommand, baseline};
pub use check::{CheckArgs, check};
pub use components::components;
pub use doctor::doctor;
pub use graph::{GraphCommand, graph};
pub use print_config::print_config;

/// Of this binary.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Bytes that may be in flight or queued in the whole process.
const BUDGET_BYTES: usize = 64 * 1024 * 1024;

/// Runs until a signal ends it.
pub fn run(sources: &Sources, drain_timeout: Duration) -> ExitCode {
    let (loaded, plan, context) = match prepare(sources) {
        Ok(prepared) => prepared,
        Err(problems) => return refuse(&problems),
    };
    logging::start(&loaded.service.telemetry.logs);
    let options = RunOptions { drain_timeout, version: VERSION, when_ready: allocator::give_back };
    match engine::run(plan, context, &options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Silent if the configuration is right, as the Collector's is.
pub fn validate(sources: &Sources) -> ExitCode {
    match prepare(sources) {
        Ok(_) => ExitCode::SUCCESS,
        Err(problems) => refuse(&problems),
    }
}

/// Loads, checks and builds. Warnings are printed; with errors, everything is in the problems.
fn prepare(sources: &Sources) -> Result<(Loaded, Plan, BuildContext), Problems> {
    let mut loaded = load(sources)?;
    let mut problems = std::mem::take(&mut loaded.problems);
    let context = context(loaded.service.shards);
    let plan = engine::plan(&loaded, &TABLES, &context, &mut problems).filter(|_| !problems.has_errors());
    let Some(plan) = plan else { return Err(problems) };
    eprint!("{}", problems.render_only(Severity::Warning));
    Ok((loaded, plan, context))
}

fn load(sources: &Sources) -> Result<Loaded, Problems> {
    config::load(&Request {
        uris: &sources.config,
        sets: &sources.set,
        gates: &sources.feature_gates,
        environment: &|name| std::env::var(name).ok(),
    })
}

fn context(shards: Shards) -> BuildContext {
    let shards = match shards {
        Shards::Count(count) => count,
        Shards::Auto => std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
    };
    BuildContext::new(Arc::new(SystemClock::default()), Budget::new(BUDGET_BYTES), shards)
}

fn refuse(problems: &Problems) -> ExitCode {
    eprint!("{}", problems.render());
    ExitCode::FAILURE
}
