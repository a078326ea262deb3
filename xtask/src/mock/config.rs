//! What the server can be told: how fast it is, what it says, and how it misbehaves.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::hash::{Dice, Key};

/// A server's whole configuration. `Config::default()` answers everything at once and well.
#[derive(Clone, Debug)]
pub struct Config {
    /// Port on 127.0.0.1; 0 lets the system choose.
    pub port: u16,
    /// Time from a whole request to the first byte of its reply.
    pub latency: Duration,
    /// Up to this much is added to `latency`, by hash of the prompt, so that replies overtake.
    pub jitter: Duration,
    /// Words after the fingerprint in a reply, and the completion tokens reported.
    pub tokens: u32,
    /// Says this to everybody instead of the reply that follows from the prompt.
    pub fixed_reply: Option<String>,
    /// Worker threads; one keeps everything on a single core.
    pub threads: usize,
    /// Decides, with the prompt and the attempt, which requests are hit by a fault.
    pub seed: u64,
    /// Faults with their share of requests in percent; the shares add up to at most 100.
    pub faults: Vec<(Fault, f64)>,
    /// Faults hit only the first so many attempts of a prompt; `None` means every attempt.
    pub fault_attempts: Option<u32>,
    /// The value of `Retry-After`, in seconds, for [`Fault::RateLimited`].
    pub retry_after_s: u32,
    /// Time between two pieces of a trickled body.
    pub trickle: Duration,
    /// The latency of [`Fault::Late`].
    pub late: Duration,
    /// Answers every request of a model with 401 and this message.
    pub reject_all: Option<String>,
    /// More requests in flight than this are answered 429 without `Retry-After`.
    pub capacity: Option<usize>,
    /// Whether prompts are counted one by one (about 30 bytes each). Faults need it to know which
    /// attempt a request is; without it every request counts as a first attempt.
    pub track_prompts: bool,
    /// Keep the first so many requests whole, for tests of what a client sends.
    pub keep_requests: usize,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            port: 0,
            latency: Duration::ZERO,
            jitter: Duration::ZERO,
            tokens: 8,
            fixed_reply: None,
            threads: 1,
            seed: 0,
            faults: Vec::new(),
            fault_attempts: None,
            retry_after_s: 1,
            trickle: Duration::from_millis(100),
            late: Duration::from_secs(5),
            reject_all: None,
            capacity: None,
            track_prompts: true,
            keep_requests: 0,
        }
    }
}

impl Config {
    /// The default server with one fault at `percent` of the requests.
    #[must_use]
    pub fn with_fault(fault: Fault, percent: f64) -> Config {
        Config { faults: vec![(fault, percent)], ..Config::default() }
    }

    /// What is wrong with this configuration, if anything.
    ///
    /// # Errors
    /// Shares outside 0..=100 or that add up to more, and no thread to run on.
    pub fn check(&self) -> Result<(), String> {
        let mut sum = 0.0;
        for (fault, percent) in &self.faults {
            if !(0.0..=100.0).contains(percent) {
                return Err(format!("fault {fault}: {percent} is not a percentage from 0 to 100"));
            }
            sum += percent;
        }
        if sum > 100.0 {
            return Err(format!("the faults' percentages add up to {sum}, more than 100"));
        }
        if self.threads == 0 {
            return Err("threads = 0: a server needs at least one".to_owned());
        }
        Ok(())
    }

    /// The fault that hits attempt `attempt` (from 0) at this prompt. The same for ever.
    pub(crate) fn fault_for(&self, key: Key, attempt: u32) -> Option<Fault> {
        if self.faults.is_empty() || self.fault_attempts.is_some_and(|first| attempt >= first) {
            return None;
        }
        let mut thrown = Dice::at(self.seed, key, attempt).percent();
        for (fault, percent) in &self.faults {
            if thrown < *percent {
                return Some(*fault);
            }
            thrown -= percent;
        }
        None
    }

