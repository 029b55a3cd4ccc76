//! When something is written to the directory, and when it counts.
//!
//! Every second what came goes to the log. When an hour is complete its blocks become files ([`super::writing`], on a thread
//! of its own), and a new log begins: so logs are at most about an hour long. The owner only begins the log and, when all
//! is written, the manifest that names it. Files of one day or month are merged on another thread once it is over.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use super::disk::fact_file::{self, Blocks, chunk_steps};
use super::disk::files::{FileEntry, verify};
use super::disk::journal::Record;
use super::disk::log::Log;
use super::disk::manifest::{self, Manifest};
use super::disk::{self, Disk, PLANES, dictionary_names, file_name, log_name};
use super::plane::Plane;
use super::spread::step_of;
use super::timeline::{Forget, Stretches, floor};
use super::writing::{Rest, Writing, Written, period, sum};
use super::{Retention, StoreError};
use crate::{Moment, SECOND, Tier};

/// Bytes that wait for a disk that does not take them.
const MOST_PENDING: usize = 64 << 20;
/// Late blocks that wait for the next full hour.
const MOST_LATE: usize = 32 << 20;
/// For so long a file is kept after it was merged into another: questions asked before may still read it.
const GRAVE: u64 = 60 * SECOND;
/// After something went wrong, maintenance waits.
const PAUSE: u64 = 60 * SECOND;
/// More files than this of one stretch are merged before it is over.
const MOST_PARTS: usize = 32;

/// What a store with a directory does to keep it.
pub(crate) struct Keeper {
    pub(crate) disk: Disk,
    /// Records that are not in the log yet.
    pending: Vec<u8>,
    /// How much of each plane's names the log or the dictionary has.
    named: [[usize; 3]; 2],
    /// The log lacks something: a new one must begin.
    gap: bool,
    graves: Vec<(Moment, String)>,
    /// Files that do not count yet.
    writing: Option<Begun>,
    merging: Option<Merging>,
    not_before: Moment,
}

struct Merging {
    plane: usize,
    inputs: Vec<String>,
    thread: JoinHandle<Result<FileEntry, String>>,
}

struct Begun {
    writing: Arc<Writing>,
    /// `None` if it failed and shall be tried again.
    thread: Option<JoinHandle<std::io::Result<Written>>>,
}

impl Keeper {
    pub(crate) fn new(disk: Disk) -> Self {
        Self {
            disk,
            pending: Vec::new(),
            named: [[0; 3]; 2],
            gap: false,
            graves: Vec::new(),
            writing: None,
            merging: None,
            not_before: Moment::default(),
        }
    }

    /// False if the directory can only be read.
    pub(crate) fn writes(&self) -> bool {
        self.disk.log.is_some()
    }

    /// What may be let go of in memory.
    pub(crate) fn forget(&self) -> Forget {
        if self.writes() { Forget::Saved } else { Forget::Everything }
    }

    /// Takes a record into the next frame.
    pub(crate) fn log(&mut self, record: &Record<'_>) {
        if self.writes() && !self.gap {
            record.put(&mut self.pending);
        }
    }

    /// Takes the names that are new, so that blocks can follow.
    pub(crate) fn log_names(&mut self, number: usize, plane: &Plane) {
        let Some([entities, edges, facts]) = self.named.get(number).copied() else { return };
        let (tag, table) = (number as u8, plane.facts.table());
        for known in plane.entities.list().iter().skip(entities) {
            self.log(&Record::entity(tag, known));
        }
        for edge in table.edges.iter().skip(edges) {
            self.log(&Record::Edge { plane: tag, edge: *edge });
        }
        for fact in table.facts.iter().skip(facts) {
            self.log(&Record::Fact { plane: tag, fact: *fact, protocol: table.protocol(fact) });
        }
        self.is_named(number, plane);
    }

    /// All names of a plane are in the log or the dictionary.
    pub(crate) fn is_named(&mut self, number: usize, plane: &Plane) {
        let table = plane.facts.table();
        if let Some(named) = self.named.get_mut(number) {
            *named = [plane.entities.list().len(), table.edges.len(), table.facts.len()];
        }
    }

    /// Makes what came durable.
    pub(crate) fn flush(&mut self) -> Result<(), StoreError> {
        let Some(log) = &mut self.disk.log else { return Ok(()) };
        if self.pending.is_empty() {
            return Ok(());
        }
        match log.append(&self.pending) {
            Ok(()) => {
                self.pending.clear();
                Ok(())
            }
            Err(error) => {
                if self.pending.len() > MOST_PENDING {
                    self.pending = Vec::new();
                    self.gap = true;
                }
                Err(failed(log.path().display().to_string(), &error))
            }
        }
    }

