//! What belongs to the store, and up to when: one small file that is replaced as a whole.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::ops::Range;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::files::FileEntry;

/// What this version writes and reads.
pub(crate) const FORMAT: u32 = 1;
pub(crate) const NAME: &str = "manifest.json";

/// What belongs to the store.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// The number of the log.
    pub(crate) log: u64,
    /// The next number for a file's name.
    pub(crate) next: u64,
    pub(crate) entities: PlaneFiles,
    pub(crate) hosts: PlaneFiles,
    /// Steps in which the store ran.
    pub(crate) awake: Vec<Range<u32>>,
}

/// What belongs to one plane.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct PlaneFiles {
    /// Numbers of the dictionary, and of the one before in case it cannot be read; 0 for none.
    pub(crate) dictionary: u64,
    pub(crate) dictionary_before: u64,
    /// How many entities, edges and facts have names in it: if it is lost, nothing new may take their numbers.
    pub(crate) named: [u32; 3],
    /// Up to which step each tier is in files, finest first.
    pub(crate) saved: [u32; 5],
    /// From which step each tier is kept.
    pub(crate) kept_from: [u32; 5],
    pub(crate) files: Vec<FileEntry>,
}

/// Why a manifest cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// There is none.
    Missing,
    /// It is not what was written.
    Corrupt(String),
    /// Another version wrote it.
    Version(String),
}

/// Reads the manifest of a directory.
pub(crate) fn read(directory: &Path) -> Result<Manifest, Unusable> {
    let text = match std::fs::read_to_string(directory.join(NAME)) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(Unusable::Missing),
        Err(error) => return Err(Unusable::Corrupt(error.to_string())),
    };
    let cut = || Unusable::Corrupt("its first line is cut".to_owned());
    let (head, body) = text.split_once('\n').ok_or_else(cut)?;
    let mut words = head.split(' ');
    if words.next() != Some("tidewatch-map") {
        return Err(Unusable::Corrupt("it does not begin with `tidewatch-map`".to_owned()));
    }
    let version = words.next().ok_or_else(cut)?;
    if version != FORMAT.to_string() {
        return Err(Unusable::Version(version.to_owned()));
    }
    if words.next() != Some(&format!("{:08x}", crc32fast::hash(body.as_bytes()))) {
        return Err(Unusable::Corrupt("its checksum is wrong".to_owned()));
    }
    serde_json::from_str(body).map_err(|error| Unusable::Corrupt(error.to_string()))
}

/// Replaces the manifest of a directory.
pub(crate) fn write(directory: &Path, manifest: &Manifest) -> std::io::Result<()> {
    let body = serde_json::to_string(manifest)?;
    let text = format!("tidewatch-map {FORMAT} {:08x}\n{body}", crc32fast::hash(body.as_bytes()));
    replace(directory, NAME, text.as_bytes())
}

/// Writes a file so that it is there as a whole or not at all.
pub(crate) fn replace(directory: &Path, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let (path, draft) = (directory.join(name), directory.join(format!("{name}.draft")));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    std::fs::rename(&draft, &path)?;
    sync_directory(directory)
}

/// A new name is only safe when its directory is on disk.
pub(crate) fn sync_directory(directory: &Path) -> std::io::Result<()> {
    File::open(directory)?.sync_all()
}
