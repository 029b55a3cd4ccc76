//! Stories about files: drafts, patches, policies.

use config::Problems;
use proptest::prelude::*;

use super::tests::{baseline, text};
use super::*;
use crate::story::Shop;
use crate::{Moment, Observed, OutsideKind, Transport};

fn observed() -> Observed {
    let mut shop = Shop::new();
    for name in ["web", "cart", "catalog"] {
        shop.workload("shop", name);
    }
    shop.outside(OutsideKind::HttpApi, "eu.psp.example").outside(OutsideKind::Redis, "sessions: 1");
    shop.outside(OutsideKind::PlainIP, "203.0.113.7").outside(OutsideKind::Unknown, "unknown");
    shop.outside(OutsideKind::HttpApi, "*");
    for (from, to, calls) in [
        ("web", "cart", 100),
        ("web", "catalog", 50),
        ("cart", "eu.psp.example", 10),
        ("cart", "sessions: 1", 9),
        ("cart", "203.0.113.7", 8),
        ("catalog", "unknown", 7),
        ("catalog", "*", 7),
    ] {
        shop.calls(from, to, "http", calls);
    }
    shop.calls("catalog", "cart", "http", 2);
    shop.observed()
}

#[track_caller]
fn read(text: &str) -> Baseline {
    let mut problems = Problems::new();
    Baseline::read("draft.yaml", text, &mut problems).unwrap_or_else(|| panic!("{}\n{text}", problems.render()))
}

#[test]
fn a_draft_is_sorted_says_its_counts_and_expects_what_was_seen() {
    let observed = observed();
    let draft = learn(&[&observed], &Lesson::new("shop"));

    let comparison = compare(&read(&draft), &observed, observed.window.to);
    assert_eq!(comparison.counts.expected, 5, "{draft}");
    let unexpected: Vec<_> = comparison.findings.iter().map(|finding| finding.client.name.to_string()).collect();
    assert_eq!(unexpected, ["catalog", "catalog"], "what was seen too rarely, and what no name can be given");
    assert!(draft.contains("# 100 calls, last 1970-01-12"), "{draft}");
    assert!(draft.contains("#   shop/Deployment/catalog -> shop/Deployment/cart: 2"), "{draft}");
    assert!(draft.contains("metadata: { name: shop, cluster: prod }"), "{draft}");
    let twice = learn(&[&observed], &Lesson::new("shop"));
    assert_eq!(draft, twice);
}

#[test]
fn a_draft_names_nobody_by_an_address() {
    let mut shop = Shop::new();
    shop.workload("shop", "web").workload("shop", "::2");
    shop.calls("web", "::2", "http", 100);

    let draft = learn(&[&shop.observed()], &Lesson::new("shop"));

    read(&draft);
    assert!(draft.contains("1 edges were left out, since their names cannot be written"), "{draft}");
}

/// The demo's shop as spans show it: of half of its edges the kernel told the transport.
#[test]
fn a_draft_of_the_demo_adds_nothing_to_its_reviewed_baseline() {
    const REVIEWED: &str = include_str!("../../../../examples/demo/baseline.yaml");
    let mut shop = Shop::new();
    for name in ["customers", "web", "shop", "cart", "catalog", "recommend", "search", "payment"] {
        shop.workload("shop", name);
    }
    for (place, (from, to, port)) in (0..).zip([
        ("customers", "web", 18080),
        ("web", "shop", 18081),
        ("web", "cart", 18082),
        ("web", "catalog", 18083),
        ("web", "recommend", 18085),
        ("web", "search", 18086),
        ("shop", "cart", 18082),
        ("shop", "catalog", 18083),
        ("cart", "payment", 18084),
    ]) {
        shop.calls(from, to, "http", 100);
        let row = &mut shop.edges.last_mut().unwrap().rows[0];
        (row.port, row.transport) = (Some(port), Transport::Unspecified);
        row.measures.flow.rtt_count = place % 2;
    }
    let observed = shop.observed();

    let draft = learn(&[&observed], &Lesson::new("shop"));

    assert_eq!(draft.matches("transport: tcp").count(), 4, "what is known is written\n{draft}");
    assert_eq!(merged(REVIEWED, &draft).added, 0, "{draft}");
    let also_udp = draft.replace("{ port: 18084, protocols", "{ port: 18084, transport: udp, protocols");
    assert_eq!(merged(REVIEWED, &also_udp).added, 1, "what is known and new is added\n{also_udp}");
    let forbids = draft.replace("state: allow", "state: forbid");
    let narrow = forbids.replace("{ port: 18084, protocols", "{ port: 18084, transport: tcp, protocols");
    assert_eq!(merged(&narrow, &forbids).added, 1, "whoever forbids more than before means it");
}

