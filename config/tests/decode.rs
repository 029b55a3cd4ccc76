//! How settings are read: types, defaults, old names, unknown keys, rules.
#![allow(clippy::expect_used, clippy::panic, reason = "a test may stop at the first surprise")]

use std::collections::BTreeMap;

use config::{
    ByteSize, Check, Config, Decode, DecodeContext, GoDuration, Node, Pairs, Problems, Secret, Section, Severity,
    Toggle, Validate, Value, decode_component,
};

#[derive(Debug, Clone, Copy, Default, PartialEq, Config)]
#[config(unknown = "invalid sizer: {:?}")]
enum Sizer {
    /// Requests.
    #[default]
    Requests,
    /// Items.
    Items,
}

/// A queue.
#[derive(Debug, Clone, PartialEq, Config)]
struct Queue {
    /// Most requests that wait.
    #[config(default = 1000)]
    queue_size: i64,
    /// What is counted.
    sizer: Sizer,
    /// How many requests are sent at a time.
    batch: Toggle<Batch>,
}

impl Validate for Queue {
    fn validate(&self, check: &mut Check<'_, '_>) {
        check.require(self.queue_size > 0, "queue_size", "`queue_size` must be positive");
    }
}

/// A batch.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
struct Batch {
    /// Longest wait.
    #[config(default = GoDuration::milliseconds(200))]
    flush_timeout: GoDuration,
}

/// What every client has.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(unsupported("tls"))]
struct Client {
    /// Where to.
    endpoint: String,
    /// Sent with each request.
    headers: Pairs<Secret>,
}

impl Validate for Client {
    fn validate(&self, check: &mut Check<'_, '_>) {
        let port = self.endpoint.is_empty() || self.endpoint.contains(':');
        check.require(port, "endpoint", format!("address {}: missing port in address", self.endpoint));
    }
}

/// An exporter.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
struct Exporter {
    #[config(flatten = "clientconfig")]
    client: Client,
    /// How long a request may take.
    #[config(default = GoDuration::seconds(5))]
    timeout: GoDuration,
    /// Requests that wait.
    #[config(default = Toggle::on(Queue { queue_size: 77, ..Queue::default() }))]
    sending_queue: Toggle<Queue>,
    /// How much of a body is kept.
    #[config(default = ByteSize::kib(64), alias = "body_limit")]
    body: ByteSize,
    /// First lines.
    #[config(default = 2)]
    sampling_initial: usize,
    /// Ports to use.
    ports: Vec<u16>,
    /// Names.
    names: Vec<String>,
    /// A share.
    #[config(default = 1.0)]
    ratio: f64,
    /// Who it is.
    #[config(default = "nobody", deprecated = "say who with `endpoint`")]
    who: String,
}

fn decode(yaml: &str) -> (Option<Exporter>, Problems) {
    let uris = [format!("yaml:exporters: {{x: {yaml}}}")];
    let environment = |name: &str| (name == "NUMBER").then(|| "0123".to_owned());
    let request = config::Request { uris: &uris, sets: &[], gates: &[], environment: &environment };
    let loaded = config::load(&request).unwrap_or_else(|problems| panic!("{}", problems.render()));
    let mut problems = Problems::new();
    problems.add_source("test", &uris[0]["yaml:".len()..]);
    let exporter = &loaded.exporters[0];
    let decoded = decode_component(&exporter.node, "exporters::x", exporter.mark, &mut problems);
    (decoded, problems)
}

fn decoded(yaml: &str) -> Exporter {
    let (exporter, problems) = decode(yaml);
    exporter.unwrap_or_else(|| panic!("{}", problems.render()))
}

/// The messages of one severity, in order of place.
fn messages(yaml: &str, severity: Severity) -> Vec<String> {
    let (_, problems) = decode(yaml);
    let sorted = problems.sorted().into_iter().filter(|problem| problem.severity == severity);
    sorted.map(|problem| problem.message.clone()).collect()
}

fn errors(yaml: &str) -> Vec<String> {
    messages(yaml, Severity::Error)
}

#[test]
fn an_empty_section_has_its_defaults() {
    let exporter = decoded("");

    assert_eq!(exporter, Exporter::default());
    assert_eq!(exporter.timeout, GoDuration::seconds(5));
    assert_eq!(exporter.sending_queue.get().map(|queue| queue.queue_size), Some(77));
    assert_eq!(exporter.who, "nobody");
}

