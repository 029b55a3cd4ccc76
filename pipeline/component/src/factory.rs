//! How a component is known to the engine: one constant in its folder, one line in its crate's table.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use config::{KeyDoc, Mark, Node, Problems, Section};
use pdata::{Batch, Signal};

use crate::{
    Ack, BuildContext, BuildError, Connector, Exporter, Extension, Outlets, Output, Processor, Receiver, StartError,
};

/// How much a user may rely on a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stability {
    /// Works; keys may still change.
    Alpha,
    /// Keys are settled.
    Beta,
    /// Relied upon.
    Stable,
}

impl Stability {
    /// As `components` prints it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Alpha => "Alpha",
            Self::Beta => "Beta",
            Self::Stable => "Stable",
        }
    }
}

/// A decoded configuration whose type only its component knows.
pub type AnyConfig = Arc<dyn Any + Send + Sync>;

/// What all factories have: names, documentation, and the way from YAML to a checked configuration.
#[derive(Clone, Copy)]
pub struct Identity {
    /// The type in component ids.
    pub name: &'static str,
    /// The spelling of earlier releases of the Collector.
    pub alias: Option<&'static str>,
    /// How settled it is.
    pub stability: Stability,
    /// Its keys, with defaults and documentation.
    pub keys: fn() -> Vec<KeyDoc>,
    /// Reads and validates the configuration under a path such as `exporters::debug`; `None` if it has errors.
    pub decode: fn(&Node, &str, Mark, &mut Problems) -> Option<AnyConfig>,
}

impl Identity {
    const fn of<C: Section + Send + Sync + 'static>(name: &'static str) -> Self {
        Self { name, alias: None, stability: Stability::Beta, keys: C::keys, decode: decode::<C> }
    }

    /// True if `name` is one of its spellings.
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.alias == Some(name)
    }
}

fn decode<C: Section + Send + Sync + 'static>(
    node: &Node,
    path: &str,
    mark: Mark,
    problems: &mut Problems,
) -> Option<AnyConfig> {
    let config: C = config::decode_component(node, path, mark, problems)?;
    Some(Arc::new(config))
}

fn typed<C: 'static>(config: &AnyConfig) -> &C {
    match config.downcast_ref() {
        Some(config) => config,
        None => unreachable!("a factory builds only from what its own `decode` gave"),
    }
}

macro_rules! factory {
    ($(#[$doc:meta])* $factory:ident, $component:ident { $($field:ident: $type:ty = $value:expr),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $factory {
            /// Names, keys, decoding.
            pub identity: Identity,
            $(
                #[doc = concat!("See [`", stringify!($component), "`].")]
                pub $field: $type,
            )*
        }

        impl $factory {
            /// The factory of `T`, whose type in component ids is `name`.
            pub const fn of<T: $component>(name: &'static str) -> Self {
                Self { identity: Identity::of::<T::Config>(name), $($field: $value),* }
            }

            /// Accepts an earlier spelling too.
            pub const fn alias(mut self, alias: &'static str) -> Self {
                self.identity.alias = Some(alias);
                self
            }

            /// Declares how settled it is; beta if not called.
            pub const fn stability(mut self, stability: Stability) -> Self {
                self.identity.stability = stability;
                self
            }
        }
    };
}

factory!(
    /// Makes receivers of one type.
    ReceiverFactory, Receiver {
        signals: &'static [Signal] = T::SIGNALS,
        on_every_shard: bool = T::ON_EVERY_SHARD,
        build: fn(&AnyConfig, Outlets, &BuildContext) -> Result<Box<dyn AnyReceiver>, BuildError> =
            |config, outlets, context| Ok(Box::new(T::build(typed::<T::Config>(config), outlets, context)?)),
    }
);

factory!(
    /// Makes processors of one type.
    ProcessorFactory, Processor {
        signals: &'static [Signal] = T::SIGNALS,
        build: fn(&AnyConfig, &BuildContext) -> Result<Box<dyn AnyProcessor>, BuildError> =
            |config, context| Ok(Box::new(T::build(typed::<T::Config>(config), context)?)),
    }
);

factory!(
    /// Makes connectors of one type.
    ConnectorFactory, Connector {
        pairs: &'static [(Signal, Signal)] = T::PAIRS,
        build: fn(&AnyConfig, Signal, &BuildContext) -> Result<Box<dyn AnyConnector>, BuildError> =
            |config, to, context| Ok(Box::new(T::build(typed::<T::Config>(config), to, context)?)),
    }
);

