//! In which order items of a layer stand, so that few edges cross.

use super::layers::Ways;

/// Sweeps over all layers, half of them rightward.
const SWEEPS: u32 = 8;

/// Items of each layer in order. `seed` gives the order to start from; edges over several layers bend in each, as if
/// they had an item there, unless there are too many of them.
pub(super) fn ordered(layer: &[u32], pairs: &[(u32, u32)], seed: &[u32]) -> Vec<Vec<u32>> {
    let mut web = Web::weave(layer, pairs);
    let mut rows: Vec<Vec<u32>> = vec![vec![]; web.layer.iter().copied().max().map_or(0, |last| last as usize + 1)];
    let mut start: Vec<u32> = (0..web.layer.len() as u32).collect();
    start.sort_by_key(|item| web.rank(*item, seed));
    for item in start {
        rows[web.layer[item as usize] as usize].push(item);
    }
    for sweep in 0..SWEEPS {
        web.note(&rows);
        let last = rows.len().saturating_sub(1);
        for step in 0..rows.len() {
            let place = if sweep % 2 == 0 { step } else { last - step };
            web.sort(&mut rows[place], sweep % 2 == 0);
        }
    }
    let items = layer.len() as u32;
    rows.iter_mut().for_each(|row| row.retain(|item| *item < items));
    rows
}

/// Items and bends, and what connects them from layer to layer.
struct Web {
    layer: Vec<u32>,
    rightward: Ways,
    leftward: Ways,
    /// Source of the edge of each bend: it starts beside it.
    bend_of: Vec<u32>,
    items: usize,
    /// Height of each within its layer, from 0 to 1.
    height: Vec<f32>,
}

impl Web {
    fn weave(layer: &[u32], pairs: &[(u32, u32)]) -> Self {
        let items = layer.len();
        let (mut layer, mut bend_of) = (layer.to_vec(), vec![]);
        let forward = |(a, b): &(u32, u32), layer: &[u32]| match layer[*a as usize] <= layer[*b as usize] {
            true => (*a, *b),
            false => (*b, *a),
        };
        let span = |(a, b): (u32, u32), layer: &[u32]| layer[b as usize] - layer[a as usize];
        let bends: u64 =
            pairs.iter().map(|pair| u64::from(span(forward(pair, &layer), &layer).saturating_sub(1))).sum();
        let bend = bends <= 4 * items as u64 + 64;
        let mut threads = Vec::with_capacity(pairs.len());
        for pair in pairs {
            let (source, target) = forward(pair, &layer);
            let mut last = source;
            for step in 1..span((source, target), &layer) {
                if !bend {
                    break;
                }
                let bend = layer.len() as u32;
                layer.push(layer[source as usize] + step);
                bend_of.push(source);
                threads.push((last, bend));
                last = bend;
            }
            if layer[last as usize] != layer[target as usize] {
                threads.push((last, target));
            }
        }
        threads.sort_unstable();
        let rightward = Ways::new(layer.len(), &threads);
        let mut back: Vec<_> = threads.into_iter().map(|(source, target)| (target, source)).collect();
        back.sort_unstable();
        let leftward = Ways::new(layer.len(), &back);
        let height = vec![0.0; layer.len()];
        Self { layer, rightward, leftward, bend_of, items, height }
    }

    fn rank(&self, item: u32, seed: &[u32]) -> (u32, u32) {
        let owner = (item as usize).checked_sub(self.items).map_or(item, |bend| self.bend_of[bend]);
        (seed[owner as usize], item)
    }

    fn note(&mut self, rows: &[Vec<u32>]) {
        rows.iter().for_each(|row| self.note_row(row));
    }

    fn note_row(&mut self, row: &[u32]) {
        let length = row.len() as f32;
        for (place, item) in row.iter().enumerate() {
            self.height[*item as usize] = (place as f32 + 0.5) / length;
        }
    }

    /// Sorts a layer by the mean height of the neighbours on one side; what has none there stays where it is.
    fn sort(&mut self, row: &mut [u32], from_left: bool) {
        let ways = if from_left { &self.leftward } else { &self.rightward };
        let wish = |item: u32| {
            let neighbours = ways.from(item);
            let sum: f32 = neighbours.iter().map(|other| self.height[*other as usize]).sum();
            if neighbours.is_empty() { self.height[item as usize] } else { sum / neighbours.len() as f32 }
        };
        let mut wishes: Vec<(f32, u32)> = row.iter().map(|item| (wish(*item), *item)).collect();
        wishes.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        row.iter_mut().zip(wishes).for_each(|(slot, (_, item))| *slot = item);
        self.note_row(row);
    }
}
