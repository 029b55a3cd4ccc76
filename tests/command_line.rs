//! What a user types, and what the process answers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests stop at the first surprise"
)]

mod support;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use support::{Kernel, Outcome, Room, free_port, read_request, serve_each, tidewatch};

const CONFIGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/configs");

/// What the Go Collector said about a configuration.
struct Verdict {
    name: String,
    code: i32,
    sentence: String,
}

fn verdicts() -> Vec<Verdict> {
    let text = std::fs::read_to_string(Path::new(CONFIGS).join("verdicts.json")).unwrap();
    let all: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
    let verdict = |(name, said): (String, serde_json::Value)| Verdict {
        sentence: innermost(said["err"].as_str().unwrap()),
        code: i32::try_from(said["rc"].as_i64().unwrap()).unwrap(),
        name,
    };
    all.into_iter().map(verdict).collect()
}

/// The line that names the fault, without what the Collector wraps around it and without what may differ: lists of valid
/// values, and names of structs of its code, for which we write the path of the section.
fn innermost(said: &str) -> String {
    const WRAPPERS: [&str; 3] = [
        "Error: ",
        "failed to get config: cannot resolve the configuration: ",
        "retrieved value (type=string) cannot be used as a Conf: assuming string type since contents are not valid YAML: ",
    ];
    let line = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    let line = WRAPPERS.iter().fold(line, |line, wrapper| line.strip_prefix(wrapper).unwrap_or(line));
    let line = line.split(" (valid values").next().unwrap_or(line);
    let is_struct = |name: &str| name.contains('.') && !name.contains("::");
    let subject = line.strip_prefix('\'').and_then(|rest| rest.split_once("' "));
    subject.filter(|(name, _)| is_struct(name)).map_or(line, |(_, rest)| rest).into()
}

fn validate(config: &Path) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidewatch"));
    command.arg("validate").arg("--config").arg(config).env_remove("CORPUS_UNSET").envs([
        ("CORPUS_PORT", "4319"),
        ("CORPUS_LIST", "[otlp]"),
        ("CORPUS_MAP", "{a: 1}"),
        ("CORPUS_DEBUG", "{verbosity: detailed}"),
        ("MY_POD_IP", "127.0.0.1"),
    ]);
    Outcome::of(&mut command)
}

