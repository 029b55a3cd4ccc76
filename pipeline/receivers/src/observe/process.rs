//! Who a process is: what its spans say about where they come from.

use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// What the OpenTelemetry environment of a process says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Declared {
    /// `OTEL_SERVICE_NAME`.
    pub service_name: Option<String>,
    /// `OTEL_RESOURCE_ATTRIBUTES`, decoded, in order.
    pub attributes: Vec<(String, String)>,
}

/// What a process is called of which nothing is known, as SDKs have it. One name for all of them: ids of processes would
/// make a service of each.
const NAMELESS: &str = "unknown_service";

/// Variables that only make sense for a program with an OpenTelemetry SDK in it.
const SDK_VARIABLES: [&str; 3] =
    ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_TRACES_EXPORTER"];

impl Declared {
    /// Reads both variables from their texts. Pairs that are not `key=value` are left out.
    pub fn read(service_name: Option<&str>, resource_attributes: Option<&str>) -> Self {
        let attributes = resource_attributes.unwrap_or_default().split(',').filter_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            let key = percent_decoded(key.trim());
            (!key.is_empty()).then(|| (key, percent_decoded(value.trim())))
        });
        let service_name = service_name.map(str::trim).filter(|name| !name.is_empty()).map(Into::into);
        Self { service_name, attributes: attributes.take(MOST_ATTRIBUTES).collect() }
    }

    /// Reads both variables from an environment block: strings that end in NUL.
    pub fn from_environment(block: &[u8]) -> Self {
        Self::read(variable(block, "OTEL_SERVICE_NAME"), variable(block, "OTEL_RESOURCE_ATTRIBUTES"))
    }

    /// True if the process says nothing about itself.
    pub fn is_empty(&self) -> bool {
        self.service_name.is_none() && self.attributes.is_empty()
    }
}

/// The value of a variable in an environment block.
fn variable<'a>(block: &'a [u8], name: &str) -> Option<&'a str> {
    let variables = block.split(|byte| *byte == 0).filter_map(|variable| std::str::from_utf8(variable).ok());
    variables.into_iter().find_map(|variable| variable.strip_prefix(name)?.strip_prefix('='))
}

/// More attributes than this in one variable are not believed.
const MOST_ATTRIBUTES: usize = 64;

/// W3C Baggage octets: `%41` is `A`. What is not well formed stays as it is.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(|_| first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.into())
}

/// A process as its spans describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Process id in the host's namespace.
    pub pid: u32,
    /// Service name: declared, else that of the script or executable.
    pub service_name: String,
    /// Path of the executable, if it could be read.
    pub executable: String,
    /// Path within the cgroup hierarchy.
    pub cgroup: String,
    /// Its environment names an exporter of an OpenTelemetry SDK.
    pub declares_sdk: bool,
    /// Resource attributes, `service.name` included, in the order in which they are written.
    pub attributes: Vec<(String, String)>,
}

impl Process {
    /// A resource attribute.
    pub fn attribute(&self, key: &str) -> Option<&str> {
        self.attributes.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// The workload that owns the process, as far as its attributes tell.
    pub fn workload(&self) -> Option<&str> {
        const KEYS: [&str; 5] =
            ["k8s.deployment.name", "k8s.statefulset.name", "k8s.daemonset.name", "k8s.cronjob.name", "k8s.job.name"];
        KEYS.into_iter().find_map(|key| self.attribute(key))
    }
}

/// A process as part of a key: the same as long as it lives, and nobody else's while the key exists.
#[derive(Debug, Clone)]
pub struct Who(pub Rc<Process>);

impl Who {
    /// A number that stands for the process.
    pub fn number(&self) -> usize {
        Rc::as_ptr(&self.0).addr()
    }
}

impl PartialEq for Who {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Who {}

impl Hash for Who {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number().hash(state);
    }
}

/// What `/proc` tells.
#[derive(Debug, Clone)]
pub struct ProcessFiles {
    root: PathBuf,
    host: String,
}

impl ProcessFiles {
    /// Reads below `root`, `/proc` outside of tests. `host` is the value of `host.name`.
    pub fn new(root: impl Into<PathBuf>, host: impl Into<String>) -> Self {
        Self { root: root.into(), host: host.into() }
    }

