//! `cargo xtask mock-server`: the mock endpoint as a process of its own.

use std::io::Write as _;
use std::str::FromStr;
use std::time::Duration;

use plumb_mock::{Config, Fault};

use crate::Problem;

#[derive(clap::Args)]
pub struct Args {
    /// Port on 127.0.0.1; 0 picks a free one. The first line printed is `listening on ADDRESS`
    #[arg(long, default_value_t = 8089)]
    port: u16,
    /// Time from a request to its reply
    #[arg(long, default_value_t = 0, value_name = "MS")]
    latency_ms: u64,
    /// Up to so much more, by hash of the prompt, so that replies overtake each other
    #[arg(long, default_value_t = 0, value_name = "MS")]
    jitter_ms: u64,
    /// Words in a reply
    #[arg(long, default_value_t = 8)]
    tokens: u32,
    /// Say this to everybody instead of a reply that follows from the prompt
    #[arg(long, value_name = "TEXT")]
    reply: Option<String>,
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Decides which requests are hit by faults
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// A fault and its share of requests, such as 429=5; may be given several times
    #[arg(long, value_name = "FAULT=PERCENT", long_help = fault_help())]
    fault: Vec<Share>,
    /// Faults hit only the first N attempts of a prompt
    #[arg(long, value_name = "N")]
    fault_attempts: Option<u32>,
    /// The Retry-After of 429-retry-after
    #[arg(long, default_value_t = 1, value_name = "SECONDS")]
    retry_after: u32,
    /// Time between the pieces of a slow-body
    #[arg(long, default_value_t = 100, value_name = "MS")]
    trickle_ms: u64,
    /// Latency of the fault `late`
    #[arg(long, default_value_t = 5_000, value_name = "MS")]
    late_ms: u64,
    /// Answer every request with 401 and this message
    #[arg(long, value_name = "TEXT")]
    reject_all: Option<String>,
    /// Answer 429 to requests beyond N in flight
    #[arg(long, value_name = "N")]
    capacity: Option<usize>,
    /// Do not count prompts one by one
    #[arg(long)]
    no_prompts: bool,
}

/// One `--fault`: which, and how often.
#[derive(Clone, Copy, Debug)]
struct Share(Fault, f64);

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Share, String> {
        let (name, percent) =
            text.split_once('=').ok_or_else(|| format!("`{text}`: expected FAULT=PERCENT, such as 429=5"))?;
        let percent = percent.trim_end_matches('%');
        let percent = percent
            .parse()
            .map_err(|_| format!("`{percent}` is not a percentage; expected FAULT=PERCENT"))?;
        Ok(Share(name.parse()?, percent))
    }
}

fn fault_help() -> String {
    let names: Vec<&str> = Fault::ALL.iter().map(|fault| fault.name()).collect();
    format!(
        "A fault and its share of requests, such as 429=5; may be given several times. Which requests are hit \
         follows from the seed, the prompt and the attempt. Faults: {}",
        names.join(", ")
    )
}

pub fn run(args: &Args) -> Result<(), Problem> {
    raise_open_files();
    let config = Config {
        port: args.port,
        latency: Duration::from_millis(args.latency_ms),
        jitter: Duration::from_millis(args.jitter_ms),
        tokens: args.tokens,
        fixed_reply: args.reply.clone(),
        threads: args.threads,
        seed: args.seed,
        faults: args.fault.iter().map(|share| (share.0, share.1)).collect(),
        fault_attempts: args.fault_attempts,
        retry_after_s: args.retry_after,
        trickle: Duration::from_millis(args.trickle_ms),
        late: Duration::from_millis(args.late_ms),
        reject_all: args.reject_all.clone(),
        capacity: args.capacity,
        track_prompts: !args.no_prompts,
        keep_requests: 0,
    };
    plumb_mock::serve_forever(config, |addr| {
        println!("listening on {addr}");
        // A harness reads this line from a pipe; when it no longer listens there is nobody to tell.
        let _told = std::io::stdout().flush();
    })
    .map_err(|error| format!("mock-server on port {}: {error}", args.port))
}

/// Lifts the soft limit on open files to the hard one: thousands of connections are normal here.
pub fn raise_open_files() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both calls get a pointer to a live `rlimit` of ours and touch nothing else.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) == 0 {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
        }
    }
}
