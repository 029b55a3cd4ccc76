//! What stands in files, and what is said when nothing can.

use std::fs;
use std::path::Path;
use std::time::Duration;

use component::testkit::{ExporterStory, Stage, exporter, exporter_on, faults};
use pdata::{LogFields, LogsWriter, SpanFields, TracesWriter, json};
use proptest::prelude::*;
use tempfile::{TempDir, tempdir};

use super::*;

/// One span with this name, from this tenant.
fn span_of(tenant: Option<&str>, name: &str) -> Batch {
    let mut writer = TracesWriter::new();
    put_span(&mut writer, tenant, name);
    writer.finish()
}

fn put_span(writer: &mut TracesWriter, tenant: Option<&str>, name: &str) {
    writer.resource(|attributes| {
        if let Some(tenant) = tenant {
            attributes.add("tenant", tenant);
        }
    });
    writer.span(&SpanFields { name, ..SpanFields::default() }, |_| {});
}

fn span(name: &str) -> Batch {
    span_of(None, name)
}

fn log(text: &str) -> Batch {
    let mut writer = LogsWriter::new();
    writer.resource(|_| {});
    writer.record(&LogFields { body: Some(text.into()), ..LogFields::default() }, |_| {});
    writer.finish()
}

/// The JSON line of a batch.
fn line(batch: &Batch) -> String {
    String::from_utf8(json::encode(batch)).unwrap() + "\n"
}

fn start(directory: &TempDir, settings: &str) -> ExporterStory<FileExporter> {
    let path = directory.path().join("spans.json");
    exporter::<FileExporter>(Signal::Traces, &format!("{{path: '{}', {settings}}}", path.display()))
}

fn read(directory: &TempDir, name: &str) -> String {
    fs::read_to_string(directory.path().join(name)).unwrap()
}

/// The names of all files below, sorted.
fn files(directory: &Path) -> Vec<String> {
    fn walk(directory: &Path, root: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, root, found);
            } else {
                found.push(path.strip_prefix(root).unwrap().display().to_string());
            }
        }
    }
    let mut found = Vec::new();
    walk(directory, directory, &mut found);
    found.sort();
    found
}

/// The messages of a file whose messages stand behind their lengths.
fn framed(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let (message, rest) = rest.split_at(u32::from_be_bytes(*length) as usize);
        messages.push(message.to_vec());
        bytes = rest;
    }
    messages
}

#[test]
fn each_batch_is_a_line_and_is_there_when_it_is_acknowledged() {
    let directory = tempdir().unwrap();
    let mut story = start(&directory, "");

    assert_eq!(story.delivers(span("a")), Ok(()));
    assert_eq!(read(&directory, "spans.json"), line(&span("a")));
    assert_eq!(story.delivers(span("b")), Ok(()));

    assert_eq!(read(&directory, "spans.json"), line(&span("a")) + &line(&span("b")));
    assert_eq!(story.stage.metric("otelcol_exporter_sent_spans", &[("exporter", "story")]), 2.0);
}

#[test]
fn binary_messages_stand_behind_their_length() {
    let directory = tempdir().unwrap();
    let mut story = start(&directory, "format: proto");

    story.delivers(span("a")).unwrap();
    story.delivers(span("bc")).unwrap();

    let bytes = fs::read(directory.path().join("spans.json")).unwrap();
    assert_eq!(framed(&bytes), [span("a").to_bytes().to_vec(), span("bc").to_bytes().to_vec()]);
}

#[test]
fn compressed_messages_stand_behind_their_length_too() {
    let directory = tempdir().unwrap();
    let mut story = start(&directory, "compression: zstd, compression_params: {level: 6}");

    story.delivers(span("a")).unwrap();

    let bytes = fs::read(directory.path().join("spans.json")).unwrap();
    let messages: Vec<_> =
        framed(&bytes).iter().map(|message| zstd::stream::decode_all(&message[..]).unwrap()).collect();
    assert_eq!(messages, [json::encode(&span("a"))]);
}

