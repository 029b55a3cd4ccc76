//! Routes: out of the right side of a source, along gaps, into the left side of a target.

use std::ops::Range;

use super::table::Table;
use super::{LayoutInput, Rect, Room, index};
use crate::query::Spot;

/// An end of an edge in both tables.
struct Stand<'a> {
    /// Position of its group.
    group: usize,
    /// If it is a node: the table of its group, and its seat there.
    inner: Option<(&'a Table, usize)>,
}

/// A route for every edge.
pub(super) fn routes(input: &LayoutInput, rooms: &[Room], halls: &[Table], plan: &Table) -> Vec<Vec<i32>> {
    let mut seats = vec![0; input.nodes.len()];
    for room in rooms {
        room.nodes.iter().enumerate().for_each(|(seat, node)| seats[*node] = seat);
    }
    let stand = |spot: Spot| match spot {
        Spot::Group(group) => (index(group) < plan.rects.len()).then_some(Stand { group: index(group), inner: None }),
        Spot::Node(node) => {
            let group = index(input.nodes.get(index(node))?.group);
            let seat = *seats.get(index(node))?;
            Some(Stand { group, inner: Some((halls.get(group)?, seat)) })
        }
    };
    let route = |(source, target): &(Spot, Spot)| Some(between(&stand(*source)?, &stand(*target)?, plan));
    input.edges.iter().map(|edge| route(edge).unwrap_or_default()).collect()
}

fn between(source: &Stand<'_>, target: &Stand<'_>, plan: &Table) -> Vec<i32> {
    if let (Some((table, from)), Some((_, to))) = (source.inner, target.inner)
        && source.group == target.group
    {
        let corner = plan.rects[source.group];
        return Walk::start(corner, table.rects[from]).within(table, from, to).points;
    }
    let goal = entrance(target, plan, middle(source, plan));
    let mut walk = exit(source, plan, goal);
    walk.corner = Rect::default();
    walk.cross(plan, source.group, target.group, goal);
    enter(walk, target, plan).points
}

/// Height of an end on the map.
fn middle(stand: &Stand<'_>, plan: &Table) -> i32 {
    let outer = plan.rects[stand.group];
    stand.inner.map_or(outer.middle(), |(table, seat)| outer.y + table.rects[seat].middle())
}

/// At which height an edge meets the left side of the target's group.
fn entrance(target: &Stand<'_>, plan: &Table, from: i32) -> i32 {
    let outer = plan.rects[target.group];
    let Some((table, seat)) = target.inner else { return outer.middle() };
    let goal = table.rects[seat].middle();
    let before = 0..table.cells[seat].column;
    match table.is_free(&before, goal) {
        true => outer.y + goal,
        false => outer.y + table.gap_beside(goal, from < outer.y + goal, seat as u32),
    }
}

fn exit(source: &Stand<'_>, plan: &Table, goal: i32) -> Walk {
    let outer = plan.rects[source.group];
    let Some((table, seat)) = source.inner else { return Walk::start(Rect::default(), outer) };
    let mut walk = Walk::start(outer, table.rects[seat]);
    let column = table.cells[seat].column;
    let beyond = column + 1..table.column_count();
    let here = table.rects[seat].middle();
    if !table.is_free(&beyond, here) {
        let y = table.gap_beside(here, goal < outer.y + here, seat as u32);
        walk.down(table.lane_after(column, seat as u32), y);
    }
    walk.across(outer.w);
    walk
}

fn enter(mut walk: Walk, target: &Stand<'_>, plan: &Table) -> Walk {
    let outer = plan.rects[target.group];
    let Some((table, seat)) = target.inner else {
        walk.across(outer.x);
        return walk;
    };
    let rect = table.rects[seat];
    let column = table.cells[seat].column;
    walk.corner = outer;
    if column > 0 {
        walk.down(table.lane_before(column, seat as u32), rect.middle());
    }
    walk.across(rect.x);
    walk
}

/// A route in the making: corners so far, in coordinates of the map.
struct Walk {
    /// Steps are told from this corner.
    corner: Rect,
    points: Vec<i32>,
}

impl Walk {
    fn start(corner: Rect, rect: Rect) -> Self {
        Self { corner, points: vec![corner.x + rect.right(), corner.y + rect.middle()] }
    }

    fn y(&self) -> i32 {
        self.points.last().copied().unwrap_or(0) - self.corner.y
    }

    /// From one seat to another of the same table.
    fn within(mut self, table: &Table, from: usize, to: usize) -> Self {
        self.cross(table, from, to, table.rects[to].middle());
        self.across(table.rects[to].x);
        self
    }

    /// To the lane left of a seat, at the height where the edge goes in.
    fn cross(&mut self, table: &Table, from: usize, to: usize, goal: i32) {
        let (source, target) = (table.cells[from].column, table.cells[to].column);
        let passed: Range<u32> = if source < target { source + 1..target } else { target..source + 1 };
        if passed.is_empty() {
            self.down(table.lane_after(source, from as u32), goal);
            return;
        }
        let y = table.crossing(passed, self.y(), goal, from as u32);
        self.down(table.lane_after(source, from as u32), y);
        self.down(table.lane_before(target, to as u32), goal);
    }

    /// To `x` as high as it is, then up or down to `y`.
    fn down(&mut self, x: i32, y: i32) {
        if y != self.y() {
            self.across(x);
            self.push(self.corner.x + x, self.corner.y + y);
        }
    }

    fn across(&mut self, x: i32) {
        let y = self.y();
        self.push(self.corner.x + x, self.corner.y + y);
    }

    /// Corners on one line with their neighbours are none.
    fn push(&mut self, x: i32, y: i32) {
        if let [.., x0, y0, x1, y1] = self.points.as_slice()
            && ((x0 == x1 && *x1 == x) || (y0 == y1 && *y1 == y))
        {
            self.points.truncate(self.points.len() - 2);
        }
        self.points.extend([x, y]);
    }
}
