use super::*;
use crate::filter::Filter;
use crate::observed::{Denominator, Instance, NodeFacts, Usage};
use crate::story::{FROM, Shop};
use crate::{EntityId, Expectations, Judgements, Moment, Observed, OutsideKind, SECOND, Subject};

const STEP: u64 = 15 * SECOND;

/// A judge, the steps of whom are told one by one.
struct Court {
    judge: Judge,
    now: Moment,
}

impl Court {
    fn of(file: &str) -> Self {
        let mut problems = Problems::new();
        let rules = Rules::read([("rules.yaml", file)], &mut problems);
        Self { judge: Judge::new(rules.unwrap_or_else(|| panic!("{}", problems.render()))), now: FROM }
    }

    fn by_default() -> Self {
        Self { judge: Judge::new(Rules::default_rules()), now: FROM }
    }

    /// One step in which every window shows the same, except those that begin before our time.
    fn sees(&mut self, shop: &Shop) -> Judged {
        self.now = self.now.plus(STEP);
        let observe = &mut |from: Moment, _to: Moment| {
            if from >= FROM.minus(600 * SECOND) { shop.observed() } else { Observed::default() }
        };
        self.judge.step(self.now, &Expectations::default(), observe)
    }

    /// As many steps as `seconds` have.
    fn sees_for(&mut self, seconds: u64, shop: &Shop) -> Judged {
        (0..seconds / 15).map(|_| self.sees(shop)).last().unwrap()
    }
}

fn reasons(health: Option<&crate::Health>) -> Vec<(&str, Level)> {
    health.into_iter().flat_map(|it| &it.reasons).map(|it| (it.rule.as_str(), it.level)).collect()
}

/// front calls cart, with `errors` of 100 failing.
fn failing(errors: u64) -> Shop {
    let mut shop = Shop::new();
    shop.workload("shop", "front").workload("shop", "cart");
    shop.calls("front", "cart", "http", 100).failing(errors).taking_ms(20);
    shop
}

fn edge_level(judgements: &Judgements, shop: &Shop) -> Level {
    judgements.edges.get(&shop.edge("front", "cart")).map_or(Level::Unknown, |health| health.level)
}

#[test]
fn an_edge_that_fails_turns_yellow_and_red_and_takes_its_server_with_it() {
    for (errors, expected) in [(10, Level::Ok), (11, Level::Yellow), (25, Level::Yellow), (26, Level::Red)] {
        let shop = failing(errors);

        let judged = Court::by_default().sees_for(90, &shop);

        assert_eq!(edge_level(&judged.judgements, &shop), expected, "{errors} of 100 failed");
        let server = judged.judgements.nodes.get(&shop.id("cart")).map(|health| health.level);
        assert_eq!(server, Some(expected), "the server of {errors} of 100 failed");
    }
}

#[test]
fn faults_colour_the_server_whatever_the_rule_is_called_and_are_listed_once() {
    let file = "
        defaults: false
        for: 0s
        rules:
          - {name: shares, on: group, metric: abnormal_ratio, yellow: 20%}
          - {name: half-fail, on: edge, metric: error_ratio, yellow: 10%, red: 40%, window: 10m}
          - {name: node-fails, on: node, metric: error_ratio, yellow: 10%}
          - {name: quick, on: edge, metric: rtt, yellow: 1ms, window: 15s}
    ";
    let mut shop = failing(45);
    shop.workload("shop", "basket").workload("shop", "mail");
    shop.calls("basket", "cart", "http", 100).failing(50).taking_ms(20);
    shop.calls("mail", "cart", "http", 100).taking_ms(20);

    let judged = Court::of(file).sees(&shop);

    let cart = judged.judgements.nodes.get(&shop.id("cart")).unwrap();
    assert_eq!(reasons(Some(cart)), [("half-fail", Level::Red), ("node-fails", Level::Yellow)]);
    assert_eq!(cart.reasons[0].value, 50.0, "of the worse of both edges");
    let group = judged.judgements.groups.get("ns:prod/shop").unwrap();
    assert_eq!(reasons(Some(group)), [("shares", Level::Yellow)], "the group counts the server too");
    assert_eq!(group.reasons[0].value, 25.0);
}

