//! The keys of `file`.

use config::{Check, Config, GoDuration, Toggle, Validate};

/// `file`: writes data to files.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(unsupported("encoding"))]
pub struct FileConfig {
    /// The file. With `group_by` it holds one `*`. Required.
    pub path: String,
    /// Whether to write after what is there, instead of over it.
    pub append: bool,
    /// `json`: one object per line; `proto`: length (4 bytes, big-endian) and message.
    #[config(default = "json")]
    pub format: String,
    /// `zstd`: each message is compressed for itself and stands behind its length (4 bytes, big-endian).
    pub compression: String,
    /// How to compress.
    pub compression_params: CompressionParams,
    /// Accepted for compatibility: every message is written before it is acknowledged.
    #[config(default = GoDuration::seconds(1))]
    pub flush_interval: GoDuration,
    /// Starts a new file when the present one is full.
    pub rotation: Option<RotationConfig>,
    /// Writes each resource to the file that one of its attributes names.
    pub group_by: Toggle<GroupByConfig>,
    /// Whether to make the directory of the file.
    pub create_directory: bool,
    /// Permissions of a directory that is made, in octal; `0755` if empty.
    pub directory_permissions: String,
}

/// How to compress.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub struct CompressionParams {
    /// 1 (fast) to 22 (small); 3 if zero.
    pub level: i32,
}

/// When a new file is started, and how many old ones stay.
#[derive(Debug, Clone, PartialEq, Config)]
pub struct RotationConfig {
    /// Size at which a file is full, in MiB; 100 if zero.
    #[config(default = 100)]
    pub max_megabytes: i64,
    /// Days after which a full file is removed; never if zero.
    pub max_days: i64,
    /// How many full files stay; all if zero.
    #[config(default = 100)]
    pub max_backups: i64,
    /// Not supported yet: names of full files by local time.
    pub localtime: bool,
}

impl Validate for RotationConfig {
    fn validate(&self, check: &mut Check<'_, '_>) {
        check.require(!self.localtime, "localtime", "'localtime' is not supported yet");
    }
}

/// Which file a resource goes to.
#[derive(Debug, Clone, PartialEq, Config)]
pub struct GroupByConfig {
    /// The attribute whose value takes the place of `*` in the path. Resources without it are left out and counted.
    #[config(default = "fileexporter.path_segment")]
    pub resource_attribute: String,
    /// How many files are open at a time.
    #[config(default = 100)]
    pub max_open_files: i64,
}

impl Validate for GroupByConfig {
    fn validate(&self, check: &mut Check<'_, '_>) {
        let attribute = !self.resource_attribute.is_empty();
        check.require(attribute, "resource_attribute", "resource_attribute must not be empty when group_by is enabled");
        check.require(self.max_open_files > 0, "max_open_files", "max_open_files must be positive");
    }
}

impl Validate for FileConfig {
    /// As in the Collector only the first fault is told.
    fn validate(&self, check: &mut Check<'_, '_>) {
        if let Some((key, message)) = self.fault() {
            check.error(key, message);
        }
    }
}

impl FileConfig {
    fn fault(&self) -> Option<(&'static str, &'static str)> {
        if self.path.is_empty() {
            return Some(("path", "path must be non-empty"));
        }
        if self.append && self.rotation.is_some() {
            return Some(("rotation", "append and rotation enabled at the same time is not supported"));
        }
        if !matches!(self.format.as_str(), "json" | "proto") {
            return Some(("format", "format type is not supported"));
        }
        if !matches!(self.compression.as_str(), "" | "zstd") {
            return Some(("compression", "compression is not supported"));
        }
        if !(0..=22).contains(&self.compression_params.level) {
            return Some(("compression_params", "invalid compression_params: level must be from 1 to 22"));
        }
        if self.flush_interval.is_negative() {
            return Some(("flush_interval", "flush_interval must be larger than zero"));
        }
        if self.group_by.is_on() && self.path.matches('*').count() != 1 {
            return Some(("path", "path must contain exactly one * when group_by is enabled"));
        }
        if self.group_by.is_on() && self.path.starts_with('*') {
            return Some(("path", "path must not start with * when group_by is enabled"));
        }
        if !self.create_directory && !self.directory_permissions.is_empty() {
            return Some(("directory_permissions", "directory_permissions requires create_directory to be true"));
        }
        match self.permissions() {
            None => Some(("directory_permissions", "directory_permissions value must be a valid octal representation")),
            Some(mode) if mode > 0o777 => {
                Some(("directory_permissions", "directory_permissions contain invalid bits for file access"))
            }
            Some(_) => None,
        }
    }

    /// The permissions of new directories; `None` if they are not octal.
    pub(crate) fn permissions(&self) -> Option<u32> {
        if self.directory_permissions.is_empty() {
            return Some(0o755);
        }
        u32::from_str_radix(&self.directory_permissions, 8).ok()
    }
}
