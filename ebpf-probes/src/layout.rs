//! The Rust twins of `bpf/records.h`, written by the build script from that file.
//!
//! In this room: fields as the kernel side wrote them. Not here: their meaning ([`crate::record`]).

#![allow(dead_code, missing_docs)]

include!(concat!(env!("OUT_DIR"), "/layout.rs"));
