//! Puts a draft or a patch into a file that people keep: their text stays as it is.

use config::{Node, Problems};

use super::end::EndPattern;
use super::expect::{Baseline, Exception, Line};
use super::file::{self, State, items};
use super::port::{self, Port};
use super::write;

/// A file with what was added to it.
#[derive(Debug, Clone)]
pub struct Merged {
    /// The file.
    pub text: String,
    /// Lines and exceptions that were added.
    pub added: usize,
    /// Lines that say the opposite of what the file says; they were not added.
    pub conflicts: Vec<String>,
}

/// Adds to `base` what `other` says and it does not. Both are a name and a text. Comments, order and layout of `base`
/// stay. `None` means that one of them cannot be read; `problems` says why.
pub fn merge(base: (&str, &str), other: (&str, &str), problems: &mut Problems) -> Option<Merged> {
    let (_, root) = file::read(base.0, base.1, problems)?;
    let (held, offered) = (Baseline::read(base.0, base.1, problems)?, Baseline::read(other.0, other.1, problems)?);
    let mut conflicts = Vec::new();
    let lines = additions(&held, &offered, &mut conflicts);
    let exceptions: Vec<&Exception> = offered.exceptions.iter().filter(|it| !held.excepts(it)).collect();
    let groups = new_groups(&held, &offered, &mut conflicts);
    let added = lines.len().saturating_add(exceptions.len());
    let mut text = base.1.to_owned();
    // From the end of the text to its beginning, so that places stay right.
    let mut inserts: Vec<(&str, Vec<String>)> = vec![
        (
            "edges",
            lines.iter().map(|(line, ports)| write::line(0, (&line.from, &line.to), ports, line.state, "")).collect(),
        ),
        ("exceptions", exceptions.iter().map(|it| exception(it)).collect()),
        ("groups", groups),
    ];
    inserts.retain(|(_, blocks)| !blocks.is_empty());
    inserts.sort_by_key(|(key, _)| std::cmp::Reverse(place(&root, key)));
    for (key, blocks) in &inserts {
        text = insert(&text, &root, key, blocks).or_else(|| {
            let help = format!("write `{key}` as a list with one item per line");
            problems.error_with_help(root.mark, format!("nothing can be added to `{key}`"), Some(help));
            None
        })?;
    }
    // What was put together must read as what was meant.
    let read = Baseline::read(base.0, &text, problems)?;
    let is_whole = read.lines.len() == held.lines.len().saturating_add(lines.len());
    if !is_whole {
        problems.error(root.mark, "the files cannot be merged: the layout of `edges` is not understood");
    }
    is_whole.then_some(Merged { text, added, conflicts })
}

/// Lines that the file lacks, with the ports that it lacks.
fn additions<'o>(held: &Baseline, offered: &'o Baseline, conflicts: &mut Vec<String>) -> Vec<(&'o Line, Vec<Port>)> {
    let mut additions: Vec<(&Line, Vec<Port>)> = Vec::new();
    for line in &offered.lines {
        let is_forbid = line.state == State::Forbid;
        let opposes = |own: &&Line| (own.state == State::Forbid) != is_forbid && own.meets(line, is_forbid);
        if let Some(own) = held.lines.iter().find(opposes) {
            let (from, to) = (&line.from, &line.to);
            conflicts.push(format!(
                "{}: {from} -> {to} is `{}`, and {} says `{}`",
                line.place,
                line.state.as_str(),
                own.place,
                own.state.as_str()
            ));
            continue;
        }
        let covers = |own: &&Line| {
            let is_as_strict = if line.state == State::Require {
                own.state == State::Require
            } else {
                (own.state == State::Forbid) == is_forbid
            };
            is_as_strict && own.from.covers(&line.from) && own.to.covers(&line.to)
        };
        let own: Vec<&Line> = held.lines.iter().filter(covers).collect();
        if own.iter().any(|own| own.ports.is_empty()) {
            continue;
        }
        let has = |port: &Port| {
            let mut ports = own.iter().flat_map(|own| &own.ports);
            // Whoever forbids more than before means it.
            ports.any(|own| if is_forbid { own.covers(port) } else { own.admits(port) })
        };
        let open: Vec<Port> = line.ports.iter().filter(|port| !has(port)).cloned().collect();
        if !open.is_empty() || line.ports.is_empty() {
            additions.push((line, open));
        }
    }
    additions
}

impl Line {
    /// True if what both say cannot hold together: a forbidden edge inside what the file allows, or the other way round.
    fn meets(&self, other: &Self, other_forbids: bool) -> bool {
        let (wide, narrow) = if other_forbids { (other, self) } else { (self, other) };
        let ends = wide.from.covers(&narrow.from) && wide.to.covers(&narrow.to);
        ends && (wide.ports.is_empty() || narrow.ports.is_empty() || port::cover(&wide.ports, &narrow.ports))
    }
}

