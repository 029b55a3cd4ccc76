//! From `--config` to pipelines: sources, merging, and each sentence about the shape of the whole.
#![allow(clippy::expect_used, clippy::panic, reason = "a test may stop at the first surprise")]

use std::fs;

use config::{Loaded, Problems, Request, Severity, Shards, Signal, load};

fn request(uris: &[String], sets: &[&str], gates: &[&str]) -> Result<Loaded, Problems> {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    let gates: Vec<String> = gates.iter().map(|gate| (*gate).to_owned()).collect();
    let environment = |name: &str| (name == "WHOLE").then(|| "receivers: {nop: }".to_owned());
    load(&Request { uris, sets: &sets, gates: &gates, environment: &environment })
}

/// Each text as one `yaml:` source.
fn load_all(documents: &[&str], sets: &[&str]) -> Result<Loaded, Problems> {
    let uris: Vec<String> = documents.iter().map(|document| format!("yaml:{document}")).collect();
    request(&uris, sets, &[])
}

fn load_one(document: &str) -> Loaded {
    load_all(&[document], &[]).unwrap_or_else(|problems| panic!("{}", problems.render()))
}

fn messages(problems: &Problems, severity: Severity) -> Vec<String> {
    let sorted = problems.sorted().into_iter().filter(|problem| problem.severity == severity);
    sorted.map(|problem| problem.message.clone()).collect()
}

fn errors_of(result: Result<Loaded, Problems>) -> Vec<String> {
    let problems = result.map_or_else(|problems| problems, |loaded| loaded.problems);
    messages(&problems, Severity::Error)
}

fn errors(document: &str) -> Vec<String> {
    errors_of(load_all(&[document], &[]))
}

/// Valid, with every part that stories here change.
const WHOLE: &str = "\
receivers:
  otlp:
    protocols:
processors:
  batch:
exporters:
  debug:
service:
  pipelines:
    traces/front: {receivers: [otlp], processors: [batch], exporters: [debug]}
";

#[test]
fn a_whole_configuration_loads_in_order() {
    let loaded = load_one(WHOLE);

    assert_eq!(loaded.problems.render(), "");
    let pipeline = &loaded.service.pipelines[0];
    assert_eq!((pipeline.id.signal, pipeline.id.name.as_deref()), (Signal::Traces, Some("front")));
    assert_eq!(pipeline.receivers[0].id.to_string(), "otlp");
    assert_eq!(loaded.receivers[0].mark.line, 2);
    assert_eq!(loaded.service.shards, Shards::Count(1));
    let reader = &loaded.service.telemetry.metrics.readers[0];
    let prometheus =
        reader.pull.as_ref().and_then(|pull| pull.exporter.prometheus.as_ref()).expect("the default reader");
    assert_eq!((prometheus.host.as_str(), prometheus.port), ("localhost", 8888));
}

/// The rest of a configuration in which one thing is wrong.
fn with(part: &str) -> String {
    format!("receivers: {{otlp: }}\nexporters: {{debug: }}\n{part}\n")
}

