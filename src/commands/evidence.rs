//! Where `graph`, `baseline` and `check` have what was observed from: a running server, or a file that `graph export`
//! wrote. Everything they say about it is decided in `topology`.

use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use topology::entity::Encoded;
use topology::{Moment, Observed, Who, export};

use crate::top::fetch::{Address, get};

/// Where it comes from.
#[derive(Debug, Clone, Args)]
pub struct Source {
    /// The server that keeps the map; by http:// only, if need be through a tunnel
    #[arg(long, value_name = "URL", default_value = "http://localhost:4680")]
    pub server: String,
    /// The server's token, if it wants one
    #[arg(long, value_name = "TOKEN", env = "TIDEWATCH_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// A file that `graph export -o json` or `-o yaml` wrote, instead of a server
    #[arg(long, value_name = "FILE")]
    pub file: Option<String>,
}

/// Which part of time.
#[derive(Debug, Clone, Default, Args)]
pub struct Span {
    /// Where the window begins: -10m, RFC 3339, or seconds since 1970
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub from: Option<String>,
    /// Where it ends
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub to: Option<String>,
}

/// What cannot be done, with the sentence that says so.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Trouble(pub String);

impl Trouble {
    pub fn of(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// A usage or data error, as in the table of exit codes.
pub const UNUSABLE: u8 = 2;

/// The exit code of what was done; errors are told.
pub fn exit(done: Result<u8, Trouble>) -> ExitCode {
    let code = done.unwrap_or_else(|Trouble(sentence)| {
        eprintln!("Error: {}", sentence.trim_end());
        UNUSABLE
    });
    ExitCode::from(code)
}

/// The moment of asking.
pub fn now() -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Moment(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

/// The text of a file.
pub fn read(path: &str) -> Result<String, Trouble> {
    std::fs::read_to_string(path).map_err(|error| Trouble(format!("cannot read {path}: {error}")))
}

/// Writes to a file, or prints without one.
pub fn write(path: Option<&str>, text: &str) -> Result<(), Trouble> {
    match path {
        Some(path) => std::fs::write(path, text).map_err(|error| Trouble(format!("cannot write {path}: {error}"))),
        None => {
            use std::io::Write;
            // A reader that went away, such as `head`, is no fault of ours.
            let _ = std::io::stdout().lock().write_all(text.as_bytes());
            Ok(())
        }
    }
}

/// Names and texts of the YAML files at a path: itself, or all in the directory and below.
pub fn yaml_files(path: &str) -> Result<Vec<(String, String)>, Trouble> {
    let mut files = Vec::new();
    let mut waiting = vec![Path::new(path).to_owned()];
    while let Some(here) = waiting.pop() {
        let unreadable = |error| Trouble(format!("cannot read {}: {error}", here.display()));
        if here.is_dir() {
            for entry in std::fs::read_dir(&here).map_err(unreadable)? {
                let entry = entry.map_err(unreadable)?;
                // A link may lead back up.
                if entry.file_type().is_ok_and(|kind| !kind.is_symlink()) {
                    waiting.push(entry.path());
                }
            }
            continue;
        }
        let is_yaml = here.extension().is_some_and(|it| it == "yaml" || it == "yml");
        if is_yaml || here == Path::new(path) {
            let name = here.display().to_string();
            files.push((name.clone(), read(&name)?));
        }
    }
    files.sort();
    Ok(files)
}

/// What a file shows.
pub fn of_file(path: &str) -> Result<Observed, Trouble> {
    export::read(&read(path)?).map_err(|error| Trouble(format!("{path}: {error}")))
}

impl Source {
    /// What was observed; in a window, if it comes from a server.
    pub fn observe(&self, span: &Span) -> Result<Observed, Trouble> {
        match &self.file {
            Some(_) if span.from.is_some() || span.to.is_some() => {
                Err(Trouble("a file is one window: --from and --to are for servers".into()))
            }
            Some(path) => of_file(path),
            None => self.live(span),
        }
    }

    fn live(&self, span: &Span) -> Result<Observed, Trouble> {
        let mut url = format!("{}/api/v1/export?", self.server.trim_end_matches('/'));
        for (key, value) in [("from", &span.from), ("to", &span.to)] {
            if let Some(value) = value {
                url.push_str(&format!("{key}={}&", Encoded(value)));
            }
        }
        let address = Address::parse(&url).map_err(Trouble::of)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Trouble::of)?;
        let text = runtime.block_on(get(&address, self.token.as_deref())).map_err(Trouble::of)?;
        export::read(&text).map_err(|error| Trouble(format!("{}: {error}", self.server)))
    }
}

/// Leaves only edges with an end in one of these namespaces; all without.
pub fn keep_namespaces(observed: &mut Observed, namespaces: &[String]) {
    if namespaces.is_empty() {
        return;
    }
    let registry = std::sync::Arc::clone(&observed.registry);
    let is_in = |id| match registry.get(id).map(|entity| &entity.who) {
        Some(Who::Inside(inside)) => namespaces.iter().any(|namespace| **namespace == *inside.namespace),
        _ => false,
    };
    observed.edges.retain(|edge| is_in(edge.source) || is_in(edge.target));
    observed.nodes.retain(|facts| is_in(facts.entity));
}
