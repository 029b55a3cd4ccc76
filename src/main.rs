//! `tidewatch`: the command line, and the tables of everything it is made of.
//!
//! In this room: arguments, the choice of what to do, the start of logging. Nothing that works on data.
//! Not here: components (their crates), how they are put together (`engine`).
//!
//! Enter at [`cli::Cli`] and [`tables::TABLES`].

mod allocator;
mod cli;
mod commands;
mod logging;
mod tables;
mod top;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    cli::Cli::parse().execute()
}
