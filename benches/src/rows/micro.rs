//! What criterion measured, per element.

use std::path::{Path, PathBuf};

use super::{Bench, Report};
use crate::Fault;

pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<(), Fault> {
    report.table(
        "Small parts",
        "`cargo bench -p benches`; CPU time of the thread, median and its 95 % confidence interval.",
        &["Part", "ns each"],
    );
    let mut found = Vec::new();
    collect(&bench.criterion, &mut found)?;
    found.sort();
    for directory in found {
        if let Some((name, cells)) = read(&directory) {
            report.row(&[name, cells]);
        }
    }
    Ok(())
}

/// Directories named `new` hold the last run of a benchmark.
fn collect(directory: &Path, found: &mut Vec<PathBuf>) -> Result<(), Fault> {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.join("estimates.json").exists() && path.ends_with("new") {
            found.push(path);
        } else if path.is_dir() {
            collect(&path, found)?;
        }
    }
    Ok(())
}

fn read(directory: &Path) -> Option<(String, String)> {
    let json = |file: &str| -> Option<serde_json::Value> {
        serde_json::from_slice(&std::fs::read(directory.join(file)).ok()?).ok()
    };
    let (benchmark, estimates) = (json("benchmark.json")?, json("estimates.json")?);
    let elements = benchmark.pointer("/throughput/Elements").and_then(serde_json::Value::as_f64).unwrap_or(1.0);
    let number = |path: &str| Some(estimates.pointer(path)?.as_f64()? / elements);
    let median = number("/median/point_estimate")?;
    let low = number("/median/confidence_interval/lower_bound")?;
    let high = number("/median/confidence_interval/upper_bound")?;
    Some((benchmark.get("full_id")?.as_str()?.to_owned(), format!("{median:.1} ({low:.1}–{high:.1})")))
}