    /// An error if the log lacks something: memory alone has it until a new log begins.
    pub(crate) fn is_durable(&self) -> Result<(), StoreError> {
        if !self.gap {
            return Ok(());
        }
        let error = std::io::Error::other("too much waited for the log, and no new one could be begun yet");
        Err(failed(self.disk.directory().display().to_string(), &error))
    }

    /// Begins to write files if an hour is complete, or too much waits, and makes them count when they are there. Gives how
    /// many those are.
    pub(crate) fn checkpoint(
        &mut self,
        planes: &mut [&mut Plane; 2],
        rest: &Rest<'_>,
        bounds: (&Retention, u64),
        now: Moment,
    ) -> Result<usize, StoreError> {
        if !self.writes() || now < self.not_before {
            return Ok(0);
        }
        let done = match self.writing.take() {
            Some(begun) => self.go_on(begun, planes, bounds, now),
            None if self.is_due(planes) => self.begin(planes, rest, bounds, now),
            None => Ok(0),
        };
        done.map_err(|error| {
            self.not_before = now.plus(PAUSE);
            failed(self.disk.directory().display().to_string(), &error)
        })
    }

    fn is_due(&self, planes: &[&mut Plane; 2]) -> bool {
        let hour = |plane: &Plane| plane.timeline.line(Tier::Hour).rolled;
        let saved = |plane: usize| self.disk.plane(plane).saved[3];
        let complete = planes.iter().enumerate().any(|(number, plane)| hour(plane) > saved(number));
        let late = planes.iter().enumerate().map(|(number, plane)| {
            let tiers = Tier::ALL.into_iter().skip(1);
            tiers.map(|tier| plane.timeline.unsaved_size(tier, saved(number))).sum::<usize>()
        });
        // What is not in the log yet would be in what is written and in the next log.
        self.pending.is_empty() && (complete || self.gap || late.sum::<usize>() > MOST_LATE)
    }

    /// Begins a new log, and to write what it goes on from.
    fn begin(
        &mut self,
        planes: &mut [&mut Plane; 2],
        rest: &Rest<'_>,
        bounds: (&Retention, u64),
        now: Moment,
    ) -> std::io::Result<usize> {
        let number = self.disk.number();
        let log = Log::create(&self.disk.directory().join(log_name(number)))?;
        manifest::sync_directory(self.disk.directory())?;
        let writing = Arc::new(Writing::of(self.disk.directory(), number, planes, rest));
        if !self.gap {
            self.disk.log = Some(log);
            self.writing = Some(Begun { thread: writing.start(), writing });
            return Ok(0);
        }
        // The log before lacks something, so nothing may follow it: all is written at once, however long it takes.
        let written = writing.write().and_then(|written| self.switch(&writing, written, planes, bounds, now));
        if written.is_err() {
            self.disk.remove(&log_name(number));
            planes.iter_mut().for_each(|plane| plane.timeline.take_back());
            return written;
        }
        self.disk.log = Some(log);
        self.gap = false;
        planes.iter().enumerate().for_each(|(number, plane)| self.is_named(number, plane));
        written
    }

    /// Looks after what is being written.
    fn go_on(
        &mut self,
        begun: Begun,
        planes: &mut [&mut Plane; 2],
        bounds: (&Retention, u64),
        now: Moment,
    ) -> std::io::Result<usize> {
        let Begun { writing, thread } = begun;
        if thread.as_ref().is_some_and(|thread| !thread.is_finished()) {
            self.writing = Some(Begun { writing, thread });
            return Ok(0);
        }
        if self.gap {
            // The log that goes on from it lacks something. What was written is swept when the store opens.
            planes.iter_mut().for_each(|plane| plane.timeline.take_back());
            return Ok(0);
        }
        let Some(thread) = thread else {
            self.writing = Some(Begun { thread: writing.start(), writing });
            return Ok(0);
        };
        let written = thread.join().unwrap_or_else(|_| Err(std::io::Error::other("writing stopped")));
        let done = written.and_then(|written| self.switch(&writing, written, planes, bounds, now));
        if done.is_err() {
            self.writing = Some(Begun { writing, thread: None });
        }
        done
    }