impl Baseline {
    fn excepts(&self, other: &Exception) -> bool {
        self.exceptions.iter().any(|own| {
            own.from == other.from && own.to == other.to && own.ports == other.ports && own.until >= other.until
        })
    }
}

fn exception(it: &Exception) -> String {
    let ports: Vec<String> = it.ports.iter().map(write::port).collect();
    let ports = if ports.is_empty() { String::new() } else { format!(", ports: [{}]", ports.join(", ")) };
    format!(
        "- match: {{ from: {}, to: {}{ports} }}\n  until: {}\n  owner: {}\n  reason: {}\n",
        write::end(&it.from),
        write::end(&it.to),
        it.until.to_rfc3339(),
        write::scalar(&it.owner),
        write::scalar(&it.reason),
    )
}

/// Groups that the added lines use and the file lacks.
fn new_groups(held: &Baseline, offered: &Baseline, conflicts: &mut Vec<String>) -> Vec<String> {
    let of = |baseline: &Baseline| -> Vec<EndPattern> {
        let lines = baseline.lines.iter().flat_map(|line| [line.from.clone(), line.to.clone()]);
        let exceptions = baseline.exceptions.iter().flat_map(|it| [it.from.clone(), it.to.clone()]);
        let mut groups: Vec<EndPattern> = lines.chain(exceptions).filter(|end| end.group.is_some()).collect();
        groups.sort();
        groups.dedup();
        groups
    };
    let own = of(held);
    let mut blocks = Vec::new();
    for group in of(offered) {
        let Some(name) = &group.group else { continue };
        match own.iter().find(|it| it.group == group.group) {
            Some(same) if *same == group => {}
            Some(_) => conflicts.push(format!("both files have a group `{name}`, and mean different things by it")),
            None => {
                let ends = group
                    .shapes
                    .iter()
                    .map(|shape| write::end(&EndPattern { group: None, shapes: vec![shape.clone()] }));
                let ends = ends.collect::<Vec<_>>().join(", ");
                blocks.push(format!("- {{ name: {}, match: {{ ends: [{ends}] }} }}\n", write::scalar(name)));
            }
        }
    }
    blocks
}

fn place(root: &Node, key: &str) -> u32 {
    let entry = root.get("spec").and_then(Node::as_map).and_then(|spec| spec.entry(key));
    entry.map_or(u32::MAX, |entry| entry.mark.line)
}

/// Puts items at the end of a list of `spec`, in the list's own indent.
fn insert(text: &str, root: &Node, key: &str, blocks: &[String]) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let spec = root.get("spec")?.as_map();
    let entry = spec.and_then(|spec| spec.entry(key));
    let items = items(root, key);
    if let (Some(entry), true) = (entry, items.is_empty()) {
        // `edges: []`, or nothing behind the colon.
        let (line, column) = (index(entry.mark.line)?, index(entry.mark.column)?);
        let mut lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        *lines.get_mut(line)? = format!("{}{key}:", " ".repeat(column));
        let indent = column.saturating_add(2);
        return Some(joined(&lines, line.saturating_add(1), blocks, indent));
    }
    let (first, indent, is_new) = match items.last() {
        Some(last) => {
            let line = index(last.mark.line)?;
            let indent = lines.get(line)?.find("- ")?;
            (line, indent, false)
        }
        None => {
            let first = spec?.iter().next()?;
            (index(first.mark.line)?, index(first.mark.column)?, true)
        }
    };
    let indent_of = |line: &&str| line.len().saturating_sub(line.trim_start().len());
    let is_text = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let mut end = first.saturating_add(1);
    for (at, line) in lines.iter().enumerate().skip(end) {
        let is_inside = if is_new { indent_of(line) >= indent } else { indent_of(line) > indent };
        match is_text(line) {
            true if is_inside => end = at.saturating_add(1),
            true => break,
            false => {}
        }
    }
    let owned: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    if !is_new {
        return Some(joined(&owned, end, blocks, indent));
    }
    let mut with_key = owned;
    with_key.insert(end, format!("{}{key}:", " ".repeat(indent)));
    Some(joined(&with_key, end.saturating_add(1), blocks, indent.saturating_add(2)))
}

fn index(from_one: u32) -> Option<usize> {
    usize::try_from(from_one.checked_sub(1)?).ok()
}

fn joined(lines: &[String], at: usize, blocks: &[String], indent: usize) -> String {
    let space = " ".repeat(indent);
    let added = blocks.iter().flat_map(|block| block.lines()).map(|line| format!("{space}{line}"));
    let (before, after) = lines.split_at(at.min(lines.len()));
    let all: Vec<String> = before.iter().cloned().chain(added).chain(after.iter().cloned()).collect();
    all.join("\n") + "\n"
}
