//! The processes of this host, as far as they have been seen.

use std::rc::Rc;

use ebpf_probes::{Exec, MonotonicNanos};
use hashbrown::HashMap;

use crate::observe::{Declared, Identify, Process, ProcessFiles};

/// Most processes remembered; the ones that ended first go first.
const MOST_PROCESSES: usize = 32_768;
/// How long a process that ended is remembered: records about it may still come.
const REMEMBERED_NANOS: u64 = 30_000_000_000;

#[derive(Debug)]
struct Known {
    /// What its environment declared when it became this program.
    declared: Option<Rc<Declared>>,
    /// What it was started from, for those that are gone before they are looked at.
    started_from: Option<Rc<str>>,
    /// Described when first asked for.
    process: Option<Rc<Process>>,
    ended: Option<MonotonicNanos>,
}

/// Processes by id.
#[derive(Debug)]
pub struct Processes {
    files: ProcessFiles,
    known: HashMap<u32, Known>,
}

impl Processes {
    /// Nobody is known yet.
    pub fn new(files: ProcessFiles) -> Self {
        Self { files, known: HashMap::new() }
    }

    /// A process became a program; what it was before no longer counts.
    pub fn became(&mut self, exec: &Exec<'_>) {
        let text = |bytes: Option<&[u8]>| bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let (name, attributes) = (text(exec.service_name), text(exec.resource_attributes));
        let declared = Declared::read(name.as_deref(), attributes.as_deref());
        // A large environment may hold the variables behind the place where the kernel side stopped.
        let declared = (!exec.environment_truncated || !declared.is_empty()).then(|| Rc::new(declared));
        let started_from = Some(String::from_utf8_lossy(exec.filename)).filter(|path| !path.is_empty()).map(Rc::from);
        self.insert(exec.tgid.0, Known { declared, started_from, process: None, ended: None });
    }

    /// A process made another, which inherits what was declared.
    pub fn forked(&mut self, parent: u32, child: u32) {
        let parent = self.known.get(&parent);
        let declared = parent.and_then(|known| known.declared.clone());
        let started_from = parent.and_then(|known| known.started_from.clone());
        self.insert(child, Known { declared, started_from, process: None, ended: None });
    }

    /// A process is gone. It is described now if it has not been, while what its parent handed down is known.
    pub fn ended(&mut self, id: u32, now: MonotonicNanos) {
        if let Some(known) = self.known.get_mut(&id) {
            known.ended.get_or_insert(now);
        }
    }

    /// Forgets processes that ended some time ago.
    pub fn forget_old(&mut self, now: MonotonicNanos) {
        self.known.retain(|_, known| known.ended.is_none_or(|ended| now.0.saturating_sub(ended.0) < REMEMBERED_NANOS));
    }

    /// Processes remembered.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    fn insert(&mut self, id: u32, known: Known) {
        if self.known.len() >= MOST_PROCESSES && !self.known.contains_key(&id) {
            let ended = self.known.iter().filter_map(|(id, known)| Some((known.ended?.0, *id))).min();
            // With so many that live, somebody has to go; a process that is asked for again is described again.
            let victim = ended.map(|(_, id)| id).or_else(|| self.known.keys().next().copied());
            victim.and_then(|id| self.known.remove(&id));
        }
        self.known.insert(id, known);
    }
}

impl Identify for Processes {
    fn process(&mut self, id: u32) -> Rc<Process> {
        if let Some(process) = self.known.get(&id).and_then(|known| known.process.clone()) {
            return process;
        }
        let known = self.known.get(&id);
        let (declared, started_from) =
            known.map(|known| (known.declared.clone(), known.started_from.clone())).unwrap_or_default();
        let process = Rc::new(self.files.describe(id, declared.as_deref(), started_from.as_deref()));
        match self.known.get_mut(&id) {
            Some(known) => known.process = Some(Rc::clone(&process)),
            None => self.insert(id, Known { declared, started_from, process: Some(Rc::clone(&process)), ended: None }),
        }
        process
    }
}
