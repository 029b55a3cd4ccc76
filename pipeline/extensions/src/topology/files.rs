//! Files that the configuration names: read while the extension is built, so that `validate` finds what is wrong in them.

use std::sync::Arc;

use component::BuildError;
use config::Problems;
use topology::baseline::Baseline;
use topology::rules::Rules;

/// The rules of these files over the built-in ones.
pub fn rules(paths: &[String]) -> Result<Rules, BuildError> {
    let files: Vec<(&str, String)> =
        paths.iter().map(|path| Ok((path.as_str(), read(path)?))).collect::<Result<_, _>>()?;
    let mut problems = Problems::new();
    let read = Rules::read(files.iter().map(|(path, text)| (*path, text.as_str())), &mut problems);
    read.ok_or_else(|| BuildError(format!("the rules cannot be used:\n{}", problems.render())))
}

/// The baselines in these files.
pub fn baselines(paths: &[String]) -> Result<Arc<[Arc<Baseline>]>, BuildError> {
    let mut problems = Problems::new();
    let mut baselines: Vec<Arc<Baseline>> = Vec::new();
    for path in paths {
        baselines.extend(Baseline::read(path, &read(path)?, &mut problems).map(Arc::new));
    }
    if problems.has_errors() {
        return Err(BuildError(format!("the baselines cannot be used:\n{}", problems.render())));
    }
    Ok(baselines.into())
}

fn read(path: &str) -> Result<String, BuildError> {
    std::fs::read_to_string(path).map_err(|error| BuildError(format!("cannot read {path}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_files_the_built_in_rules_hold() {
        assert!(rules(&[]).unwrap().rules.iter().any(|rule| rule.name == "error-rate"));
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = rules(&["/no/such/rules.yaml".to_owned()]).unwrap_err().to_string();

        assert!(error.contains("/no/such/rules.yaml"), "{error}");
    }

    #[test]
    fn a_typo_in_a_baseline_is_told_with_its_place() {
        let directory = std::env::temp_dir().join(format!("baseline-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let path = directory.join("baseline.yaml").display().to_string();
        std::fs::write(&path, "kind: TopologyBaseline\nsepc: {}\n").unwrap();

        let error = baselines(&[path]).unwrap_err().to_string();

        std::fs::remove_dir_all(&directory).unwrap();
        assert!(error.contains("baseline.yaml:2:1") && error.contains("did you mean `spec`?"), "{error}");
    }
}