    /// From now on what was written is what counts, if the manifest can say so. Gives how many files there are more.
    fn switch(
        &mut self,
        writing: &Writing,
        written: Written,
        planes: &mut [&mut Plane; 2],
        (retention, disk_bytes): (&Retention, u64),
        now: Moment,
    ) -> std::io::Result<usize> {
        let before = self.disk.manifest.clone();
        let count = written.iter().map(Vec::len).sum();
        for (number, files) in written.into_iter().enumerate() {
            files.iter().for_each(|entry| self.disk.shelf.is_sound(&entry.name));
            writing.note(number, files, self.disk.plane_mut(number));
        }
        self.disk.manifest.awake = writing.awake.to_vec();
        self.disk.manifest.log = writing.number;
        self.retire(retention, disk_bytes, now);
        if let Err(error) = manifest::write(self.disk.directory(), &self.disk.manifest) {
            self.disk.manifest = before;
            return Err(error);
        }
        self.disk.remove_logs_before(writing.number);
        self.commit(planes, &before, now);
        Ok(count)
    }

    /// Takes what is too old, or too much, out of the manifest: the finest first.
    fn retire(&mut self, retention: &Retention, disk_bytes: u64, now: Moment) {
        for number in 0..PLANES.len() {
            let files = self.disk.plane_mut(number);
            for (kept_from, tier) in files.kept_from.iter_mut().zip(Tier::ALL).skip(1) {
                *kept_from = (*kept_from).max(floor(step_of(now.minus(retention.of(tier))), tier));
            }
            let kept_from = files.kept_from;
            let kept = |tier: Tier| Tier::ALL.iter().position(|other| *other == tier).and_then(|at| kept_from.get(at));
            files.files.retain(|entry| kept(entry.tier).is_none_or(|from| entry.end > *from));
        }
        while self.disk.bytes() > disk_bytes {
            let files =
                (0..PLANES.len()).flat_map(|plane| self.disk.plane(plane).files.iter().map(move |f| (plane, f)));
            let oldest = files.min_by_key(|(_, entry)| (entry.tier, entry.start));
            let Some((plane, tier, end)) = oldest.map(|(plane, entry)| (plane, entry.tier, entry.end)) else { break };
            let files = self.disk.plane_mut(plane);
            files.files.retain(|entry| entry.tier != tier || entry.end > end);
            let place = Tier::ALL.iter().position(|other| *other == tier).unwrap_or_default();
            if let Some(kept_from) = files.kept_from.get_mut(place) {
                *kept_from = (*kept_from).max(end);
            }
        }
    }

    /// Planes learn what files have, and what files are no more is forgotten.
    fn commit(&mut self, planes: &mut [&mut Plane; 2], before: &Manifest, now: Moment) {
        for (number, plane) in planes.iter_mut().enumerate() {
            plane.timeline.saved();
            let files = self.disk.plane(number).clone();
            let old = if number == 0 { &before.entities } else { &before.hosts };
            if old.dictionary_before != files.dictionary_before && old.dictionary_before > 0 {
                dictionary_names(number, old.dictionary_before).iter().for_each(|name| self.disk.remove(name));
            }
            let named: BTreeSet<&String> = files.files.iter().map(|entry| &entry.name).collect();
            let gone = old.files.iter().filter(|entry| !named.contains(&entry.name));
            self.graves.extend(gone.map(|entry| (now, entry.name.clone())));
            for (kept_from, tier) in files.kept_from.into_iter().zip(Tier::ALL).skip(1) {
                let line = plane.timeline.line_mut(tier);
                line.kept_from = line.kept_from.max(kept_from);
            }
        }
    }

    /// Merges files on a thread, one stretch at a time. True if the files of a plane changed.
    pub(crate) fn maintain(&mut self, now: Moment) -> bool {
        let due = |(at, _): &(Moment, String)| now.since(*at) >= GRAVE;
        for (_, name) in self.graves.extract_if(.., |grave| due(grave)) {
            self.disk.remove(&name);
            self.disk.shelf.forget(&name);
        }
        if !self.writes() || now < self.not_before {
            return false;
        }
        match self.merging.take_if(|merging| merging.thread.is_finished()) {
            Some(done) => return self.merged(done, now),
            None if self.merging.is_none() => self.merging = self.begin_merging(),
            None => {}
        }
        false
    }

    /// Waits for what is being written; the next checkpoint makes it count.
    #[cfg(test)]
    pub(crate) fn finish_writing(&mut self) {
        while self.writing.as_ref().and_then(|begun| begun.thread.as_ref()).is_some_and(|thread| !thread.is_finished())
        {
            std::thread::yield_now();
        }
    }

    /// Waits for merging that goes on, then does what it leads to.
    #[cfg(test)]
    pub(crate) fn finish_merging(&mut self, now: Moment) -> bool {
        if self.merging.is_none() {
            self.merging = self.begin_merging();
        }
        self.merging.take().is_some_and(|merging| self.merged(merging, now))
    }

