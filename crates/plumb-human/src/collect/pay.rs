//! What people get, by the study's own rule, from what was collected: whole minor units, never fractions.

use super::takings::Taker;
use crate::error::{Error, Result};
use crate::expression::Expression;
use crate::protocol::person::End;
use crate::quantity::{decimals, written};
use crate::study::Study;

/// What one person gets, in minor units of the currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pay {
    /// For the part as a whole.
    pub base: u32,
    /// For answers.
    pub bonus: u32,
}

impl Study {
    /// Whether it says what people get.
    pub fn pays(&self) -> bool {
        self.payment.is_some()
    }

    /// What a person gets: the base and a bonus who completed, a share who was screened out, nothing else. The bonus counts
    /// every item about which all was answered, the first time that the person met it; one whose outcome has no value
    /// brings nothing.
    ///
    /// # Errors
    /// The outcome that the bonus goes by cannot be computed.
    pub fn pay(&self, taker: &Taker) -> Result<Pay> {
        let Some(payment) = &self.payment else { return Ok(Pay::default()) };
        match taker.end {
            Some(End::ScreenedOut) => return Ok(Pay { base: payment.screened_out, bonus: 0 }),
            Some(End::Completed) => {}
            _ => return Ok(Pay::default()),
        }
        let mut pay = Pay { base: payment.base, bonus: 0 };
        let Some(bonus) = &payment.bonus else { return Ok(pay) };
        let outcome = self.outcome.iter().find(|o| o.id == bonus.outcome);
        let outcome = outcome.ok_or_else(|| Error::new(format!("there is no outcome {}", bonus.outcome)))?;
        let measures: Vec<&str> = self.measures().collect();
        let expression = Expression::parse(&outcome.of, &measures)?;
        let arm = taker.arm.as_deref();
        let good = taker.items.iter().filter(|met| met.repetition == 0).filter(|met| {
            let value = expression.value(&|at| met.steps(self, measures[at], arm));
            value.is_ok_and(|value| value <= bonus.at_most)
        });
        let all = u64::from(bonus.each) * good.count() as u64;
        pay.bonus = u32::try_from(all).unwrap_or(u32::MAX).min(bonus.most);
        Ok(pay)
    }

    /// Minor units as one of the currency, with a point: `4.25`.
    pub fn money(&self, minor_units: u32) -> String {
        let minor = self.payment.as_ref().map_or(100, |p| i64::from(p.minor.max(1)));
        let step = 1_000_000 / minor;
        written(i64::from(minor_units) * step, decimals(step))
    }

    /// The currency's name.
    pub fn currency(&self) -> &str {
        self.payment.as_ref().map_or("", |p| p.currency.as_str())
    }
}
