//! The documentation of keys: from doc comments to the table in a component's README.

use std::fmt::Write as _;
use std::path::Path;

use crate::decode::Section;

const BEGIN: &str = "<!-- keys -->";
const END: &str = "<!-- /keys -->";

/// What is to be known about one key.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyDoc {
    /// The key.
    pub name: &'static str,
    /// Its older spelling.
    pub alias: Option<&'static str>,
    /// Its type.
    pub type_name: String,
    /// Its default as it would be written; empty for none.
    pub default: String,
    /// Its doc comment.
    pub doc: &'static str,
    /// Why not to use it any more.
    pub deprecated: Option<&'static str>,
    /// Whether its value must not be printed.
    pub secret: bool,
    /// The keys inside.
    pub children: Vec<KeyDoc>,
}

/// Whether the value at `path` is a secret, by the documentation of the keys above it. List indices are skipped.
pub fn is_secret(keys: &[KeyDoc], path: &[&str]) -> bool {
    let Some((first, rest)) = path.split_first() else { return false };
    match keys.iter().find(|key| key.name == *first || key.alias == Some(first)) {
        Some(key) => key.secret || is_secret(&key.children, rest),
        // An index, or a key of a free map, stands between a section and its children.
        None => is_secret(keys, rest),
    }
}

/// The keys of a section as a Markdown table.
pub fn markdown_table<T: Section>() -> String {
    let mut table = String::from("| Key | Type | Default | Meaning |\n|---|---|---|---|\n");
    rows(&T::keys(), "", &mut table);
    table
}

fn rows(keys: &[KeyDoc], parent: &str, table: &mut String) {
    for key in keys {
        let path = if parent.is_empty() { key.name.to_owned() } else { format!("{parent}.{}", key.name) };
        let default = if key.default.is_empty() { "–".to_owned() } else { format!("`{}`", key.default) };
        let mut doc = key.doc.replace('|', "\\|");
        if let Some(alias) = key.alias {
            let _ = write!(doc, " Old spelling: `{alias}`.");
        } else if let Some(advice) = key.deprecated {
            let _ = write!(doc, " Deprecated: {advice}.");
        }
        // Writing to a String cannot fail.
        let _ = writeln!(table, "| `{path}` | {} | {default} | {} |", key.type_name, doc.trim());
        let inside = if key.type_name.starts_with("list of") { path + "[]" } else { path };
        rows(&key.children, &inside, table);
    }
}

/// Fails unless the README holds the table of `T` between `<!-- keys -->` and `<!-- /keys -->`.
/// With `UPDATE_README=1` in the environment it writes the table there instead.
pub fn assert_readme_table<T: Section>(readme: impl AsRef<Path>) {
    let readme = readme.as_ref();
    let result = compare_table(readme, &markdown_table::<T>(), std::env::var_os("UPDATE_README").is_some());
    assert!(result.is_ok(), "{}", result.err().unwrap_or_default());
}

fn compare_table(readme: &Path, table: &str, update: bool) -> Result<(), String> {
    let text = std::fs::read_to_string(readme).map_err(|error| format!("{}: {error}", readme.display()))?;
    let parts = text.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?)));
    let Some((before, (current, after))) = parts else {
        return Err(format!("{} has no {BEGIN} ... {END}", readme.display()));
    };
    let wanted = format!("\n{table}");
    if current == wanted {
        return Ok(());
    }
    if update {
        let text = format!("{before}{BEGIN}{wanted}{END}{after}");
        return std::fs::write(readme, text).map_err(|error| format!("{}: {error}", readme.display()));
    }
    Err(format!(
        "{} is behind the code; UPDATE_README=1 rewrites its table.\nexpected:{wanted}\nfound:{current}",
        readme.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "| Key |\n";

    fn readme(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("a text");
        file
    }

    #[test]
    fn a_readme_that_is_behind_fails_until_it_is_updated() {
        let file = readme("# It\n<!-- keys -->\nold\n<!-- /keys -->\nend\n");

        let behind = compare_table(file.path(), TABLE, false);
        let updated = compare_table(file.path(), TABLE, true);
        let equal = compare_table(file.path(), TABLE, false);

        assert!(behind.is_err_and(|message| message.contains("UPDATE_README=1")));
        assert_eq!((updated, equal), (Ok(()), Ok(())));
        let text = std::fs::read_to_string(file.path()).expect("a text");
        assert_eq!(text, "# It\n<!-- keys -->\n| Key |\n<!-- /keys -->\nend\n");
    }

    #[test]
    fn a_readme_without_markers_fails() {
        let file = readme("# It\n");

        let result = compare_table(file.path(), TABLE, true);

        assert!(result.is_err_and(|message| message.contains("has no <!-- keys -->")));
    }
}