#[test]
fn every_kind_of_value_is_read() {
    let exporter = decoded(
        "{endpoint: 'a:1', timeout: 1m30s, body: 8MiB, sampling_initial: 2.7, ports: [1, 2], names: 'a,b', ratio: 1, \
         headers: [{name: z, value: secret}, {name: a, value: b}]}",
    );

    assert_eq!(exporter.client.endpoint, "a:1");
    assert_eq!(exporter.timeout, GoDuration::seconds(90));
    assert_eq!(exporter.body, ByteSize::mib(8));
    assert_eq!(exporter.sampling_initial, 2, "a float loses its fraction, as in Go");
    assert_eq!(exporter.ports, [1, 2]);
    assert_eq!(exporter.names, ["a", "b"]);
    assert_eq!(exporter.ratio, 1.0);
    let headers: Vec<_> = exporter.client.headers.iter().map(|(name, value)| (name, value.expose())).collect();
    assert_eq!(headers, [("z", "secret"), ("a", "b")]);
    assert!(!format!("{exporter:?}").contains("secret"));
}

#[test]
fn a_whole_expansion_is_a_number_for_numbers_and_text_for_strings() {
    let exporter = decoded("{sampling_initial: '${env:NUMBER}', who: '${env:NUMBER}'}");

    assert_eq!(exporter.sampling_initial, 83);
    assert_eq!(exporter.who, "0123");
}

#[test]
fn an_optional_section_is_on_when_it_is_written() {
    let queue = |yaml: &str| decoded(yaml).sending_queue.into_option();

    assert_eq!(queue("{sending_queue: {enabled: false, queue_size: 5}}"), None);
    assert_eq!(
        queue("{sending_queue: {sizer: items}}").map(|queue| (queue.queue_size, queue.sizer)),
        Some((77, Sizer::Items))
    );
    let batch = |yaml: &str| queue(yaml).and_then(|queue| queue.batch.into_option());
    assert_eq!(batch("{sending_queue: {}}"), None);
    assert_eq!(batch("{sending_queue: {batch: }}"), Some(Batch::default()));
    assert_eq!(batch("{sending_queue: {batch: {}}}"), Some(Batch::default()));
    assert_eq!(batch("{sending_queue: {batch: {enabled: false}}}"), None);
}

#[test]
fn wrong_values_are_refused_in_the_collectors_words() {
    let cases = [
        (
            "{sampling_initial: '2'}",
            "exporters::x: 'sampling_initial' expected type 'int', got unconvertible type 'string'",
        ),
        ("{sampling_initial: -1}", "exporters::x: 'sampling_initial' cannot parse value as 'int': -1 overflows"),
        ("{ports: [1, 70000]}", "exporters::x: 'ports[1]' cannot parse value as 'uint16': 70000 overflows"),
        ("{ports: {}}", "exporters::x: 'ports' source data must be an array or slice, got map"),
        ("{who: 5}", "exporters::x: 'who' expected type 'string', got unconvertible type 'int'"),
        ("{timeout: '5'}", "exporters::x: 'timeout' time: missing unit in duration \"5\""),
        ("{timeout: true}", "exporters::x: 'timeout' expected type 'time.Duration', got unconvertible type 'bool'"),
        ("{body: many}", "exporters::x: 'body' invalid size \"many\""),
        ("{sending_queue: {sizer: spans}}", "exporters::x::sending_queue: 'sizer' invalid sizer: \"spans\""),
        ("{sending_queue: on}", "exporters::x: 'sending_queue' expected a map or struct, got \"string\""),
        ("{sending_queue: {batchx: {}}}", "exporters::x: 'sending_queue' has invalid keys: batchx"),
        ("{foo: 1}", "exporters::x: '' has invalid keys: foo"),
        ("{tls: {}}", "exporters::x: 'tls' is not supported yet"),
        ("{headers: 5}", "exporters::x: 'headers' expected a map or struct, got \"int\""),
        ("{body: 1, body_limit: 2}", "exporters::x: 'body_limit' and 'body' are the same key"),
        ("text", "exporters::x: expected type 'map[string]interface {}', got unconvertible type 'string'"),
        ("{sending_queue: {queue_size: 0}}", "exporters::x::sending_queue: `queue_size` must be positive"),
        ("{endpoint: localhost}", "exporters::x::clientconfig: address localhost: missing port in address"),
    ];
    for (yaml, expected) in cases {
        assert_eq!(errors(yaml), [expected], "{yaml}");
    }
}

