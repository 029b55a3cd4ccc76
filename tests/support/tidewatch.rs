//! The binary, as a user starts it.

use std::fs::File;
use std::process::{Child, Command, Stdio};

use super::{Room, Told, free_port, run, text_of, until, until_some};

const BINARY: &str = env!("CARGO_BIN_EXE_tidewatch");

/// A running Tidewatch. Ends with the story.
pub struct Tidewatch {
    child: Child,
    room: Room,
    metrics_port: u16,
}

/// How a command that ends by itself ended.
#[derive(Debug)]
pub struct Outcome {
    /// Exit code.
    pub code: i32,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

/// Runs the binary to its end.
pub fn tidewatch(arguments: &[&str]) -> Outcome {
    Outcome::of(Command::new(BINARY).args(arguments))
}

impl Outcome {
    /// Runs a command to its end.
    pub fn of(command: &mut Command) -> Self {
        let output = command.stdin(Stdio::null()).output().expect("the binary can be started");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let code = output.status.code().expect("it ends by itself");
        Self { code, stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// Runs Tidewatch with a configuration with which it ends by itself.
    pub fn of_config(yaml: &str) -> Self {
        let room = Room::new();
        Self::of(&mut Tidewatch::command(&room, yaml, free_port()))
    }
}

impl Tidewatch {
    /// How it is started. The configuration may name its room as `${env:ROOM}`; own metrics get a port of their own.
    pub fn command(room: &Room, yaml: &str, metrics_port: u16) -> Command {
        let config = room.file("config.yaml", yaml);
        let metrics = format!(
            "yaml:{{service: {{telemetry: {{metrics: {{readers: \
             [{{pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: {metrics_port}}}}}}}}}]}}}}}}}}"
        );
        let mut command = Command::new(BINARY);
        command.arg("--config").arg(config).args(["--config", &metrics]).env("ROOM", room.path(""));
        command
    }

    /// Starts it and waits until it is ready.
    #[track_caller]
    pub fn start(yaml: &str) -> Self {
        Self::start_in(Room::new(), yaml)
    }

    /// The same, in a room that the story has prepared.
    #[track_caller]
    pub fn start_in(room: Room, yaml: &str) -> Self {
        let metrics_port = free_port();
        let log = File::create(room.path("log")).expect("the room can be written");
        let output = File::create(room.path("output")).expect("the room can be written");
        let mut command = Self::command(&room, yaml, metrics_port);
        let child = command.stdin(Stdio::null()).stdout(output).stderr(log).spawn().expect("the binary can be started");
        let mut tidewatch = Self { child, room, metrics_port };
        until("Tidewatch is ready", || {
            let ended = tidewatch.child.try_wait().expect("a child can be asked");
            assert!(ended.is_none(), "Tidewatch did not start:\n{}", tidewatch.log());
            tidewatch.log().contains("Everything is ready")
        });
        tidewatch
    }

    /// Its folder.
    pub fn room(&self) -> &Room {
        &self.room
    }

    /// Where its own metrics are.
    pub fn metrics_port(&self) -> u16 {
        self.metrics_port
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote to standard error.
    pub fn log(&self) -> String {
        self.room.read("log")
    }

    /// What it wrote to standard output.
    pub fn output(&self) -> String {
        self.room.read("output")
    }

    /// What the `file` exporter has written so far.
    pub fn told(&self) -> Told {
        Told { log: self.log(), ..Told::read(&self.room.read("told.json")) }
    }

    /// What the `file` exporter has written when `enough` holds of it.
    #[track_caller]
    pub fn told_when(&self, what: &str, enough: impl Fn(&Told) -> bool) -> Told {
        until_some(what, || Some(self.told()).filter(&enough))
    }

    /// Sum of own metrics with this name whose labels contain all these texts.
    pub fn own(&self, name: &str, labels: &[&str]) -> f64 {
        let text = text_of(self.metrics_port, "/metrics");
        let mut lines = text.lines().filter(|line| {
            let rest = line.strip_prefix(name).unwrap_or("x");
            rest.starts_with(['{', ' ']) && labels.iter().all(|label| rest.contains(label))
        });
        lines.by_ref().filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    /// Resident memory now, in bytes.
    pub fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        line.split_ascii_whitespace().next().and_then(|kilobytes| kilobytes.parse::<u64>().ok()).unwrap_or(0) * 1024
    }

    /// Asks it to end.
    pub fn terminate(&self) {
        run(Command::new("kill").args(["-TERM", &self.id().to_string()]));
    }

    /// Asks it to end, which it must do well, and gives all that the `file` exporter wrote.
    #[track_caller]
    pub fn stop(mut self) -> Told {
        self.terminate();
        self.must_end_well();
        self.told()
    }

    /// It ends by itself or was asked to, and its exit code is 0.
    #[track_caller]
    pub fn must_end_well(&mut self) {
        let status = until_some("Tidewatch has ended", || self.child.try_wait().expect("a child can be asked"));
        assert!(status.success(), "Tidewatch ended with {status}:\n{}", self.log());
    }
}

impl Drop for Tidewatch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- log of Tidewatch, whose room is {}\n{}", self.room.path("").display(), self.log());
        }
        // It has ended already in a story that went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
