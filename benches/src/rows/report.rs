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

    fn line(&mut self, line: &str) {
        println!("{line}");
        self.text.push_str(line);
        self.text.push('\n');
    }
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
