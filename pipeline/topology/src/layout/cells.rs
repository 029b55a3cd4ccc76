//! Which cell of a table each item gets.

use std::collections::HashSet;

use super::layers::{Ways, layers};
use super::order::ordered;

/// A cell of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct Cell {
    pub(super) column: u32,
    pub(super) row: u32,
}

/// A cell for every item, no two the same. Items that had one keep it, if most had one.
pub(super) fn arrange(count: usize, mut pairs: Vec<(u32, u32)>, before: Vec<Option<Cell>>) -> Vec<Cell> {
    pairs.retain(|(source, target)| source != target);
    pairs.sort_unstable();
    pairs.dedup();
    let known = before.iter().flatten().count();
    if known > 0 && known * 2 >= count { joined(&pairs, &before) } else { fresh(count, &pairs, &before) }
}

fn fresh(count: usize, pairs: &[(u32, u32)], before: &[Option<Cell>]) -> Vec<Cell> {
    let mut connected = vec![false; count];
    for (source, target) in pairs {
        connected[*source as usize] = true;
        connected[*target as usize] = true;
    }
    let ways = Ways::new(count, pairs);
    let layer = layers(count, pairs, &ways);
    let seed: Vec<u32> = (0..count).map(|item| before[item].map_or(item as u32, |cell| cell.row)).collect();
    let mut rows = ordered(&layer, pairs, &seed);
    rows.iter_mut().for_each(|row| row.retain(|item| connected[*item as usize]));
    rows.retain(|row| !row.is_empty());

    let mut cells = vec![Cell::default(); count];
    let columns = wrapped(rows, count);
    let height = columns.iter().map(Vec::len).max().unwrap_or(0);
    settle(&columns, height, pairs, &mut cells);
    let alone: Vec<usize> = (0..count).filter(|item| !connected[*item]).collect();
    strip(&alone, columns.len(), height, &mut cells);
    cells
}

/// Cards are about three times as wide as high, and screens less than twice.
fn most_rows(count: usize) -> usize {
    (2 * count).isqrt().max(6)
}

/// Long layers become several columns. Neighbours in order go to different columns of about the same height.
fn wrapped(layers: Vec<Vec<u32>>, count: usize) -> Vec<Vec<u32>> {
    let most = most_rows(count);
    let mut columns = vec![];
    for layer in layers {
        let parts = layer.len().div_ceil(most).max(1);
        let first = columns.len();
        columns.resize(first + parts, vec![]);
        for (place, item) in layer.into_iter().enumerate() {
            columns[first + place % parts].push(item);
        }
    }
    columns
}

/// Rows: as near to those of the neighbours as the order allows. Rightward, then leftward.
fn settle(columns: &[Vec<u32>], height: usize, pairs: &[(u32, u32)], cells: &mut [Cell]) {
    for (column, items) in columns.iter().enumerate() {
        for (place, item) in items.iter().enumerate() {
            let row = (height - items.len()) / 2 + place;
            cells[*item as usize] = Cell { column: column as u32, row: row as u32 };
        }
    }
    let mut both: Vec<_> = pairs.iter().flat_map(|(a, b)| [(*a, *b), (*b, *a)]).collect();
    both.sort_unstable();
    let ways = Ways::new(cells.len(), &both);
    let rightward = 0..columns.len();
    for column in rightward.clone() {
        move_rows(&columns[column], height, cells, |here, there| there.column < here.column, &ways);
    }
    for column in rightward.rev() {
        move_rows(&columns[column], height, cells, |here, there| there.column != here.column, &ways);
    }
}

