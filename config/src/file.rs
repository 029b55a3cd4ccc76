//! Files of other kinds than the configuration: rules, a baseline. Same YAML, same places, same help.

use crate::decode::{Section, decode_section};
use crate::node::Node;
use crate::problems::Problems;
use crate::{Check, DecodeContext, yaml};

/// Reads a YAML text called `name` into a section and runs its rules. `None` means that there were errors; all of them
/// are in `problems`. The tree is returned for rules that need the place of a value.
///
/// ```
/// use config::{Config, Problems, decode_file};
///
/// /// A list of rules.
/// #[derive(Debug, Config)]
/// #[config(no_rules)]
/// struct Rules {
///     /// Their names.
///     rules: Vec<String>,
/// }
///
/// let mut problems = Problems::new();
/// assert!(decode_file::<Rules>("rules.yaml", "ruels: [slow]", &mut problems).is_none());
/// let text = problems.render();
/// assert!(text.contains("did you mean `rules`?") && text.contains("rules.yaml:1:1"), "{text}");
/// ```
pub fn decode_file<T: Section>(name: &str, text: &str, problems: &mut Problems) -> Option<(T, Node)> {
    let errors_before = problems.error_count();
    let root = read_tree(name, text, problems)?;
    let decoded = decode_section(T::default(), &root, &mut DecodeContext::new(problems, ""));
    let decoded = decoded.filter(|_| problems.error_count() == errors_before)?;
    decoded.validate_inside(Some(&root), &mut Check::new(problems, "", Some(&root), root.mark));
    (problems.error_count() == errors_before).then_some((decoded, root))
}

/// Reads a YAML text called `name` into a tree, for files whose shape others define. `None` means that it is not YAML.
pub fn read_tree(name: &str, text: &str, problems: &mut Problems) -> Option<Node> {
    let source = problems.add_source(name, text);
    let document = match yaml::parse(text, source) {
        Ok(document) => document,
        Err(error) => {
            problems.error_with_help(error.mark, error.message, error.help);
            return None;
        }
    };
    if let Some(second) = document.second {
        problems.warn(second, "only the first document of a file is read", None);
    }
    Some(document.root)
}
