use proptest::prelude::*;

use super::*;

/// Groups by size, each open or not, and calls between nodes counted over all groups.
#[derive(Debug, Clone)]
struct Plan {
    groups: Vec<(usize, bool)>,
    calls: Vec<(usize, usize)>,
}

impl Plan {
    fn input(&self) -> LayoutInput {
        let mut input = LayoutInput::default();
        let mut spots = vec![];
        for (group, (size, collapsed)) in self.groups.iter().enumerate() {
            input.groups.push(GroupInput { id: format!("g{group}"), collapsed: *collapsed });
            for node in 0..*size {
                if *collapsed {
                    spots.push(Spot::Group(group as u32));
                } else {
                    spots.push(Spot::Node(input.nodes.len() as u32));
                    input.nodes.push(NodeInput { id: format!("g{group}/n{node}"), group: group as u32 });
                }
            }
        }
        for (from, to) in &self.calls {
            if spots.is_empty() {
                break;
            }
            input.edges.push((spots[from % spots.len()], spots[to % spots.len()]));
        }
        input
    }
}

fn plans() -> impl Strategy<Value = Plan> {
    let groups = prop::collection::vec((0usize..25, any::<bool>()), 1..12);
    let calls = prop::collection::vec((0usize..300, 0usize..300), 0..150);
    (groups, calls).prop_map(|(groups, calls)| Plan { groups, calls })
}

fn chain(names: &[&str]) -> LayoutInput {
    let nodes = names.iter().map(|name| NodeInput { id: (*name).to_owned(), group: 0 }).collect();
    let edges = (1..names.len() as u32).map(|to| (Spot::Node(to - 1), Spot::Node(to))).collect();
    LayoutInput { groups: vec![GroupInput { id: "shop".to_owned(), collapsed: false }], nodes, edges }
}

fn overlap(a: &Rect, b: &Rect) -> bool {
    a.x < b.right() && b.x < a.right() && a.y < b.bottom() && b.y < a.bottom()
}

fn contains(outer: &Rect, inner: &Rect) -> bool {
    outer.x <= inner.x
        && outer.y + HEADER <= inner.y
        && inner.right() <= outer.right()
        && inner.bottom() <= outer.bottom()
}

/// Straight stretches of a route as thin rectangles.
fn stretches(route: &[i32]) -> Vec<Rect> {
    let corners: Vec<(i32, i32)> = route.chunks(2).map(|corner| (corner[0], corner[1])).collect();
    let stretch = |pair: &[(i32, i32)]| {
        let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
        Rect { x: x0.min(x1), y: y0.min(y1), w: (x0 - x1).abs(), h: (y0 - y1).abs() }
    };
    corners.windows(2).map(stretch).collect()
}

#[test]
fn callers_stand_left_of_the_called() {
    let placement = place(&chain(&["front", "cart", "price"]), None);

    let x: Vec<_> = placement.nodes.iter().map(|node| node.x).collect();
    assert!(x[0] < x[1] && x[1] < x[2], "{x:?}");
    assert_eq!(placement.nodes[0].y, placement.nodes[2].y, "a chain is a straight line");
    assert_eq!(placement.routes[0].len(), 4, "and so are its edges");
}

#[test]
fn a_circle_of_calls_has_no_first_but_stays_small() {
    let mut input = chain(&["a", "b", "c", "d"]);
    input.edges.push((Spot::Node(3), Spot::Node(0)));

    let placement = place(&input, None);

    let back = &placement.routes[3];
    assert_eq!(back[0], placement.nodes[3].right(), "leaves right");
    assert_eq!(back[back.len() - 2], placement.nodes[0].x, "enters left");
}

#[test]
fn a_thousand_targets_of_one_caller_do_not_make_a_tower() {
    let mut input = LayoutInput::default();
    input.groups.push(GroupInput { id: "shop".to_owned(), collapsed: false });
    input.nodes = (0..1001).map(|node| NodeInput { id: format!("n{node}"), group: 0 }).collect();
    input.edges = (1..1001).map(|node| (Spot::Node(0), Spot::Node(node))).collect();

    let (width, height) = place(&input, None).size;

    assert!(height < 2 * width && width < 4 * height, "{width} x {height}");
}

#[test]
fn a_chain_of_a_thousand_does_not_make_a_strip() {
    let names: Vec<String> = (0..1000).map(|node| format!("n{node:04}")).collect();

    let (width, height) = place(&chain(&names.iter().map(String::as_str).collect::<Vec<_>>()), None).size;

    assert!(width < 16 * height, "{width} x {height}");
}

#[test]
fn what_nobody_calls_stands_in_a_grid_below() {
    let mut input = chain(&["front", "cart"]);
    input.nodes.extend((0..9).map(|node| NodeInput { id: format!("idle{node}"), group: 0 }));

    let placement = place(&input, None);

    let lowest = placement.nodes[..2].iter().map(Rect::bottom).max().unwrap();
    assert!(placement.nodes[2..].iter().all(|node| node.y >= lowest));
}