    /// Describes a process. `declared` is what was seen when it started; without it, its environment is read now,
    /// which servers that write over their arguments have destroyed. A process that is gone is described by the path
    /// that it was started from, if that was seen, else as [`NAMELESS`].
    pub fn describe(&self, pid: u32, declared: Option<&Declared>, started_from: Option<&str>) -> Process {
        let folder = self.root.join(pid.to_string());
        let executable = std::fs::read_link(folder.join("exe")).unwrap_or_default();
        let executable = executable.to_string_lossy().trim_end_matches(" (deleted)").to_owned();
        let executable =
            Some(executable).filter(|path| !path.is_empty()).or(started_from.map(Into::into)).unwrap_or_default();
        let arguments = read(&folder.join("cmdline"));
        let cgroup = cgroup_path(&String::from_utf8_lossy(&read(&folder.join("cgroup"))));
        let environment = read(&folder.join("environ"));
        let declared = declared.cloned().unwrap_or_else(|| Declared::from_environment(&environment));
        let name = program_name(&executable, &arguments);
        let attribute =
            |key: &str| declared.attributes.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone());
        let service_name = declared.service_name.clone().or_else(|| attribute("service.name"));
        let service_name = service_name.or(name).unwrap_or_else(|| NAMELESS.to_owned());
        let declares_sdk = SDK_VARIABLES.iter().any(|name| variable(&environment, name).is_some());
        let mut process = Process { pid, service_name, executable, cgroup, declares_sdk, attributes: Vec::new() };
        process.attributes = self.attributes(&process, declared.attributes);
        process
    }

    fn attributes(&self, process: &Process, declared: Vec<(String, String)>) -> Vec<(String, String)> {
        let mut attributes = vec![("service.name".into(), process.service_name.clone())];
        attributes.extend(declared.into_iter().filter(|(key, _)| key != "service.name"));
        let mut offer = |key: &str, value: String| {
            if !value.is_empty() && attributes.iter().all(|(name, _)| name != key) {
                attributes.push((key.into(), value));
            }
        };
        offer("service.instance.id", format!("{}:{}", self.host, process.pid));
        offer("process.pid", process.pid.to_string());
        offer("process.executable.path", process.executable.clone());
        offer("process.executable.name", base_name(&process.executable).into());
        offer("container.id", container_id(&process.cgroup).unwrap_or_default().into());
        offer("host.name", self.host.clone());
        offer("os.type", "linux".into());
        attributes
    }
}

/// Files of `/proc` are small; one that is larger is not read to its end.
fn read(path: &Path) -> Vec<u8> {
    use std::io::Read;
    const MOST_BYTES: u64 = 128 * 1024;
    let mut bytes = Vec::new();
    if let Ok(file) = std::fs::File::open(path) {
        // A process may end while it is read; what came so far is used.
        let _ = file.take(MOST_BYTES).read_to_end(&mut bytes);
    }
    bytes
}

/// The path in the unified hierarchy, else in the first one that is not the root.
fn cgroup_path(text: &str) -> String {
    let path = |line: &str| line.splitn(3, ':').nth(2).map(ToOwned::to_owned);
    let unified = text.lines().find(|line| line.starts_with("0::")).and_then(path).filter(|path| path != "/");
    let any = || text.lines().filter_map(path).find(|path| path != "/");
    unified.or_else(any).unwrap_or_else(|| "/".into())
}