#[test]
fn a_file_that_was_there_is_written_over_unless_it_is_appended_to() {
    for (settings, kept) in [("", ""), ("append: true", "old\n")] {
        let directory = tempdir().unwrap();
        fs::write(directory.path().join("spans.json"), "old\n").unwrap();

        start(&directory, settings).delivers(span("a")).unwrap();

        assert_eq!(read(&directory, "spans.json"), format!("{kept}{}", line(&span("a"))));
    }
}

#[test]
fn all_signals_and_shards_of_an_exporter_write_one_file() {
    let directory = tempdir().unwrap();
    let yaml = format!("{{path: '{}'}}", directory.path().join("all.json").display());
    let stage = Stage::new(Signal::Traces, 1 << 20);
    let mut elsewhere = stage.clone();
    elsewhere.context.signal = Some(Signal::Logs);
    let mut traces = exporter_on::<FileExporter>(stage, &yaml).unwrap();
    traces.delivers(span("a")).unwrap();

    let mut logs = exporter_on::<FileExporter>(elsewhere, &yaml).unwrap();
    logs.delivers(log("b")).unwrap();
    traces.delivers(span("c")).unwrap();

    assert_eq!(read(&directory, "all.json"), line(&span("a")) + &line(&log("b")) + &line(&span("c")));
}

#[test]
fn a_shard_that_starts_again_loses_nothing_that_was_written() {
    let directory = tempdir().unwrap();
    let yaml = format!("{{path: '{}'}}", directory.path().join("all.json").display());
    let stage = Stage::new(Signal::Traces, 1 << 20);
    let mut first = exporter_on::<FileExporter>(stage.clone(), &yaml).unwrap();
    first.delivers(span("a")).unwrap();
    first.stops();
    drop(first);

    exporter_on::<FileExporter>(stage, &yaml).unwrap().delivers(span("b")).unwrap();

    assert_eq!(read(&directory, "all.json"), line(&span("a")) + &line(&span("b")));
}

#[test]
fn what_still_waits_is_written_before_the_end() {
    let directory = tempdir().unwrap();
    let mut story = start(&directory, "");
    let mut watched: Vec<_> = (0..100).map(|number| story.takes(span(&number.to_string()))).collect();

    story.stops();

    assert!(watched.iter_mut().all(|watched| watched.is_accepted()));
    assert_eq!(read(&directory, "spans.json").lines().count(), 100);
}

#[test]
fn a_full_disk_refuses_data_to_its_sender() {
    let mut story = exporter::<FileExporter>(Signal::Traces, "{path: /dev/full}");

    let outcome = story.delivers(span("a"));

    assert!(matches!(outcome, Err(Refusal::Retryable(_))), "{outcome:?}");
    assert_eq!(story.stage.metric("otelcol_exporter_send_failed_spans", &[]), 1.0);
    assert_eq!(story.stage.context.budget.used(), 0);
}

#[test]
fn data_that_the_byte_budget_has_no_room_for_is_refused_at_once() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("spans.json");
    let stage = Stage::new(Signal::Traces, 100);
    let _others = stage.context.budget.take(99).unwrap();
    let mut story = exporter_on::<FileExporter>(stage, &format!("{{path: '{}'}}", path.display())).unwrap();
    // A disk that takes nothing.
    let (jobs, _waiting) = mpsc::channel(8);
    story.exporter().jobs = Some(jobs);

    let mut first = story.takes(span("a"));
    let second = story.delivers(span("b"));

    assert!(first.is_open(), "what comes to an idle file is taken, whatever others keep");
    assert!(matches!(second, Err(Refusal::Overload { .. })), "{second:?}");
    assert_eq!(story.stage.metric("otelcol_exporter_enqueue_failed_spans", &[]), 1.0);
}

#[test]
fn a_missing_directory_is_told_or_made() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("a/b/spans.json");
    let stage = || Stage::new(Signal::Traces, 1 << 20);

    let error = exporter_on::<FileExporter>(stage(), &format!("{{path: '{}'}}", path.display())).err().unwrap();
    assert!(error.0.starts_with(&format!("open {}: ", path.display())), "{error}");

    let yaml = format!("{{path: '{}', create_directory: true, directory_permissions: '0700'}}", path.display());
    exporter_on::<FileExporter>(stage(), &yaml).unwrap().delivers(span("a")).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path.parent().unwrap()).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o700);
}

