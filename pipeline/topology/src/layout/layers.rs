//! Which layer each item stands in: callers left of the called, cycles in few layers.

/// Deepest that one cycle spreads, in layers. Beyond, its items share one.
const CYCLE_DEPTH: u32 = 5;

/// Outgoing neighbours of every item, back to back.
pub(super) struct Ways {
    starts: Vec<usize>,
    ends: Vec<u32>,
}

impl Ways {
    /// From pairs that are sorted by source.
    pub(super) fn new(count: usize, pairs: &[(u32, u32)]) -> Self {
        let mut starts = vec![0; count + 1];
        for (source, _) in pairs {
            starts[*source as usize + 1] += 1;
        }
        for place in 0..count {
            starts[place + 1] += starts[place];
        }
        Self { starts, ends: pairs.iter().map(|(_, target)| *target).collect() }
    }

    pub(super) fn from(&self, item: u32) -> &[u32] {
        &self.ends[self.starts[item as usize]..self.starts[item as usize + 1]]
    }
}

/// A layer for every item. A circle of calls has no first item, so items of one strongly connected part stand by
/// distance from where calls enter it, and the part as a whole right of its callers: longest paths through cycles
/// would make a map of a hundred layers of what has five.
pub(super) fn layers(count: usize, pairs: &[(u32, u32)], ways: &Ways) -> Vec<u32> {
    let parts = Parts::of(count, ways);
    let mut callers = vec![false; count];
    for (source, target) in pairs {
        if parts.of[*source as usize] != parts.of[*target as usize] {
            callers[*target as usize] = true;
        }
    }
    let mut first = vec![0; parts.members.len()];
    let mut layer = vec![0; count];
    let mut depth = vec![u32::MAX; count];
    // Tarjan finds a part after all that it calls.
    for (part, members) in parts.members.iter().enumerate().rev() {
        spread(members, part, &parts.of, &callers, ways, &mut depth);
        for item in members {
            layer[*item as usize] = first[part] + depth[*item as usize];
        }
        for item in members {
            for called in ways.from(*item) {
                let other = parts.of[*called as usize] as usize;
                if other != part {
                    first[other] = first[other].max(layer[*item as usize] + 1);
                }
            }
        }
    }
    compressed(layer)
}

/// Distance of each member from where calls enter the part.
fn spread(members: &[u32], part: usize, part_of: &[u32], callers: &[bool], ways: &Ways, depth: &mut [u32]) {
    let mut waiting: Vec<u32> = members.iter().copied().filter(|item| callers[*item as usize]).collect();
    if waiting.is_empty() {
        waiting.extend(members.iter().copied().min());
    }
    waiting.iter().for_each(|item| depth[*item as usize] = 0);
    let mut next = 0;
    while let Some(item) = waiting.get(next).copied() {
        next += 1;
        for called in ways.from(item) {
            if part_of[*called as usize] as usize == part && depth[*called as usize] == u32::MAX {
                depth[*called as usize] = (depth[item as usize] + 1).min(CYCLE_DEPTH);
                waiting.push(*called);
            }
        }
    }
}

/// Long chains share layers, so that the map stays about as wide as it is high.
fn compressed(mut layers: Vec<u32>) -> Vec<u32> {
    let deepest = layers.iter().copied().max().unwrap_or(0) + 1;
    let most = (2 * layers.len().isqrt()).max(8) as u32;
    if deepest > most {
        layers.iter_mut().for_each(|layer| *layer = (u64::from(*layer) * u64::from(most) / u64::from(deepest)) as u32);
    }
    layers
}

/// Strongly connected parts, called before callers.
struct Parts {
    of: Vec<u32>,
    members: Vec<Vec<u32>>,
}

impl Parts {
    /// Tarjan 1972, without recursion.
    fn of(count: usize, ways: &Ways) -> Self {
        const UNSEEN: u32 = u32::MAX;
        let mut parts = Self { of: vec![UNSEEN; count], members: vec![] };
        let (mut number, mut low) = (vec![UNSEEN; count], vec![0; count]);
        let (mut open, mut path): (Vec<u32>, Vec<(u32, usize)>) = (vec![], vec![]);
        let mut next = 0;
        for root in 0..count as u32 {
            if number[root as usize] != UNSEEN {
                continue;
            }
            path.push((root, 0));
            while let Some((item, way)) = path.pop() {
                let here = item as usize;
                if way == 0 {
                    (number[here], low[here]) = (next, next);
                    next += 1;
                    open.push(item);
                }
                if let Some(called) = ways.from(item).get(way) {
                    path.push((item, way + 1));
                    let there = *called as usize;
                    if number[there] == UNSEEN {
                        path.push((*called, 0));
                    } else if parts.of[there] == UNSEEN {
                        low[here] = low[here].min(number[there]);
                    }
                    continue;
                }
                if let Some((caller, _)) = path.last() {
                    low[*caller as usize] = low[*caller as usize].min(low[here]);
                }
                if low[here] == number[here] {
                    parts.close(item, &mut open);
                }
            }
        }
        parts
    }

    fn close(&mut self, root: u32, open: &mut Vec<u32>) {
        let start = open.iter().rposition(|item| *item == root).unwrap_or(0);
        let members = open.split_off(start);
        for item in &members {
            self.of[*item as usize] = self.members.len() as u32;
        }
        self.members.push(members);
    }
}
