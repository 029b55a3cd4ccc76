//! How much memory the process uses, and how much it may use.

use std::fs;
use std::path::{Path, PathBuf};

/// Reads the kernel's files below a root, which is `/` but in tests.
#[derive(Debug)]
pub(crate) struct Meter {
    root: PathBuf,
}

impl Default for Meter {
    fn default() -> Self {
        Self::below("/")
    }
}

impl Meter {
    pub(crate) fn below(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    fn read(&self, path: &Path) -> Option<String> {
        fs::read_to_string(self.root.join(path.strip_prefix("/").unwrap_or(path))).ok()
    }

    /// Bytes of memory that the process has in use now.
    ///
    /// From `status` and not from `statm`, whose unit is a page: its size is only to be had from libc.
    pub(crate) fn resident(&self) -> Option<u64> {
        kibibytes(&self.read(Path::new("/proc/self/status"))?, "VmRSS:")
    }

    /// Bytes that the process may use: the tightest limit of its cgroups, or what the machine has.
    pub(crate) fn available(&self) -> Option<u64> {
        let machine = self.read(Path::new("/proc/meminfo")).and_then(|text| kibibytes(&text, "MemTotal:"));
        self.cgroup_limit().into_iter().chain(machine).min()
    }

    fn cgroup_limit(&self) -> Option<u64> {
        let cgroups = self.read(Path::new("/proc/self/cgroup"))?;
        cgroups.lines().filter_map(|line| self.limit_of(line)).min()
    }

    /// The limit that one line of `/proc/self/cgroup` leads to: `0::/path` (v2) or `9:memory:/path` (v1).
    fn limit_of(&self, line: &str) -> Option<u64> {
        let mut parts = line.splitn(3, ':');
        let (hierarchy, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        let (mount, file) = if hierarchy == "0" && controllers.is_empty() {
            ("/sys/fs/cgroup", "memory.max")
        } else if controllers.split(',').any(|controller| controller == "memory") {
            ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
        } else {
            return None;
        };
        // In a container the path may be that of the host, which is not mounted; then only the root of the mount is.
        let group = Path::new(path).strip_prefix("/").unwrap_or(Path::new(path));
        let ancestors = group.ancestors().map(|group| Path::new(mount).join(group).join(file));
        // Without a limit v2 says "max"; v1 gives a number beyond any memory, which loses against the machine's.
        ancestors.filter_map(|path| self.read(&path)?.trim().parse().ok()).min()
    }
}

/// The value of a line such as `VmRSS:   1234 kB`, in bytes.
fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    let number: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    number.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(files: &[(&str, &str)]) -> (tempfile::TempDir, Meter) {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let meter = Meter::below(root.path());
        (root, meter)
    }

    const MEMINFO: (&str, &str) = ("proc/meminfo", "MemTotal:        1000 kB\nMemFree: 1 kB\n");

    #[test]
    fn resident_memory_is_read_in_bytes() {
        let (_root, meter) = machine(&[("proc/self/status", "Name:\tx\nVmRSS:\t   12 kB\nRssAnon: 1 kB\n")]);

        assert_eq!(meter.resident(), Some(12 * 1024));
    }

    #[test]
    fn a_process_without_limits_may_use_the_machine() {
        let (_root, meter) =
            machine(&[MEMINFO, ("proc/self/cgroup", "0::/a\n"), ("sys/fs/cgroup/a/memory.max", "max\n")]);

        assert_eq!(meter.available(), Some(1000 * 1024));
    }

    #[test]
    fn the_tightest_group_on_the_way_to_the_root_decides() {
        let (_root, meter) = machine(&[
            MEMINFO,
            ("proc/self/cgroup", "0::/kubepods/pod1/c1\n"),
            ("sys/fs/cgroup/kubepods/memory.max", "500000\n"),
            ("sys/fs/cgroup/kubepods/pod1/memory.max", "200000\n"),
            ("sys/fs/cgroup/kubepods/pod1/c1/memory.max", "max\n"),
        ]);

        assert_eq!(meter.available(), Some(200_000));
    }

    #[test]
    fn a_container_that_sees_only_its_own_mount_finds_its_limit_at_the_root() {
        let (_root, meter) = machine(&[
            MEMINFO,
            ("proc/self/cgroup", "0::/../../elsewhere\n"),
            ("sys/fs/cgroup/memory.max", "300000\n"),
        ]);

        assert_eq!(meter.available(), Some(300_000));
    }

    #[test]
    fn the_first_version_of_cgroups_is_understood() {
        let (_root, meter) = machine(&[
            MEMINFO,
            ("proc/self/cgroup", "9:cpu,cpuacct:/x\n4:memory:/docker/abc\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "400000\n"),
        ]);

        assert_eq!(meter.available(), Some(400_000));
    }

    #[test]
    fn this_very_process_can_be_measured() {
        let meter = Meter::default();

        assert!(meter.resident().is_some_and(|bytes| bytes > 1 << 20));
        assert!(meter.available() > meter.resident());
    }
}
