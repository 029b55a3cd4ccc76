//! Cells become rectangles, and the gaps between them the only ways for edges.

use super::Rect;
use super::cells::Cell;

/// Room between cells, for edges.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gaps {
    pub(super) columns: i32,
    pub(super) rows: i32,
    /// Distance from a cell's side to the middle of the lane in which edges turn beside it.
    pub(super) lane: i32,
    /// How far edges keep from the middle of their lane at most, so that not all lie on one another.
    pub(super) spread: i32,
}

/// A table with everything in its place. Coordinates are its own.
pub(super) struct Table {
    pub(super) cells: Vec<Cell>,
    pub(super) rects: Vec<Rect>,
    pub(super) gaps: Gaps,
    /// Left and right side of each column.
    columns: Vec<(i32, i32)>,
    /// Upper and lower side of each row.
    rows: Vec<(i32, i32)>,
    /// By row: before each column, how many cells are taken left of it.
    taken: Vec<Vec<u32>>,
    /// First x right of the last column.
    pub(super) width: i32,
    /// First y below the last row.
    pub(super) height: i32,
}

impl Table {
    pub(super) fn new(cells: Vec<Cell>, sizes: Vec<(i32, i32)>, gaps: Gaps, origin: (i32, i32)) -> Self {
        let length = |of: fn(&Cell) -> u32| cells.iter().map(|cell| of(cell) as usize + 1).max().unwrap_or(0);
        let (mut widths, mut heights) = (vec![0; length(|cell| cell.column)], vec![0; length(|cell| cell.row)]);
        let mut taken = vec![vec![0; widths.len() + 1]; heights.len()];
        for (cell, (width, height)) in cells.iter().zip(&sizes) {
            let (column, row) = (cell.column as usize, cell.row as usize);
            widths[column] = (*width).max(widths[column]);
            heights[row] = (*height).max(heights[row]);
            taken[row][column + 1] += 1;
        }
        for row in &mut taken {
            for column in 1..row.len() {
                row[column] += row[column - 1];
            }
        }
        let (columns, rows) = (lined_up(&widths, origin.0, gaps.columns), lined_up(&heights, origin.1, gaps.rows));
        let rects = cells.iter().zip(sizes).map(|(cell, (w, h))| Rect {
            x: columns[cell.column as usize].0,
            y: rows[cell.row as usize].0,
            w,
            h,
        });
        let rects = rects.collect();
        let width = columns.last().map_or(origin.0, |(_, right)| *right);
        let height = rows.last().map_or(origin.1, |(_, bottom)| *bottom);
        Self { cells, rects, gaps, columns, rows, taken, width, height }
    }

    pub(super) fn column_count(&self) -> u32 {
        self.columns.len() as u32
    }

    /// The lane left of a column, or right of the last.
    pub(super) fn lane_before(&self, column: u32, thread: u32) -> i32 {
        match self.columns.get(column as usize) {
            Some((left, _)) => left - self.gaps.lane + self.aside(thread),
            None => self.width + self.gaps.lane + self.aside(thread),
        }
    }

    /// The lane right of a column.
    pub(super) fn lane_after(&self, column: u32, thread: u32) -> i32 {
        self.columns.get(column as usize).map_or(self.width, |(_, right)| *right) + self.gaps.lane + self.aside(thread)
    }

    /// At which height to cross these columns on the way from one height to another: at one of the two if nothing
    /// stands there, else in the gap beside the goal.
    pub(super) fn crossing(&self, columns: std::ops::Range<u32>, from: i32, goal: i32, thread: u32) -> i32 {
        if columns.is_empty() {
            return goal;
        }
        if self.is_free(&columns, from) {
            return from;
        }
        if self.is_free(&columns, goal) {
            return goal;
        }
        self.gap_beside(goal, from < goal, thread)
    }

    /// The middle of the gap above or below the row at this height.
    pub(super) fn gap_beside(&self, y: i32, above: bool, thread: u32) -> i32 {
        let row = self.rows.partition_point(|(_, bottom)| *bottom < y);
        let gap = if above { row } else { row + 1 };
        let middle = match self.rows.get(gap) {
            Some((top, _)) => top - self.gaps.rows / 2,
            None => self.height + self.gaps.rows / 2,
        };
        middle + self.aside(thread) / 2
    }

    /// True if nothing stands in these columns at this height.
    pub(super) fn is_free(&self, columns: &std::ops::Range<u32>, y: i32) -> bool {
        let row = self.rows.partition_point(|(_, bottom)| *bottom <= y);
        let last = self.columns.len();
        match self.rows.get(row) {
            Some((top, _)) if *top <= y => {
                let taken = &self.taken[row];
                taken[(columns.start as usize).min(last)] == taken[(columns.end as usize).min(last)]
            }
            _ => true,
        }
    }

    fn aside(&self, thread: u32) -> i32 {
        let steps = self.gaps.spread / 2 + 1;
        (thread as i32 % steps) * 4 - self.gaps.spread
    }
}

/// Lengths one after another, with gaps.
fn lined_up(lengths: &[i32], origin: i32, gap: i32) -> Vec<(i32, i32)> {
    let mut start = origin;
    let sides = lengths.iter().map(|length| {
        let here = start;
        start += length + gap;
        (here, here + length)
    });
    sides.collect()
}
