//! What outlives the process: the log of what just came, sealed Parquet files, and the manifest of what belongs.
//!
//! In this room: the directory, its lock, what is wrong with it, writing and replacing files.
//! Not here: when something is written ([`super::checkpoint`]), what is done with what is found ([`super::restore`]).
//!
//! Enter at [`Disk::open`].

pub(crate) mod columns;
pub(crate) mod dictionary;
pub(crate) mod fact_file;
pub(crate) mod files;
pub(crate) mod journal;
pub(crate) mod log;
pub(crate) mod manifest;

use std::collections::HashSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::dictionary::Dictionary;
use self::files::{FileEntry, Files, Shelf, verify};
use self::log::Log;
use self::manifest::{Manifest, PlaneFiles, Unusable};
use super::spread::moment_of;
use super::timeline::{ceil, floor};
use crate::Tier;
use crate::when::date_of;

/// What a plane is called in names of files.
pub(crate) const PLANES: [&str; 2] = ["entities", "hosts"];
/// Of so many bytes of the newest files the checksum is looked at when opening; of others when they are first read.
const VERIFIED: u64 = 256 << 20;

/// The directory of a store.
pub(crate) struct Disk {
    directory: PathBuf,
    /// Held as long as the store is open.
    _lock: Option<File>,
    pub(crate) manifest: Manifest,
    /// `None` if nothing can be written.
    pub(crate) log: Option<Log>,
    pub(crate) shelf: Arc<Shelf>,
}

/// What was found in a directory.
pub(crate) struct Opened {
    pub(crate) disk: Disk,
    /// Of both planes; `None` if there is none yet.
    pub(crate) dictionaries: [Option<Dictionary>; 2],
    /// Frames of the logs.
    pub(crate) frames: Vec<Vec<u8>>,
    pub(crate) problems: Vec<String>,
}

