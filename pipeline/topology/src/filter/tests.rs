use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::story::Shop;
use crate::{Expectation, Health, Level};

/// front (shop) -> cart (shop) -> ledger (pay) -> MySQL outside; prober (kube-system) -> cart.
fn shop() -> Shop {
    let mut shop = Shop::new();
    shop.workload("shop", "front").workload("shop", "cart").workload("pay", "ledger").workload("kube-system", "prober");
    shop.outside(crate::OutsideKind::MySQL, "db.example");
    shop.calls("front", "cart", "http", 600).failing(60).taking_ms(20);
    shop.calls("cart", "ledger", "grpc", 60).taking_ms(700);
    shop.calls("ledger", "db.example", "mysql", 60).taking_ms(3);
    shop.calls("prober", "cart", "http", 6).taking_ms(1);
    shop
}

fn kept(shop: &Shop, filter: &str) -> (Vec<String>, Vec<String>) {
    let filter = Filter::parse(filter).unwrap_or_else(|error| panic!("{error}"));
    let kept = filter.keeps(&shop.observed(), &shop.judgements, &shop.expectations, shop.now());
    let mut nodes: Vec<_> = kept.nodes.iter().map(|id| shop.name(*id)).collect();
    let mut edges: Vec<_> =
        kept.edges.iter().map(|(from, to)| format!("{}>{}", shop.name(*from), shop.name(*to))).collect();
    nodes.sort();
    edges.sort();
    (nodes, edges)
}

#[track_caller]
fn keeps_edges(filter: &str, expected: &[&str]) {
    assert_eq!(kept(&shop(), filter).1, expected, "edges kept by `{filter}`");
}

#[track_caller]
fn keeps_nodes(filter: &str, expected: &[&str]) {
    assert_eq!(kept(&shop(), filter).0, expected, "nodes kept by `{filter}`");
}

#[test]
fn two_namespaces_keep_what_runs_inside_and_between_them() {
    keeps_edges("ns in (shop, pay)", &["cart>ledger", "front>cart"]);
    keeps_nodes("ns in (shop, pay)", &["cart", "front", "ledger"]);
    keeps_nodes("ns in (sh*, pay)", &["cart", "front", "ledger"]);
    keeps_nodes("ns:(sh*, pay) and name not in (*dg*, cart)", &["front"]);
}

#[test]
fn a_pattern_that_is_refused_takes_its_edges_with_it() {
    keeps_edges("not ns ~ '^kube-'", &["cart>ledger", "front>cart", "ledger>db.example"]);
}

#[test]
fn numbers_of_edges_keep_the_ends_of_those_edges() {
    keeps_edges("err% > 5", &["front>cart"]);
    keeps_edges("p95 > 500ms", &["cart>ledger"]);
    keeps_nodes("avg > 0.5s", &["cart", "ledger"]);
}

#[test]
fn directions_can_be_named() {
    keeps_edges("from.ns = shop and to.ns = pay", &["cart>ledger"]);
    keeps_edges("any.name = cart", &["cart>ledger", "front>cart", "prober>cart"]);
    keeps_edges("to.kind = MySQL", &["ledger>db.example"]);
}

#[test]
fn a_bare_word_is_part_of_a_name_and_keeps_its_edges() {
    keeps_edges("LEDG", &["cart>ledger", "ledger>db.example"]);
}

#[test]
fn protocols_and_flags_and_stars() {
    keeps_edges("proto:mysql,grpc", &["cart>ledger", "ledger>db.example"]);
    keeps_edges("is:external", &["ledger>db.example"]);
    keeps_edges("name = *e*", &["ledger>db.example"]);
    keeps_nodes("is:root", &["front", "prober"]);
}

#[test]
fn what_only_nodes_have_is_asked_of_both_ends_of_an_edge() {
    // cart has three neighbours, ledger two, the others one.
    keeps_nodes("rank <= 2", &["cart", "ledger"]);
    keeps_edges("rank <= 2", &["cart>ledger"]);
    keeps_edges("not rank <= 2", &[]);
    keeps_edges("to.rank = 1", &["front>cart", "prober>cart"]);
    keeps_edges("any.callees = 0", &["ledger>db.example"]);
    keeps_nodes("not is:leaf not is:root", &["cart", "ledger"]);
}

