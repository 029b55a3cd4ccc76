//! Processes that tell their spans themselves.

use std::rc::Rc;

use hashbrown::HashMap;
use protocols::Exchange;
use protocols::exchange::Details;

use super::lineage::Side;
use super::process::Process;
use super::settings::SdkInstrumented;

/// More processes than this are not remembered; their spans are told twice.
const MOST_PROCESSES: usize = 32_768;

/// Who was seen to send OTLP traces.
#[derive(Debug)]
pub struct Sdk {
    policy: SdkInstrumented,
    /// The process stands beside its id, because ids are used again and programs replace each other.
    senders: HashMap<u32, Rc<Process>>,
}

impl Sdk {
    /// Nobody was seen.
    pub fn new(policy: SdkInstrumented) -> Self {
        Self { policy, senders: HashMap::new() }
    }

    /// Learns from an exchange of a process.
    pub fn notice(&mut self, side: Side, exchange: &Exchange, process: &Rc<Process>) {
        let Details::Http(http) = &exchange.details;
        let sends_traces = side == Side::Client && http.method() == "POST" && http.path() == "/v1/traces";
        if sends_traces && self.policy != SdkInstrumented::Keep && self.senders.len() < MOST_PROCESSES {
            self.senders.insert(process.pid, Rc::clone(process));
        }
    }

    /// A process is gone.
    pub fn process_ended(&mut self, id: u32) {
        self.senders.remove(&id);
    }

    /// Whether anybody's spans are left out.
    pub fn is_idle(&self) -> bool {
        self.senders.is_empty() && self.policy != SdkInstrumented::SuppressSpans
    }

    /// Whether the process's spans are left to it.
    pub fn suppresses(&self, process: &Rc<Process>) -> bool {
        let is_sender = self.senders.get(&process.pid).is_some_and(|sender| Rc::ptr_eq(sender, process));
        match self.policy {
            SdkInstrumented::Keep => false,
            SdkInstrumented::Auto => is_sender,
            SdkInstrumented::SuppressSpans => is_sender || process.declares_sdk,
        }
    }
}
