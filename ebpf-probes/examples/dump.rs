//! Prints what the kernel side sees: `dump [seconds] [pid]`, as root.
//!
//! With a pid, only that process is observed. Payload is cut to its first 60 bytes.

use std::env;
use std::error::Error;
use std::time::{Duration, Instant};

use ebpf_probes::{Decision, ProbeConfig, Probes, Record, Subject, Support, Tgid};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let seconds = arguments.next().map_or(Ok(10), |text| text.parse())?;
    let pid: Option<u32> = arguments.next().map(|text| text.parse()).transpose()?;

    eprint!("{}", Support::of_this_kernel());
    let default_decision = if pid.is_some() { Decision::Ignore } else { Decision::Observe };
    let mut probes = Probes::load(&ProbeConfig { default_decision, ..ProbeConfig::default() })?;
    if let Some(pid) = pid {
        probes.set_policy(Subject::Process(Tgid(pid)), Decision::Observe)?;
    }
    let mut ring = probes.ring()?;
    let end = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < end {
        ring.poll(Duration::from_millis(50), &mut print)?;
    }
    for program in probes.program_statistics() {
        eprintln!("{program:?}");
    }
    eprintln!("{:?}\nmalformed: {:?}", probes.counters()?, ring.malformed());
    Ok(())
}

fn print(record: Record<'_>) {
    match record {
        Record::Chunk(header, payload, tail) => {
            let beginning = payload.get(..60).unwrap_or(payload);
            println!("{header:?}\n  {} + {:?}", beginning.escape_ascii(), tail.escape_ascii().to_string());
        }
        Record::Exec(exec) => println!(
            "Exec {:?} by {:?} in {:?}: {} {}",
            exec.tgid,
            exec.parent,
            exec.cgroup,
            exec.filename.escape_ascii(),
            exec.service_name.unwrap_or_default().escape_ascii()
        ),
        other => println!("{other:?}"),
    }
}