#[test]
fn faults_that_the_server_did_not_see_are_not_its_own() {
    let mut shop = failing(0);
    shop.edges[0].rows[0].measures.client.errors = 50;

    let judged = Court::by_default().sees_for(90, &shop);

    assert_eq!(edge_level(&judged.judgements, &shop), Level::Red);
    let cart = judged.judgements.nodes.get(&shop.id("cart"));
    assert_eq!(reasons(cart).iter().find(|(rule, _)| *rule == "error-rate"), None);
}

#[test]
fn servers_that_answer_for_an_edge_have_a_history_of_it() {
    let file = "
        defaults: false
        for: 0s
        rules: [{name: half-fail, on: edge, metric: error_ratio, yellow: 10%, red: 40%}]
    ";
    let mut court = Court::of(file);
    let server = Subject::Node(failing(0).id("cart"));
    let mut history = |shop: &Shop| {
        let changes = court.sees(shop).changes.into_iter().filter(|it| it.subject == server);
        changes
            .map(|it| (it.level, it.from.since(FROM) / STEP, it.to.map(|to| to.since(FROM) / STEP)))
            .collect::<Vec<_>>()
    };

    assert_eq!(history(&failing(20)), [(Level::Yellow, 1, None)]);
    assert_eq!(history(&failing(20)), []);
    assert_eq!(history(&failing(50)), [(Level::Yellow, 1, Some(3)), (Level::Red, 3, None)]);
    assert_eq!(history(&failing(20)), [(Level::Red, 3, Some(4)), (Level::Yellow, 4, None)]);
    assert_eq!(history(&failing(0)), [(Level::Yellow, 4, Some(5))]);
    assert_eq!(history(&failing(0)), []);
}

#[test]
fn only_what_is_abnormal_or_may_soon_be_is_remembered() {
    let mut court = Court::by_default();

    court.sees_for(120, &failing(0));
    assert_eq!(court.judge.opinions(), 0);

    court.sees(&failing(50));
    assert_eq!(court.judge.opinions(), 2, "the edge and its server are on their way to red");
    court.sees(&failing(0));
    assert_eq!(court.judge.opinions(), 0);
}

#[test]
fn a_problem_counts_when_it_has_held_for_long_enough_and_since_it_began() {
    let mut court = Court::of("for: 30s");
    let shop = failing(50);

    let first = court.sees(&shop);
    let second = court.sees(&shop);
    assert_eq!(edge_level(&first.judgements, &shop), Level::Ok);
    assert_eq!(edge_level(&second.judgements, &shop), Level::Ok);

    let third = court.sees(&shop);
    assert_eq!(edge_level(&third.judgements, &shop), Level::Red);
    let edge = third.judgements.edges.get(&shop.edge("front", "cart")).unwrap();
    assert_eq!(edge.reasons[0].since, FROM.plus(STEP));
}

#[test]
fn a_level_is_kept_until_the_value_has_clearly_fallen_and_its_history_says_from_when_to_when() {
    let mut court = Court::of("for: 0s");
    let begun = court.sees(&failing(12));
    assert_eq!(edge_level(&court.sees(&failing(10)).judgements, &failing(0)), Level::Yellow);

    let over = court.sees(&failing(8));

    assert_eq!(edge_level(&over.judgements, &failing(0)), Level::Ok);
    let subject = Subject::Edge(EntityId(0), EntityId(1));
    let of_edge =
        |judged: &Judged| judged.changes.iter().filter(|it| it.subject == subject).cloned().collect::<Vec<_>>();
    let (begun, over) = (of_edge(&begun), of_edge(&over));
    assert_eq!((begun[0].level, begun[0].from, begun[0].to), (Level::Yellow, FROM.plus(STEP), None));
    assert_eq!((over[0].from, over[0].to, over[0].value), (FROM.plus(STEP), Some(FROM.plus(3 * STEP)), 12.0));
}

#[test]
fn few_requests_are_no_opinion() {
    let mut shop = Shop::new();
    shop.workload("shop", "front").workload("shop", "cart");
    shop.calls("front", "cart", "http", 2).failing(1);

    let judged = Court::by_default().sees_for(120, &shop);

    assert_eq!(edge_level(&judged.judgements, &shop), Level::Unknown);
}

