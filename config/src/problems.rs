//! Everything that is wrong with a configuration, said at once: sentence, place, offending line, remedy.

use std::collections::HashSet;
use std::fmt::Write as _;

use crate::node::{Mark, SourceId};

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// It can be used, but probably not as meant.
    Warning,
    /// Worth knowing.
    Note,
}

/// One problem.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// How bad.
    pub severity: Severity,
    /// Where.
    pub mark: Mark,
    /// The sentence; the Collector's own where it has one.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

#[derive(Debug, Clone)]
struct Source {
    name: String,
    text: String,
}

/// Collects problems, and keeps the texts they point into.
#[derive(Debug, Clone, Default)]
pub struct Problems {
    sources: Vec<Source>,
    list: Vec<Problem>,
    errors: usize,
    omitted: usize,
}

/// Most problems that are kept; the rest is counted.
const MOST_PROBLEMS: usize = 1000;

/// A line with one of these words may hold a secret, and is not shown.
const SECRET_WORDS: [&str; 8] =
    ["password", "passwd", "secret", "token", "authorization", "credential", "api_key", "api-key"];

impl Problems {
    /// Nothing wrong so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps a text so that problems can show its lines. `name` is what a reader calls it: a path, `env:NAME`, `--set a.b`.
    pub fn add_source(&mut self, name: impl Into<String>, text: impl Into<String>) -> SourceId {
        let id = SourceId(u32::try_from(self.sources.len()).unwrap_or(u32::MAX));
        self.sources.push(Source { name: name.into(), text: text.into() });
        id
    }

    /// Adds a problem.
    pub fn add(&mut self, severity: Severity, mark: Mark, message: impl Into<String>, help: Option<String>) {
        if severity == Severity::Error {
            self.errors = self.errors.saturating_add(1);
        }
        if self.list.len() >= MOST_PROBLEMS {
            self.omitted = self.omitted.saturating_add(1);
            return;
        }
        self.list.push(Problem { severity, mark, message: message.into(), help });
    }

    /// Adds an error.
    pub fn error(&mut self, mark: Mark, message: impl Into<String>) {
        self.add(Severity::Error, mark, message, None);
    }

    /// Adds an error with a remedy.
    pub fn error_with_help(&mut self, mark: Mark, message: impl Into<String>, help: Option<String>) {
        self.add(Severity::Error, mark, message, help);
    }

    /// Adds a warning.
    pub fn warn(&mut self, mark: Mark, message: impl Into<String>, help: Option<String>) {
        self.add(Severity::Warning, mark, message, help);
    }

    /// The Collector's sentence for a type that no factory knows, at the id's mark. `section` is `receivers` or the like.
    pub fn unknown_type(&mut self, section: &str, id: &crate::ComponentId, mark: Mark, valid: &[&str]) {
        let kind = id.kind();
        let message =
            format!("'{section}' unknown type: \"{kind}\" for id: \"{id}\" (valid values: [{}])", valid.join(" "));
        self.error_with_help(mark, message, did_you_mean(kind, valid.iter().copied()));
    }

    /// Whether there is an error among the problems.
    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// How many errors there are.
    pub fn error_count(&self) -> usize {
        self.errors
    }

    /// All problems, ordered by place; those of one place stay in the order in which they were found.
    pub fn sorted(&self) -> Vec<&Problem> {
        let mut sorted: Vec<&Problem> = self.list.iter().collect();
        sorted.sort_by_key(|problem| (problem.mark.is_somewhere(), problem.mark));
        sorted
    }

    /// All problems as text for a terminal.
    pub fn render(&self) -> String {
        self.render_if(|_| true)
    }

    /// Only problems of one severity, as text for a terminal.
    pub fn render_only(&self, severity: Severity) -> String {
        self.render_if(|problem| problem.severity == severity)
    }

    fn render_if(&self, wanted: impl Fn(&Problem) -> bool) -> String {
        let mut text = String::new();
        let mut shown = HashSet::new();
        for problem in self.sorted() {
            if wanted(problem) && shown.insert((problem.mark, &problem.message)) {
                self.render_one(problem, &mut text);
            }
        }
        if self.omitted > 0 {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "and {} more problems", self.omitted);
        }
        text
    }

    fn render_one(&self, problem: &Problem, out: &mut String) {
        let severity = match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        let place = self.describe(problem.mark).map_or(String::new(), |place| place + ": ");
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{}{severity}: {}", printable(&place), printable(&problem.message));
        if let Some((line, before)) = self.line(problem.mark) {
            let number = problem.mark.line;
            let margin = " ".repeat(number.to_string().len());
            let pad: String = line.chars().take(before).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
            let _ = writeln!(out, " {number} | {line}");
            let _ = writeln!(out, " {margin} | {pad}^");
        }
        if let Some(help) = &problem.help {
            let _ = writeln!(out, "  help: {}", printable(help));
        }
    }

    /// `file:line:column` of a mark.
    pub fn describe(&self, mark: Mark) -> Option<String> {
        let source = self.source(mark)?;
        Some(format!("{}:{}:{}", source.name, mark.line, mark.column))
    }

    fn source(&self, mark: Mark) -> Option<&Source> {
        if !mark.is_somewhere() {
            return None;
        }
        self.sources.get(usize::try_from(mark.source.0).ok()?)
    }

    /// The offending line, and how many characters stand before the offence. Of a long line the part around it.
    fn line(&self, mark: Mark) -> Option<(String, usize)> {
        const BEFORE: usize = 120;
        const LONGEST: usize = 240;
        let index = usize::try_from(mark.line).ok()?.checked_sub(1)?;
        let line = self.source(mark)?.text.lines().nth(index)?;
        let lower = line.to_ascii_lowercase();
        if SECRET_WORDS.iter().any(|word| lower.contains(word)) {
            return None;
        }
        let before = usize::try_from(mark.column.saturating_sub(1)).ok()?;
        let cut = before.saturating_sub(BEFORE);
        let part: String = line.chars().skip(cut).take(LONGEST).collect();
        let (part, before) = match cut {
            0 => (part, before),
            _ => (format!("…{part}"), BEFORE.saturating_add(1)),
        };
        Some((printable(part.trim_end()), before))
    }
}

/// Text from outside without characters that command a terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}

/// "did you mean `verbosity`?" when one of the known names is close enough to what was written.
pub fn did_you_mean<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    const LONGEST: usize = 80;
    if written.len() > LONGEST {
        return None;
    }
    let best = known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(written, name), name))
        .min_by_key(|(distance, _)| *distance)?;
    let (distance, name) = best;
    let allowed = written.chars().count().max(name.chars().count()) / 3;
    (distance > 0 && distance <= allowed.max(1)).then(|| format!("did you mean `{name}`?"))
}