#[test]
fn each_fault_of_the_whole_has_the_collectors_sentence() {
    const PIPELINE: &str = "service: {pipelines: {traces: {receivers: [otlp], exporters: [debug]}}}";
    const NO_PIPELINE: &str = "service::pipelines: service must have at least one pipeline";
    let service = |part: &str| with(&format!("service: {part}"));
    let pipelines = |part: &str| service(&format!("{{pipelines: {{{part}}}}}"));
    let traces = |part: &str| pipelines(&format!("traces: {{receivers: [otlp], exporters: [debug], {part}}}"));
    let cases: Vec<(String, Vec<&str>)> = vec![
        (String::new(), vec!["empty configuration file", NO_PIPELINE]),
        ("# nothing".into(), vec!["empty configuration file", NO_PIPELINE]),
        (with(""), vec![NO_PIPELINE]),
        (service("{}"), vec![NO_PIPELINE]),
        (service("{pipelines: }"), vec![NO_PIPELINE]),
        (format!("exporters: {{debug: }}\n{PIPELINE}"), vec!["no receiver configuration specified in config"]),
        (format!("receivers: {{otlp: }}\n{PIPELINE}"), vec!["no exporter configuration specified in config"]),
        (with(&format!("receiver: {{}}\n{PIPELINE}")), vec!["'' has invalid keys: receiver"]),
        (with(&format!("processors: x\n{PIPELINE}")), vec!["'processors' expected a map or struct, got \"string\""]),
        (
            with(&format!("processors: {{'a b': , /x: , y/: , 'z/(': , '': }}\n{PIPELINE}")),
            vec![
                "'processors' '' in \"a b\" id: invalid character(s) in type \"a b\"",
                "'processors' '' in \"/x\" id: the part before / should not be empty",
                "'processors' '' in \"y/\" id: the part after / should not be empty",
                "'processors' '' id must not be empty",
            ],
        ),
        (
            with(&format!("processors: {{'batch/a$': , 'batch/a b': }}\n{PIPELINE}")),
            vec![
                "'processors' '' in \"batch/a$\" id: invalid character(s) in name \"a$\"",
                "'processors' '' in \"batch/a b\" id: invalid character(s) in name \"a b\"",
            ],
        ),
        (
            with(&format!("processors: {{batch: , 'batch ': }}\n{PIPELINE}")),
            vec!["'processors' '' duplicate name \"batch\" after unmarshaling batch"],
        ),
        (
            with(&format!("connectors: {{debug: , otlp: }}\n{PIPELINE}")),
            vec![
                "connectors::debug: ambiguous ID: Found both \"debug\" exporter and \"debug\" connector. Change one of the \
                 components' IDs to eliminate ambiguity (e.g. rename \"debug\" connector to \"debug/connector\")",
                "connectors::otlp: ambiguous ID: Found both \"otlp\" receiver and \"otlp\" connector. Change one of the \
                 components' IDs to eliminate ambiguity (e.g. rename \"otlp\" connector to \"otlp/connector\")",
            ],
        ),
        (service("x"), vec!["'service' expected a map or struct, got \"string\""]),
        (
            service("{foo: , pipelines: {traces: {receivers: [otlp], exporters: [debug]}}}"),
            vec!["'service' has invalid keys: foo"],
        ),
        (pipelines("traces: nope"), vec!["'service.pipelines[traces]' expected a map or struct, got \"string\""]),
        (
            pipelines("tracez: {receivers: [otlp], exporters: [debug]}"),
            vec!["'service.pipelines' in \"tracez\" id: unknown pipeline signal: \"tracez\""],
        ),
        (
            pipelines("profiles: {receivers: [otlp], exporters: [debug]}"),
            vec![
                "service::pipelines: pipeline \"profiles\": profiling signal support is at alpha level, gated under the \
                 \"service.profilesSupport\" feature gate",
            ],
        ),
        (
            pipelines("traces: "),
            vec![
                "service::pipelines::traces: must have at least one receiver",
                "service::pipelines::traces: must have at least one exporter",
            ],
        ),
        (
            pipelines("traces: {receivers: [], exporters: [debug]}"),
            vec!["service::pipelines::traces: must have at least one receiver"],
        ),
        (
            pipelines("traces: {receivers: [otlp], exporters: }"),
            vec!["service::pipelines::traces: must have at least one exporter"],
        ),
        (
            pipelines("traces: {receivers: {}, exporters: [debug]}"),
            vec!["'service.pipelines[traces].receivers' source data must be an array or slice, got map"],
        ),
        (
            pipelines("traces: {receivers: [otlp, x], exporters: [y, debug]}"),
            vec![
                "service::pipelines::traces: references receiver \"x\" which is not configured",
                "service::pipelines::traces: references exporter \"y\" which is not configured",
            ],
        ),
        (
            traces("processors: [batch]"),
            vec!["service::pipelines::traces: references processor \"batch\" which is not configured"],
        ),
        (traces("foo: 1"), vec!["'service.pipelines[traces]' has invalid keys: foo"]),
        (
            with(
                "processors: {batch: }\nservice: {pipelines: {traces: {receivers: [otlp], processors: [batch, batch], exporters: [debug]}}}",
            ),
            vec!["service::pipelines::traces: references processor \"batch\" multiple times"],
        ),
        (
            service("{extensions: [health_check], pipelines: {traces: {receivers: [otlp], exporters: [debug]}}}"),
            vec!["service::extensions: references extension \"health_check\" which is not configured"],
        ),
    ];
    for (document, expected) in cases {
        assert_eq!(errors(&document), expected, "{document}");
    }
}

