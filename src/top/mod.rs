//! `tidewatch top`: a live table of edges, read from any endpoint that serves service-graph metrics as text.
//!
//! In this room: fetching, reading, rates, drawing. It knows nothing of how the metrics are made.

mod edges;
mod exposition;
pub mod fetch;
mod table;

use std::collections::VecDeque;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;

use crate::cli::duration;
use edges::Reading;

/// Arguments of `top`.
#[derive(Debug, Clone, Args)]
pub struct TopArgs {
    /// The endpoint: that of a `prometheus` exporter, or another that serves `traces_service_graph_*`
    #[arg(long, default_value = "http://localhost:8889/metrics")]
    url: String,
    /// How often it is read
    #[arg(long, default_value = "2s", value_parser = duration)]
    interval: Duration,
    /// Rates are those of this long
    #[arg(long, default_value = "30s", value_parser = duration)]
    window: Duration,
    /// End after this long, with the table as the last lines
    #[arg(long = "for", value_parser = duration)]
    runs_for: Option<Duration>,
}

/// Readings within the window, oldest first.
struct Window {
    readings: VecDeque<(Instant, Reading)>,
    length: Duration,
}

impl Window {
    fn add(&mut self, at: Instant, reading: Reading) {
        self.readings.push_back((at, reading));
        // The oldest that stays is the last one at or before the window's beginning.
        while self.readings.get(1).is_some_and(|(second, _)| at.duration_since(*second) >= self.length) {
            self.readings.pop_front();
        }
    }

    fn table(&self) -> String {
        let (Some((first, before)), Some((last, after))) = (self.readings.front(), self.readings.back()) else {
            return String::new();
        };
        table::table(edges::rates(before, after, last.duration_since(*first).as_secs_f64()))
    }
}

/// Shows the table until the time is over, or for ever.
pub fn top(arguments: &TopArgs) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("Error: cannot start an event loop: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(watch(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn watch(arguments: &TopArgs) -> Result<(), fetch::FetchError> {
    let address = fetch::Address::parse(&arguments.url)?;
    let is_live = std::io::stdout().is_terminal();
    let began = Instant::now();
    let mut window = Window { readings: VecDeque::new(), length: arguments.window };
    loop {
        let text = fetch::get(&address, None).await?;
        window.add(Instant::now(), edges::reading(exposition::samples(&text, edges::PREFIX)));
        let left = arguments.runs_for.map(|runs_for| runs_for.saturating_sub(began.elapsed()));
        let is_last = left.is_some_and(|left| left.is_zero());
        if is_live || is_last {
            show(&window, is_live);
        }
        if is_last {
            return Ok(());
        }
        tokio::time::sleep(left.map_or(arguments.interval, |left| left.min(arguments.interval))).await;
    }
}

fn show(window: &Window, is_live: bool) {
    // On a terminal the table is drawn over the last one.
    let clear = if is_live { "\x1b[H\x1b[J" } else { "" };
    let mut out = std::io::stdout().lock();
    // A reader that went away, such as `head`, is no fault of ours.
    let _ = write!(out, "{clear}{}", window.table()).and_then(|()| out.flush());
}
