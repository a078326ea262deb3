//! One table for whoever was measured, and figures beside their targets.

use std::time::Duration;

use crate::Problem;
use crate::measured::Measured;

/// One measured run of one program.
pub struct Figures {
    pub who: String,
    pub in_flight: u32,
    pub items: u64,
    pub wall: Duration,
    pub cpu: Duration,
    pub peak_mib: f64,
    /// Most requests at once that the mock saw.
    pub peak_in_flight: u64,
}

impl Figures {
    pub fn new(who: String, in_flight: u32, items: u64, measured: &Measured, peak_in_flight: u64) -> Figures {
        Figures {
            who,
            in_flight,
            items,
            wall: measured.wall,
            cpu: measured.cpu,
            peak_mib: measured.peak_mib(),
            peak_in_flight,
        }
    }

    pub fn rate(&self) -> f64 {
        self.items as f64 / self.wall.as_secs_f64()
    }

    pub fn cpu_ms(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e3 / self.items as f64
    }
}

/// The run in the middle by wall time; rounds are few, and a mean would mix in the odd bad one.
fn median(mut rounds: Vec<Figures>) -> Option<Figures> {
    rounds.sort_by_key(|figures| figures.wall);
    let middle = rounds.len() / 2;
    rounds.into_iter().nth(middle)
}

/// Runs `one` so often (once at least) and keeps the run in the middle.
pub fn middle_round(
    rounds: usize,
    one: impl FnMut() -> Result<Figures, Problem>,
) -> Result<Figures, Problem> {
    let all = std::iter::repeat_with(one).take(rounds.max(1)).collect::<Result<Vec<_>, _>>()?;
    median(all).ok_or_else(|| "no round was run".into())
}

pub fn print_table(rows: &[Figures]) {
    println!(
        "{:<22} {:>9} {:>9} {:>10} {:>12} {:>10} {:>9}",
        "", "in flight", "wall s", "items/s", "CPU ms/item", "RSS MiB", "peak seen"
    );
    for row in rows {
        println!(
            "{:<22} {:>9} {:>9.2} {:>10.1} {:>12.3} {:>10.1} {:>9}",
            row.who,
            row.in_flight,
            row.wall.as_secs_f64(),
            row.rate(),
            row.cpu_ms(),
            row.peak_mib,
            row.peak_in_flight
        );
    }
}

/// A figure and what it should be.
pub struct Target {
    pub what: &'static str,
    pub value: f64,
    pub wanted: Wanted,
    pub unit: &'static str,
}

pub enum Wanted {
    AtLeast(f64),
    Under(f64),
}

pub fn print_targets(targets: &[Target]) {
    for target in targets {
        let (met, sign, bound) = match target.wanted {
            Wanted::AtLeast(bound) => (target.value >= bound, "at least", bound),
            Wanted::Under(bound) => (target.value < bound, "under", bound),
        };
        println!(
            "{:<28} {:>10.3} {:<9} target {sign} {bound} {}: {}",
            target.what,
            target.value,
            target.unit,
            target.unit,
            if met { "met" } else { "MISSED" }
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_a_run_that_was() {
        let round = |seconds| Figures {
            who: String::new(),
            in_flight: 1,
            items: 10,
            wall: Duration::from_secs(seconds),
            cpu: Duration::from_millis(10),
            peak_mib: 1.0,
            peak_in_flight: 1,
        };
        let middle = median(vec![round(9), round(1), round(2)]).unwrap();
        assert_eq!((middle.rate(), middle.cpu_ms()), (5.0, 1.0));
        assert!(median(Vec::new()).is_none());
    }
}
