//! Full files: their names, and which of them are removed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::config::RotationConfig;
use crate::debug::civil;

const MIB: u64 = 1 << 20;
const DAY_MS: u64 = 86_400_000;

/// When a file is full, and what becomes of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rotation {
    pub(crate) max_bytes: u64,
    max_age_ms: Option<u64>,
    max_backups: Option<usize>,
}

impl Rotation {
    pub(crate) fn new(config: &RotationConfig) -> Self {
        let positive = |number: i64| u64::try_from(number).ok().filter(|number| *number > 0);
        Self {
            max_bytes: positive(config.max_megabytes).unwrap_or(100).saturating_mul(MIB),
            max_age_ms: positive(config.max_days).map(|days| days.saturating_mul(DAY_MS)),
            max_backups: positive(config.max_backups).and_then(|count| usize::try_from(count).ok()),
        }
    }

    /// Moves a full file out of the way and removes what is too old or too many.
    pub(crate) fn retire(&self, path: &Path, now_ms: u64) -> io::Result<()> {
        // Two files can fill up within a millisecond; neither may replace the other.
        let free = (now_ms..).map(|ms| Backup::new(path, ms)).find(|backup| !backup.path.exists());
        if let Some(backup) = free {
            match fs::rename(path, backup.path) {
                // Somebody has moved or removed it; then it is out of the way.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                renamed => renamed?,
            }
        }
        if let Err(error) = self.prune(path, now_ms) {
            tracing::warn!(path = %path.display(), %error, "full files were not removed");
        }
        Ok(())
    }

    fn prune(&self, path: &Path, now_ms: u64) -> io::Result<()> {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut backups: Vec<Backup> =
            fs::read_dir(directory)?.flatten().filter_map(|entry| Backup::recognise(path, entry.path())).collect();
        backups.sort_by_key(|backup| std::cmp::Reverse(backup.time.clone()));
        let oldest = self.max_age_ms.map(|age| stamp(now_ms.saturating_sub(age)));
        for (place, backup) in backups.iter().enumerate() {
            let is_surplus = self.max_backups.is_some_and(|most| place >= most);
            let is_old = oldest.as_ref().is_some_and(|oldest| backup.time < *oldest);
            if is_surplus || is_old {
                fs::remove_file(&backup.path)?;
            }
        }
        Ok(())
    }
}

/// A full file: `spans-2026-11-24T19-07-58.277-size.json` for `spans.json`.
#[derive(Debug)]
struct Backup {
    path: PathBuf,
    /// When it was full; as text it sorts by time.
    time: String,
}

impl Backup {
    fn new(path: &Path, ms: u64) -> Self {
        let (stem, extension) = name_parts(path);
        let time = stamp(ms);
        Self { path: path.with_file_name(format!("{stem}-{time}-size{extension}")), time }
    }

    fn recognise(path: &Path, candidate: PathBuf) -> Option<Self> {
        let (stem, extension) = name_parts(path);
        let name = candidate.file_name()?.to_str()?;
        let inner = name.strip_prefix(&stem)?.strip_prefix('-')?.strip_suffix(&extension)?;
        let time = inner.strip_suffix("-size").or_else(|| inner.strip_suffix("-time"))?;
        let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        let time = (shape == "0000-00-00T00-00-00.000").then(|| time.to_owned())?;
        Some(Self { path: candidate, time })
    }
}

fn name_parts(path: &Path) -> (String, String) {
    let text =
        |part: Option<&std::ffi::OsStr>| part.map(|part| part.to_string_lossy().into_owned()).unwrap_or_default();
    let extension = path.extension().map(|extension| format!(".{}", extension.to_string_lossy())).unwrap_or_default();
    (text(path.file_stem()), extension)
}

/// A time in UTC as it stands in a name.
fn stamp(ms: u64) -> String {
    let days = i64::try_from(ms / DAY_MS).unwrap_or(i64::MAX);
    let (year, month, day) = civil(days);
    let rest = ms % DAY_MS;
    let (hour, minute, second) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}-{minute:02}-{second:02}.{:03}", rest % 1000)
}
