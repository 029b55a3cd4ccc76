//! Where text goes.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};

/// Files and standard streams that all get the same.
#[derive(Debug, Default)]
pub(crate) struct Sink {
    outputs: Vec<Output>,
}

#[derive(Debug)]
enum Output {
    Stdout,
    Stderr,
    File(File),
}

impl Sink {
    /// Opens files for appending; the error names the one that could not be opened.
    pub(crate) fn open(paths: &[String]) -> Result<Self, String> {
        let open = |path: &String| match path.as_str() {
            "stdout" => Ok(Output::Stdout),
            "stderr" => Ok(Output::Stderr),
            _ => {
                let file = OpenOptions::new().append(true).create(true).open(path);
                file.map(Output::File).map_err(|error| format!("couldn't open sink {path:?}: {error}"))
            }
        };
        Ok(Self { outputs: paths.iter().map(open).collect::<Result<_, _>>()? })
    }

    /// Writes to all; the first failure is told when all have been tried.
    pub(crate) fn write(&mut self, text: &str) -> io::Result<()> {
        let mut outcome = Ok(());
        for output in &mut self.outputs {
            let written = match output {
                Output::Stdout => io::stdout().lock().write_all(text.as_bytes()),
                Output::Stderr => io::stderr().lock().write_all(text.as_bytes()),
                Output::File(file) => file.write_all(text.as_bytes()),
            };
            outcome = outcome.and(written);
        }
        outcome
    }
}
