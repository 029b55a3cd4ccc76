//! Where everything stands: positions of nodes and groups, and routes of edges.
//!
//! A map is a table whose cells hold groups, and an open group is a table whose cells hold nodes. Callers stand left
//! of the called. Rows and columns leave gaps, and edges run only in gaps, so no edge crosses a card. A thing that
//! grows pushes rows below it down and columns right of it right, and changes no order.
//!
//! In this room: layers, order within layers, cells, tables, routes.
//! Not here: what there is to draw ([`crate::query`]), drawing (the page, [`crate::export`]).
//!
//! Positions into vectors are made here from input that [`place`] checks first; hence plain indexing in this room.
//!
//! Enter at [`place`].

mod cells;
mod layers;
mod order;
mod route;
mod table;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use serde::Serialize;

use self::cells::{Cell, arrange};
use self::table::{Gaps, Table};
use crate::query::Spot;

/// Size of a node's card.
pub const NODE: (i32, i32) = (176, 44);
/// Size of a collapsed group's card: a header and three members.
pub const CARD: (i32, i32) = (224, 88);
/// Height of the header of an open group.
pub const HEADER: i32 = 32;
/// Within an open group: room for edges to run between its border and its cards.
const PADDING: i32 = 32;
/// Around the whole map: edges run in it, and none on the very border.
const MARGIN: i32 = 48;
const NODE_GAPS: Gaps = Gaps { columns: 64, rows: 28, lane: 20, spread: 8 };
const GROUP_GAPS: Gaps = Gaps { columns: 88, rows: 44, lane: 28, spread: 12 };

/// What there is to place.
#[derive(Debug, Clone, Default)]
pub struct LayoutInput {
    /// Groups.
    pub groups: Vec<GroupInput>,
    /// Nodes of open groups.
    pub nodes: Vec<NodeInput>,
    /// Source and target.
    pub edges: Vec<(Spot, Spot)>,
}

/// A group to place.
#[derive(Debug, Clone)]
pub struct GroupInput {
    /// Its id: how it is known again.
    pub id: String,
    /// True if it is one card.
    pub collapsed: bool,
}

/// A node to place.
#[derive(Debug, Clone)]
pub struct NodeInput {
    /// Its id: how it is known again.
    pub id: String,
    /// Position of its group.
    pub group: u32,
}

/// Where everything stands.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Placement {
    /// By node.
    pub nodes: Vec<Rect>,
    /// By group.
    pub groups: Vec<Rect>,
    /// By edge: corners as x and y in turn, from the right side of the source to the left side of the target. Every
    /// stretch is horizontal or vertical. Empty if an end does not exist.
    pub routes: Vec<Vec<i32>>,
    /// Of the whole map.
    pub size: (i32, i32),
    memory: Memory,
}

/// A rectangle; its position is that of the upper left corner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[allow(missing_docs)]
pub struct Rect {
    pub x: i32,
    pub y: i32,
    pub w: i32,
    pub h: i32,
}

/// Which cell each thing has, by id.
#[derive(Debug, Clone, Default, PartialEq)]
struct Memory {
    groups: HashMap<String, Cell>,
    nodes: HashMap<String, Cell>,
}

impl Rect {
    /// First x right of it.
    pub fn right(&self) -> i32 {
        self.x + self.w
    }

    /// First y below it.
    pub fn bottom(&self) -> i32 {
        self.y + self.h
    }

    fn middle(&self) -> i32 {
        self.y + self.h / 2
    }
}

/// Places everything. What `previous` placed keeps its cell, so its position changes only if something left of it or
/// above it changed size; new things take free cells near those they talk to.
///
/// 10,000 nodes and 60,000 edges take well under 300 ms: benches/micro/layout.rs.
pub fn place(input: &LayoutInput, previous: Option<&Placement>) -> Placement {
    let memory = previous.map(|placement| &placement.memory);
    let rooms = Rooms::of(input);
    let halls: Vec<Table> = rooms.iter().map(|room| room.furnish(input, memory)).collect();
    let plan = hall(input, &halls, memory);

    let mut placement = Placement { nodes: vec![Rect::default(); input.nodes.len()], ..Placement::default() };
    placement.groups = plan.rects.clone();
    for ((room, table), outer) in rooms.iter().zip(&halls).zip(&plan.rects) {
        for (node, rect) in room.nodes.iter().zip(&table.rects) {
            placement.nodes[*node] = Rect { x: rect.x + outer.x, y: rect.y + outer.y, ..*rect };
        }
    }
    placement.size = (plan.width + MARGIN, plan.height + MARGIN);
    placement.memory = remember(input, &rooms, &halls, &plan);
    placement.routes = route::routes(input, &rooms, &halls, &plan);
    placement
}

