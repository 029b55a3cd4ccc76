//! Programs that know nothing of Tidewatch.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use super::Room;

/// A program that runs until the story ends.
pub struct Program {
    child: Child,
    output: Option<BufReader<std::process::ChildStdout>>,
}

impl Program {
    /// Starts it, as the service of this name.
    #[track_caller]
    pub fn start(service: &str, command: &mut Command) -> Self {
        let command = command.env("OTEL_SERVICE_NAME", service).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let output = child.stdout.take().map(BufReader::new);
        Self { child, output }
    }

    /// The next line that it prints.
    #[track_caller]
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        let output = self.output.as_mut().expect("its output is read by one story");
        output.read_line(&mut line).expect("a pipe can be read");
        assert!(!line.is_empty(), "the program ended without a word");
        line.trim_end().into()
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it without a chance to say anything.
    pub fn kill(mut self) {
        self.end();
    }

    /// Waits for its end, which must be a good one.
    #[track_caller]
    pub fn finish(mut self) {
        let status = self.child.wait().expect("a child can be waited for");
        assert!(status.success(), "the program failed: {status}");
    }

    fn end(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.end();
    }
}

/// The distribution's Python: it starts faster than one behind a version manager.
pub fn system_python() -> &'static str {
    if Path::new("/usr/bin/python3").exists() { "/usr/bin/python3" } else { "python3" }
}

/// Starts a Python program as a service; it prints a line when it is ready, which is awaited.
#[track_caller]
pub fn python(room: &Room, service: &str, text: &str, arguments: &[&str]) -> Program {
    let script = room.file(&format!("{service}.py"), text);
    let mut program = Program::start(service, Command::new(system_python()).arg("-u").arg(script).args(arguments));
    assert_eq!(program.line(), "ready");
    program
}

/// Runs a command to its end, which must be a good one.
#[track_caller]
pub fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}