    pub(crate) fn latency_for(&self, key: Key) -> Duration {
        let spread = u64::try_from(self.jitter.as_micros()).unwrap_or(u64::MAX);
        let extra = Dice::at(self.seed ^ 0x6a69_7474, key, 0).below(spread.saturating_add(1));
        self.latency + Duration::from_micros(extra)
    }
}

macro_rules! faults {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal;)+) => {
        /// One way in which real endpoints have been seen to misbehave.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Fault { $($(#[doc = $doc])+ $variant,)+ }

        impl Fault {
            /// Every fault, in the order of `--help`.
            pub const ALL: &[Fault] = &[$(Fault::$variant,)+];

            /// The name on the command line and in the counts.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Fault::$variant => $name,)+ }
            }
        }
    };
}

faults! {
    /// 429 with `Retry-After`.
    RateLimited = "429-retry-after";
    /// 429 without `Retry-After`.
    RateLimitedBare = "429";
    /// 500 with a JSON error.
    ServerError = "500";
    /// 503 with a JSON error.
    Unavailable = "503";
    /// Takes the request and never says a word.
    NoReply = "no-reply";
    /// Sends status and headers, and never the body.
    StallAfterHeaders = "stall-after-headers";
    /// Sends half of the body and then nothing.
    StallMidBody = "stall-mid-body";
    /// A good reply that trickles in, sixteen bytes at a time.
    SlowBody = "slow-body";
    /// A good reply, but late (see `Config::late`).
    Late = "late";
    /// 200 with null content and finish reason `length`: all tokens went into reasoning.
    NullContent = "null-content";
    /// 200 with an empty text.
    EmptyContent = "empty-content";
    /// 200 without the field that holds the answer.
    MissingChoices = "missing-choices";
    /// 200 with that field null.
    NullChoices = "null-choices";
    /// 200 with JSON that breaks off, the length header being that of the broken text.
    TruncatedJson = "truncated-json";
    /// 200 with an HTML page.
    HtmlOk = "html-200";
    /// 502 with an HTML page, as a proxy sends it.
    HtmlBadGateway = "html-502";
    /// A good JSON reply that claims to be an image.
    WrongContentType = "wrong-content-type";
    /// 400 with the provider's `content_filter` error.
    FilteredPrompt = "content-filter-400";
    /// 200 with null content and finish reason `content_filter` (Anthropic: stop reason `refusal`).
    FilteredReply = "content-filter-finish";
    /// The connection is reset instead of answered.
    Reset = "reset";
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(name: &str) -> Result<Fault, String> {
        let found = Fault::ALL.iter().find(|fault| fault.name() == name);
        found.copied().ok_or_else(|| {
            let names: Vec<&str> = Fault::ALL.iter().map(|fault| fault.name()).collect();
            format!("no fault `{name}`; there are: {}", names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_and_parse_back() {
        for fault in Fault::ALL {
            assert_eq!(fault.name().parse::<Fault>(), Ok(*fault));
        }
        assert!("tea-break".parse::<Fault>().unwrap_err().contains("stall-mid-body"));
    }

    #[test]
    fn a_fault_hits_about_its_share_and_always_the_same_prompts() {
        let config = Config::with_fault(Fault::Reset, 10.0);
        let hit = |seed: u64| {
            let config = Config { seed, ..config.clone() };
            (0..10_000).filter(|n| config.fault_for(Key(*n), 0).is_some()).collect::<Vec<_>>()
        };
        assert!((850..1_150).contains(&hit(1).len()), "{}", hit(1).len());
        assert_eq!(hit(1), hit(1));
        assert_ne!(hit(1), hit(2));
    }

    #[test]
    fn faults_can_be_kept_to_first_attempts() {
        let mut config = Config::with_fault(Fault::Unavailable, 100.0);
        config.fault_attempts = Some(1);
        assert_eq!(config.fault_for(Key(5), 0), Some(Fault::Unavailable));
        assert_eq!(config.fault_for(Key(5), 1), None);
    }

    #[test]
    fn shares_over_a_hundred_are_refused() {
        let mut config = Config::with_fault(Fault::Reset, 60.0);
        config.faults.push((Fault::Late, 50.0));
        assert!(config.check().unwrap_err().contains("110"));
    }
}