#[test]
fn faults_of_telemetry_are_found() {
    let with_telemetry = |telemetry: &str| {
        with(&format!(
            "service: {{telemetry: {telemetry}, pipelines: {{traces: {{receivers: [otlp], exporters: [debug]}}}}}}"
        ))
    };
    let cases = [
        ("{unknown: 1}", "'service.telemetry' has invalid keys: unknown"),
        ("{traces: {}}", "service::telemetry: 'traces' is not supported yet"),
        (
            "{metrics: {level: basic, readers: []}}",
            "service::telemetry: collector telemetry metrics reader should exist when metric level is not none",
        ),
        ("{metrics: {level: loud}}", "service::telemetry::metrics: 'level' unknown metrics level \"loud\""),
        (
            "{metrics: {readers: [{pull: {exporter: {prometheus: {port: x}}}}]}}",
            "service::telemetry::metrics::readers::0::pull::exporter::prometheus: 'port' expected type 'uint16', got \
             unconvertible type 'string'",
        ),
        (
            "{metrics: {readers: [{}]}}",
            "service::telemetry::metrics::readers::0: invalid metric reader: must be one of 'pull' or 'periodic'",
        ),
    ];
    for (telemetry, expected) in cases {
        assert_eq!(errors(&with_telemetry(telemetry)), [expected], "{telemetry}");
    }
}

#[test]
fn telemetry_takes_the_old_and_the_new_resource() {
    let attributes = |resource: &str| {
        let document = WHOLE.replace("service:\n", &format!("service:\n  telemetry: {{resource: {resource}}}\n"));
        let loaded = load_one(&document);
        (loaded.service.telemetry.resource.attributes, messages(&loaded.problems, Severity::Warning))
    };
    let set = |name: &str, value: &str| (name.to_owned(), Some(value.to_owned()));

    let (new, no_warning) = attributes("{attributes: [{name: a, value: b}]}");
    let (old, warning) = attributes("{host.name: x, n: 1, service.instance.id: }");

    assert_eq!((new, no_warning), (vec![set("a", "b")], vec![]));
    assert_eq!(old, [set("host.name", "x"), set("n", "1"), ("service.instance.id".to_owned(), None)]);
    assert_eq!(warning.len(), 1);
}

#[test]
fn later_sources_win_and_mappings_merge() {
    let loaded = load_all(
        &["extensions: {a: {list: [1], map: {x: 1, y: 1}}}", "extensions: {a: {list: [2], map: {y: 2}}, b: }"],
        &["extensions.a.map.z={enabled: false}"],
    )
    .expect("it loads");

    let expected = "{\"list\": [2], \"map\": {\"x\": 1, \"y\": 2, \"z\": {\"enabled\": false}}}";
    assert_eq!(format!("{:?}", loaded.extensions[0].node), expected);
    assert_eq!(loaded.extensions[1].id.to_string(), "b");
}

#[test]
fn a_null_that_erases_a_section_warns() {
    let loaded = load_all(&[WHOLE, "processors:"], &[]).expect("it loads");

    let warnings = messages(&loaded.problems, Severity::Warning);
    assert!(
        warnings[0].starts_with("'processors' is null and erases the section given at <--config 1>:5:3"),
        "{warnings:?}"
    );
    let errors = messages(&loaded.problems, Severity::Error);
    assert_eq!(errors, ["service::pipelines::traces/front: references processor \"batch\" which is not configured"]);
}

#[test]
fn keys_are_split_at_double_colons() {
    let loaded = load_one("extensions::a::b: {c::d: 1}");

    assert_eq!(format!("{:?}", loaded.extensions[0].node), "{\"b\": {\"c\": {\"d\": 1}}}");
}

#[test]
fn lists_are_appended_when_the_gate_is_open() {
    let uris =
        [format!("yaml:{WHOLE}"), "yaml:service: {pipelines: {traces/front: {receivers: [otlp, otlp/2]}}}".into()];

    let loaded = request(&uris, &[], &["+confmap.enableMergeAppendOption"]).expect("it loads");

    let receivers: Vec<String> = loaded.service.pipelines[0].receivers.iter().map(|r| r.id.to_string()).collect();
    assert_eq!(receivers, ["otlp", "otlp/2"]);
}