#[test]
fn configurations_are_judged_as_the_go_collector_judges_them() {
    let differs = |verdict: &Verdict| {
        let file = Path::new(CONFIGS).join(format!("{}.yaml", verdict.name));
        let ours = validate(&file);
        let agrees = ours.code == verdict.code && ours.stderr.contains(&verdict.sentence);
        let Verdict { name, code, sentence } = verdict;
        (!agrees).then(|| format!("{name}: {code} {sentence}\n  ours: {} {}", ours.code, ours.stderr))
    };

    let verdicts = verdicts();
    let differences: Vec<String> = verdicts.iter().filter_map(differs).collect();

    assert!(verdicts.len() > 50);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn every_fault_of_a_file_has_its_place() {
    for verdict in verdicts().iter().filter(|verdict| verdict.code == 1) {
        let file = Path::new(CONFIGS).join(format!("{}.yaml", verdict.name));
        let ours = validate(&file).stderr;
        let place = format!("{}:", file.display());
        assert!(ours.contains(&place), "{}: {ours}", verdict.name);
    }
}

#[test]
fn what_a_helm_chart_renders_is_accepted_but_for_components_that_are_to_come() {
    for entry in std::fs::read_dir(Path::new(CONFIGS).join("helm")).unwrap() {
        let file: PathBuf = entry.unwrap().path();
        let ours = validate(&file);

        let errors: Vec<&str> = ours.stderr.lines().filter(|line| line.contains(": error: ")).collect();
        // The chart's own fault: it names a processor that it does not configure.
        let is_expected = |line: &str| {
            line.contains("unknown type: ")
                || line.contains("not supported yet")
                || line.contains("references processor \"resource\" which is not configured")
        };
        assert!(errors.iter().all(|line| is_expected(line)), "{}: {}", file.display(), ours.stderr);
        assert_eq!(ours.code, i32::from(!errors.is_empty()));
    }
}

const MINIMAL: &str = "receivers: {nop: }
exporters: {otlp_http: {endpoint: \"http://localhost:4318\", headers: {authorization: Bearer hunter2}}}
service: {pipelines: {traces: {receivers: [nop], exporters: [otlp_http]}}}
";

#[test]
fn a_right_configuration_is_validated_in_silence() {
    let room = Room::new();
    let outcome = validate(&room.file("config.yaml", MINIMAL));
    assert_eq!((outcome.code, outcome.stdout.as_str(), outcome.stderr.as_str()), (0, "", ""));
}

#[test]
fn a_wrong_configuration_is_not_run() {
    let outcome = Outcome::of_config(
        "receivers: {nop: }\nexporters: {nop: {}}\nservice: {pipelines: {traces: {receivers: [nop]}}}\n",
    );
    assert_eq!(outcome.code, 1);
    assert!(outcome.stderr.contains("config.yaml:3:"), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("service::pipelines::traces: must have at least one exporter"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn the_printed_configuration_shows_what_was_merged_and_no_secret() {
    let room = Room::new();
    let file = room.file("config.yaml", MINIMAL);
    let file = file.to_str().unwrap();
    let more = "yaml:exporters::otlp_http::timeout: 7s";
    let print = ["print-config", "--config", file, "--config", more, "--set", "exporters.otlp_http.compression=none"];

    let redacted = tidewatch(&print);
    let shown = tidewatch(&[&print[..], &["--mode", "unredacted", "--format", "json"]].concat());

    assert_eq!((redacted.code, shown.code), (0, 0), "{} {}", redacted.stderr, shown.stderr);
    assert!(redacted.stdout.contains("7s") && redacted.stdout.contains("compression: none"), "{}", redacted.stdout);
    assert!(!redacted.stdout.contains("hunter2"), "{}", redacted.stdout);
    assert!(redacted.stdout.contains("[REDACTED]"), "{}", redacted.stdout);
    let json: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!(json["exporters"]["otlp_http"]["headers"]["authorization"], "Bearer hunter2");
}

#[test]
fn the_list_of_components_names_each_kind() {
    let outcome = tidewatch(&["components"]);
    assert_eq!(outcome.code, 0);
    for name in
        ["ebpf", "otlp", "batch", "memory_limiter", "service_graph", "span_metrics", "prometheus", "health_check"]
    {
        assert!(outcome.stdout.contains(&format!("  - name: {name}\n")), "{name} in {}", outcome.stdout);
    }
}

#[test]
fn the_version_is_said_and_unknown_arguments_are_refused() {
    let version = tidewatch(&["--version"]);
    assert_eq!((version.code, version.stdout), (0, format!("tidewatch {}\n", env!("CARGO_PKG_VERSION"))));

    let unknown = tidewatch(&["--no-such-thing"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("--no-such-thing"), "{}", unknown.stderr);
}

#[test]
fn the_doctor_finds_this_kernel_fit() {
    let Some(_kernel) = Kernel::to_observe() else { return };
    let outcome = tidewatch(&["doctor"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stdout);
    assert!(outcome.stdout.contains("sock_send_length"), "{}", outcome.stdout);
}

#[test]
fn top_shows_edges_as_its_last_lines() {
    let port = free_port();
    let turn = Arc::new(AtomicU32::new(0));
    serve_each(port, move |mut stream| {
        while read_request(&mut stream).is_some() {
            let total = 100 + 10 * turn.fetch_add(1, Ordering::Relaxed);
            let labels = "client=\"web\",server=\"cart\",connection_type=\"\"";
            let body = format!("traces_service_graph_request_total{{{labels}}} {total}\n");
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            stream.write_all((head + &body).as_bytes()).unwrap();
        }
    });

    let url = format!("http://127.0.0.1:{port}/metrics");
    let outcome = tidewatch(&["top", "--url", &url, "--interval", "200ms", "--for", "600ms"]);

    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let last = outcome.stdout.lines().last().unwrap();
    assert!(last.starts_with("web     cart") && last.contains("/s"), "{}", outcome.stdout);
    assert!(!last.contains(" 0.0/s"), "{}", outcome.stdout);
}

#[test]
fn top_says_what_it_cannot_read() {
    let url = format!("http://127.0.0.1:{}/metrics", free_port());
    let outcome = tidewatch(&["top", "--url", &url, "--for", "1s"]);
    assert_eq!(outcome.code, 1);
    assert!(outcome.stderr.contains(&url) && outcome.stderr.contains("refused"), "{}", outcome.stderr);
}

#[test]
fn a_capture_is_replayed_as_json_and_that_is_all() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidewatch"));
    command.args(["--config", "examples/pcap/replay.yaml"]).current_dir(env!("CARGO_MANIFEST_DIR"));

    let outcome = Outcome::of(&mut command);

    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let told = support::Told::read(&outcome.stdout);
    assert!(told.spans.iter().any(|span| span.service == "front" && span.name == "GET /products/{id}"), "{told}");
    assert!(!told.last("http.server.request.duration").is_empty());
}

#[test]
fn a_replay_of_which_nobody_wants_to_read_more_ends() {
    let mut command = Command::new("timeout");
    command.args(["60", env!("CARGO_BIN_EXE_tidewatch"), "--config", "examples/pcap/replay.yaml"]);
    command.current_dir(env!("CARGO_MANIFEST_DIR")).stdout(std::process::Stdio::piped());
    let mut replay = command.stderr(std::process::Stdio::null()).spawn().unwrap();

    drop(replay.stdout.take());

    assert_ne!(replay.wait().unwrap().code(), Some(124), "it would go on for ever");
}

#[test]
fn every_configuration_that_we_ship_is_valid_and_gives_no_warning() {
    for file in [
        "config/presets/agent.yaml",
        "config/presets/gateway.yaml",
        "config/presets/standalone.yaml",
        "examples/demo/tidewatch.yaml",
        "examples/pcap/replay.yaml",
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        // Their defaults for what the environment names are part of what is checked.
        let outcome = tidewatch(&["validate", "--config", path.to_str().unwrap()]);

        assert_eq!(outcome.code, 0, "{file}: {}", outcome.stderr);
        assert!(
            !outcome.stderr.contains("is deprecated") && !outcome.stderr.contains("not used"),
            "{}",
            outcome.stderr
        );
    }
}
