//! Progress of a run: a bar on a terminal, a plain line now and then elsewhere. Never content.

use crate::exit::note;
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use plumb_study::run::Watch;
use plumb_study::{Failure, Observation};
use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How often a plain line is printed where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(15);

/// Watches a run.
pub struct Progress {
    bar: Option<ProgressBar>,
    asks: bool,
    total: u64,
    started: Instant,
    last_line: Mutex<Instant>,
    done: AtomicU64,
    failed: AtomicU64,
    withheld: AtomicU64,
    retries: AtomicU64,
    /// Tokens of prompts and of answers.
    read: AtomicU64,
    written: AtomicU64,
}

impl Progress {
    /// For `trials` to ask and `judgings` recorded answers to judge.
    pub fn new(trials: u64, judgings: u64) -> Progress {
        let asks = trials > 0;
        let total = if asks { trials } else { judgings };
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(8));
            bar.set_style(style());
            bar
        });
        let now = Instant::now();
        Progress {
            bar,
            asks,
            total,
            started: now,
            last_line: Mutex::new(now),
            done: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            withheld: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            read: AtomicU64::new(0),
            written: AtomicU64::new(0),
        }
    }

    /// Takes the bar away.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// One more is done.
    pub fn step(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        match &self.bar {
            Some(bar) => {
                bar.set_position(done);
                bar.set_message(format!("{}{}", self.tokens(), self.troubles()));
            }
            None => {
                let Ok(mut last) = self.last_line.try_lock() else { return };
                if last.elapsed() >= LINE_EVERY {
                    *last = Instant::now();
                    let rate = done as f64 / self.started.elapsed().as_secs_f64();
                    let left =
                        Duration::from_secs_f64((self.total.saturating_sub(done)) as f64 / rate.max(1e-9));
                    note(format_args!(
                        "{done} of {} · {rate:.1}/s · {} left{}{}",
                        self.total,
                        HumanDuration(left),
                        self.tokens(),
                        self.troubles()
                    ));
                }
            }
        }
    }

    /// Tokens a second since the start, where there are any.
    fn tokens(&self) -> String {
        let seconds = self.started.elapsed().as_secs_f64();
        let [read, written] = [&self.read, &self.written].map(|count| count.load(Ordering::Relaxed));
        rates(read, written, seconds)
    }

    fn troubles(&self) -> String {
        let mut text = String::new();
        for (count, what) in
            [(&self.failed, "failed"), (&self.withheld, "withheld"), (&self.retries, "tried again")]
        {
            let count = count.load(Ordering::Relaxed);
            if count > 0 {
                let _infallible = write!(text, " · {count} {what}");
            }
        }
        text
    }
}

fn rates(read: u64, written: u64, seconds: f64) -> String {
    let rate = |tokens: u64| tokens as f64 / seconds.max(1e-9);
    match (read, written) {
        (0, 0) => String::new(),
        (read, 0) => format!(" · {:.0} tokens/s read", rate(read)),
        (read, written) => format!(" · {:.0} tokens/s read, {:.0} written", rate(read), rate(written)),
    }
}

fn style() -> ProgressStyle {
    let template = "{bar:28} {pos} of {len} · {rate} · {left} left{msg}";
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─")
        .with_key("rate", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = write!(out, "{:.1}/s", state.per_sec());
        })
        .with_key("left", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = write!(out, "{}", HumanDuration(state.eta()));
        })
}

impl Watch for Progress {
    fn observed(&self, observation: &Observation) {
        match observation {
            Observation::Failed(_) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
            }
            Observation::Withheld(_) => {
                self.withheld.fetch_add(1, Ordering::Relaxed);
            }
            Observation::Answered { .. } => {}
        }
        self.step();
    }

    fn judged(&self) {
        if !self.asks {
            self.step();
        }
    }

    fn retried(&self, _why: &Failure, _wait: Duration) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    fn used(&self, tokens_in: u64, tokens_out: u64) {
        self.read.fetch_add(tokens_in, Ordering::Relaxed);
        self.written.fetch_add(tokens_out, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_tells_tokens_a_second_where_there_are_any() {
        let progress = Progress::new(3, 0);
        assert_eq!(progress.tokens(), "");
        progress.used(100, 0);
        assert!(progress.tokens().ends_with(" tokens/s read"), "{}", progress.tokens());
        assert_eq!(rates(100, 10, 4.0), " · 25 tokens/s read, 2 written");
    }
}
