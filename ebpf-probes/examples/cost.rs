//! What the kernel side costs: `cost [seconds]`, as root, with `sysctl kernel.bpf_stats_enabled=1` and some load.
//!
//! Reads records and forgets them, so that the reader is not what is measured.

use std::env;
use std::error::Error;
use std::time::{Duration, Instant};

use ebpf_probes::{ProbeConfig, Probes, Record};

fn main() -> Result<(), Box<dyn Error>> {
    let seconds = env::args().nth(1).map_or(Ok(5), |text| text.parse())?;
    let mut probes = Probes::load(&ProbeConfig::default())?;
    let mut ring = probes.ring()?;
    let (mut chunks, mut records, mut polls) = (0_u64, 0, 0_u64);
    let end = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < end {
        let polled = ring.poll(Duration::from_millis(20), &mut |record| {
            if let Record::Chunk(..) = record {
                chunks += 1;
            }
        })?;
        records += polled.records;
        polls += 1;
    }
    for program in probes.program_statistics().iter().filter(|program| program.runs > 0) {
        let each = program.nanoseconds / program.runs;
        println!("{:22} {:9} runs {each:5} ns each, {} missed", program.name, program.runs, program.recursion_misses);
    }
    let counters = probes.counters()?;
    println!("{records} records, {chunks} of chunks, in {polls} polls; {} chunks lost", counters.lost_chunks);
    Ok(())
}