factory!(
    /// Makes exporters of one type.
    ExporterFactory, Exporter {
        signals: &'static [Signal] = T::SIGNALS,
        build: fn(&AnyConfig, &BuildContext) -> Result<Box<dyn AnyExporter>, BuildError> =
            |config, context| Ok(Box::new(T::build(typed::<T::Config>(config), context)?)),
    }
);

factory!(
    /// Makes extensions of one type.
    ExtensionFactory, Extension {
        build: fn(&AnyConfig, &BuildContext) -> Result<Box<dyn AnyExtension>, BuildError> =
            |config, context| Ok(Box::new(T::build(typed::<T::Config>(config), context)?)),
    }
);

/// A receiver whose type only its factory knows. See [`Receiver`].
#[async_trait(?Send)]
pub trait AnyReceiver {
    /// See [`Receiver::start`].
    async fn start(&mut self) -> Result<(), StartError>;
    /// See [`Receiver::stop`].
    async fn stop(&mut self);
}

#[async_trait(?Send)]
impl<T: Receiver> AnyReceiver for T {
    async fn start(&mut self) -> Result<(), StartError> {
        Receiver::start(self).await
    }

    async fn stop(&mut self) {
        Receiver::stop(self).await;
    }
}

/// A processor whose type only its factory knows. See [`Processor`].
pub trait AnyProcessor {
    /// See [`Processor::process`].
    fn process(&mut self, batch: Batch, output: &mut Output);
    /// See [`Processor::wake`].
    fn wake(&self) -> Option<Duration>;
    /// See [`Processor::tick`].
    fn tick(&mut self, output: &mut Output);
    /// See [`Processor::finish`].
    fn finish(&mut self, output: &mut Output);
}

impl<T: Processor> AnyProcessor for T {
    fn process(&mut self, batch: Batch, output: &mut Output) {
        Processor::process(self, batch, output);
    }

    fn wake(&self) -> Option<Duration> {
        Processor::wake(self)
    }

    fn tick(&mut self, output: &mut Output) {
        Processor::tick(self, output);
    }

    fn finish(&mut self, output: &mut Output) {
        Processor::finish(self, output);
    }
}

/// A connector whose type only its factory knows. See [`Connector`].
pub trait AnyConnector {
    /// See [`Connector::consume`].
    fn consume(&mut self, batch: Batch, output: &mut Output);
    /// See [`Connector::wake`].
    fn wake(&self) -> Option<Duration>;
    /// See [`Connector::tick`].
    fn tick(&mut self, output: &mut Output);
    /// See [`Connector::finish`].
    fn finish(&mut self, output: &mut Output);
}

impl<T: Connector> AnyConnector for T {
    fn consume(&mut self, batch: Batch, output: &mut Output) {
        Connector::consume(self, batch, output);
    }

    fn wake(&self) -> Option<Duration> {
        Connector::wake(self)
    }

    fn tick(&mut self, output: &mut Output) {
        Connector::tick(self, output);
    }

    fn finish(&mut self, output: &mut Output) {
        Connector::finish(self, output);
    }
}

/// An exporter whose type only its factory knows. See [`Exporter`].
#[async_trait(?Send)]
pub trait AnyExporter {
    /// See [`Exporter::start`].
    async fn start(&mut self) -> Result<(), StartError>;
    /// See [`Exporter::accept`].
    fn accept(&mut self, batch: Batch, ack: Ack);
    /// See [`Exporter::stop`].
    async fn stop(&mut self);
}

#[async_trait(?Send)]
impl<T: Exporter> AnyExporter for T {
    async fn start(&mut self) -> Result<(), StartError> {
        Exporter::start(self).await
    }

    fn accept(&mut self, batch: Batch, ack: Ack) {
        Exporter::accept(self, batch, ack);
    }

    async fn stop(&mut self) {
        Exporter::stop(self).await;
    }
}

/// An extension whose type only its factory knows. See [`Extension`].
#[async_trait(?Send)]
pub trait AnyExtension {
    /// See [`Extension::start`].
    async fn start(&mut self) -> Result<(), StartError>;
    /// See [`Extension::stop`].
    async fn stop(&mut self);
}

#[async_trait(?Send)]
impl<T: Extension> AnyExtension for T {
    async fn start(&mut self) -> Result<(), StartError> {
        Extension::start(self).await
    }

    async fn stop(&mut self) {
        Extension::stop(self).await;
    }
}