#[test]
fn gates_open_what_they_guard_and_unknown_ones_warn() {
    let uris = ["yaml:extensions: {x: }\nservice: {extensions: [x]}".to_owned()];

    let loaded = request(&uris, &[], &["service.AllowNoPipelines,-pdata.useProtoPooling"]).expect("it loads");

    assert_eq!(messages(&loaded.problems, Severity::Error), [""; 0]);
    let warnings = messages(&loaded.problems, Severity::Warning);
    assert!(warnings[0].starts_with("no such feature gate \"pdata.useProtoPooling\". valid gates: ["), "{warnings:?}");
}

#[test]
fn sources_that_cannot_be_read_say_so() {
    let refused = |uri: &str| errors_of(request(&[uri.to_owned()], &[], &[]));

    assert_eq!(errors_of(request(&[], &[], &[])), ["at least one config flag must be provided"]);
    let missing = "unable to read the file file:/no/such.yaml: open /no/such.yaml: no such file or directory";
    for uri in ["file:/no/such.yaml", "/no/such.yaml"] {
        assert_eq!(refused(uri), [format!("cannot retrieve the configuration: {missing}")]);
    }
    assert_eq!(refused("s3:bucket"), ["unsupported scheme on URI \"s3:bucket\""]);
    assert_eq!(refused("s_3:has invalid char"), ["invalid uri: \"s_3:has invalid char\""]);
    assert_eq!(refused("https://x/y"), ["configuration over https: is not supported yet; download it to a file"]);
    assert_eq!(refused("yaml:text"), ["retrieved value (type=string) cannot be used as a Conf"]);
    assert_eq!(refused("yaml:[1]"), ["retrieved value (type=[]interface {}) cannot be used as a Conf"]);
    let set = request(&["yaml:{}".to_owned()], &["foo"], &[]);
    assert_eq!(errors_of(set), ["invalid argument \"foo\" for \"--set\" flag: missing equal sign"]);
}

#[test]
fn sources_are_files_and_variables_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.yaml");
    fs::write(&path, WHOLE).expect("a file");

    let loaded = request(&[path.display().to_string(), "env:WHOLE".into()], &[], &[]).expect("it loads");

    let ids: Vec<String> = loaded.receivers.iter().map(|receiver| receiver.id.to_string()).collect();
    assert_eq!(ids, ["otlp", "nop"]);
    let unused = "env:WHOLE:1:13: warning: receivers::nop is declared but not used in any pipeline\n";
    assert!(loaded.problems.render().starts_with(unused), "{}", loaded.problems.render());
}

#[test]
fn text_that_is_no_yaml_says_where() {
    let cases = [
        ("receivers:\n\totlp:\n", "yaml: line 2: found character that cannot start any token"),
        ("receivers: {a: }\nreceivers: {b: }\n", "line 2: mapping key \"receivers\" already defined at line 1"),
        ("a: {<<: 5}", "yaml: line 1: map merge requires map or sequence of maps as the value"),
        ("{[a]: b}", "yaml: line 1: a mapping key must be a scalar"),
        ("a: &x [*x]", "yaml: line 1: an anchor's value contains itself"),
    ];
    for (text, expected) in cases {
        assert_eq!(errors(text), [expected], "{text}");
    }
    assert_eq!(errors("a: [").len(), 1);
}

#[test]
fn hostile_yaml_ends_early() {
    let deep = format!("a: {}", "[".repeat(100_000));
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let alias = format!("*a{}, ", level - 1).repeat(10);
        bomb.push_str(&format!("a{level}: &a{level} [{alias}]\n"));
    }

    assert_eq!(errors(&deep), ["yaml: line 1: recursion limit exceeded"], "the scanner's own bound");
    assert_eq!(errors(&"[".repeat(110)), ["yaml: line 1: nested deeper than 100 levels"], "ours");
    assert!(errors(&bomb)[0].contains("document contains excessive aliasing"));
    assert_eq!(errors(&format!("{}: 1", ["a"; 300].join("::"))), ["nested deeper than 100 levels"]);
}

