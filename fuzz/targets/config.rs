//! Configuration text from anywhere: loaded, or refused with problems that can be shown.
#![no_main]

use config::Request;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, Option<&str>)| {
    let (text, set) = input;
    let uris = [format!("yaml:{text}")];
    let sets: Vec<String> = set.into_iter().map(str::to_owned).collect();
    let environment = |name: &str| (name.len() % 2 == 0).then(|| name.to_owned());
    let request = Request { uris: &uris, sets: &sets, gates: &[], environment: &environment };
    match config::load(&request) {
        Ok(loaded) => drop(loaded.problems.render()),
        Err(problems) => assert!(!problems.render().is_empty(), "a refusal says why"),
    }
});
