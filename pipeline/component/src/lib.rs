//! The contract between components and the engine.
//!
//! In this room: the traits of receivers, processors, connectors, exporters and extensions; the factory that a
//! component puts into its crate's table; the promise ([`Ack`]) that travels with a batch; the byte budget that bounds
//! what is in flight; the names under which Tidewatch reports about itself; a kit for telling stories about a component
//! in its tests.
//! Not here: the graph, threads and signals (`engine`), sockets (`transport`), any component.
//!
//! Enter at [`Processor`], the simplest of the traits, and [`ProcessorFactory`].

mod ack;
mod budget;
mod clock;
mod consume;
mod context;
mod factory;
mod health;
mod instance;
mod refusal;
mod shared;
mod telemetry;
#[cfg(feature = "testkit")]
pub mod testkit;
mod traits;

pub use ack::{Ack, Answer, promise};
pub use budget::{Budget, Hold};
pub use clock::{Clock, Now, SteppedClock, SystemClock};
pub use consume::{Consume, Outlet, Output};
pub use context::{BuildContext, BuildError, StartError, StopSignal};
pub use factory::{
    AnyConfig, AnyConnector, AnyExporter, AnyExtension, AnyProcessor, AnyReceiver, ConnectorFactory, ExporterFactory,
    ExtensionFactory, Identity, ProcessorFactory, ReceiverFactory, Stability,
};
pub use health::{Health, Phase};
pub use refusal::Refusal;
pub use shared::{Holder, Instance};
pub use telemetry::{Counter, ExporterTelemetry, Family, Gauge, Histogram, Kind, Registry, Sample, Series};
pub use traits::{Connector, Exporter, Extension, Outlets, Processor, Receiver};