#[test]
fn a_call_that_is_required_and_missing_can_be_meant_too() {
    let mut shop = shop();
    shop.expectations.edges.insert(shop.edge("front", "ledger"), Expectation::Missing);

    assert_eq!(kept(&shop, "is:missing").1, ["front>ledger"]);
    assert_eq!(kept(&shop, "from.ns = shop and to.ns = pay").1, ["cart>ledger", "front>ledger"]);
    assert_eq!(kept(&shop, "name = front and is:missing or err% > 50").1, Vec::<String>::new());
    assert_eq!(kept(&shop, "is:missing (is:new or seen > 0s or proto:http)").1, Vec::<String>::new());
}

#[test]
fn or_binds_weaker_than_and_and_and_may_be_left_out() {
    keeps_edges("proto:grpc or proto:http err% > 5", &["cart>ledger", "front>cart"]);
    keeps_edges("(proto:grpc or proto:http) !ns = kube-system", &["cart>ledger", "front>cart"]);
}

#[test]
fn levels_and_expectations_are_known_to_it() {
    let mut shop = shop();
    let edge = shop.edge("prober", "cart");
    shop.expectations.edges.insert(edge, Expectation::Unexpected);
    shop.judgements.edges.insert(edge, Health { level: Level::Red, reasons: Vec::new() });

    assert_eq!(kept(&shop, "is:unexpected").1, ["prober>cart"]);
    assert_eq!(kept(&shop, "health = red").1, ["prober>cart"]);
}

#[test]
fn an_entity_without_traffic_is_idle() {
    let mut shop = shop();
    shop.workload("shop", "spare");

    assert_eq!(kept(&shop, "is:idle").0, ["spare"]);
}

#[test]
fn a_filter_that_cannot_be_read_says_where_and_what_to_do() {
    let cases = [
        ("nsp = shop", "filter, column 1: there is no field `nsp`; did you mean `ns`?"),
        ("is:unexpcted", "filter, column 4: nothing is `unexpcted`; did you mean `unexpected`?"),
        ("(ns = shop", "filter, column 11: a parenthesis is opened and not closed; add `)`"),
        ("ns = shop)", "filter, column 10: a parenthesis is closed that was not opened"),
        ("p95 > 5%", "filter, column 7: `5%` is no value of `p95`; `p95` takes a number with us, ms, s, m, h or d"),
        ("p95 ~ 5", "filter, column 5: `p95` is a number; compare it: `p95 > 5`"),
        ("ns > 5", "filter, column 6: `ns` is text; use `ns = x` or `ns ~ pattern`"),
        ("name ~ '('", "filter, column 8: `(` is no pattern: unclosed group"),
        ("to.p95 > 5", "filter, column 1: `to.p95` is a number; write `p95`: numbers of an edge belong to neither end"),
        ("ns = 'shop", "filter, column 6: a quote is opened and not closed"),
        ("ns in (a", "filter, column 9: the list is not closed; add `)`"),
        ("a and", "filter, column 6: a condition is missing here; for instance `ns = shop`"),
    ];
    for (text, expected) in cases {
        assert_eq!(Filter::parse(text).expect_err(text).to_string(), expected, "for `{text}`");
    }
}

#[test]
fn every_word_can_be_used_and_is_in_the_readme() {
    let readme = include_str!("../../README.md");
    let used = |text: String| drop(Filter::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}")));
    let told = |name: &str| assert!(readme.contains(&format!("`{name}`")), "README.md does not name `{name}`");

    for (names, kind, _) in field::FIELDS {
        let test = if matches!(kind, field::Field::Text(_)) { "= x" } else { "> 1" };
        names.iter().for_each(|name| used(format!("{name} {test}")));
        told(names[0]);
    }
    for (name, _, _) in field::FLAGS {
        used(format!("is:{name}"));
        told(name);
    }
}

#[test]
fn depth_is_bounded() {
    let deep = "(".repeat(100_000);

    assert!(Filter::parse(&deep[..4000]).unwrap_err().message.contains("nested deeper"));
    assert!(Filter::parse(&deep).unwrap_err().message.contains("longer than"));
}

#[test]
fn patterns_are_few() {
    let many = |count| vec!["name ~ a"; count].join(" or ");

    assert!(Filter::parse(&many(32)).is_ok());
    let error = Filter::parse(&many(33)).unwrap_err().to_string();
    assert!(error.contains("more than 32 patterns; join them"), "{error}");
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[ -~µ]{0,60}") {
        if let Ok(filter) = Filter::parse(&text) {
            let shop = shop();
            let _ = filter.keeps(&Arc::new(shop.observed()), &shop.judgements, &shop.expectations, shop.now());
        }
    }
}
