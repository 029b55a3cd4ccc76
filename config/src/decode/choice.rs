//! One of a few words.

use super::DecodeContext;
use crate::node::Node;
use crate::problems::did_you_mean;

/// Reads a word; `#[derive(Config)]` on an enum calls it. `unknown` is the sentence for other words, in which `{}` and
/// `{:?}` stand for the word; `names` are the words that it proposes.
pub fn decode_choice<T, const N: usize>(
    values: [(&'static str, T); N],
    names: &[&str],
    unknown: Option<&str>,
    ignore_case: bool,
    node: &Node,
    context: &mut DecodeContext<'_>,
) -> Option<T> {
    let Some(text) = node.as_str() else {
        context.wrong_type(node, "string");
        return None;
    };
    let same = |name: &str| name == text || ignore_case && name.eq_ignore_ascii_case(text);
    let found = values.into_iter().find(|(name, _)| same(name)).map(|(_, value)| value);
    if found.is_none() {
        let sentence = unknown.unwrap_or("invalid value {:?}");
        let sentence = sentence.replace("{:?}", &format!("{text:?}")).replace("{}", text);
        let help = did_you_mean(text, names.iter().copied()).unwrap_or_else(|| format!("one of: {}", names.join(", ")));
        context.error_with_help(node.mark, sentence, Some(help));
    }
    found
}