fn move_rows(items: &[u32], height: usize, cells: &mut [Cell], counts: fn(Cell, Cell) -> bool, ways: &Ways) {
    let wish = |item: &u32| {
        let here = cells[*item as usize];
        let others = ways.from(*item).iter().map(|other| cells[*other as usize]).filter(|there| counts(here, *there));
        let (sum, number) = others.fold((0u64, 0u64), |(sum, number), there| (sum + u64::from(there.row), number + 1));
        if number == 0 { f64::from(here.row) } else { sum as f64 / number as f64 }
    };
    let wishes: Vec<f64> = items.iter().map(wish).collect();
    for ((place, item), row) in items.iter().enumerate().zip(nearest_rows(&wishes)) {
        let latest = height - items.len() + place;
        let row = row.round().max(0.0) as usize;
        cells[*item as usize].row = row.clamp(place, latest) as u32;
    }
}

/// Strictly rising rows with the least squares of distances to the wishes: pool adjacent violators, after place is
/// taken off each.
fn nearest_rows(wishes: &[f64]) -> Vec<f64> {
    let mut pools: Vec<(f64, usize)> = Vec::with_capacity(wishes.len());
    for (place, wish) in wishes.iter().enumerate() {
        let (mut mean, mut size) = (wish - place as f64, 1);
        while let Some((before, others)) = pools.pop_if(|(before, _)| *before > mean) {
            mean = (before * others as f64 + mean * size as f64) / (others + size) as f64;
            size += others;
        }
        pools.push((mean, size));
    }
    let levels = pools.into_iter().flat_map(|(mean, size)| std::iter::repeat_n(mean.round(), size));
    levels.enumerate().map(|(place, level)| level + place as f64).collect()
}

/// Items without edges: a grid below the rest, at least as wide.
fn strip(alone: &[usize], columns: usize, first_row: usize, cells: &mut [Cell]) {
    let width = columns.max(alone.len().div_ceil(most_rows(alone.len()))).max(1);
    for (place, item) in alone.iter().enumerate() {
        cells[*item] = Cell { column: (place % width) as u32, row: (first_row + place / width) as u32 };
    }
}

/// Keeps cells, and seats newcomers right of their callers, or left of those they call, where there is room.
fn joined(pairs: &[(u32, u32)], before: &[Option<Cell>]) -> Vec<Cell> {
    let mut cells = before.to_vec();
    let mut taken = HashSet::with_capacity(cells.len());
    for cell in &mut cells {
        if cell.is_some_and(|held| !taken.insert(held)) {
            *cell = None;
        }
    }
    let bottom = taken.iter().map(|cell| cell.row + 1).max().unwrap_or(0);
    let mut back: Vec<_> = pairs.iter().map(|(source, target)| (*target, *source)).collect();
    back.sort_unstable();
    let (called, callers) = (Ways::new(cells.len(), pairs), Ways::new(cells.len(), &back));
    for item in 0..cells.len() {
        if cells[item].is_none() {
            let seated = |ways: &Ways| -> Vec<Cell> {
                ways.from(item as u32).iter().filter_map(|other| cells[*other as usize]).collect()
            };
            let wish = wish(&seated(&callers), &seated(&called), bottom);
            let seat = nearest_free(wish, &taken);
            taken.insert(seat);
            cells[item] = Some(seat);
        }
    }
    cells.into_iter().map(Option::unwrap_or_default).collect()
}

fn wish(callers: &[Cell], called: &[Cell], bottom: u32) -> Cell {
    let after_callers = callers.iter().map(|cell| cell.column + 1).max();
    let before_called = || called.iter().map(|cell| cell.column.saturating_sub(1)).min();
    let around = if callers.is_empty() { called } else { callers };
    let sum: u32 = around.iter().map(|cell| cell.row).sum();
    Cell {
        column: after_callers.or_else(before_called).unwrap_or(0),
        row: sum.checked_div(around.len() as u32).unwrap_or(bottom),
    }
}

/// In the column that was wished for, at most as far as there are cells taken.
fn nearest_free(wish: Cell, taken: &HashSet<Cell>) -> Cell {
    let away = 0..=taken.len() as u32;
    let rows = away.flat_map(|far| [Some(wish.row + far), wish.row.checked_sub(far)]).flatten();
    let mut seats = rows.map(|row| Cell { row, ..wish }).filter(|cell| !taken.contains(cell));
    seats.next().unwrap_or(wish)
}
