//! A confidence level and an interval, the two types every other module speaks in.
//!
//! Not here: how intervals are computed (`proportion`, `bca`, `linear`, `mover`).

use crate::Error;

/// A two-sided confidence level, strictly between 0 and 1 (0.95, not 95).
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Level(f64);

impl Level {
    /// 0.95.
    pub const P95: Level = Level(0.95);
    /// 0.90: the level whose bounds are one-sided bounds at 5 %.
    pub const P90: Level = Level(0.90);

    /// # Errors
    /// `value` is not strictly between 0 and 1.
    pub fn new(value: f64) -> Result<Self, Error> {
        if value > 0.0 && value < 1.0 { Ok(Self(value)) } else { Err(Error::level(value)) }
    }

    /// The level as a fraction.
    pub fn get(self) -> f64 {
        self.0
    }

    /// The probability left outside on each side, (1 − level) / 2.
    pub fn tail(self) -> f64 {
        (1.0 - self.0) / 2.0
    }

    /// The normal quantile beyond which that probability lies: 1.96 for 95 %.
    pub fn z(self) -> f64 {
        crate::distribution::normal_quantile(1.0 - self.tail())
    }
}

/// A confidence interval in the units of its estimate; `low <= high`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
    pub level: Level,
}

impl Interval {
    /// Whether `value` lies inside or on a bound.
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// Whether the whole interval lies inside `[low, high]`.
    pub fn within(&self, low: f64, high: f64) -> bool {
        low <= self.low && self.high <= high
    }

    /// high − low.
    pub fn width(&self) -> f64 {
        self.high - self.low
    }
}