/// The 64 hexadecimal digits that container runtimes put into the last part of a cgroup's path.
fn container_id(cgroup: &str) -> Option<&str> {
    cgroup.rsplit('/').find_map(|part| {
        let part = part.strip_suffix(".scope").unwrap_or(part);
        let id = part.rsplit(['-', ':']).next()?;
        (id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(id)
    })
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Programs that run other programs: the name that matters is that of what they run.
const INTERPRETERS: [&str; 10] = ["python", "node", "nodejs", "ruby", "perl", "php", "java", "bash", "sh", "deno"];

/// The name a person would call the program by.
fn program_name(executable: &str, arguments: &[u8]) -> Option<String> {
    let name = base_name(executable);
    if name.is_empty() {
        return None;
    }
    let is_interpreter = INTERPRETERS.contains(&name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.'));
    let script = if is_interpreter { script_name(arguments) } else { None };
    Some(script.unwrap_or_else(|| name.into()))
}

/// The first argument of an interpreter that is not an option, without folder and ending; of `-m x` and `-jar x`, x.
fn script_name(arguments: &[u8]) -> Option<String> {
    let mut arguments =
        arguments.split(|byte| *byte == 0).filter_map(|argument| std::str::from_utf8(argument).ok()).skip(1);
    loop {
        let argument = arguments.next()?;
        if argument == "-m" {
            return arguments.next().map(Into::into);
        }
        if argument == "-jar" {
            return Some(stem(arguments.next()?));
        }
        if argument == "-c" || argument == "-e" {
            return None;
        }
        if !argument.starts_with('-') {
            return Some(stem(argument)).filter(|name| !name.is_empty());
        }
    }
}

fn stem(path: &str) -> String {
    let name = base_name(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proc_with(pid: u32, exe: &str, cmdline: &str, environ: &str, cgroup: &str) -> (tempfile::TempDir, ProcessFiles) {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join(pid.to_string());
        std::fs::create_dir(&folder).unwrap();
        std::os::unix::fs::symlink(exe, folder.join("exe")).unwrap();
        std::fs::write(folder.join("cmdline"), cmdline.replace(' ', "\0")).unwrap();
        std::fs::write(folder.join("environ"), environ.replace(' ', "\0")).unwrap();
        std::fs::write(folder.join("cgroup"), cgroup).unwrap();
        let files = ProcessFiles::new(root.path(), "node-1");
        (root, files)
    }

    #[test]
    fn a_process_is_what_its_environment_declares() {
        let environ =
            "PATH=/bin OTEL_SERVICE_NAME=cart OTEL_RESOURCE_ATTRIBUTES=k8s.namespace.name=shop,service.version=1%2E2";
        let (_root, files) = proc_with(7, "/usr/bin/python3.11", "python3 /srv/app.py", environ, "0::/\n");

        let process = files.describe(7, None, None);

        assert_eq!(process.service_name, "cart");
        assert_eq!(process.attribute("k8s.namespace.name"), Some("shop"));
        assert_eq!(process.attribute("service.version"), Some("1.2"));
        assert_eq!(process.attribute("process.executable.name"), Some("python3.11"));
    }

    #[test]
    fn an_interpreter_is_called_after_its_script() {
        let (_root, files) = proc_with(7, "/usr/bin/python3.11", "python3 -u /srv/orders.py --port 1", "", "0::/\n");
        assert_eq!(files.describe(7, None, None).service_name, "orders");

        let (_root, files) = proc_with(8, "/usr/lib/jvm/bin/java", "java -Xmx1g -jar /opt/billing.jar", "", "0::/\n");
        assert_eq!(files.describe(8, None, None).service_name, "billing");

        let (_root, files) = proc_with(9, "/usr/bin/python3.11", "python3 -m http.server 80", "", "0::/\n");
        assert_eq!(files.describe(9, None, None).service_name, "http.server");
    }

    #[test]
    fn what_was_seen_at_the_start_wins_over_an_environment_that_was_written_over() {
        let (_root, files) = proc_with(7, "/usr/sbin/nginx", "nginx: worker", "garbage", "0::/\n");

        let process = files.describe(7, Some(&Declared::read(Some("web"), None)), None);

        assert_eq!(process.service_name, "web");
    }

    #[test]
    fn the_container_is_read_from_the_cgroup() {
        let id = "a".repeat(64);
        let cgroup = format!("0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-{id}.scope\n");
        let (_root, files) = proc_with(7, "/app", "app", "", &cgroup);

        assert_eq!(files.describe(7, None, None).attribute("container.id"), Some(id.as_str()));
    }

    #[test]
    fn a_process_that_is_gone_shares_one_name_with_its_like() {
        let root = tempfile::tempdir().unwrap();
        let process = ProcessFiles::new(root.path(), "node-1").describe(99, None, None);

        assert_eq!(process.service_name, NAMELESS);
    }

    #[test]
    fn a_process_that_was_gone_before_it_was_looked_at_is_called_after_what_was_started() {
        let root = tempfile::tempdir().unwrap();
        let process = ProcessFiles::new(root.path(), "node-1").describe(99, None, Some("/usr/bin/curl"));

        assert_eq!(process.service_name, "curl");
        assert_eq!(process.attribute("process.executable.name"), Some("curl"));
    }
}