    fn merged(&mut self, done: Merging, now: Moment) -> bool {
        let Merging { plane, inputs, thread } = done;
        let entry = thread.join().unwrap_or_else(|_| Err("merging stopped".to_owned()));
        let before = self.disk.manifest.clone();
        let files = &mut self.disk.plane_mut(plane).files;
        let kept = files.len();
        files.retain(|entry| !inputs.contains(&entry.name));
        // If some went meanwhile, retention was faster.
        let whole = kept.saturating_sub(files.len()) == inputs.len();
        let entry = entry.ok().filter(|_| whole);
        files.extend(entry.clone());
        files.sort_by_key(|entry| (entry.tier, entry.start));
        let written = entry.map(|_| manifest::write(self.disk.directory(), &self.disk.manifest));
        if !matches!(written, Some(Ok(()))) {
            self.disk.manifest = before;
            self.not_before = now.plus(PAUSE);
            return false;
        }
        self.graves.extend(inputs.into_iter().map(|name| (now, name)));
        true
    }

    fn begin_merging(&mut self) -> Option<Merging> {
        let (plane, inputs) = (0..PLANES.len()).find_map(|plane| Some((plane, self.parts_to_merge(plane)?)))?;
        let (first, last) =
            (inputs.iter().map(|entry| entry.start).min()?, inputs.iter().map(|entry| entry.end).max()?);
        let tier = inputs.first()?.tier;
        let name = file_name(plane, tier, first, self.disk.number());
        let directory = self.disk.directory().to_owned();
        let names = inputs.iter().map(|entry| entry.name.clone()).collect();
        let merge = move || merge_files(&directory, &inputs, tier, (first, last), name);
        let thread = std::thread::Builder::new().name("map-merge".to_owned()).spawn(merge).ok()?;
        Some(Merging { plane, inputs: names, thread })
    }

    /// Files of one stretch that is over, or that has too many.
    fn parts_to_merge(&self, plane: usize) -> Option<Vec<FileEntry>> {
        let files = self.disk.plane(plane);
        let mut by_period: BTreeMap<(Tier, u64), Vec<&FileEntry>> = BTreeMap::new();
        for entry in &files.files {
            by_period.entry((entry.tier, period(entry.tier, entry.start))).or_default().push(entry);
        }
        let found = by_period.into_iter().find(|((tier, of), parts)| {
            let place = Tier::ALL.iter().position(|other| other == tier).unwrap_or_default();
            let saved = files.saved.get(place).copied().unwrap_or_default();
            let over = saved > 0 && period(*tier, saved) > *of;
            parts.len() > MOST_PARTS || parts.len() > 1 && over
        });
        found.map(|(_, parts)| parts.into_iter().cloned().collect())
    }
}

impl Drop for Keeper {
    /// The directory is another's from now on: whoever still writes there ends first.
    fn drop(&mut self) {
        if let Some(thread) = self.writing.take().and_then(|begun| begun.thread) {
            let _ = thread.join();
        }
        if let Some(merging) = self.merging.take() {
            let _ = merging.thread.join();
        }
    }
}

fn failed(path: String, error: &std::io::Error) -> StoreError {
    StoreError::Write { path, error: error.to_string() }
}

/// Merges files chunk by chunk, so that only one is in memory at a time.
fn merge_files(
    directory: &Path,
    inputs: &[FileEntry],
    tier: Tier,
    (first, end): (u32, u32),
    name: String,
) -> Result<FileEntry, String> {
    for entry in inputs {
        verify(&directory.join(&entry.name), entry)?;
    }
    let mut failure = None;
    let chunks = first / chunk_steps(tier)..=end.saturating_sub(1) / chunk_steps(tier);
    let mut merged = chunks.map_while(|chunk| match merge_chunk(directory, inputs, tier, chunk) {
        Ok(blocks) => Some(blocks),
        Err(why) => {
            failure = Some(why);
            None
        }
    });
    let (bytes, rows) = fact_file::encode(tier, &mut merged).map_err(|error| error.to_string())?;
    if let Some(why) = failure {
        return Err(why);
    }
    manifest::replace(directory, &name, &bytes).map_err(|error| error.to_string())?;
    Ok(disk::entry(name, tier, (first, end), &bytes, rows))
}

fn merge_chunk(directory: &Path, inputs: &[FileEntry], tier: Tier, chunk: u32) -> Result<Blocks, String> {
    let mut parts = Stretches::new();
    for entry in inputs {
        for (start, block) in fact_file::decode(&directory.join(&entry.name), Some((tier, chunk)))? {
            parts.entry(start).or_default().push((start, block));
        }
    }
    Ok(parts.into_iter().map(|(start, parts)| (start, sum(tier, &parts))).collect())
}