#[test]
fn a_port_is_listed_once_if_one_lane_knows_its_transport_and_another_what_is_spoken() {
    let mut shop = Shop::new();
    shop.workload("shop", "web").workload("shop", "cart");
    shop.calls("web", "cart", "http", 100);
    shop.edges.last_mut().unwrap().rows[0].transport = Transport::Unspecified;
    let spans = shop.observed();
    shop.edges.clear();
    shop.calls("web", "cart", "unspecified", 100);
    let flows = shop.observed();

    let draft = learn(&[&spans, &flows], &Lesson::new("shop"));

    assert!(draft.contains("ports: [{ port: 8080, transport: tcp, protocols: [http] }]\n"), "{draft}");
}

const KEPT: &str = "  edges:
    # The checkout path. Do not touch.
    - from: { ns: shop, kind: Deployment, name: web }
      to:   { ns: shop, kind: Deployment, name: cart }   # hand-aligned
      ports: [{ port: 80 }]
    - { from: { ns: shop, name: cart }, to: { ns: shop, name: web }, state: forbid }

  # Reviewed in May.
  exceptions:
    - match: { from: { ns: shop, name: web }, to: { ns: pay, name: ledger } }
      until: 2027-01-31
      owner: team-pay
      reason: CHG-1234
";

fn merged(base: &str, other: &str) -> Merged {
    let mut problems = Problems::new();
    merge(("base.yaml", base), ("patch.yaml", other), &mut problems).unwrap_or_else(|| panic!("{}", problems.render()))
}

fn patch(spec: &str) -> String {
    format!("apiVersion: topology/v1alpha1\nkind: TopologyBaseline\nmetadata: {{ name: patch }}\nspec:\n{spec}")
}

#[test]
fn merging_keeps_every_letter_and_adds_what_is_new() {
    let base = text(KEPT);
    let other = patch(
        "  edges:
    - { from: { ns: shop, kind: Deployment, name: web }, to: { ns: shop, kind: Deployment, name: cart }, ports: [{ port: 80 }, { port: 8080, transport: tcp }] }
    - { from: { ns: shop, kind: Deployment, name: cart }, to: { external: { type: Redis, name: sessions } } }
  exceptions:
    - match: { from: { ns: shop, name: a }, to: { ns: shop, name: b } }
      until: 2027-02-01T00:00:00Z
      owner: me
      reason: \"# a: reason\"
",
    );

    let Merged { text: whole, added, conflicts } = merged(&base, &other);

    assert_eq!((added, conflicts), (3, vec![]));
    for line in base.lines() {
        assert!(whole.lines().any(|other| other == line), "lost: {line}\n{whole}");
    }
    let read = read(&whole);
    assert_eq!((read.lines.len(), read.exceptions.len()), (4, 2), "{whole}");
    assert_eq!(read.lines[2].ports.len(), 1, "port 80 was there already");
    assert_eq!(read.exceptions[1].reason, "# a: reason");
    assert_eq!(merged(&whole, &other).added, 0, "merging again adds nothing");
}

#[test]
fn what_was_removed_on_purpose_stays_forbidden_and_contradictions_are_told() {
    let base = text(KEPT);
    let allows = patch(
        "  edges:\n    - { from: { ns: shop, kind: Deployment, name: cart }, to: { ns: shop, kind: Deployment, name: web } }\n",
    );
    let forbids = patch(
        "  edges:\n    - { from: { ns: shop, kind: Deployment, name: web }, to: { ns: shop, kind: Deployment, name: cart }, state: forbid }\n",
    );

    for (other, own) in [(allows, "base.yaml:12:"), (forbids, "base.yaml:9:")] {
        let merged = merged(&base, &other);
        assert_eq!((merged.added, merged.text.trim_end()), (0, base.trim_end()));
        assert!(
            merged.conflicts[0].contains(own) && merged.conflicts[0].contains("patch.yaml:6:"),
            "{:?}",
            merged.conflicts
        );
    }
}

#[test]
fn lists_that_are_not_there_yet_begin_with_what_is_added() {
    let other = patch(
        "  edges:\n    - { from: { name: a }, to: { group: g } }\n  groups:\n    - { name: g, match: { external: { dns: [x.example] } } }\n",
    );

    for base in ["", "  edges: []\n", "  edges:\n", "  edges: []\n  exceptions: []\n"] {
        let whole = merged(&text(base), &other).text;
        let read = read(&whole);
        assert_eq!((read.lines.len(), read.lines[0].to.group.as_deref()), (1, Some("g")), "{base}\n{whole}");
    }
}

