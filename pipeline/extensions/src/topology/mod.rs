//! `topology`: keeps the graph of what calls what, and answers on a page and an API.
//!
//! In this room: the thread that writes and the thread that serves, who may ask and how many, the routes and the
//! document of the API, server-sent events.
//! Not here: the store, rules, baselines, queries and formats (`topology`), turning OTLP into rows
//! (`exporters::topology`), the page (`ui`).
//!
//! Enter at [`Topology`]; at [`routes`] for what can be asked.

mod answer;
mod asked;
mod config;
mod files;
mod gate;
mod guard;
mod judge;
mod notices;
mod opinion;
mod owner;
mod page;
mod placements;
mod published;
mod routes;
mod server;
mod stream;
mod telemetry;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use component::{BuildContext, BuildError, Extension, ExtensionFactory, Stability, StartError};
use tokio::sync::watch;
use topology::baseline::Baseline;
use topology::rules::Rules;
use topology::store::Store;
use topology::{Board, Intake};

pub use self::config::TopologyConfig;
use self::judge::Judging;
use self::owner::{Owner, Work, moment};
use self::published::Published;
use self::server::{Server, Serving};
use self::telemetry::Telemetry;

/// Keeps the map.
pub const FACTORY: ExtensionFactory = ExtensionFactory::of::<Topology>("topology").stability(Stability::Beta);

/// The map's owner and its server.
pub struct Topology {
    config: Arc<TopologyConfig>,
    context: BuildContext,
    intake: Arc<Intake>,
    board: Arc<Board>,
    rules: Arc<Rules>,
    baselines: Arc<[Arc<Baseline>]>,
    running: Option<(Owner, Server)>,
}

#[async_trait(?Send)]
impl Extension for Topology {
    type Config = TopologyConfig;

    fn build(config: &TopologyConfig, context: &BuildContext) -> Result<Self, BuildError> {
        let intake = Arc::new(Intake::new(config.limits.intake_rows).in_cluster(&config.cluster));
        context.offer(Arc::clone(&intake));
        let board = Arc::<Board>::default();
        context.offer(Arc::clone(&board));
        let rules = Arc::new(files::rules(&config.rules)?);
        let baselines = files::baselines(&config.baselines)?;
        let (config, context) = (Arc::new(config.clone()), context.clone());
        Ok(Self { config, context, intake, board, rules, baselines, running: None })
    }

    async fn start(&mut self) -> Result<(), StartError> {
        let (owner, map) = self.open().await?;
        let (config, rules) = (Arc::clone(&self.config), Arc::clone(&self.rules));
        let serving = Serving { config, rules, map, telemetry: Arc::clone(&self.context.registry) };
        match Server::start(serving).await {
            Ok(server) => {
                if let Some(address) = server.address() {
                    tracing::info!(url = format!("http://{address}/"), "The map is served");
                }
                self.running = Some((owner, server));
                Ok(())
            }
            Err(reason) => {
                owner.stop().await;
                Err(StartError(reason))
            }
        }
    }

    async fn stop(&mut self) {
        if let Some((owner, server)) = self.running.take() {
            server.stop().await;
            owner.stop().await;
        }
    }
}

impl Topology {
    /// Opens the store, which may take a while to read, and starts the thread that owns it.
    async fn open(&self) -> Result<(Owner, watch::Receiver<Arc<Published>>), StartError> {
        let (settings, now) = (self.config.store(), moment(&*self.context.clock));
        let opened = tokio::task::spawn_blocking(move || Store::open(settings, now)).await;
        let opened = opened.map_err(|error| StartError(error.to_string()))?;
        let (store, report) = opened.map_err(|error| StartError(error.to_string()))?;
        for problem in report.problems {
            tracing::warn!("{problem}");
        }
        let (publish, map) = watch::channel(Arc::new(Published::first(now, store.snapshot())));
        let (baselines, board) = (Arc::clone(&self.baselines), Arc::clone(&self.board));
        let judging = Judging::new(&self.rules, baselines, &self.config.cluster, board);
        let owner = Owner::start(Work {
            intake: Arc::clone(&self.intake),
            clock: Arc::clone(&self.context.clock),
            store,
            judging,
            publish,
            telemetry: Telemetry::new(&self.context.registry),
            stop: self.context.stop.clone(),
        });
        let owner = owner.map_err(|error| StartError(format!("cannot start a thread: {error}")))?;
        Ok((owner, map))
    }
}
