//! Which files there are, and reading them: a few decoded chunks stay at hand.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::fact_file;
use crate::Tier;
use crate::store::block::Block;
use crate::store::timeline::Archive;

/// Bytes of decoded chunks that stay at hand.
const CACHE_BYTES: usize = 48 << 20;

/// A sealed file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileEntry {
    pub(crate) name: String,
    pub(crate) tier: Tier,
    /// First step of its first block, and of the first after its last.
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) checksum: u32,
}

type Chunk = Arc<BTreeMap<u32, Arc<Block>>>;
type ChunkKey = (String, u32);

/// What all snapshots share: the directory and what was read of it.
pub(crate) struct Shelf {
    directory: PathBuf,
    /// Readers on several threads share what one of them read: a lock, since none of them owns it.
    read: Mutex<Cache>,
    lost: AtomicU64,
}

#[derive(Default)]
struct Cache {
    chunks: HashMap<ChunkKey, Chunk>,
    /// Oldest use first.
    order: VecDeque<ChunkKey>,
    bytes: usize,
    /// Files whose checksum was right.
    sound: HashSet<String>,
    /// Files that are not what was written: told once, never read again.
    broken: HashSet<String>,
}

/// The files of one plane at one moment.
pub(crate) struct Files {
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) entries: Arc<Vec<FileEntry>>,
}

impl Shelf {
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self { directory, read: Mutex::default(), lost: AtomicU64::new(0) }
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, Cache> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers that a file is as it was written.
    pub(crate) fn is_sound(&self, name: &str) {
        self.cache().sound.insert(name.to_owned());
    }

    /// Lets go of all that is known of a file that is no more.
    pub(crate) fn forget(&self, name: &str) {
        let mut cache = self.cache();
        cache.sound.remove(name);
        cache.broken.remove(name);
    }

    fn chunk(&self, entry: &FileEntry, chunk: u32) -> Chunk {
        let key = (entry.name.clone(), chunk);
        {
            let mut cache = self.cache();
            if let Some(held) = cache.chunks.get(&key).cloned() {
                cache.order.retain(|other| *other != key);
                cache.order.push_back(key);
                return held;
            }
            if cache.broken.contains(&entry.name) {
                self.lost.fetch_add(1, Ordering::Relaxed);
                return Chunk::default();
            }
        }
        let Ok(read) = self.read_chunk(entry, chunk) else {
            self.lost.fetch_add(1, Ordering::Relaxed);
            self.cache().broken.insert(entry.name.clone());
            return Chunk::default();
        };
        let read = Arc::new(read);
        self.cache().keep(key, Arc::clone(&read));
        read
    }

    fn read_chunk(&self, entry: &FileEntry, chunk: u32) -> Result<BTreeMap<u32, Arc<Block>>, String> {
        let path = self.directory.join(&entry.name);
        let known = self.cache().sound.contains(&entry.name);
        if !known {
            verify(&path, entry)?;
            self.is_sound(&entry.name);
        }
        fact_file::decode(&path, Some((entry.tier, chunk)))
    }
}

impl Cache {
    fn keep(&mut self, key: ChunkKey, chunk: Chunk) {
        let size = |chunk: &Chunk| chunk.values().fold(0_usize, |sum, block| sum.saturating_add(block.size()));
        self.bytes = self.bytes.saturating_add(size(&chunk));
        if let Some(before) = self.chunks.insert(key.clone(), chunk) {
            self.bytes = self.bytes.saturating_sub(size(&before));
            self.order.retain(|other| *other != key);
        }
        self.order.push_back(key);
        // The newest stays, however large: it is in use.
        while self.bytes > CACHE_BYTES && self.order.len() > 1 {
            let Some(gone) = self.order.pop_front().and_then(|oldest| self.chunks.remove(&oldest)) else { break };
            self.bytes = self.bytes.saturating_sub(size(&gone));
        }
    }
}

/// Says if a file is as it was written.
pub(crate) fn verify(path: &Path, entry: &FileEntry) -> Result<(), String> {
    let tell = |error: std::io::Error| error.to_string();
    let mut file = std::fs::File::open(path).map_err(tell)?;
    let mut hasher = crc32fast::Hasher::new();
    let mut part = vec![0; 1 << 16];
    let mut bytes = 0_u64;
    loop {
        let read = file.read(&mut part).map_err(tell)?;
        let Some(part) = part.get(..read).filter(|part| !part.is_empty()) else { break };
        hasher.update(part);
        bytes = bytes.saturating_add(part.len() as u64);
    }
    if bytes != entry.bytes {
        return Err(format!("it has {bytes} of {} bytes", entry.bytes));
    }
    if hasher.finalize() != entry.checksum {
        return Err("its checksum is wrong".to_owned());
    }
    Ok(())
}

impl Archive for Files {
    fn blocks(&self, tier: Tier, start: u32) -> Vec<Arc<Block>> {
        let has = |entry: &&FileEntry| entry.tier == tier && (entry.start..entry.end).contains(&start);
        let chunk = start / fact_file::chunk_steps(tier);
        let chunks = self.entries.iter().filter(has).map(|entry| self.shelf.chunk(entry, chunk));
        chunks.filter_map(|chunk| chunk.get(&start).cloned()).collect()
    }

    fn lost(&self) -> u64 {
        self.shelf.lost.load(Ordering::Relaxed)
    }
}
