//! Bad input gets one clear answer and harms nothing else.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests stop at the first surprise"
)]

mod support;

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use support::{Answer, Kernel, Outcome, Room, Tidewatch, Told, connect, free_port, post, post_json, run, traces_json};

fn gateway(http: u16) -> Tidewatch {
    Tidewatch::start(&format!(
        "receivers: {{otlp: {{protocols: {{http: {{endpoint: \"127.0.0.1:{http}\"}}}}}}}}
exporters: {{file: {{path: \"${{env:ROOM}}/told.json\"}}}}
service: {{pipelines: {{traces: {{receivers: [otlp], exporters: [file]}}}}}}
"
    ))
}

const PROTOBUF: &str = "Content-Type: application/x-protobuf\r\n";

fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

/// Whatever came before: good data still gets through, and nothing else does.
fn still_works(tidewatch: Tidewatch, http: u16) {
    assert_eq!(post_json(http, &traces_json("good", &["fine".into()])).status, 200);
    let told = tidewatch.stop();
    assert_eq!(told.spans.iter().map(|span| span.name.as_str()).collect::<Vec<_>>(), ["fine"]);
}

/// A span of this name in protobuf: resource_spans, scope_spans, spans, name.
fn span_named(name: &[u8]) -> Vec<u8> {
    let field = |tag: u8, content: &[u8]| {
        let length = u8::try_from(content.len()).expect("short");
        assert!(length < 128);
        [&[tag, length], content].concat()
    };
    field(0x0a, &field(0x12, &field(0x12, &field(0x2a, name))))
}

#[test]
fn malformed_and_truncated_requests_are_refused() {
    let http = free_port();
    let tidewatch = gateway(http);
    let whole = span_named(b"cut");

    let malformed = post(http, "/v1/traces", PROTOBUF, b"\xff\xff\xff\xff not protobuf");
    let truncated = post(http, "/v1/traces", PROTOBUF, &whole[..whole.len() - 2]);
    let not_json = post(http, "/v1/traces", "Content-Type: application/json\r\n", b"{\"resourceSpans\": [");

    for answer in [malformed, truncated, not_json] {
        assert_eq!(answer.status, 400, "{}", text(&answer));
        assert!(!answer.body.is_empty());
    }
    still_works(tidewatch, http);
}

#[test]
fn a_sender_that_hangs_up_in_the_middle_harms_nobody() {
    let http = free_port();
    let tidewatch = gateway(http);

    let mut stream = connect(http);
    stream.write_all(b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 1000\r\n\r\nabc").unwrap();
    drop(stream);

    still_works(tidewatch, http);
}

#[test]
fn a_hundred_megabytes_of_zeros_in_a_small_parcel_are_refused() {
    let http = free_port();
    let tidewatch = gateway(http);
    let room = Room::new();
    let bomb = room.path("zeros.gz");
    run(Command::new("sh").arg("-c").arg(format!("head -c 100000000 /dev/zero | gzip > '{}'", bomb.display())));
    let headers = format!("{PROTOBUF}Content-Encoding: gzip\r\n");

    let answer = post(http, "/v1/traces", &headers, &std::fs::read(bomb).unwrap());

    assert_eq!(answer.status, 413, "{}", text(&answer));
    assert!(!answer.head.to_ascii_lowercase().contains("retry-after"), "it will never be taken: {}", answer.head);
    assert!(text(&answer).contains("raise 'max_request_body_size'"), "{}", text(&answer));
    let resident = tidewatch.resident();
    assert!(resident < 150 * 1024 * 1024, "{resident} bytes are resident");
    still_works(tidewatch, http);
}

#[test]
fn ten_thousand_attributes_on_a_span_are_only_many() {
    let http = free_port();
    let tidewatch = gateway(http);
    let attribute = |number| format!("{{\"key\":\"key{number}\",\"value\":{{\"intValue\":\"{number}\"}}}}");
    let attributes = (0..10_000).map(attribute).collect::<Vec<_>>().join(",");
    let span = traces_json("rich", &["many".into()])
        .replace("\"kind\":2", &format!("\"kind\":2,\"attributes\":[{attributes}]"));

    assert_eq!(post_json(http, &span).status, 200);

    let told = tidewatch.stop();
    assert_eq!(told.spans[0].attributes.len(), 10_000);
    assert_eq!(told.spans[0].get("key9999"), "9999");
}

#[test]
fn text_that_is_not_utf_8_is_refused_and_its_place_named() {
    let http = free_port();
    let tidewatch = gateway(http);

    let answer = post(http, "/v1/traces", PROTOBUF, &span_named(b"\xff\xfe bad"));

    // proto3 says that a string is UTF-8; the place is named, so that the sender can be found and mended.
    assert_eq!(answer.status, 400, "{}", text(&answer));
    let place = "malformed OTLP at byte 7 in resource_spans.scope_spans.spans.name: string is not valid UTF-8";
    assert!(text(&answer).contains(place), "{}", text(&answer));
    still_works(tidewatch, http);
}

#[test]
fn a_port_that_is_taken_is_named() {
    let http = free_port();
    let _first = gateway(http);

    let second = Outcome::of_config(&format!(
        "receivers: {{otlp: {{protocols: {{http: {{endpoint: \"127.0.0.1:{http}\"}}}}}}}}
exporters: {{nop: {{}}}}
service: {{pipelines: {{traces: {{receivers: [otlp], exporters: [nop]}}}}}}
"
    ));

    assert_eq!(second.code, 1);
    let last = second.stderr.lines().last().unwrap_or_default();
    assert!(last.contains(&format!("127.0.0.1:{http}")) && last.contains("in use"), "{}", second.stderr);
}

#[test]
fn without_privileges_one_sentence_says_what_is_missing() {
    const NOBODY: &str = "65534";
    let Some(_kernel) = Kernel::to_observe() else { return };
    // The folders above the binary may be closed to others.
    let home = std::env::temp_dir().join(format!("tidewatch-nobody-{}", std::process::id()));
    std::fs::create_dir_all(&home).unwrap();
    std::fs::set_permissions(&home, std::fs::Permissions::from_mode(0o755)).unwrap();
    let (binary, config) = (home.join("tidewatch"), home.join("config.yaml"));
    std::fs::copy(env!("CARGO_BIN_EXE_tidewatch"), &binary).unwrap();
    let yaml = "receivers: {ebpf: {}}
exporters: {nop: {}}
service:
  telemetry: {metrics: {level: none}}
  pipelines: {traces: {receivers: [ebpf], exporters: [nop]}}
";
    std::fs::write(&config, yaml).unwrap();
    let as_nobody = |arguments: &[&str]| {
        let mut command = Command::new("setpriv");
        command.args([
            "--reuid",
            NOBODY,
            "--regid",
            NOBODY,
            "--clear-groups",
            "--bounding-set",
            "-all",
            "--inh-caps",
            "-all",
        ]);
        Outcome::of(command.arg(&binary).args(arguments).stdin(Stdio::null()))
    };

    let run = as_nobody(&["--config", config.to_str().unwrap()]);
    let doctor = as_nobody(&["doctor"]);
    std::fs::remove_dir_all(&home).unwrap();

    assert_eq!(run.code, 1);
    let last = run.stderr.lines().last().unwrap_or_default();
    assert!(last.starts_with("Error: ") && last.contains("cap_bpf") && last.contains("root"), "{}", run.stderr);
    assert_eq!(doctor.code, 1, "{}", doctor.stdout);
}

#[test]
fn a_capture_that_was_cut_in_the_middle_gives_what_is_whole() {
    let room = Room::new();
    let whole = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/pcap/shop.pcap")).unwrap();
    let cut = room.file("cut.pcap", &whole[..whole.len() * 2 / 3 + 5]);
    let replay = |path: &std::path::Path| {
        Outcome::of_config(&format!(
            "receivers: {{pcap: {{path: \"{}\", exit_at_eof: true}}}}
exporters: {{file: {{path: /dev/stdout}}}}
service: {{pipelines: {{traces: {{receivers: [pcap], exporters: [file]}}}}}}
",
            path.display()
        ))
    };

    let outcome = replay(&cut);

    assert!(outcome.stderr.contains("cut.pcap"), "{}", outcome.stderr);
    let spans = Told::read(&outcome.stdout).spans.len();
    let all = Told::read(&replay(&room.file("whole.pcap", &whole)).stdout).spans.len();
    assert!(spans > 0 && spans < all, "{spans} of {all} spans: {}", outcome.stderr);
}
