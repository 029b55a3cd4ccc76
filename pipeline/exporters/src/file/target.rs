//! Which file a message goes to: the only one, or one of many by an attribute of the resource.

use std::collections::{BTreeMap, HashSet};
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use pdata::Batch;

use super::backups::Rotation;
use super::config::FileConfig;
use super::output::Output;

/// How many paths are remembered; those of later files are appended to, never begun anew.
const REMEMBERED: usize = 100_000;

/// How files are opened.
#[derive(Debug, Clone)]
pub(crate) struct Opening {
    append: bool,
    rotation: Option<Rotation>,
    /// Permissions of directories, if they are to be made.
    directories: Option<u32>,
}

impl Opening {
    fn new(config: &FileConfig) -> Self {
        let makes_directories = config.create_directory || config.group_by.is_on();
        Self {
            append: config.append,
            rotation: config.rotation.as_ref().map(Rotation::new),
            directories: makes_directories.then(|| config.permissions().unwrap_or(0o755)),
        }
    }

    /// Opens a file; one that this process has opened before keeps what is in it.
    fn open(&self, path: &Path, is_known: bool) -> io::Result<Output> {
        if let (Some(mode), Some(directory)) = (self.directories, path.parent()) {
            DirBuilder::new().recursive(true).mode(mode).create(directory)?;
        }
        Output::open(path, self.append || is_known, self.rotation)
    }
}

/// The files of one exporter.
#[derive(Debug)]
pub(crate) enum Target {
    /// One for all.
    One(Output),
    /// One for each value of an attribute.
    Many(Many),
}

impl Target {
    /// Opens the file, if there is one only. `again`: it was open in this process before.
    pub(crate) fn open(config: &FileConfig, again: bool) -> io::Result<Self> {
        let opening = Opening::new(config);
        let Some(group_by) = config.group_by.get() else {
            return opening.open(Path::new(&config.path), again).map(Self::One);
        };
        let (before, after) = config.path.split_once('*').unwrap_or((&config.path, ""));
        Ok(Self::Many(Many {
            attribute: group_by.resource_attribute.clone(),
            before: before.to_owned(),
            after: after.to_owned(),
            most: usize::try_from(group_by.max_open_files).unwrap_or(1).max(1),
            opening: Opening { append: config.append || again, ..opening },
            open: Vec::new(),
            known: HashSet::new(),
        }))
    }
}

/// Files by the value of an attribute.
#[derive(Debug)]
pub(crate) struct Many {
    attribute: String,
    before: String,
    after: String,
    most: usize,
    opening: Opening,
    /// The file that was written last is the last one.
    open: Vec<(PathBuf, Output)>,
    known: HashSet<PathBuf>,
}

impl Many {
    /// The parts of a batch with the files that they go to. Resources without the attribute are in none.
    pub(crate) fn parts(&self, batch: &Batch) -> Vec<(PathBuf, Batch)> {
        let segment = |resource: &pdata::ResourceView<'_>| {
            resource.attribute(&self.attribute).and_then(|value| value.as_str()).map(|segment| self.path(segment))
        };
        let paths: Vec<Option<PathBuf>> = batch.resources().map(|resource| segment(&resource)).collect();
        let mut parts = BTreeMap::new();
        for path in paths.iter().flatten() {
            parts.entry(path.clone()).or_insert_with(|| {
                let mut part = batch.clone();
                let resources = part.resources_mut().zip(&paths);
                resources
                    .filter(|(_, other)| other.as_ref() != Some(path))
                    .for_each(|(mut resource, _)| resource.discard());
                part
            });
        }
        parts.into_iter().collect()
    }

    /// The path for a value. Whatever the value is, the file lies below the part of the path before `*`.
    fn path(&self, segment: &str) -> PathBuf {
        let mut steps: Vec<&str> = Vec::new();
        for step in segment.split('/') {
            match step {
                "" | "." => {}
                ".." => _ = steps.pop(),
                step => steps.push(step),
            }
        }
        PathBuf::from(format!("{}{}{}", self.before, steps.join("/"), self.after))
    }

    pub(crate) fn file(&mut self, path: &Path) -> io::Result<&mut Output> {
        let open = self.open.iter().position(|(known, _)| known == path);
        let entry = match open {
            Some(place) => self.open.remove(place),
            None => {
                let is_known = self.known.contains(path) || self.known.len() >= REMEMBERED;
                let output = self.opening.open(path, is_known)?;
                if !is_known {
                    self.known.insert(path.to_owned());
                }
                if self.open.len() >= self.most {
                    self.open.remove(0);
                }
                (path.to_owned(), output)
            }
        };
        self.open.push(entry);
        match self.open.last_mut() {
            Some((_, output)) => Ok(output),
            None => Err(io::Error::other("a file that was just opened is not there")),
        }
    }
}
