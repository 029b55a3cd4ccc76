//! Names of labels.

use super::NameError;

/// Gives attributes their label names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LabelNamer {
    /// Names stay as they are, dots and all.
    pub(crate) utf8: bool,
}

impl LabelNamer {
    /// Appends the label name of an attribute to `text`; on error nothing is appended.
    pub(crate) fn write(self, attribute: &str, text: &mut String) -> Result<(), NameError> {
        let start = text.len();
        if self.utf8 {
            text.push_str(attribute);
        } else {
            escape(attribute, text);
        }
        let says_something = text.bytes().skip(start).any(|byte| byte != b'_');
        if says_something {
            return Ok(());
        }
        text.truncate(start);
        Err(NameError::Label(attribute.to_owned()))
    }

    /// The label name of an attribute.
    pub(crate) fn name(self, attribute: &str) -> Result<String, NameError> {
        let mut name = String::with_capacity(attribute.len());
        self.write(attribute, &mut name)?;
        Ok(name)
    }
}

/// Runs of illegal characters become one `_`; a name that then starts with a digit or one `_` is given a `key`.
/// Reserved names (`__x__`) keep their underscores.
fn escape(attribute: &str, text: &mut String) {
    let reserved = attribute.strip_prefix("__").and_then(|rest| rest.strip_suffix("__"));
    if let Some(inner) = reserved {
        text.push_str("__");
        collapse(inner, text);
        text.push_str("__");
        return;
    }
    match attribute.chars().next() {
        Some(first) if first.is_ascii_digit() => text.push_str("key_"),
        Some(first) if !first.is_ascii_alphanumeric() => text.push_str("key"),
        _ => {}
    }
    collapse(attribute, text);
}

fn collapse(attribute: &str, text: &mut String) {
    let mut after_underscore = false;
    for character in attribute.chars() {
        let legal = character.is_ascii_alphanumeric();
        if legal {
            text.push(character);
        } else if !after_underscore {
            text.push('_');
        }
        after_underscore = !legal;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_names_are_made_legal() {
        let cases = [
            ("http.route", "http_route"),
            ("plain", "plain"),
            ("x__y", "x_y"),
            ("_private", "key_private"),
            ("__half", "key_half"),
            ("__reserved__", "__reserved__"),
            ("1digit", "key_1digit"),
            ("ünï", "key_n_"),
        ];
        for (attribute, expected) in cases {
            assert_eq!(LabelNamer { utf8: false }.name(attribute).as_deref(), Ok(expected), "{attribute}");
        }
    }

    #[test]
    fn utf8_label_names_stay() {
        assert_eq!(LabelNamer { utf8: true }.name("http.route").as_deref(), Ok("http.route"));
    }

    #[test]
    fn a_label_whose_name_says_nothing_has_none() {
        for (utf8, attribute) in [(false, ""), (true, ""), (true, "__"), (false, "____")] {
            let refused = LabelNamer { utf8 }.name(attribute);

            assert_eq!(refused, Err(NameError::Label(attribute.to_owned())));
        }
    }
}
