//! A tested process: started with a configuration, watched from outside, ended.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::time::ClockId;
use nix::unistd::Pid;

use crate::Fault;

/// Both print it, on standard error, when all their parts run.
const READY: &str = "Everything is ready";
const LONGEST_START: Duration = Duration::from_secs(20);
const LONGEST_STOP: Duration = Duration::from_secs(20);
/// Kept for the report of a process that did not start.
const LAST_LINES: usize = 20;

/// A program that can be tested.
#[derive(Debug, Clone)]
pub struct Program {
    /// As the report calls it.
    pub name: &'static str,
    /// The file.
    pub path: PathBuf,
}

impl Program {
    /// Size of the file in bytes.
    pub fn size(&self) -> Result<u64, Fault> {
        Ok(std::fs::metadata(&self.path)?.len())
    }

    /// Starts it with this configuration and waits until it is ready.
    pub fn start(&self, config: &str) -> Result<Running, Fault> {
        let directory = tempfile::tempdir()?;
        let file = directory.path().join("config.yaml");
        std::fs::write(&file, config)?;
        let started = Instant::now();
        let mut child = Command::new(&self.path)
            .arg("--config")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", self.path.display()))?;
        let lines = Arc::new(Mutex::new(Vec::new()));
        let ready = child.stderr.take().map(|stderr| watch(stderr, Arc::clone(&lines))).ok_or("no standard error")?;
        let mut running = Running { child, ready_after: Duration::ZERO, _directory: directory };
        match ready.recv_timeout(LONGEST_START) {
            Ok(at) => running.ready_after = at.duration_since(started),
            Err(_) => {
                let _ = running.child.kill();
                let lines = lines.lock().unwrap_or_else(PoisonError::into_inner).join("\n");
                return Err(format!("{} did not get ready with\n{config}\n{lines}", self.name).into());
            }
        }
        Ok(running)
    }
}

/// Reads the log to its end; says when the process was ready.
fn watch(stderr: ChildStderr, lines: Arc<Mutex<Vec<String>>>) -> mpsc::Receiver<Instant> {
    let (ready, told) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let now = Instant::now();
            if line.contains(READY) {
                let _ = ready.send(now);
            }
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            if lines.len() < LAST_LINES {
                lines.push(line);
            }
        }
    });
    told
}

/// A process that runs. It is killed if it is dropped before it was stopped.
pub struct Running {
    child: Child,
    /// From its start until it said so.
    pub ready_after: Duration,
    _directory: tempfile::TempDir,
}

impl Running {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Time on a CPU so far, in user and kernel mode, of all its threads.
    pub fn cpu(&self) -> Result<Duration, Fault> {
        cpu(self.pid())
    }

    /// Memory in RAM now, in bytes.
    pub fn rss(&self) -> Result<u64, Fault> {
        status_bytes(self.pid(), "VmRSS")
    }

    /// Most memory in RAM so far, in bytes.
    pub fn peak_rss(&self) -> Result<u64, Fault> {
        status_bytes(self.pid(), "VmHWM")
    }

    /// Asks it to end and waits.
    pub fn stop(mut self) -> Result<(), Fault> {
        kill(pid_of(self.pid())?, Signal::SIGTERM)?;
        let end = Instant::now() + LONGEST_STOP;
        while Instant::now() < end {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Err(format!("process {} does not end", self.pid()).into())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Time on a CPU of any process, to the nanosecond: `utime` and `stime` of `/proc` without their rounding.
pub fn cpu(pid: u32) -> Result<Duration, Fault> {
    Ok(ClockId::pid_cpu_clock_id(pid_of(pid)?)?.now()?.into())
}

fn pid_of(pid: u32) -> Result<Pid, Fault> {
    Ok(Pid::from_raw(i32::try_from(pid)?))
}

fn status_bytes(pid: u32, key: &str) -> Result<u64, Fault> {
    let status = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    let kibibytes: u64 = line.and_then(|line| line.trim().strip_suffix("kB")).ok_or("no such line")?.trim().parse()?;
    Ok(kibibytes * 1024)
}

/// An address of the loopback on which nobody listens.
pub fn free_address() -> Result<SocketAddr, Fault> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_worked_has_used_its_cpu() {
        let before = cpu(std::process::id()).unwrap();
        let mut sum = 0_u64;
        while cpu(std::process::id()).unwrap() - before < Duration::from_millis(1) {
            sum = sum.wrapping_mul(31).wrapping_add(1);
        }
        assert!(sum > 0);
        assert!(status_bytes(std::process::id(), "VmHWM").unwrap() > 100_000);
    }
}