/// Six spans of 400 kB in files of 1 MiB: two in each.
fn fill(directory: &TempDir, settings: &str) -> ExporterStory<FileExporter> {
    let mut story = start(directory, &format!("rotation: {{max_megabytes: 1, {settings}}}"));
    for _ in 0..6 {
        story.delivers(span(&"x".repeat(400_000))).unwrap();
        story.stage.clock.advance(Duration::from_secs(86_400));
    }
    story
}

#[test]
fn full_files_get_the_name_that_the_collector_gives_them() {
    let directory = tempdir().unwrap();

    fill(&directory, "");

    let names = ["spans-2026-01-03T00-00-00.000-size.json", "spans-2026-01-05T00-00-00.000-size.json", "spans.json"];
    assert_eq!(files(directory.path()), names);
    for name in names {
        assert_eq!(read(&directory, name).lines().count(), 2, "messages stay whole");
    }
}

#[test]
fn only_so_many_full_files_stay_and_only_so_long() {
    for settings in ["max_backups: 1", "max_days: 1"] {
        let directory = tempdir().unwrap();
        fs::write(directory.path().join("spans-of-somebody-else-size.json"), "").unwrap();

        fill(&directory, settings);

        let left = ["spans-2026-01-05T00-00-00.000-size.json", "spans-of-somebody-else-size.json", "spans.json"];
        assert_eq!(files(directory.path()), left, "{settings}");
    }
}

#[test]
fn two_files_that_fill_up_in_one_millisecond_keep_apart() {
    let directory = tempdir().unwrap();
    let mut story = start(&directory, "rotation: {max_megabytes: 1}");

    for _ in 0..3 {
        story.delivers(span(&"x".repeat(1_000_000))).unwrap();
    }

    let names = ["spans-2026-01-01T00-00-00.000-size.json", "spans-2026-01-01T00-00-00.001-size.json", "spans.json"];
    assert_eq!(files(directory.path()), names);
}

#[test]
fn with_rotation_what_was_there_stays() {
    let directory = tempdir().unwrap();
    fs::write(directory.path().join("spans.json"), "old\n").unwrap();

    start(&directory, "rotation: {}").delivers(span("a")).unwrap();

    assert_eq!(read(&directory, "spans.json"), format!("old\n{}", line(&span("a"))));
}

#[test]
fn a_message_larger_than_a_file_is_refused_for_good() {
    let directory = tempdir().unwrap();
    let mut story = start(&directory, "rotation: {max_megabytes: 1}");

    let outcome = story.delivers(span(&"x".repeat(1 << 20)));

    let Err(Refusal::Permanent(reason)) = outcome else { panic!("{outcome:?}") };
    assert!(reason.starts_with("write length ") && reason.ends_with(" exceeds maximum file size 1048576"), "{reason}");
}

fn grouped(directory: &TempDir, settings: &str) -> ExporterStory<FileExporter> {
    let path = directory.path().join("below/*.json");
    let group_by = format!("group_by: {{enabled: true, resource_attribute: tenant, {settings}}}");
    exporter::<FileExporter>(Signal::Traces, &format!("{{path: '{}', {group_by}}}", path.display()))
}

#[test]
fn each_resource_goes_to_the_file_that_it_names() {
    let directory = tempdir().unwrap();
    let mut story = grouped(&directory, "");
    let mut writer = TracesWriter::new();
    for (tenant, name) in [(Some("a"), "1"), (Some("b/c"), "2"), (None, "3"), (Some("a"), "4")] {
        put_span(&mut writer, tenant, name);
    }

    story.delivers(writer.finish()).unwrap();

    assert_eq!(files(directory.path()), ["below/a.json", "below/b/c.json"]);
    assert_eq!(read(&directory, "below/b/c.json"), line(&span_of(Some("b/c"), "2")));
    assert_eq!(read(&directory, "below/a.json").matches("\"name\"").count(), 2);
    assert_eq!(story.stage.metric("otelcol_exporter_sent_spans", &[]), 3.0);
    assert_eq!(story.stage.metric("otelcol_exporter_send_failed_spans", &[]), 1.0, "one has no file to go to");
}