impl Disk {
    /// Opens a directory, whatever is in it. An error means that it cannot be used at all; it is left as it is.
    pub(crate) fn open(directory: &Path, fresh: Manifest) -> Result<Opened, String> {
        let mut problems = Vec::new();
        let writable = std::fs::create_dir_all(directory).and_then(|()| lock(directory));
        let lock = match writable {
            Ok(Some(lock)) => Some(lock),
            Ok(None) => return Err("another process uses it".to_owned()),
            Err(error) if directory.is_dir() => {
                problems.push(format!("{} cannot be written ({error}): nothing new will be kept", directory.display()));
                None
            }
            Err(error) => return Err(error.to_string()),
        };
        let found = match manifest::read(directory) {
            Ok(found) => found,
            Err(Unusable::Version(version)) => {
                return Err(format!("format {version} wrote it, this version reads format {}", manifest::FORMAT));
            }
            Err(Unusable::Missing) if files_in(directory).iter().all(|name| !name.ends_with(".parquet")) => fresh,
            Err(Unusable::Missing) => {
                problems.push(format!("{} is missing: it was made again from the files", manifest::NAME));
                salvage(directory, fresh, &mut problems)
            }
            Err(Unusable::Corrupt(why)) => {
                problems.push(format!("{} is corrupt ({why}): it was made again from the files", manifest::NAME));
                salvage(directory, fresh, &mut problems)
            }
        };
        let shelf = Arc::new(Shelf::new(directory.to_owned()));
        let mut disk = Self { directory: directory.to_owned(), _lock: lock, manifest: found, log: None, shelf };
        disk.check_files(&mut problems);
        let dictionaries = disk.dictionaries(&mut problems);
        let (frames, logs) = disk.open_logs(&mut problems);
        if disk.log.is_some() {
            disk.sweep(&logs);
        }
        Ok(Opened { disk, dictionaries, frames, problems })
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn plane(&self, plane: usize) -> &PlaneFiles {
        if plane == 0 { &self.manifest.entities } else { &self.manifest.hosts }
    }

    pub(crate) fn plane_mut(&mut self, plane: usize) -> &mut PlaneFiles {
        if plane == 0 { &mut self.manifest.entities } else { &mut self.manifest.hosts }
    }

    /// The files of a plane, to read from.
    pub(crate) fn files(&self, plane: usize) -> Files {
        Files { shelf: Arc::clone(&self.shelf), entries: Arc::new(self.plane(plane).files.clone()) }
    }

    /// Puts files that are not what was written out of the way.
    fn check_files(&mut self, problems: &mut Vec<String>) {
        let (directory, shelf, writable) = (self.directory.clone(), Arc::clone(&self.shelf), self._lock.is_some());
        let mut verified = 0_u64;
        for plane in 0..PLANES.len() {
            let files = &mut self.plane_mut(plane).files;
            files.sort_by_key(|entry| std::cmp::Reverse(entry.end));
            files.retain(|entry| {
                let path = directory.join(&entry.name);
                let length = std::fs::metadata(&path).map(|metadata| metadata.len());
                let sound = match length {
                    Err(error) => Err(error.to_string()),
                    Ok(length) if length != entry.bytes => Err(format!("it has {length} of {} bytes", entry.bytes)),
                    Ok(_) if verified.saturating_add(entry.bytes) > VERIFIED => Ok(()),
                    Ok(_) => {
                        verified = verified.saturating_add(entry.bytes);
                        verify(&path, entry).inspect(|()| shelf.is_sound(&entry.name))
                    }
                };
                if let Err(why) = &sound {
                    problems.push(format!("{} is lost: {why}", path.display()));
                    if writable {
                        // Kept for whoever wants to look at it; if even that fails, it is swept.
                        let _ = std::fs::rename(&path, directory.join(format!("{}.corrupt", entry.name)));
                    }
                }
                sound.is_ok()
            });
            files.sort_by_key(|entry| (entry.tier, entry.start));
        }
    }

    fn dictionaries(&mut self, problems: &mut Vec<String>) -> [Option<Dictionary>; 2] {
        [0, 1].map(|plane| {
            let files = self.plane(plane);
            let numbers = [files.dictionary, files.dictionary_before];
            let numbers = numbers.into_iter().filter(|number| *number > 0);
            for number in numbers {
                let paths = dictionary_names(plane, number).map(|name| self.directory.join(name));
                match dictionary::decode([&paths[0], &paths[1], &paths[2]]) {
                    Ok(dictionary) => return Some(dictionary),
                    Err(why) => problems.push(format!("names are lost: {why}")),
                }
            }
            None
        })
    }

    /// Reads what no file has: the base, then the logs that went on from it. The last one goes on. Gives which they are.
    fn open_logs(&mut self, problems: &mut Vec<String>) -> (Vec<Vec<u8>>, Vec<u64>) {
        let mut frames = self.read_log(&base_name(self.manifest.log), problems).frames;
        let mut logs = vec![self.manifest.log];
        let later = files_in(&self.directory).into_iter().filter_map(|name| number_of("log-", &name));
        logs.extend(later.filter(|number| *number > self.manifest.log));
        logs.sort_unstable();
        let (mut good, mut read) = (0, 0_usize);
        for number in &logs {
            let found = self.read_log(&log_name(*number), problems);
            frames.extend(found.frames);
            (good, read) = (found.good, read.saturating_add(1));
            if found.rest > 0 {
                break;
            }
        }
        if read < logs.len() {
            problems.push("what the logs after it hold is lost: they count on what it lacks".to_owned());
            logs.truncate(read);
        }
        let last = logs.last().copied().unwrap_or(self.manifest.log);
        self.manifest.next = self.manifest.next.max(last);
        if self._lock.is_some() {
            let path = self.directory.join(log_name(last));
            let opened = Log::resume(&path, good);
            match opened.and_then(|log| manifest::write(&self.directory, &self.manifest).map(|()| log)) {
                Ok(log) => self.log = Some(log),
                Err(error) => {
                    problems.push(format!("{} cannot be written ({error}): nothing new will be kept", path.display()));
                }
            }
        }
        (frames, logs)
    }

    fn read_log(&self, name: &str, problems: &mut Vec<String>) -> log::Logged {
        let path = self.directory.join(name);
        let found = match log::read(&path) {
            Ok(found) => found,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => log::Logged::default(),
            Err(error) => {
                problems.push(format!("{} is lost: {error}", path.display()));
                log::Logged::default()
            }
        };
        if found.rest > 0 {
            problems.push(format!(
                "{}: its last {} bytes were never whole and are cut off",
                path.display(),
                found.rest
            ));
        }
        found
    }

    /// Removes what a crash left half done: files that no manifest names.
    fn sweep(&self, logs: &[u64]) {
        let mut named: HashSet<String> = logs.iter().map(|number| log_name(*number)).collect();
        named.insert(base_name(self.manifest.log));
        for plane in 0..PLANES.len() {
            let files = self.plane(plane);
            named.extend(files.files.iter().map(|entry| entry.name.clone()));
            named.extend(dictionary_names(plane, files.dictionary));
            named.extend(dictionary_names(plane, files.dictionary_before));
        }
        let ours = |name: &String| {
            let is_log = name.starts_with("log-") || name.starts_with("base-");
            name.ends_with(".draft") || is_log || (name.ends_with(".parquet") && is_ours(name))
        };
        for name in files_in(&self.directory).into_iter().filter(|name| ours(name) && !named.contains(name)) {
            self.remove(&name);
        }
    }

    /// Removes what was logged before a base.
    pub(crate) fn remove_logs_before(&self, base: u64) {
        let number = |name: &str| number_of("log-", name).or_else(|| number_of("base-", name));
        for name in files_in(&self.directory).into_iter().filter(|name| number(name).is_some_and(|of| of < base)) {
            self.remove(&name);
        }
    }

    /// Removes a file of which nothing depends any more; if that fails, the next sweep tries again.
    pub(crate) fn remove(&self, name: &str) {
        let _ = std::fs::remove_file(self.directory.join(name));
    }

    /// A number that no file has.
    pub(crate) fn number(&mut self) -> u64 {
        self.manifest.next = self.manifest.next.saturating_add(1);
        self.manifest.next
    }

    /// Bytes of all sealed files.
    pub(crate) fn bytes(&self) -> u64 {
        let files = (0..PLANES.len()).flat_map(|plane| &self.plane(plane).files);
        files.fold(0, |sum, entry| sum.saturating_add(entry.bytes))
    }
}

pub(crate) fn entry(name: String, tier: Tier, (start, end): (u32, u32), bytes: &[u8], rows: u64) -> FileEntry {
    FileEntry { name, tier, start, end, rows, bytes: bytes.len() as u64, checksum: crc32fast::hash(bytes) }
}

/// `None` if another process holds it.
fn lock(directory: &Path) -> std::io::Result<Option<File>> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(directory.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn files_in(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

fn is_ours(name: &str) -> bool {
    PLANES.iter().any(|plane| name.strip_prefix(plane).is_some_and(|rest| rest.starts_with('-')))
}

pub(crate) fn log_name(number: u64) -> String {
    format!("log-{number:08}")
}

/// What no file had when the log of this number began.
pub(crate) fn base_name(number: u64) -> String {
    format!("base-{number:08}")
}

/// The number of a file whose name is a word and a number.
fn number_of(word: &str, name: &str) -> Option<u64> {
    name.strip_prefix(word)?.parse().ok()
}

/// Entities, edges, facts.
pub(crate) fn dictionary_names(plane: usize, number: u64) -> [String; 3] {
    let plane = PLANES.get(plane).copied().unwrap_or_default();
    ["entities", "edges", "facts"].map(|table| format!("{plane}-names-{number:08}-{table}.parquet"))
}

/// `entities-1m-20261124T13-00000042.parquet`.
pub(crate) fn file_name(plane: usize, tier: Tier, start: u32, number: u64) -> String {
    let plane = PLANES.get(plane).copied().unwrap_or_default();
    let (year, month, day, hour) = date(start);
    format!("{plane}-{}-{year:04}{month:02}{day:02}T{hour:02}-{number:08}.parquet", tier.as_str())
}

/// Year, month, day and hour (UTC) of a step.
pub(crate) fn date(step: u32) -> (u64, u64, u64, u64) {
    let hours = moment_of(step).0 / (3600 * crate::SECOND);
    let (year, month, day) = date_of(hours / 24);
    (year, month, day, hours % 24)
}

/// A manifest from what the directory holds: every readable file counts.
fn salvage(directory: &Path, fresh: Manifest, problems: &mut Vec<String>) -> Manifest {
    let mut manifest = fresh;
    let names = files_in(directory);
    let number = |name: &str| -> u64 {
        let mut digits = name.split(['-', '.']).filter(|part| part.len() == 8).filter_map(|part| part.parse().ok());
        digits.next_back().unwrap_or_default()
    };
    manifest.next = names.iter().map(|name| number(name)).max().unwrap_or_default();
    // Where a base is, all files of its number are, and it stands for all logs before it.
    let base = names.iter().filter_map(|name| number_of("base-", name)).max();
    let first_log = names.iter().filter_map(|name| number_of("log-", name)).min();
    manifest.log = base.or(first_log).unwrap_or(1);
    for plane in 0..PLANES.len() {
        let prefix = |kind: &str| format!("{}-{kind}-", PLANES.get(plane).copied().unwrap_or_default());
        let files = if plane == 0 { &mut manifest.entities } else { &mut manifest.hosts };
        let dictionaries = names.iter().filter(|name| name.starts_with(&prefix("names")));
        files.dictionary = dictionaries.map(|name| number(name)).max().unwrap_or_default();
        for tier in Tier::ALL {
            let of_tier = |name: &&String| name.starts_with(&prefix(tier.as_str())) && name.ends_with(".parquet");
            for name in names.iter().filter(of_tier) {
                match salvage_file(directory, name, tier) {
                    Ok(entry) => files.files.push(entry),
                    Err(why) => problems.push(format!("{name} is lost: {why}")),
                }
            }
        }
        files.saved = salvaged_ends(&files.files, files.saved);
    }
    manifest
}

/// Up to where tiers are in files, by the files: days are sealed by themselves, all others together, hour by hour.
fn salvaged_ends(files: &[FileEntry], fresh: [u32; 5]) -> [u32; 5] {
    let by_hour = files.iter().filter(|entry| entry.tier != Tier::Day);
    let Some(end) = by_hour.clone().map(|entry| ceil(entry.end, Tier::Hour)).max() else { return fresh };
    let days = files.iter().filter(|entry| entry.tier == Tier::Day).map(|entry| entry.end).max();
    let first = by_hour.map(|entry| floor(entry.start, Tier::Day)).min();
    [end, end, end, end, days.or(first).unwrap_or(end)]
}

fn salvage_file(directory: &Path, name: &str, tier: Tier) -> Result<FileEntry, String> {
    let path = directory.join(name);
    let bytes = std::fs::read(&path).map_err(|error| error.to_string())?;
    let blocks = fact_file::decode(&path, None)?;
    let (Some((first, _)), Some((last, _))) = (blocks.first_key_value(), blocks.last_key_value()) else {
        return Err("it has no rows".to_owned());
    };
    let rows = blocks.values().fold(0_u64, |sum, block| sum.saturating_add(u64::from(block.rows())));
    Ok(entry(name.to_owned(), tier, (*first, last.saturating_add(tier.steps())), &bytes, rows))
}