#[test]
fn all_problems_are_said_at_once_with_place_line_and_remedy() {
    let (decoded, problems) =
        decode("{timeout: 5, sending_queue: {sizer: item}, sampling_initial: x, endpiont: 'a:1'}");

    assert_eq!(decoded, None);
    let line = "exporters: {x: {timeout: 5, sending_queue: {sizer: item}, sampling_initial: x, endpiont: 'a:1'}}";
    let expected = format!(
        "\
test:1:26: warning: exporters::x: 'timeout' has no unit: 5 means 5 nanoseconds
 1 | {line}
   | {:25}^
  help: write `5s` if seconds are meant
test:1:52: error: exporters::x::sending_queue: 'sizer' invalid sizer: \"item\"
 1 | {line}
   | {:51}^
  help: did you mean `items`?
test:1:77: error: exporters::x: 'sampling_initial' expected type 'int', got unconvertible type 'string'
 1 | {line}
   | {:76}^
test:1:80: error: exporters::x: '' has invalid keys: endpiont
 1 | {line}
   | {:79}^
  help: did you mean `endpoint`?
",
        "", "", "", ""
    );
    assert_eq!(problems.render(), expected);
}

#[test]
fn old_keys_work_and_warn() {
    let exporter = decoded("{body_limit: 5, who: me}");

    assert_eq!(exporter.body, ByteSize(5));
    let warnings = messages("{body_limit: 5, who: me}", Severity::Warning);
    assert_eq!(warnings, ["exporters::x: 'body_limit' is deprecated", "exporters::x: 'who' is deprecated"]);
}

#[test]
fn rules_point_at_the_key_or_at_the_section() {
    let (_, problems) = decode("{sending_queue: {queue_size: 0}}");

    assert!(problems.render().starts_with("test:1:33: error:"), "{}", problems.render());
}

#[test]
fn comments_defaults_and_types_become_the_table_of_keys() {
    let table = config::markdown_table::<Exporter>();

    assert!(table.contains("| `endpoint` | string | – | Where to. |\n"), "{table}");
    assert!(table.contains("| `timeout` | duration | `5s` | How long a request may take. |\n"), "{table}");
    assert!(table.contains("| `sending_queue` | optional section | `on` | Requests that wait. |\n"), "{table}");
    assert!(table.contains("| `sending_queue.enabled` | bool | `true` | Turns the section on or off."), "{table}");
    assert!(table.contains("| `sending_queue.queue_size` | int | `77` | Most requests that wait. |\n"), "{table}");
    assert!(
        table.contains("| `sending_queue.sizer` | `requests`, `items` | `requests` | What is counted. |\n"),
        "{table}"
    );
    assert!(
        table.contains("| `body` | size | `64KiB` | How much of a body is kept. Old spelling: `body_limit`. |\n"),
        "{table}"
    );
}

#[test]
fn secrets_are_known_by_their_keys() {
    let keys = Exporter::keys();

    assert!(config::is_secret(&keys, &["headers", "authorization"]));
    assert!(config::is_secret(&keys, &["headers", "0", "value"]));
    assert!(!config::is_secret(&keys, &["endpoint"]));
    assert!(!config::is_secret(&keys, &["sending_queue", "queue_size"]));
}

/// A connector with lists and maps of sections, and a type that reads itself.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
struct Connector {
    /// What becomes a label.
    dimensions: Vec<Dimension>,
    /// The same by name.
    named: BTreeMap<String, Dimension>,
    /// One that may be left out.
    extra: Option<Dimension>,
    /// Ports and ranges of ports.
    ports: Vec<PortRange>,
}

/// A label.
#[derive(Debug, Clone, PartialEq, Config)]
struct Dimension {
    /// The attribute.
    name: String,
}

impl Validate for Dimension {
    fn validate(&self, check: &mut Check<'_, '_>) {
        check.require(!self.name.is_empty(), "name", "'name' must not be empty");
    }
}

/// `80` or `"8000-8100"`.
#[derive(Debug, Clone, PartialEq)]
struct PortRange(u16, u16);

impl Decode for PortRange {
    const TYPE_NAME: &'static str = "port or range";

    fn decode(node: &Node, context: &mut DecodeContext<'_>) -> Option<Self> {
        if !matches!(node.value, Value::String(_)) {
            return u16::decode(node, context).map(|port| PortRange(port, port));
        }
        let range = node.as_str().and_then(|text| text.split_once('-'));
        let range = range.and_then(|(first, last)| Some(PortRange(first.parse().ok()?, last.parse().ok()?)));
        if range.is_none() {
            context.error(node, "is no port and no range of ports");
        }
        range
    }
}