#[test]
fn doubts_are_told_where_they_are() {
    let lists = "  edges:
    - { from: { ns: shop, name: \"*\" }, to: { ns: shop, name: cart } }
    - { from: { ns: shop, name: web }, to: { ns: shop, name: cart }, ports: [{ port: 80 }] }
    - { from: { ns: shop, name: web }, to: { ns: shop, name: catalgo } }
    - { from: { ns: shop, name: web }, to: { ns: shop, name: catalgo }, state: forbid }
  exceptions:
    - { match: { from: { ns: shop, name: web } }, until: 2020-01-01, owner: me, reason: r }
";
    let mut problems = Problems::new();
    let baseline = Baseline::read("b.yaml", &text(lists), &mut problems).unwrap();
    let now = Moment::of_rfc3339("2026-01-01T00:00:00Z").unwrap();

    let count = lint(&baseline, &known(&observed()), now, &mut problems);

    let told = problems.render();
    assert_eq!(count, 5, "{told}");
    for (place, words) in [
        ("b.yaml:9:7", "b.yaml:8:7 says this already"),
        ("b.yaml:10:7", "forbids all that this line allows"),
        ("b.yaml:10:7", "did you mean `catalog`?"),
        ("b.yaml:13:7", "ended 2020-01-01"),
    ] {
        assert!(told.contains(place) && told.contains(words), "{place} {words}\n{told}");
    }
}

#[test]
fn workloads_are_known_from_manifests() {
    let files = "kind: Deployment\nmetadata: { name: web, namespace: shop }\n---\nkind: Service\nmetadata: { name: cart, namespace: shop }\n---\nkind: ConfigMap\nmetadata: { name: x }\n";
    let mut problems = Problems::new();

    let known = manifests("all.yaml", files, &mut problems).unwrap();

    assert_eq!(known.len(), 2);
    let lists =
        "  edges:\n    - { from: { ns: shop, kind: Deployment, name: web }, to: { ns: shop, service: cart } }\n";
    assert_eq!(lint(&baseline(lists), &known, Moment::default(), &mut problems), 0, "{}", problems.render());
}

const GUARDED: &str = "  edges:
    - from: { ns: shop, kind: Deployment, name: frontend }
      to:   { ns: shop, kind: Deployment, name: cart }
      ports: [{ port: 8080, transport: tcp, protocols: [http, grpc] }]
    - { from: { ns: shop, kind: Deployment, name: cart }, to: { group: psp }, state: require }
    - { from: { ns: shop, kind: StatefulSet, name: db }, to: { external: { cidr: 203.0.113.0/24 } }, ports: [{ port: 5432 }] }
    - { from: { ns: web, name: \"*\" }, to: { ns: shop, service: frontend }, ports: [{ port: 443, transport: tcp }] }
    - { from: { name: \"*\" }, to: { ns: shop, kind: Deployment, name: cart }, ports: [{ port: 9 }], state: allow }
    - { from: { ns: shop, name: a }, to: { ns: shop, name: b }, state: forbid }
    - { from: { ns: shop, name: a }, to: { ns: shop, name: b } }
  groups:
    - { name: psp, match: { external: { dns: [\"*.psp.example\"], ports: [443] } } }
";

/// Scene (g).
#[test]
fn policies_of_a_baseline_imported_again_allow_the_same() {
    let held = baseline(GUARDED);
    let made = policies(&held, LABEL);
    let mut problems = Problems::new();

    let imported = import("imported", &[("policies.yaml".into(), made.text.clone())], &mut problems);

    let imported = imported.unwrap_or_else(|| panic!("{}\n{}", problems.render(), made.text));
    let difference = held.difference(&read(&imported.text), true);
    assert!(difference.is_empty(), "{difference:?}\n{}\n{}", made.text, imported.text);
    assert!(
        made.text.contains("port: 53") && made.text.contains("ipBlock: { cidr: \"203.0.113.0/24\" }"),
        "{}",
        made.text
    );
    assert!(made.warnings.iter().any(|warning| warning.contains("*.psp.example")), "{:?}", made.warnings);
    assert!(!made.text.contains("\"b-any\""), "what is forbidden is not let pass\n{}", made.text);
}

#[test]
fn a_policy_that_was_edited_by_hand_is_read_by_its_selectors() {
    let lists = "  edges:\n    - { from: { ns: shop, name: web }, to: { ns: shop, name: cart }, ports: [{ port: 80, transport: tcp }] }\n";
    let held = baseline(lists);
    let edited = policies(&held, LABEL).text.replace("port: 80 }", "port: 81 }");
    let mut problems = Problems::new();

    let imported = import("i", &[("p.yaml".into(), edited)], &mut problems).unwrap();

    let difference = held.difference(&read(&imported.text), true);
    assert_eq!(difference.removed, ["prod/shop/web -> prod/shop/cart on 80/tcp"].map(|it| it.replace("prod/", "")));
    assert_eq!(difference.added, ["shop/web -> shop/cart on 81/tcp"]);
}

#[test]
fn a_new_region_is_held_against_an_old_one() {
    let lists = "  edges:\n    - { from: { ns: shop, name: web }, to: { ns: shop, name: cart } }\n";
    let other = text(lists).replace("cluster: prod", "cluster: prod-2");

    assert!(!baseline(lists).difference(&read(&other), false).is_empty());
    assert!(baseline(lists).difference(&read(&other), true).is_empty());
}

#[test]
fn a_report_says_everything_and_no_name_can_command_a_terminal_or_a_page() {
    let mut shop = Shop::new();
    shop.workload("shop", "web").outside(OutsideKind::HttpApi, "<img src=x>|\u{1b}[31m");
    shop.calls("web", "<img src=x>|\u{1b}[31m", "http", 5);
    let (held, observed) = (baseline("  edges:\n    - { from: { name: web }, to: { name: web } }\n"), shop.observed());
    let comparison = compare(&held, &observed, shop.now());
    let [text, json, markdown] =
        [Report::Text, Report::Json, Report::Markdown].map(|how| report(&held, &observed, &comparison, how));

    assert!(text.starts_with("red    edge.unexpected   shop/web calls HTTP-API"), "{text}");
    assert!(text.contains("judged 100 % of requests") && !text.contains('\u{1b}'), "{text}");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["findings"][0]["kind"], &json["edges"]["unexpected"]), (&"edge.unexpected".into(), &1.into()));
    assert!(markdown.contains("&lt;img src=x&gt;\\|") && !markdown.contains('\u{1b}'), "{markdown}");
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(lists in "[ a-z:{}\\[\\]\"*#\n,-]{0,80}") {
        let mut problems = Problems::new();
        let whole = text(&lists);
        let is_read = Baseline::read("b.yaml", &whole, &mut problems).is_some();
        prop_assert_eq!(is_read, !problems.has_errors());
        let _ = merge(("b.yaml", &whole), ("c.yaml", &whole), &mut Problems::new());
        let _ = import("i", &[("p.yaml".to_owned(), format!("kind: NetworkPolicy\n{lists}"))], &mut Problems::new());
    }

    #[test]
    fn whatever_was_seen_a_draft_of_it_expects_all_of_it(
        calls in proptest::collection::vec((0_usize..4, 0_usize..6, 1_u16..4, 3_u64..9), 1..12),
        names in proptest::collection::vec("[a-zA-Z0-9 '\"#:{}.-]{1,8}", 6),
    ) {
        let mut shop = Shop::new();
        let names: Vec<String> = names.iter().enumerate().map(|(place, name)| format!("{name}{place}")).collect();
        // Those cannot be written, and are left out.
        prop_assume!(names.iter().all(|name| name.parse::<std::net::IpAddr>().is_err()));
        for (place, name) in names.iter().enumerate() {
            match place {
                0..4 => shop.workload("shop", name),
                4 => shop.outside(OutsideKind::Redis, name),
                _ => shop.outside(OutsideKind::HttpApi, name),
            };
        }
        for (from, to, port, count) in calls {
            shop.calls(&names[from], &names[to], "http", count);
            shop.edges.last_mut().unwrap().rows[0].port = Some(port);
        }
        let observed = shop.observed();
        let lesson = Lesson { ignore: vec![], ..Lesson::new("all of: it") };
        let draft = learn(&[&observed], &lesson);
        let comparison = compare(&read(&draft), &observed, observed.window.to);
        prop_assert_eq!(comparison.findings, vec![], "{}", draft);
        let held = read(&draft);
        let policies = policies(&held, LABEL);
        let again = import("again", &[("p.yaml".to_owned(), policies.text.clone())], &mut Problems::new());
        let again = read(&again.map(|imported| imported.text).unwrap_or_default());
        prop_assert!(held.difference(&again, true).is_empty(), "{}", policies.text);
    }
}
