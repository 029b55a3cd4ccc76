use super::*;
use crate::observed::{Denominator, Instance, NodeFacts, Usage};
use crate::rules::{Judge, Rules};
use crate::story::{FROM, Shop};
use crate::{Expectations, SECOND};

/// front -> cart -> price, all healthy until a story says otherwise.
fn names() -> Shop {
    let mut shop = Shop::new();
    shop.workload("shop", "front").workload("shop", "cart").workload("shop", "price");
    shop
}

/// What the default rules think of it after two minutes.
fn judged(shop: &mut Shop) {
    judged_by(Rules::default_rules(), shop);
}

fn judged_by(rules: Rules, shop: &mut Shop) {
    let mut judge = Judge::new(rules);
    for step in 1..=8 {
        let now = FROM.plus(step * 15 * SECOND);
        shop.judgements = judge.step(now, &Expectations::default(), &mut |_, _| shop.observed()).judgements;
    }
}

fn why_node(shop: &mut Shop, name: &str) -> Option<Explanation> {
    judged(shop);
    explain_node(&shop.observed(), &shop.judgements, View::Workload, &HashSet::from([shop.id(name)]))
}

fn why_edge(shop: &mut Shop, from: &str, to: &str) -> Option<Explanation> {
    judged(shop);
    let one = |name: &str| HashSet::from([shop.id(name)]);
    explain_edge(&shop.observed(), &shop.judgements, View::Workload, &one(from), &one(to))
}

fn names_of(trail: &[NodeId]) -> Vec<&str> {
    trail.iter().map(|id| &*id.name).collect()
}

fn busy(shop: &Shop, name: &str, share: f64) -> NodeFacts {
    let cpu = Some(Usage { used: None, share: Some(share), of: Denominator::Limit });
    let instances = vec![Instance { name: "one".into(), cpu, ..Instance::default() }];
    NodeFacts { entity: shop.id(name), answered: Vec::new(), instances, replicas: None, events: Vec::new() }
}

#[test]
fn own_instances_come_before_everything_else() {
    let mut shop = names();
    shop.calls("front", "cart", "http", 100).taking_ms(900);
    shop.calls("cart", "price", "http", 100).taking_ms(800);
    shop.nodes.push(busy(&shop, "cart", 0.99));

    let why = why_node(&mut shop, "cart").unwrap();

    assert_eq!((why.cause, &*why.subject.name), (Cause::Cpu, "cart"));
    assert_eq!(why.hint, "Add replicas or raise the CPU limit.");
}

#[test]
fn slowness_is_followed_down_to_the_node_that_is_busy() {
    let mut shop = names();
    shop.calls("front", "cart", "http", 100).taking_ms(900);
    shop.calls("cart", "price", "http", 100).taking_ms(800);
    shop.nodes.push(busy(&shop, "price", 0.99));

    let why = why_edge(&mut shop, "front", "cart").unwrap();

    assert_eq!(why.cause, Cause::Downstream);
    assert_eq!(names_of(&why.trail), ["front", "cart", "price"]);
    assert_eq!(why.evidence[0].rule, "cpu");
    assert_eq!(why.sentence, "The likely cause is what it calls: price.");
}

#[test]
fn errors_are_blamed_on_the_call_that_brings_half_of_them() {
    let mut shop = names();
    shop.workload("shop", "stock");
    shop.calls("front", "cart", "http", 100).failing(40).taking_ms(5);
    shop.calls("cart", "stock", "http", 100).failing(12).taking_ms(1);
    shop.calls("cart", "price", "http", 100).failing(30).taking_ms(1);

    let why = why_node(&mut shop, "cart").unwrap();

    assert_eq!((why.cause, &*why.subject.name), (Cause::Downstream, "price"));
}

#[test]
fn a_slow_call_that_is_a_small_part_is_not_blamed() {
    let mut shop = names();
    shop.calls("front", "cart", "http", 100).taking_ms(5000);
    shop.calls("cart", "price", "http", 100).taking_ms(700);

    let why = why_node(&mut shop, "cart").unwrap();

    assert_eq!((why.cause, &*why.subject.name), (Cause::Unknown, "cart"));
}

