//! What a user sees for whole files: `testdata/NAME.yaml` and, beside it, the text that it gives.
//!
//! `UPDATE_GOLDEN=1` rewrites the texts.
#![allow(clippy::expect_used, clippy::panic, reason = "a test may stop at the first surprise")]

use std::fs;
use std::path::{Path, PathBuf};

use config::{Request, load};

fn variable(name: &str) -> Option<String> {
    let value = match name {
        "CASE_LIST" => "[otlp]",
        "CASE_MAP" => "{a: 1}",
        "CASE_IP" => "127.0.0.1",
        _ => return None,
    };
    Some(value.to_owned())
}

/// All problems of some sources, as they are printed.
fn problems(uris: &[String]) -> String {
    let request = Request { uris, sets: &[], gates: &[], environment: &variable };
    load(&request).map_or_else(|problems| problems.render(), |loaded| loaded.problems.render())
}

fn cases() -> Vec<PathBuf> {
    let files = fs::read_dir("testdata").expect("the cases").filter_map(|entry| Some(entry.ok()?.path()));
    let mut cases: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|end| end == "yaml")).collect();
    cases.sort();
    cases
}

#[test]
fn each_file_gives_its_text() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    for path in cases() {
        let text = problems(&[path.display().to_string()]);
        let golden = path.with_extension("txt");
        if update {
            fs::write(&golden, &text).expect("the text is written");
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        assert_eq!(text, expected, "{}", path.display());
    }
}

#[test]
fn files_that_are_cut_or_garbled_anywhere_end_in_problems_not_in_panics() {
    for path in cases() {
        let text = fs::read_to_string(&path).expect("a text");
        for at in (0..text.len()).step_by(5).filter(|at| text.is_char_boundary(*at)) {
            let (before, after) = text.split_at(at);
            problems(&[format!("yaml:{before}")]);
            for odd in ["\t", "{", "}", "[", ": ", "&a ", "*a", "${", "$$", "::", "\"", "- ", "|", "\u{0}", "é"] {
                problems(&[format!("yaml:{before}{odd}{after}")]);
            }
        }
    }
}

#[test]
fn the_order_of_problems_is_always_the_same() {
    let uris = [Path::new("testdata/several-faults.yaml").display().to_string()];

    assert_eq!(problems(&uris), problems(&uris));
}
