//! Plays batches and the passing of time to a connector, as the engine would.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use component::{
    Ack, AnyConfig, AnyConnector, Budget, BuildContext, Clock, ConnectorFactory, Consume, Output, SteppedClock, promise,
};
use config::Request;
use pdata::{Batch, Signal};

/// Takes what the connector sends.
#[derive(Default)]
struct Told(RefCell<Vec<String>>);

impl Consume for Told {
    fn consume(&self, batch: Batch, ack: Ack) {
        let text = String::from_utf8(pdata::json::encode(&batch)).unwrap();
        self.0.borrow_mut().push(text);
        ack.accept();
    }
}

/// Settings from YAML, through the reading of whole files.
pub fn decode(factory: &ConnectorFactory, settings: &str) -> Result<AnyConfig, String> {
    let uris = [format!("yaml:connectors: {{{}: {settings}}}", factory.identity.name)];
    let request = Request { uris: &uris, sets: &[], gates: &[], environment: &|_| None };
    let mut loaded = config::load(&request).map_err(|problems| problems.render())?;
    let declared = &loaded.connectors[0];
    let path = format!("connectors::{}", declared.id);
    (factory.identity.decode)(&declared.node, &path, declared.mark, &mut loaded.problems)
        .ok_or_else(|| loaded.problems.render())
}

/// A connector that is being played to.
pub struct Playing {
    connector: Box<dyn AnyConnector>,
    clock: Arc<SteppedClock>,
    told: Told,
}

impl Playing {
    /// Builds the connector of this type from its settings.
    pub fn new(kind: &str, settings: &str) -> Self {
        const SOME_TIME: u64 = 1_700_000_000_000_000_000;
        let factory = connectors::FACTORIES.iter().find(|factory| factory.identity.is_called(kind)).unwrap();
        let config = decode(factory, settings).unwrap_or_else(|problems| panic!("{problems}"));
        let clock = Arc::new(SteppedClock::at(SOME_TIME));
        let context = BuildContext::new(clock.clone(), Budget::new(1 << 20), 1);
        let connector = (factory.build)(&config, Signal::Metrics, &context).unwrap();
        Self { connector, clock, told: Told::default() }
    }

    /// A batch arrives, as OTLP/JSON.
    pub fn send(&mut self, spans: &str) {
        let batch = pdata::json::decode(Signal::Traces, spans.as_bytes()).unwrap();
        let (ack, _answer) = promise();
        let mut output = Output::new(&self.told, Some(&ack), self.clock.now());
        self.connector.consume(batch, &mut output);
        assert_eq!(output.into_refusal(), None);
        ack.accept();
    }

    /// Time passes.
    pub fn wait(&mut self, time: Duration) {
        let end = self.clock.now().monotonic + time;
        while let Some(wake) = self.connector.wake().filter(|wake| *wake <= end) {
            self.clock.advance(wake.saturating_sub(self.clock.now().monotonic));
            self.connector.tick(&mut Output::new(&self.told, None, self.clock.now()));
        }
        self.clock.advance(end - self.clock.now().monotonic);
    }

    /// What came out so far, as OTLP/JSON.
    pub fn told(&self) -> Vec<String> {
        self.told.0.borrow().clone()
    }
}
