//! Who is observed, by `include` and `exclude`.

use std::rc::Rc;

use super::config::Selector;
use crate::observe::{Process, glob};

/// Decides about processes and about their connections.
#[derive(Debug, Clone)]
pub struct Selection {
    include: Rc<[Selector]>,
    exclude: Rc<[Selector]>,
}

impl Selection {
    /// By these entries.
    pub fn new(include: &[Selector], exclude: &[Selector]) -> Self {
        Self { include: include.into(), exclude: exclude.into() }
    }

    /// Whether there is nothing to decide, because everybody is observed.
    pub fn is_everybody(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }

    /// Whether any connection of the process may be observed.
    pub fn wants_process(&self, process: &Process) -> bool {
        let included = self.include.is_empty() || self.include.iter().any(|entry| fits_process(entry, process));
        let excluded = self.exclude.iter().any(|entry| entry.ports.is_empty() && fits_process(entry, process));
        included && !excluded
    }

    /// Whether a connection of the process to or at this port is observed.
    pub fn wants_connection(&self, process: &Process, server_port: u16) -> bool {
        let fits = |entry: &Selector| fits_process(entry, process) && fits_port(entry, server_port);
        (self.include.is_empty() || self.include.iter().any(fits)) && !self.exclude.iter().any(fits)
    }
}

fn fits_process(entry: &Selector, process: &Process) -> bool {
    (entry.pid == 0 || entry.pid == process.pid)
        && (entry.executable.is_empty() || glob(&entry.executable, &process.executable))
        && (entry.cgroup.is_empty() || fits_cgroup(&entry.cgroup, &process.cgroup))
}

/// A pattern matches a cgroup or one of its ancestors: containers nest.
fn fits_cgroup(pattern: &str, cgroup: &str) -> bool {
    let ends = cgroup.match_indices('/').map(|(at, _)| at).skip(1).chain([cgroup.len()]);
    ends.filter_map(|end| cgroup.get(..end)).any(|ancestor| glob(pattern, ancestor))
}

fn fits_port(entry: &Selector, port: u16) -> bool {
    entry.ports.is_empty() || entry.ports.iter().any(|range| range.contains(port))
}

#[cfg(test)]
mod tests {
    use super::super::config::PortRange;
    use super::*;

    fn process(executable: &str, cgroup: &str) -> Process {
        Process {
            pid: 7,
            service_name: "x".into(),
            executable: executable.into(),
            cgroup: cgroup.into(),
            declares_sdk: false,
            attributes: Vec::new(),
        }
    }

    fn selector() -> Selector {
        Selector::default()
    }

    #[test]
    fn without_entries_everybody_is_observed() {
        let selection = Selection::new(&[], &[]);
        assert!(selection.is_everybody());
        assert!(selection.wants_connection(&process("/bin/a", "/"), 80));
    }

    #[test]
    fn within_an_entry_all_keys_must_match() {
        let nginx = Selector {
            executable: "*/nginx".into(),
            ports: vec![PortRange { first: 80, last: 80 }, PortRange { first: 8000, last: 8100 }],
            ..selector()
        };
        let selection = Selection::new(&[nginx], &[]);

        assert!(selection.wants_process(&process("/usr/sbin/nginx", "/")));
        assert!(!selection.wants_process(&process("/usr/bin/redis", "/")));
        assert!(selection.wants_connection(&process("/usr/sbin/nginx", "/"), 8050));
        assert!(!selection.wants_connection(&process("/usr/sbin/nginx", "/"), 443));
    }

    #[test]
    fn an_ancestor_of_the_cgroup_counts() {
        let pods = Selector { cgroup: "/kubepods/*".into(), ..selector() };
        let selection = Selection::new(&[pods], &[]);

        assert!(selection.wants_process(&process("/app", "/kubepods/pod1/container/child")));
        assert!(!selection.wants_process(&process("/app", "/system/kubelet")));
    }

    #[test]
    fn excluding_a_port_leaves_the_process_its_other_connections() {
        let metrics = Selector { ports: vec![PortRange { first: 9090, last: 9090 }], ..selector() };
        let selection = Selection::new(&[], &[metrics]);

        assert!(selection.wants_process(&process("/app", "/")));
        assert!(!selection.wants_connection(&process("/app", "/"), 9090));
        assert!(selection.wants_connection(&process("/app", "/"), 80));
    }
}