#[test]
fn no_value_leads_out_of_the_directory() {
    let directory = tempdir().unwrap();
    let mut story = grouped(&directory, "");

    for tenant in ["../../evil", "/absolute", "", "a/../../x", "./dot"] {
        story.delivers(span_of(Some(tenant), "s")).unwrap();
    }

    let names = ["below/.json", "below/absolute.json", "below/dot.json", "below/evil.json", "below/x.json"];
    assert_eq!(files(directory.path()), names);
}

#[test]
fn a_file_that_had_to_be_closed_is_continued() {
    let directory = tempdir().unwrap();
    let mut story = grouped(&directory, "max_open_files: 1");

    for tenant in ["a", "b", "a"] {
        story.delivers(span_of(Some(tenant), "s")).unwrap();
    }

    assert_eq!(read(&directory, "below/a.json").lines().count(), 2);
}

#[test]
fn a_name_that_no_file_can_have_refuses_for_good() {
    let directory = tempdir().unwrap();
    let mut story = grouped(&directory, "");

    for tenant in ["nul\0byte".to_owned(), "long".repeat(100)] {
        let outcome = story.delivers(span_of(Some(&tenant), "s"));
        assert!(matches!(outcome, Err(Refusal::Permanent(_))), "{outcome:?}");
    }
}

#[test]
fn settings_that_contradict_are_refused_in_the_collectors_words() {
    let cases = [
        ("", "path must be non-empty"),
        ("{path: x, append: true, rotation: {}}", "append and rotation enabled at the same time is not supported"),
        ("{path: x, format: text}", "format type is not supported"),
        ("{path: x, compression: gzip}", "compression is not supported"),
        ("{path: x, flush_interval: -1s}", "flush_interval must be larger than zero"),
        ("{path: x, group_by: {enabled: true}}", "path must contain exactly one * when group_by is enabled"),
        ("{path: '*', group_by: {enabled: true}}", "path must not start with * when group_by is enabled"),
        ("{path: x, directory_permissions: '0700'}", "directory_permissions requires create_directory to be true"),
        (
            "{path: x, create_directory: true, directory_permissions: '9'}",
            "directory_permissions value must be a valid octal representation",
        ),
        (
            "{path: x, create_directory: true, directory_permissions: '7777'}",
            "directory_permissions contain invalid bits for file access",
        ),
        ("{path: x, rotation: {localtime: true}}", "rotation: 'localtime' is not supported yet"),
        ("{path: x, encoding: otlp}", "'encoding' is not supported yet"),
        (
            "{path: 'x*', group_by: {enabled: true, resource_attribute: ''}}",
            "group_by: resource_attribute must not be empty when group_by is enabled",
        ),
    ];
    for (yaml, sentence) in cases {
        assert_eq!(faults::<FileConfig>(yaml), [sentence], "{yaml}");
    }
}

#[test]
fn the_readme_has_the_keys() {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/src/file/README.md");
    ::config::assert_readme_table::<FileConfig>(readme);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn any_sequence_of_batches_can_be_read_back(
        names in proptest::collection::vec("[a-z\"\\\\\n]{0,40}", 0..20),
        format in prop_oneof![Just("json"), Just("proto")],
        compression in prop_oneof![Just(""), Just("zstd")],
    ) {
        let directory = tempdir().unwrap();
        let mut story = start(&directory, &format!("format: {format}, compression: '{compression}'"));

        let outcomes: Vec<_> = names.iter().map(|name| story.takes(span(name))).collect();
        story.stops();

        prop_assert!(outcomes.into_iter().all(|mut watched| watched.is_accepted()));
        let bytes = fs::read(directory.path().join("spans.json")).unwrap();
        let messages = if format == "json" && compression.is_empty() {
            bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
        } else {
            framed(&bytes)
        };
        let plain = messages.iter().map(|message| match compression {
            "zstd" => zstd::stream::decode_all(&message[..]).unwrap(),
            _ => message.clone(),
        });
        let batches = plain.map(|message| match format {
            "json" => json::decode(Signal::Traces, &message).unwrap(),
            _ => Batch::from_otlp(Signal::Traces, message.into()).unwrap(),
        });
        let read: Vec<_> = batches.map(|batch| json::encode(&batch)).collect();
        prop_assert_eq!(read, names.iter().map(|name| json::encode(&span(name))).collect::<Vec<_>>());
    }
}