fn remember(input: &LayoutInput, rooms: &[Room], halls: &[Table], plan: &Table) -> Memory {
    let groups = input.groups.iter().zip(&plan.cells).map(|(group, cell)| (group.id.clone(), *cell)).collect();
    let mut nodes = HashMap::with_capacity(input.nodes.len());
    for (room, table) in rooms.iter().zip(halls) {
        nodes.extend(room.nodes.iter().zip(&table.cells).map(|(node, cell)| (input.nodes[*node].id.clone(), *cell)));
    }
    Memory { groups, nodes }
}

/// The table of groups. Its order does not depend on which groups are open.
fn hall(input: &LayoutInput, halls: &[Table], memory: Option<&Memory>) -> Table {
    let group_of = |spot: Spot| match spot {
        Spot::Node(node) => input.nodes.get(index(node)).map(|node| node.group),
        Spot::Group(group) => Some(group),
    };
    let count = input.groups.len();
    let pairs = input.edges.iter().filter_map(|(source, target)| Some((group_of(*source)?, group_of(*target)?)));
    let pairs: Vec<_> = pairs.filter(|(source, target)| index(*source) < count && index(*target) < count).collect();
    let before = input.groups.iter().map(|group| memory.and_then(|it| it.groups.get(&group.id)).copied()).collect();
    let sizes = input.groups.iter().zip(halls).map(|(group, table)| match group.collapsed {
        true => CARD,
        false => (table.width + PADDING, table.height + PADDING),
    });
    let sizes = sizes.map(|(w, h)| (w.max(CARD.0), h.max(HEADER + PADDING))).collect();
    Table::new(arrange(count, pairs, before), sizes, GROUP_GAPS, (MARGIN, MARGIN))
}

/// The nodes of one group.
struct Room {
    /// Positions in the input.
    nodes: Vec<usize>,
    /// Calls among them, by position in `nodes`.
    edges: Vec<(u32, u32)>,
}

struct Rooms;

impl Rooms {
    fn of(input: &LayoutInput) -> Vec<Room> {
        let mut rooms: Vec<Room> = input.groups.iter().map(|_| Room { nodes: vec![], edges: vec![] }).collect();
        let mut seats = Vec::with_capacity(input.nodes.len());
        for (place, node) in input.nodes.iter().enumerate() {
            let seat = rooms.get_mut(index(node.group)).map(|room| {
                room.nodes.push(place);
                u32::try_from(room.nodes.len() - 1).unwrap_or(u32::MAX)
            });
            seats.push(seat);
        }
        for (source, target) in &input.edges {
            let (Spot::Node(source), Spot::Node(target)) = (*source, *target) else { continue };
            let (Some(from), Some(to)) = (input.nodes.get(index(source)), input.nodes.get(index(target))) else {
                continue;
            };
            if from.group == to.group
                && let (Some(source), Some(target)) = (seats[index(source)], seats[index(target)])
            {
                rooms[index(from.group)].edges.push((source, target));
            }
        }
        rooms
    }
}

impl Room {
    fn furnish(&self, input: &LayoutInput, memory: Option<&Memory>) -> Table {
        let known = |node: &usize| memory.and_then(|memory| memory.nodes.get(&input.nodes[*node].id)).copied();
        let before = self.nodes.iter().map(known).collect();
        let cells = arrange(self.nodes.len(), self.edges.clone(), before);
        Table::new(cells, vec![NODE; self.nodes.len()], NODE_GAPS, (PADDING, HEADER + PADDING))
    }
}

fn index(place: u32) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}
