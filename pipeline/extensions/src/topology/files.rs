//! Files that the configuration names: read while the extension is built, so that `validate` finds what is wrong in them.

use component::BuildError;
use config::Problems;
use topology::rules::Rules;

/// The rules of these files over the built-in ones.
pub fn rules(paths: &[String]) -> Result<Rules, BuildError> {
    let files: Vec<(&str, String)> =
        paths.iter().map(|path| Ok((path.as_str(), read(path)?))).collect::<Result<_, _>>()?;
    let mut problems = Problems::new();
    let read = Rules::read(files.iter().map(|(path, text)| (*path, text.as_str())), &mut problems);
    read.ok_or_else(|| BuildError(format!("the rules cannot be used:\n{}", problems.render())))
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
}