#[test]
fn what_is_not_seen_any_more_ends() {
    let mut court = Court::of("for: 0s");
    court.sees(&failing(50));

    let judged = court.sees(&Shop::new());

    assert!(judged.judgements.edges.is_empty());
    assert!(judged.changes.iter().all(|change| change.to.is_some()) && !judged.changes.is_empty());
    assert_eq!(court.judge.opinions(), 0);
}

#[test]
fn cpu_and_memory_and_readiness_are_three_dimensions_of_one_node() {
    let mut shop = failing(0);
    let usage = |share| Some(Usage { used: None, share: Some(share), of: Denominator::Limit });
    let cart = Instance {
        name: "cart-1".into(),
        cpu: usage(0.95),
        memory: usage(0.75),
        ready: Some(false),
        unready_since: Some(FROM),
        ..Instance::default()
    };
    shop.nodes = vec![NodeFacts {
        entity: shop.id("cart"),
        answered: Vec::new(),
        instances: vec![cart],
        replicas: None,
        events: Vec::new(),
    }];

    let judged = Court::by_default().sees_for(120, &shop);

    let reasons = reasons(judged.judgements.nodes.get(&shop.id("cart")));
    let expected =
        [("cpu", Level::Red), ("memory", Level::Yellow), ("not-ready", Level::Yellow), ("none-ready", Level::Red)];
    for wanted in expected {
        assert!(reasons.contains(&wanted), "{wanted:?} is not in {reasons:?}");
    }
}

#[test]
fn a_server_that_answers_fast_while_its_client_waits_is_a_matter_of_the_network() {
    let mut shop = Shop::new();
    shop.workload("shop", "front").workload("shop", "cart");
    shop.calls("front", "cart", "http", 100).taking_on_each_side_ms(450, 20);

    let judged = Court::by_default().sees_for(120, &shop);

    assert_eq!(
        reasons(judged.judgements.edges.get(&shop.edge("front", "cart"))),
        [("client-server-gap", Level::Yellow)]
    );
    assert_eq!(reasons(judged.judgements.nodes.get(&shop.id("cart"))), []);
}

#[test]
fn a_file_replaces_adds_and_disables() {
    let file = "
        window: 1m
        disable: [memory]
        rules:
          - {name: error-rate, metric: error_ratio, yellow: 1%, class: performance}
          - {name: slow-database, on: edge, where: to.kind = MySQL, metric: p95_latency, red: 5ms, for: 0s}
    ";
    let mut shop = failing(2);
    shop.outside(OutsideKind::MySQL, "db");
    shop.calls("cart", "db", "mysql", 50).taking_ms(9);
    let mut court = Court::of(file);
    let rules = Rules::read([("rules.yaml", file)], &mut Problems::new()).unwrap().rules;
    assert!(!rules.iter().any(|rule| rule.name == "memory"));
    let cpu = rules.iter().find(|rule| rule.name == "cpu").unwrap();
    assert_eq!(cpu.window, 60 * SECOND, "times of a file hold for the default rules too");

    let judged = court.sees_for(90, &shop);

    assert_eq!(edge_level(&judged.judgements, &shop), Level::Yellow);
    assert_eq!(reasons(judged.judgements.edges.get(&shop.edge("cart", "db"))), [("slow-database", Level::Red)]);
}

#[test]
fn a_rate_that_fell_since_the_window_before_is_a_change() {
    let (before, after) = (failing(0), {
        let mut shop = Shop::new();
        shop.workload("shop", "front").workload("shop", "cart");
        shop.calls("front", "cart", "http", 10).taking_ms(20);
        shop
    });
    let mut court = Court::of("for: 0s\nwindow: 1m");
    let now = FROM.plus(600 * SECOND);
    let observe = &mut |_from: Moment, to: Moment| match now.since(to) {
        0 => after.observed(),
        back if back < 120 * SECOND => before.observed(),
        _ => Observed::default(),
    };

    let judged = court.judge.step(now, &Expectations::default(), observe);

    let health = judged.judgements.edges.get(&after.edge("front", "cart")).unwrap();
    assert_eq!(reasons(Some(health)), [("rate-change", Level::Yellow)]);
    assert_eq!((health.reasons[0].value.round(), health.reasons[0].threshold), (-90.0, -80.0));
}