/// A connector's settings, or the errors in them.
fn connector(yaml: &str) -> Result<Connector, Vec<String>> {
    let uris = [format!("yaml:connectors: {{x: {yaml}}}")];
    let request = config::Request { uris: &uris, sets: &[], gates: &[], environment: &|_| None };
    let loaded = config::load(&request).unwrap_or_else(|problems| panic!("{}", problems.render()));
    let declared = &loaded.connectors[0];
    let mut problems = Problems::new();
    let decoded = decode_component(&declared.node, "connectors::x", declared.mark, &mut problems);
    decoded.ok_or_else(|| problems.sorted().into_iter().map(|problem| problem.message.clone()).collect())
}

#[test]
fn sections_in_lists_and_maps_are_sections() {
    let decoded = connector("{dimensions: [{name: a}], named: {k: {name: b}}, extra: {name: c}, ports: [80, '1-2']}");

    let dimension = |name: &str| Dimension { name: name.to_owned() };
    let expected = Connector {
        dimensions: vec![dimension("a")],
        named: BTreeMap::from([("k".to_owned(), dimension("b"))]),
        extra: Some(dimension("c")),
        ports: vec![PortRange(80, 80), PortRange(1, 2)],
    };
    assert_eq!(decoded, Ok(expected));
}

#[test]
fn their_faults_and_rules_name_the_way_to_them() {
    let cases = [
        ("{dimensions: [{name: a}, {nam: b}]}", "connectors::x: 'dimensions[1]' has invalid keys: nam"),
        ("{dimensions: [{name: [b]}]}", WRONG_NAME),
        ("{dimensions: [{name: a}, {}]}", "connectors::x::dimensions::1: 'name' must not be empty"),
        ("{dimensions: [~]}", "connectors::x::dimensions::0: 'name' must not be empty"),
        ("{named: {k: {}}}", "connectors::x::named::k: 'name' must not be empty"),
        ("{extra: {}}", "connectors::x::extra: 'name' must not be empty"),
        ("{ports: [1, x]}", "connectors::x: 'ports[1]' is no port and no range of ports"),
        ("{ports: [~]}", "connectors::x: 'ports[0]' expected type 'uint16', got unconvertible type '<nil>'"),
    ];
    for (yaml, expected) in cases {
        assert_eq!(connector(yaml), Err(vec![expected.to_owned()]), "{yaml}");
    }
}

const WRONG_NAME: &str =
    "connectors::x::dimensions::0: 'name' expected type 'string', got unconvertible type '[]interface {}'";

#[test]
fn the_table_shows_what_lists_hold() {
    let table = config::markdown_table::<Connector>();

    assert!(table.contains("| `dimensions` | list of section | – | What becomes a label. |\n"), "{table}");
    assert!(table.contains("| `dimensions[].name` | string | – | The attribute. |\n"), "{table}");
    assert!(table.contains("| `ports` | list of port or range | – | Ports and ranges of ports. |\n"), "{table}");
}

#[test]
fn durations_follow_go() {
    let parse = |text: &str| GoDuration::parse(text).map(GoDuration::as_nanoseconds).map_err(|error| error.to_string());
    let cases: [(&str, Result<i64, &str>); 14] = [
        ("1h30m", Ok(5_400_000_000_000)),
        ("0.5s", Ok(500_000_000)),
        (".5s", Ok(500_000_000)),
        ("1400ms", Ok(1_400_000_000)),
        ("3us", Ok(3_000)),
        ("3µs", Ok(3_000)),
        ("-1s", Ok(-1_000_000_000)),
        ("+1s", Ok(1_000_000_000)),
        ("0", Ok(0)),
        ("", Err("time: invalid duration \"\"")),
        ("5", Err("time: missing unit in duration \"5\"")),
        ("5d", Err("time: unknown unit \"d\" in duration \"5d\"")),
        ("s", Err("time: invalid duration \"s\"")),
        ("9999999999h", Err("time: invalid duration \"9999999999h\"")),
    ];
    for (text, expected) in cases {
        assert_eq!(parse(text), expected.map_err(str::to_owned), "{text}");
    }
    assert_eq!(GoDuration::seconds(5_400).to_string(), "1h30m");
    assert_eq!(GoDuration::milliseconds(-1_500).to_string(), "-1s500ms");
}
