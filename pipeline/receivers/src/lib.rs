//! How data comes in: one folder per receiver.
//!
//! In this room: receivers, and what the `ebpf` and `pcap` receivers share (`observe`).
//! Not here: servers (`transport`), kernel programs (`ebpf-probes`), parsers (`protocols`).
//!
//! Enter at [`FACTORIES`].

pub mod ebpf;
pub mod nop;
pub mod observe;
pub mod otlp;
pub mod pcap;
pub mod topology;

use component::ReceiverFactory;

/// Every receiver.
pub static FACTORIES: &[ReceiverFactory] =
    &[ebpf::FACTORY, nop::FACTORY, otlp::FACTORY, pcap::FACTORY, topology::FACTORY];
