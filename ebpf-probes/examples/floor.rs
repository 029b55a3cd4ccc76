//! What hooks cost by themselves: holds programs that do nothing on the hooks of every send and receive until it is ended.
//!
//! Says when they are attached, as Tidewatch does, so that both can be measured alike.

use std::error::Error;

use aya::programs::BtfTracePoint;
use aya::{Btf, Ebpf};

static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/floor.o"));

fn main() -> Result<(), Box<dyn Error>> {
    let btf = Btf::from_sys_fs()?;
    let mut programs = Ebpf::load(OBJECT)?;
    for hook in ["sock_send_length", "sock_recv_length"] {
        let program: &mut BtfTracePoint = programs.program_mut(hook).ok_or("no such program")?.try_into()?;
        program.load(hook, &btf)?;
        program.attach()?;
    }
    eprintln!("Everything is ready");
    loop {
        std::thread::park();
    }
}
