//! Packs what `make ui` built into the crate, gzipped once here instead of at every request.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=dist");
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let mut table = String::from("pub(crate) static ASSETS: &[(&str, Asset)] = &[\n");
    let mut files = Vec::new();
    collect(Path::new("dist"), &mut files)?;
    files.sort();
    for (place, file) in files.iter().enumerate() {
        let content = fs::read(file)?;
        let packed = gzip(&content)?;
        let name = format!("asset{place}.gz");
        fs::write(out.join(&name), packed)?;
        let path = file.strip_prefix("dist")?.to_string_lossy().replace('\\', "/");
        writeln!(
            table,
            "    ({path:?}, Asset {{ bytes: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}\")), content_type: {:?}, \
             encoding: Some(\"gzip\"), etag: \"\\\"{:016x}\\\"\" }}),",
            content_type(&path),
            hash(&content),
        )?;
    }
    table.push_str("];\n");
    fs::write(out.join("assets.rs"), table)?;
    Ok(())
}

/// All files below `folder`; none if there is no such folder, as before the first `make ui`.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

fn gzip(content: &[u8]) -> Result<Vec<u8>, std::io::Error> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    encoder.finish()
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

/// Names content for ETags: not a secret, only "is this what you have already".
fn hash(content: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(content);
    hasher.finish()
}