#[test]
fn scalars_have_the_types_of_go() {
    let cases = [
        ("0123", "83"),
        ("08", "8.0"),
        ("0x1F", "31"),
        ("0o17", "15"),
        ("0b11", "3"),
        ("-0x10", "-16"),
        ("1_000", "1000"),
        ("18446744073709551615", "18446744073709551615"),
        ("18446744073709551616", "1.8446744073709552e19"),
        ("1e3", "1000.0"),
        (".5", "0.5"),
        ("1.", "1.0"),
        (".inf", "inf"),
        ("+", "\"+\""),
        ("1.2.3", "\"1.2.3\""),
        ("1h", "\"1h\""),
        ("2024-01-02", "\"2024-01-02\""),
        ("True", "true"),
        ("yes", "\"yes\""),
        ("on", "\"on\""),
        ("~", "null"),
        ("Null", "null"),
        ("'5'", "\"5\""),
        ("!!str 5", "\"5\""),
        ("!!int '5'", "5"),
        ("inf", "\"inf\""),
    ];
    for (text, expected) in cases {
        let loaded = load_one(&format!("extensions: {{x: {{v: {text}}}}}"));
        assert_eq!(format!("{:?}", loaded.extensions[0].node.get("v").expect("the key")), expected, "{text}");
    }
}

#[test]
fn anchors_and_merge_keys_work() {
    let loaded = load_one(
        "extensions:\n  a: &a {x: 1, y: 1}\n  b: &b {z: 3}\n  c: {<<: *a, y: 2}\n  d: {<<: [*b, *a]}\n  e: *a\n",
    );

    let node = |index: usize| format!("{:?}", loaded.extensions[index].node);
    assert_eq!(node(2), "{\"y\": 2, \"x\": 1}");
    assert_eq!(node(3), "{\"z\": 3, \"x\": 1, \"y\": 1}");
    assert_eq!(node(4), "{\"x\": 1, \"y\": 1}");
}

#[test]
fn shards_are_a_number_or_auto() {
    let shards = |text: &str| load_one(&WHOLE.replace("service:\n", &format!("service:\n  shards: {text}\n")));

    assert_eq!(shards("4").service.shards, Shards::Count(4));
    assert_eq!(shards("auto").service.shards, Shards::Auto);
    let refused = messages(&shards("0").problems, Severity::Error);
    assert_eq!(refused, ["service: 'shards' must be `auto` or a number from 1 to 1024"]);
}

#[test]
fn an_unknown_type_names_the_nearest() {
    let loaded = load_one(&WHOLE.replace("batch", "bach"));
    let mut problems = loaded.problems;
    let bach = &loaded.processors[0];

    problems.unknown_type("processors", &bach.id, bach.mark, &["batch", "resource"]);

    let expected = "error: 'processors' unknown type: \"bach\" for id: \"bach\" (valid values: [batch resource])\n";
    assert!(problems.render().contains(expected), "{}", problems.render());
    assert!(problems.render().contains("  help: did you mean `batch`?\n"), "{}", problems.render());
}

#[test]
fn problems_are_bounded_and_lines_with_secrets_are_not_shown() {
    let many: String = (0..2000).map(|number| format!("key{number}: 1\n")).collect();
    let secret = with("password: hunter2\nservice: {pipelines: {traces: {receivers: [otlp], exporters: [debug]}}}");

    let many = load_one(&many).problems.render();
    let secret = load_one(&secret).problems.render();

    assert_eq!(many.matches(": error: ").count(), 1000);
    assert!(many.ends_with("and 1003 more problems\n"), "{:?}", many.lines().last());
    assert!(secret.contains("'' has invalid keys: password") && !secret.contains("hunter2"), "{secret}");
}

#[test]
fn a_long_line_is_shown_around_the_fault_and_cannot_command_the_terminal() {
    let long = format!("extensions: {{a: {{x: {}}}, 'b c': }}", "y".repeat(5000));
    let colour = "extensions: {a: , \"\\e[31m\": }";

    let long = load_one(&long).problems.render();
    let colour = load_one(colour).problems.render();

    let fault = long.lines().position(|line| line.contains("in \"b c\" id")).expect("the fault");
    let shown: Vec<&str> = long.lines().skip(fault + 1).take(2).collect();
    let caret = shown[1].chars().position(|c| c == '^').expect("a caret");
    let below: String = shown[0].chars().skip(caret).take(5).collect();
    assert_eq!(below, "'b c'", "{long}");
    assert!(!colour.contains('\u{1b}'), "{colour:?}");
}

#[test]
fn only_the_first_document_counts() {
    let loaded = load_one("extensions: {a: }\n---\nextensions: {b: }\n");

    assert_eq!(loaded.extensions.len(), 1);
    let text = loaded.problems.render();
    assert!(text.contains("<--config 1>:2:1: warning: only the first YAML document of a source is read\n"), "{text}");
}