#[test]
fn a_window_is_added_up_once_for_all_rules_that_look_at_it() {
    let mut court = Court::of(
        "
        defaults: false
        window: 1m
        rules:
          - {name: more, metric: rate_change, yellow: 300%}
          - {name: less, metric: rate_change, yellow_below: -80%}
          - {name: errors, metric: error_ratio, yellow: 10%}
    ",
    );
    let mut asked = Vec::new();

    court.judge.step(FROM.plus(600 * SECOND), &Expectations::default(), &mut |from, _to| {
        asked.push(from);
        Observed::default()
    });

    assert_eq!(asked.len(), 3, "now, a day ago, a minute ago: {asked:?}");
}

#[test]
fn a_share_of_abnormal_members_colours_a_group() {
    let file = "{for: 0s, rules: [{name: half, on: group, metric: abnormal_ratio, yellow: 40%, class: performance}]}";
    let shop = failing(50);

    let judged = Court::of(file).sees_for(30, &shop);

    assert_eq!(reasons(judged.judgements.groups.get("ns:prod/shop")), [("half", Level::Yellow)]);
}

#[test]
fn a_file_with_typos_says_where_and_what_to_do() {
    let cases = [
        ("rules: [{name: a, metrc: cpu, yellow: 1%}]", "did you mean `metric`?"),
        ("rules: [{name: a, on: node, metric: cpuu, yellow: 1%}]", "did you mean `cpu`?"),
        ("rules: [{name: a, on: edge, metric: cpu, yellow: 1%}]", "`cpu` is not measured with `on: edge`"),
        ("rules: [{name: a, metric: p95_latency, yellow: 5%}]", "`5%` is no value of `p95_latency`"),
        ("rules: [{name: a, metric: p95_latency, yellow: 5s, red: 1s}]", "'red' must not be below 'yellow'"),
        ("rules: [{name: a, metric: p95_latency}]", "a rule needs `yellow`"),
        ("rules: [{name: a, metric: gap, yellow: 1s, window: -5m}]", "'window' must be positive and at most 24h"),
        ("rules: [{name: a, metric: gap, yellow: 1s, window: 25h}]", "'window' must be positive and at most 24h"),
        ("rules: [{name: a, metric: gap, yellow: 1s, for: -1s}]", "'for' must not be negative"),
        ("for: -1s", "'for' must not be negative"),
        ("rules: [{name: a, metric: gap, yellow: 1s, where: 'nsp = a'}]", "there is no field `nsp`"),
        ("rules: [{name: a, metric: gap, yellow: 1s}, {name: a, metric: gap, yellow: 1s}]", "two rules are called `a`"),
    ];
    for (file, expected) in cases {
        let mut problems = Problems::new();
        assert!(Rules::read([("rules.yaml", file)], &mut problems).is_none(), "{file}");
        let text = problems.render();
        assert!(text.contains(expected) && text.contains("rules.yaml:1:"), "{file} gave\n{text}");
    }
}

#[test]
fn files_that_would_cost_too_much_are_refused() {
    let refused = |file: &str| {
        let mut problems = Problems::new();
        assert!(Rules::read([("rules.yaml", file)], &mut problems).is_none());
        problems.render()
    };
    let rules = |count: u32, window: &dyn Fn(u32) -> u32| {
        let rule = |it| format!("{{name: r{it}, metric: gap, yellow: 1s, window: {}s}}", window(it));
        format!("rules: [{}]", (0..count).map(rule).collect::<Vec<_>>().join(", "))
    };

    assert!(refused(&rules(1001, &|_| 60)).contains("at most 1000 rules"));
    assert!(refused(&rules(9, &|it| 60 + it)).contains("at most 8 different windows"));
    let digits = "9".repeat(308);
    let infinite = refused(&format!("rules: [{{name: a, metric: gap, yellow_below: {digits}h}}]"));
    assert!(infinite.contains("is no value of `gap`"), "{infinite}");
}

#[test]
fn every_default_rule_says_what_to_do() {
    let rules = Rules::default_rules().rules;

    assert!(rules.len() > 15, "only {} rules", rules.len());
    assert!(rules.iter().all(|rule| !rule.suggestion.is_empty()));
    assert!(Filter::parse("").is_ok());
}

#[test]
fn the_readme_has_every_key_of_a_file_of_rules() {
    ::config::assert_readme_table::<RulesFile>(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md"));
}
