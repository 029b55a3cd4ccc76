//! Lists of names, of which one must match.

use std::borrow::Borrow;

use regex::RegexSet;

/// How names are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MatchType {
    Strict,
    Regexp,
}

impl MatchType {
    pub(crate) fn parse(name: &str) -> Result<Self, String> {
        match name {
            "strict" => Ok(Self::Strict),
            "regexp" => Ok(Self::Regexp),
            _ => Err(format!("unrecognized match_type: '{name}', valid types are: [regexp strict]")),
        }
    }
}

/// Names to be equal to, or expressions to be found.
#[derive(Debug)]
pub(crate) enum Names {
    Strict(Vec<String>),
    Regexp(RegexSet),
}

impl Names {
    pub(crate) fn compile<S: Borrow<str>>(names: &[S], match_type: &str) -> Result<Self, String> {
        match MatchType::parse(match_type)? {
            MatchType::Strict => Ok(Self::Strict(names.iter().map(|name| name.borrow().to_owned()).collect())),
            MatchType::Regexp => {
                let set = RegexSet::new(names.iter().map(Borrow::borrow));
                set.map(Self::Regexp).map_err(|error| error.to_string())
            }
        }
    }

    pub(crate) fn contain(&self, name: &str) -> bool {
        match self {
            Self::Strict(names) => names.iter().any(|known| known == name),
            Self::Regexp(set) => set.is_match(name),
        }
    }
}
