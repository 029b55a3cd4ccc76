//! nginx under wrk: alone, with Tidewatch looking elsewhere, with Tidewatch looking at it.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::figure::{Figure, mebibytes, micros, millis, verdict};
use super::{Bench, Report};
use crate::Fault;
use crate::sink::Sink;
use crate::subject::{Running, cpu, free_address};

const MOST_MEBIBYTES: f64 = 45.0;
const LONGEST_START_MS: f64 = 300.0;

/// An nginx of one process that answers from memory; its CPU time is that of one process id.
pub(super) struct Nginx {
    child: Child,
    pub(super) address: SocketAddr,
    _directory: tempfile::TempDir,
}

impl Nginx {
    pub(super) fn start() -> Result<Self, Fault> {
        Self::start_on(None)
    }

    /// The same, on one core only.
    pub(super) fn start_on(core: Option<usize>) -> Result<Self, Fault> {
        let address = free_address()?;
        let directory = tempfile::tempdir()?;
        let file = directory.path().join("nginx.conf");
        std::fs::write(
            &file,
            format!(
                "daemon off; master_process off; pid {directory}/pid; error_log /dev/null;\n\
                 events {{ worker_connections 1024; }}\n\
                 http {{ access_log off; keepalive_requests 1000000000;\n\
                 client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy;\n\
                 fastcgi_temp_path {directory}/fastcgi; uwsgi_temp_path {directory}/uwsgi; scgi_temp_path {directory}/scgi;\n\
                 server {{ listen {address}; location / {{ return 200 'Hello, world\\n'; }}\n\
                 location = /status {{ stub_status; }} }} }}\n",
                directory = directory.path().display()
            ),
        )?;
        let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
        let child = command_on(core, "nginx")
            .env("PATH", path)
            .arg("-c")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("cannot start nginx: {error}; scripts/setup installs it"))?;
        let nginx = Self { child, address, _directory: directory };
        let end = Instant::now() + Duration::from_secs(5);
        while nginx.requests().is_err() {
            if Instant::now() > end {
                return Err("nginx does not answer".into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(nginx)
    }

    pub(super) fn cpu(&self) -> Result<Duration, Fault> {
        cpu(self.child.id())
    }

    /// Requests that it has answered so far, this one included. By a raw request, so that asking needs no client.
    pub(super) fn requests(&self) -> Result<u64, Fault> {
        use std::io::{Read as _, Write as _};
        let mut stream = std::net::TcpStream::connect(self.address)?;
        stream.write_all(b"GET /status HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let line = answer.lines().skip_while(|line| !line.starts_with("server accepts")).nth(1).unwrap_or_default();
        Ok(line.split_whitespace().nth(2).ok_or("no stub_status")?.parse()?)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What wrk says about one run.
pub(super) struct Wrk {
    pub(super) requests: u64,
    pub(super) requests_per_second: f64,
    pub(super) p99_ms: f64,
}

/// A program, on one core or on any; `taskset` becomes the program, so that the process id is its own.
fn command_on(core: Option<usize>, program: &str) -> Command {
    let Some(core) = core else { return Command::new(program) };
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", &core.to_string(), program]);
    command
}

pub(super) fn wrk(target: SocketAddr, duration: Duration) -> Result<Wrk, Fault> {
    wrk_on(None, target, duration)
}

/// The same, on one core only.
pub(super) fn wrk_on(core: Option<usize>, target: SocketAddr, duration: Duration) -> Result<Wrk, Fault> {
    let output = command_on(core, "wrk")
        .args(["--latency", "-t1", "-c64", &format!("-d{}s", duration.as_secs()), &format!("http://{target}/hello")])
        .output()
        .map_err(|error| format!("cannot start wrk: {error}; install the package wrk"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let after = |name: &str| text.lines().find_map(|line| line.trim().strip_prefix(name)).map(str::trim);
    let requests = text.lines().find_map(|line| line.trim().split_once(" requests in ")).map(|(count, _)| count);
    Ok(Wrk {
        requests: requests.ok_or("wrk says nothing")?.parse()?,
        requests_per_second: after("Requests/sec:").ok_or("wrk says no rate")?.parse()?,
        p99_ms: milliseconds(after("99%").ok_or("wrk says no latency")?)?,
    })
}

/// "812.00us", "1.23ms" or "1.01s".
fn milliseconds(text: &str) -> Result<f64, Fault> {
    let scales = [("us", 1e-3), ("ms", 1.0), ("s", 1e3)];
    let (number, scale) = scales
        .into_iter()
        .find_map(|(unit, scale)| Some((text.strip_suffix(unit)?, scale)))
        .ok_or_else(|| format!("{text:?} is no time"))?;
    Ok(number.parse::<f64>()? * scale)
}

/// Observes one port, and of those that use it whom `who` says in the receiver's words; spans and metrics go to the sink.
pub(super) fn config(port: u16, who: &str, sink: &Sink) -> Result<String, Fault> {
    let telemetry = free_address()?.port();
    Ok(format!(
        "receivers:\n  ebpf: {{include: [{{ports: [{port}]{who}}}], metrics: {{interval: 1s}}}}\n\
         exporters:\n  otlp_grpc: {{endpoint: \"{}\", tls: {{insecure: true}}, compression: none}}\n\
         service:\n  telemetry:\n    metrics: {{readers: [{{pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: {telemetry}}}}}}}}}]}}\n  \
         pipelines:\n    traces: {{receivers: [ebpf], exporters: [otlp_grpc]}}\n    \
         metrics: {{receivers: [ebpf], exporters: [otlp_grpc]}}\n",
        sink.grpc
    ))
}

/// The `ebpf` receiver needs the rights of root.
pub(super) fn may_load() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").is_ok_and(|itself| itself.uid() == 0)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Watch {
    Nobody,
    Elsewhere,
    Nginx,
}

#[derive(Default)]
struct Figures {
    rate: Figure,
    server_cpu: Figure,
    agent_cpu: Figure,
    p99: Figure,
    rss: Figure,
    peak_rss: Figure,
    ready: Figure,
}

pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<(), Fault> {
    report.table(
        "nginx and wrk",
        "One nginx process, `wrk -t1 -c64` on keep-alive connections, 8 MiB ring; spans and metrics leave by OTLP. The CPU of nginx contains the eBPF programs that run on its calls.",
        &["Row", "requests/s", "nginx CPU us/request", "Tidewatch CPU us/request", "p99 ms", "RSS MiB, idle", "peak RSS MiB", "ready after ms"],
    );
    if !may_load() {
        report.note("Not run: the `ebpf` receiver needs root.");
        return Ok(());
    }
    let mut rows = [
        ("nginx alone", Watch::Nobody, Figures::default()),
        ("Tidewatch observes another port", Watch::Elsewhere, Figures::default()),
        ("Tidewatch observes nginx and wrk", Watch::Nginx, Figures::default()),
    ];
    for _ in 0..bench.runs {
        for (_, watch, figures) in &mut rows {
            run(bench, *watch, figures)?;
        }
    }
    for (name, _, figures) in &rows {
        report.row(&[
            (*name).to_owned(),
            figures.rate.show(0),
            figures.server_cpu.show(2),
            figures.agent_cpu.show(2),
            figures.p99.show(2),
            figures.rss.show(1),
            figures.peak_rss.show(1),
            figures.ready.show(0),
        ]);
    }
    let [alone, _, observed] = rows.map(|(_, _, figures)| figures);
    let added = observed.server_cpu.median() - alone.server_cpu.median() + observed.agent_cpu.median();
    let verdicts = [
        format!(
            "added per request on the server's side and in the agent, by difference: {added:.2} us (the client's side is not in it; see the kernel's own figures below)"
        ),
        verdict("RSS with the receiver loaded, idle", observed.rss.median(), MOST_MEBIBYTES, "MiB"),
        verdict("ready with the receiver", observed.ready.median(), LONGEST_START_MS, "ms"),
    ];
    report.note(&verdicts.map(|verdict| format!("- {verdict}")).join("\n"));
    Ok(())
}

fn run(bench: &Bench, watch: Watch, figures: &mut Figures) -> Result<(), Fault> {
    let nginx = Nginx::start()?;
    let sink = Sink::start(Duration::ZERO)?;
    let agent = start_agent(bench, watch, &nginx, &sink)?;
    if let Some(agent) = &agent {
        std::thread::sleep(Duration::from_secs(1));
        figures.rss.add(mebibytes(agent.rss()?));
        figures.ready.add(millis(agent.ready_after));
    }
    let agent_cpu = || agent.as_ref().map_or(Ok(Duration::ZERO), Running::cpu);
    let (server_before, agent_before) = (nginx.cpu()?, agent_cpu()?);
    let said = wrk(nginx.address, bench.stretch)?;
    let (server, agent_used) = (nginx.cpu()? - server_before, agent_cpu()? - agent_before);
    figures.rate.add(said.requests_per_second);
    figures.p99.add(said.p99_ms);
    figures.server_cpu.add(micros(server) / said.requests as f64);
    if let Some(agent) = agent {
        figures.agent_cpu.add(micros(agent_used) / said.requests as f64);
        figures.peak_rss.add(mebibytes(agent.peak_rss()?));
        agent.stop()?;
    }
    Ok(())
}

fn start_agent(bench: &Bench, watch: Watch, nginx: &Nginx, sink: &Sink) -> Result<Option<Running>, Fault> {
    let port = match watch {
        Watch::Nobody => return Ok(None),
        Watch::Elsewhere => free_address()?.port(),
        Watch::Nginx => nginx.address.port(),
    };
    bench.ours.start(&config(port, "", sink)?).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrk_says_times_in_three_units() {
        assert_eq!(milliseconds("812.00us").unwrap(), 0.812);
        assert_eq!(milliseconds("1.23ms").unwrap(), 1.23);
        assert_eq!(milliseconds("1.01s").unwrap(), 1010.0);
        assert!(milliseconds("soon").is_err());
    }
}
