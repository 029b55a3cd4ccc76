//! An open-loop HTTP client: requests leave at their time, late answers count from when they were due.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::Fault;

/// What to ask for, how often, how long.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The server.
    pub target: SocketAddr,
    /// Path.
    pub path: String,
    /// Requests a second over all connections.
    pub rate: u32,
    /// Keep-alive connections.
    pub connections: u32,
    /// How long.
    pub duration: Duration,
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Requests answered in full.
    pub answered: u64,
    /// From when they were due to their answer's end, in microseconds, sorted.
    pub latencies: Vec<u32>,
}

impl Outcome {
    /// The latency that this share of the requests did not exceed, in microseconds.
    pub fn percentile(&self, share: f64) -> u32 {
        let place = (self.latencies.len() as f64 * share) as usize;
        self.latencies.get(place.min(self.latencies.len().saturating_sub(1))).copied().unwrap_or(0)
    }
}

/// Sends all of the plan's requests.
pub fn run(plan: &Plan) -> Result<Outcome, Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(send_all(plan))
}

async fn send_all(plan: &Plan) -> Result<Outcome, Fault> {
    let request = format!("GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: tidewatch-bench\r\n\r\n", plan.path, plan.target);
    let period = Duration::from_secs(1) / plan.rate.max(1);
    let mut streams = Vec::new();
    for _ in 0..plan.connections {
        let stream = TcpStream::connect(plan.target).await?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    let beginning = Instant::now();
    let mut running = JoinSet::new();
    for (place, stream) in (0_u32..).zip(streams) {
        let schedule = Schedule {
            first: beginning + period * place,
            period: period * plan.connections,
            end: beginning + plan.duration,
        };
        running.spawn(ask(stream, request.clone().into_bytes(), schedule));
    }
    let mut outcome = Outcome::default();
    while let Some(latencies) = running.join_next().await {
        outcome.latencies.extend(latencies??);
    }
    outcome.answered = outcome.latencies.len() as u64;
    outcome.latencies.sort_unstable();
    Ok(outcome)
}

struct Schedule {
    first: Instant,
    period: Duration,
    end: Instant,
}

async fn ask(mut stream: TcpStream, request: Vec<u8>, schedule: Schedule) -> Result<Vec<u32>, Fault> {
    let mut latencies = Vec::new();
    let mut buffer = Vec::with_capacity(4096);
    let mut due = schedule.first;
    while due < schedule.end {
        if due > Instant::now() {
            sleep_until(due).await;
        }
        stream.write_all(&request).await?;
        buffer.clear();
        while answer_length(&buffer).is_none_or(|length| buffer.len() < length) {
            if stream.read_buf(&mut buffer).await? == 0 {
                return Err("the server closed a connection that it should keep".into());
            }
        }
        latencies.push(u32::try_from(due.elapsed().as_micros()).unwrap_or(u32::MAX));
        due += schedule.period;
    }
    Ok(latencies)
}

/// Bytes of the answer that begins here, once its head is whole.
fn answer_length(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(bytes.get(..head)?).ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    Some(head + length.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_as_long_as_it_says() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        assert_eq!(answer_length(answer), Some(answer.len()));
        assert_eq!(answer_length(&answer[..20]), None);
    }

    #[test]
    fn percentiles_of_nothing_are_zero() {
        assert_eq!(Outcome::default().percentile(0.99), 0);
        let outcome = Outcome { answered: 3, latencies: vec![1, 2, 9] };
        assert_eq!((outcome.percentile(0.5), outcome.percentile(1.0)), (2, 9));
    }
}
