//! What was measured, as Markdown: printed while it is made, written when it is whole.

use std::process::Command;

use super::Bench;

/// The report so far.
pub struct Report {
    text: String,
}

impl Report {
    /// With the machine, the commit and the programs.
    pub fn new(bench: &Bench) -> Self {
        let mut report = Self { text: String::new() };
        report.line("# Results of `make bench`");
        report.line("");
        report.line(&format!("- Date: {}", said("date", &["-u", "+%Y-%m-%d %H:%M UTC"])));
        let dirty = if said("git", &["status", "--porcelain", "--untracked-files=no"]).is_empty() {
            ""
        } else {
            " and changes"
        };
        report.line(&format!("- Commit: {}{dirty}", said("git", &["rev-parse", "--short=12", "HEAD"])));
        report.line(&format!("- Machine: {}, {} cores, kernel {}", cpu_model(), cores(), said("uname", &["-r"])));
        report.line(&format!("- Load average before: {}", load_average()));
        match &bench.peer {
            Ok(peer) => report.line(&format!("- Peer: {}", version(peer))),
            Err(reason) => report.line(&format!("- Peer: none: {reason}")),
        }
        report.line(&format!(
            "- Medians of {} runs, ours and the peer's in turn, of {} s each; in brackets the lowest and the highest run.",
            bench.runs,
            bench.stretch.as_secs()
        ));
        report.line(
            "- Load, sink and the tested process share the machine's cores: what a row says about throughput is a",
        );
        report.line("  lower bound, what it says about CPU time is not.");
        report
    }

    /// Begins a section with a table.
    pub fn table(&mut self, title: &str, explanation: &str, columns: &[&str]) {
        self.line("");
        self.line(&format!("## {title}"));
        self.line("");
        if !explanation.is_empty() {
            self.line(explanation);
            self.line("");
        }
        self.row(columns);
        self.row(&columns.iter().map(|_| "---").collect::<Vec<_>>());
    }

    /// Adds a row to the last table.
    pub fn row<S: AsRef<str>>(&mut self, cells: &[S]) {
        let cells: Vec<&str> = cells.iter().map(AsRef::as_ref).collect();
        self.line(&format!("| {} |", cells.join(" | ")));
    }

    /// Adds a remark.
    pub fn note(&mut self, text: &str) {
        self.line("");
        self.line(text);
    }

    /// All of it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Another report in which the sections of this one replace those of the same title. A section that it does not have
    /// comes before its remarks. Its head stays, so each section says when it was measured.
    pub fn update(&self, other: &str) -> String {
        let (head, new) = sections(&self.text);
        let (other_head, mut all) = sections(other);
        let measured: Vec<&str> = head
            .lines()
            .filter(|line| ["- Date", "- Commit", "- Load average"].iter().any(|key| line.starts_with(key)))
            .collect();
        for (title, text) in new {
            let text = format!("{}\n\nMeasured on its own:\n\n{}\n\n", text.trim_end(), measured.join("\n"));
            match all.iter_mut().find(|(known, _)| *known == title) {
                Some((_, old)) => *old = text,
                None => {
                    let place = all.iter().position(|(title, _)| title.starts_with("Remarks")).unwrap_or(all.len());
                    all.insert(place, (title, text));
                }
            }
        }
        let all = all.into_iter().map(|(title, text)| format!("{SECTION}{title}\n{text}")).collect::<String>();
        format!("{other_head}{}\n", all.trim_end())
    }

    fn line(&mut self, line: &str) {
        println!("{line}");
        self.text.push_str(line);
        self.text.push('\n');
    }
}

const SECTION: &str = "## ";

/// What stands before the first section, and title and text of each.
fn sections(report: &str) -> (String, Vec<(&str, String)>) {
    let mut head = String::new();
    let mut all: Vec<(&str, String)> = Vec::new();
    for line in report.lines() {
        match (line.strip_prefix(SECTION), all.last_mut()) {
            (Some(title), _) => all.push((title, String::new())),
            (None, Some((_, text))) => *text += &format!("{line}\n"),
            (None, None) => head += &format!("{line}\n"),
        }
    }
    (head, all)
}

fn version(program: &crate::subject::Program) -> String {
    let output = Command::new(&program.path).arg("--version").output();
    let said = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    format!("{} ({said})", program.name)
}

fn said(command: &str, arguments: &[&str]) -> String {
    let output = Command::new(command).args(arguments).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

fn cpu_model() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or_else(|| "unknown CPU".to_owned(), |(_, name)| name.to_owned())
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)
}

fn load_average() -> String {
    std::fs::read_to_string("/proc/loadavg").unwrap_or_default().split(' ').take(3).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_replaces_its_own_section_and_no_other() {
        let whole = "# R\n\n- Date: old\n\n## A\n\n| 1 |\n\n## B\n\n| 2 |\n\n## Remarks on this run\n\n- so\n";
        let part = Report { text: "# R\n\n- Date: new\n- Peer: x\n\n## B\n\n| 3 |\n\n## C\n\n| 4 |\n".into() };

        let updated = part.update(whole);

        let measured = "Measured on its own:\n\n- Date: new\n\n";
        assert_eq!(
            updated,
            format!(
                "# R\n\n- Date: old\n\n## A\n\n| 1 |\n\n## B\n\n| 3 |\n\n{measured}## C\n\n| 4 |\n\n{measured}## Remarks on this run\n\n- so\n"
            )
        );
        assert_eq!(part.update(&updated), updated, "once more changes nothing");
    }
}