#[test]
fn a_newcomer_stands_right_of_its_caller_and_moves_nobody() {
    let mut input = chain(&["front", "cart", "price"]);
    let before = place(&input, None);
    input.nodes.push(NodeInput { id: "stock".to_owned(), group: 0 });
    input.edges.push((Spot::Node(1), Spot::Node(3)));

    let after = place(&input, Some(&before));

    assert_eq!(after.nodes[..3], before.nodes[..3]);
    assert_eq!(after.nodes[3].x, before.nodes[2].x);
}

#[test]
fn edges_to_what_is_not_there_have_no_route() {
    let mut input = chain(&["front", "cart"]);
    input.edges.push((Spot::Node(0), Spot::Node(77)));
    input.edges.push((Spot::Group(9), Spot::Node(0)));

    let placement = place(&input, None);

    assert!(placement.routes[1].is_empty() && placement.routes[2].is_empty());
}

#[test]
fn nothing_takes_no_room() {
    assert_eq!(place(&LayoutInput::default(), None).routes.len(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn nothing_overlaps_and_nodes_are_within_their_groups(plan in plans()) {
        let input = plan.input();
        let placement = place(&input, None);

        for (place, group) in placement.groups.iter().enumerate() {
            prop_assert!(!placement.groups[..place].iter().any(|other| overlap(group, other)));
            prop_assert!(group.right() <= placement.size.0 && group.bottom() <= placement.size.1);
        }
        for (place, node) in placement.nodes.iter().enumerate() {
            prop_assert!(!placement.nodes[..place].iter().any(|other| overlap(node, other)));
            prop_assert!(contains(&placement.groups[input.nodes[place].group as usize], node));
        }
    }

    #[test]
    fn routes_leave_right_enter_left_and_cross_no_card(plan in plans()) {
        let input = plan.input();
        let placement = place(&input, None);
        let rect = |spot: &Spot| match *spot {
            Spot::Node(node) => placement.nodes[node as usize],
            Spot::Group(group) => placement.groups[group as usize],
        };
        let closed = input.groups.iter().zip(&placement.groups).filter(|(group, _)| group.collapsed);
        let cards: Vec<Rect> = closed.map(|(_, rect)| *rect).chain(placement.nodes.iter().copied()).collect();
        for ((source, target), route) in input.edges.iter().zip(&placement.routes) {
            let (source, target) = (rect(source), rect(target));
            prop_assert_eq!((route[0], route[1]), (source.right(), source.middle()));
            prop_assert_eq!((route[route.len() - 2], route[route.len() - 1]), (target.x, target.middle()));
            for (x, y) in route.chunks(2).map(|corner| (corner[0], corner[1])) {
                let (width, height) = placement.size;
                prop_assert!((4..=width - 4).contains(&x) && (4..=height - 4).contains(&y), "{route:?} is cut off");
            }
            for stretch in stretches(route) {
                prop_assert!(stretch.w == 0 || stretch.h == 0, "{route:?} is not orthogonal");
                let hit = cards.iter().find(|card| overlap(&stretch, card));
                prop_assert!(hit.is_none(), "{route:?} crosses {hit:?}");
                let others = placement.groups.iter().filter(|group| !overlap(group, &source) && !overlap(group, &target));
                let entered = others.into_iter().find(|group| overlap(&stretch, group));
                prop_assert!(entered.is_none(), "{route:?} runs through {entered:?}");
            }
        }
    }

    #[test]
    fn equal_input_makes_equal_maps(plan in plans()) {
        prop_assert_eq!(place(&plan.input(), None), place(&plan.input(), None));
    }

    #[test]
    fn a_refresh_moves_nobody(plan in plans(), gone in prop::collection::vec(0usize..150, 0..5), new in 0usize..300) {
        let before_input = plan.input();
        let before = place(&before_input, None);
        let mut later = plan.clone();
        later.calls.push((new, new / 2));
        for call in gone {
            if call < later.calls.len() {
                later.calls.remove(call);
            }
        }

        let after = place(&later.input(), Some(&before));

        prop_assert_eq!(&after.nodes, &before.nodes);
        prop_assert_eq!(&after.groups, &before.groups);
    }

    #[test]
    fn opening_a_group_moves_others_by_at_most_its_size(plan in plans(), which in 0usize..12, remember in any::<bool>()) {
        let which = which % plan.groups.len();
        let mut closed = plan.clone();
        closed.groups[which].1 = true;
        let mut open = closed.clone();
        open.groups[which].1 = false;

        let before = place(&closed.input(), None);
        let after = place(&open.input(), remember.then_some(&before));

        let grown = (after.groups[which].w - CARD.0, after.groups[which].h - CARD.1);
        for (old, new) in before.groups.iter().zip(&after.groups) {
            prop_assert!((0..=grown.0.max(0)).contains(&(new.x - old.x)), "{old:?} {new:?} {grown:?}");
            prop_assert!((grown.1.min(0)..=grown.1.max(0)).contains(&(new.y - old.y)), "{old:?} {new:?} {grown:?}");
        }
    }
}