#[test]
fn a_gap_between_two_healthy_ends_is_the_network() {
    let mut shop = names();
    shop.calls("front", "cart", "http", 100).taking_on_each_side_ms(900, 20);

    let why = why_edge(&mut shop, "front", "cart").unwrap();

    assert_eq!(why.cause, Cause::Network);
    assert_eq!(why.evidence[0].rule, "client-server-gap");
}

#[test]
fn a_slow_way_makes_no_faults() {
    let mut shop = names();
    shop.calls("front", "cart", "http", 100).failing(40).taking_on_each_side_ms(250, 20);

    let why = why_edge(&mut shop, "front", "cart").unwrap();

    assert_eq!((why.cause, &*why.subject.name), (Cause::Unknown, "cart"));
}

#[test]
fn two_that_call_each_other_do_not_send_it_round_in_circles() {
    let mut shop = names();
    shop.calls("front", "cart", "http", 100).taking_ms(900);
    shop.calls("cart", "price", "http", 100).taking_ms(800);
    shop.calls("price", "cart", "http", 100).taking_ms(700);

    let why = why_edge(&mut shop, "front", "cart").unwrap();

    assert_eq!(names_of(&why.trail), ["front", "cart", "price"]);
}

#[test]
fn rules_of_a_file_explain_whatever_they_are_called() {
    let file = "
        defaults: false
        for: 0s
        rules:
          - {name: slow, on: edge, metric: p95_latency, yellow: 500ms, class: architecture}
          - {name: broken, on: edge, metric: error_ratio, yellow: 10%}
          - {name: hot, on: node, metric: cpu, yellow: 90%}
          - {name: not-cpu, on: node, metric: memory, yellow: 90%}
          - {name: lost, on: edge, metric: retransmit_ratio, yellow: 1%}
    ";
    let rules = || Rules::read([("rules.yaml", file)], &mut config::Problems::new()).unwrap();
    let why = |shop: &mut Shop| {
        judged_by(rules(), shop);
        let one = |name: &str| HashSet::from([shop.id(name)]);
        explain_edge(&shop.observed(), &shop.judgements, View::Workload, &one("front"), &one("cart")).unwrap()
    };
    let cause_and_rule = |why: &Explanation| (why.cause, why.subject.name.to_string(), why.evidence[0].rule.clone());

    let mut shop = names();
    shop.calls("front", "cart", "http", 100).taking_ms(900);
    shop.calls("cart", "price", "http", 100).taking_ms(800);
    assert_eq!(cause_and_rule(&why(&mut shop)), (Cause::Downstream, "price".to_owned(), "slow".to_owned()));
    shop.nodes.push(busy(&shop, "cart", 0.99));
    assert_eq!(cause_and_rule(&why(&mut shop)), (Cause::Cpu, "cart".to_owned(), "hot".to_owned()));
    let facts = shop.nodes.last_mut().unwrap();
    facts.instances[0].memory = facts.instances[0].cpu.take();
    assert_eq!(cause_and_rule(&why(&mut shop)), (Cause::Memory, "cart".to_owned(), "not-cpu".to_owned()));

    let mut shop = names();
    shop.calls("front", "cart", "http", 100).failing(40).taking_ms(5);
    shop.calls("cart", "price", "http", 100).failing(30).taking_ms(1);
    assert_eq!(cause_and_rule(&why(&mut shop)), (Cause::Downstream, "price".to_owned(), "broken".to_owned()));

    let mut shop = names();
    shop.calls("front", "cart", "http", 100).taking_ms(900);
    let flow = &mut shop.edges[0].rows[0].measures.flow;
    (flow.retransmits, flow.segments) = (9, 100);
    assert_eq!(cause_and_rule(&why(&mut shop)), (Cause::Network, "cart".to_owned(), "lost".to_owned()));
}

#[test]
fn what_is_healthy_needs_no_explanation() {
    let mut shop = names();
    shop.calls("front", "cart", "http", 100).taking_ms(9);

    assert_eq!(why_node(&mut shop, "cart"), None);
    assert_eq!(why_edge(&mut shop, "front", "cart"), None);
}
