//! `/api/v1/export`: everything that was seen in a window, as a file that `graph export` writes and offline commands read.
//! Whom a baseline requires and nobody has seen is not in it: a file is evidence.

use topology::export::{self, File};

use super::{Parameter, Settings};
use crate::topology::answer::{Answer, JSON};
use crate::topology::asked::{Asked, Fault};
use crate::topology::published::Published;

/// Beside the window.
pub const PARAMETERS: &[Parameter] = &[Parameter { name: "format", meaning: "`json` (default) or `yaml`." }];

/// The window.
pub fn answer(asked: &Asked, map: &Published, _settings: &Settings) -> Result<Answer, Fault> {
    let (from, to) = asked.window(map.now)?;
    let file = asked.word("format", &[("json", File::Json), ("yaml", File::Yaml)])?.unwrap_or(File::Json);
    let kind = if file == File::Yaml { "application/yaml" } else { JSON };
    Ok(Answer::new(kind, export::window(&map.snapshot.observe(from, to), file)))
}
