//! Compiles the programs in `bpf/` with clang, and keeps both sides of the record layout equal.
//!
//! In this room: calling clang, one error text per way it can fail. Not here: reading `records.h` (see [`records`]).

mod records;

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const SOURCES: &str = "bpf";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={SOURCES}");
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-env-changed=CLANG");

    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo did not set OUT_DIR")?);
    let definitions = records::parse(&fs::read_to_string(Path::new(SOURCES).join("records.h"))?)?;
    fs::write(out.join("layout.rs"), records::rust(&definitions))?;
    fs::write(out.join("layout_check.h"), records::c_checks(&definitions))?;
    compile(&out, "probes")?;
    compile(&out, "floor")
}

fn compile(out: &Path, name: &str) -> Result<(), Box<dyn Error>> {
    let architecture = env::var("CARGO_CFG_TARGET_ARCH")?;
    let (kernel_name, headers) = match architecture.as_str() {
        "x86_64" => ("x86", "/usr/include/x86_64-linux-gnu"),
        "aarch64" => ("arm64", "/usr/include/aarch64-linux-gnu"),
        other => return Err(format!("Tidewatch's eBPF programs support x86_64 and aarch64, not {other}").into()),
    };
    let clang = env::var("CLANG").unwrap_or_else(|_| "clang".to_owned());
    let result = Command::new(&clang)
        .args(["-target", "bpf", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter"])
        .arg(format!("-D__TARGET_ARCH_{kernel_name}"))
        .arg(format!("-I{headers}"))
        .arg(format!("-I{}", out.display()))
        .arg("-c")
        .arg(Path::new(SOURCES).join(name).with_extension("c"))
        .arg("-o")
        .arg(out.join(name).with_extension("o"))
        .output()
        .map_err(|error| {
            format!("cannot run '{clang}' ({error}): the eBPF programs need clang 14 or newer; `apt-get install clang`")
        })?;
    if result.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&result.stderr);
    let remedy = if text.contains("bpf/bpf_") {
        "\nthe headers of libbpf are missing: `apt-get install libbpf-dev`"
    } else if text.contains("asm/types.h") || text.contains("linux/types.h") {
        "\nthe kernel's user headers are missing: `apt-get install linux-libc-dev`"
    } else {
        ""
    };
    Err(format!("clang cannot compile the eBPF programs:\n{text}{remedy}").into())
}
