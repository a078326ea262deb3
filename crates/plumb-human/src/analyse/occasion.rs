//! Which look at the outcomes an analysis is, and how small p must be for it.
//!
//! Who looks more often than the plan says has no error rate any more. A look that the plan lists has spent a part of alpha by
//! then; the levels follow from the shares of people at which looks were really taken ([`plumb_stats::sequential`]).

use plumb_stats::sequential::{LookLevel, Spending, levels};

use crate::error::Result;
use crate::study::Study;

/// How much of alpha there is for an analysis.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Spent {
    /// The spending function and the shares of people at looks so far, this one last; nothing where no look was planned.
    looks: Option<(Spending, Vec<f64>)>,
}

impl Spent {
    /// All of alpha, at once: the only look.
    pub fn at_once() -> Spent {
        Spent::default()
    }

    /// The two-sided p that a hypothesis with this alpha must not exceed at this look.
    ///
    /// # Errors
    /// Alpha is none.
    pub fn level(&self, alpha: f64) -> Result<f64> {
        Ok(self.look(alpha)?.map_or(alpha, |look| look.level))
    }

    /// Share, spent alpha and level of this look; nothing where it is the only one.
    ///
    /// # Errors
    /// As [`Spent::level`].
    pub fn look(&self, alpha: f64) -> Result<Option<LookLevel>> {
        match &self.looks {
            Some((spending, shares)) => Ok(levels(*spending, alpha, shares)?.pop()),
            None => Ok(None),
        }
    }
}

/// What is known of a look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sighted {
    /// People who had completed; `None` where nobody knows.
    pub completed: Option<u32>,
    /// Whether the days of collection were over, where the file sets some.
    pub days_over: bool,
}

/// What a look is by the plan.
#[derive(Debug, Clone, PartialEq)]
pub enum Occasion {
    /// All people of the plan have completed.
    Last(Spent),
    /// A look that the plan lists.
    Planned {
        /// Which, from 1.
        look: usize,
        /// What it has.
        spent: Spent,
    },
    /// None of the plan.
    Unplanned,
}

impl Study {
    /// What each of these looks is. A planned look is due once enough have completed and until the next is; whoever looks at other
    /// data a second time meanwhile, or before the first, takes a look that is not planned. Looking at the same data again is no
    /// other look. The last is at all people of the plan, or at those who came before its days were over.
    pub fn occasions(&self, looks: &[Sighted]) -> Vec<Occasion> {
        let due = self.looks_at();
        let spending = self.looks.as_ref().map(|looks| looks.spending.function());
        let mut taken: Vec<(usize, u32)> = Vec::new();
        looks.iter().map(|look| self.occasion(*look, &due, spending, &mut taken)).collect()
    }

    /// Whether the rule of stopping is met: every place is held by somebody who completed, or the days of collection are over.
    pub fn is_over(&self, look: Sighted) -> bool {
        let full = self.people().zip(look.completed).is_some_and(|(all, now)| now as usize >= all);
        full || look.days_over
    }

    fn occasion(
        &self,
        look: Sighted,
        due: &[usize],
        spending: Option<Spending>,
        taken: &mut Vec<(usize, u32)>,
    ) -> Occasion {
        let all = self.people();
        let spent = |taken: &[(usize, u32)], last: bool| {
            let shares = taken.iter().filter_map(|(_, n)| Some(f64::from(*n) / all? as f64));
            let shares: Vec<f64> = shares.chain(last.then_some(1.0)).collect();
            Spent { looks: spending.map(|function| (function, shares)) }
        };
        if self.is_over(look) {
            return Occasion::Last(spent(taken, true));
        }
        let Some(now) = look.completed else { return Occasion::Unplanned };
        let Some(look) = due.iter().rposition(|people| *people <= now as usize) else {
            return Occasion::Unplanned;
        };
        match taken.last() {
            Some((before, people)) if *before == look && *people == now => {}
            Some((before, people)) if *before >= look || *people >= now => return Occasion::Unplanned,
            _ => taken.push((look, now)),
        }
        Occasion::Planned { look: look + 1, spent: spent(taken, false) }
    }

    /// What is left for the last look where all that are planned were taken when they were due.
    pub(crate) fn spent_at_last(&self) -> Spent {
        let at = |n: usize| Sighted { completed: Some(n as u32), days_over: false };
        let mut looks: Vec<Sighted> = self.looks_at().into_iter().map(at).collect();
        looks.push(Sighted { days_over: true, ..Sighted::default() });
        match self.occasions(&looks).pop() {
            Some(Occasion::Last(spent)) => spent,
            _ => Spent::at_once(),
        }
    }

    /// The planned looks in words, the last included: people, share, and for each alpha of a hypothesis what is spent and the
    /// level. Empty where none is planned.
    pub(crate) fn looks_in_words(&self) -> Vec<String> {
        let (Some(looks), Some(all)) = (&self.looks, self.people()) else { return Vec::new() };
        let mut alphas: Vec<f64> = self.hypothesis.iter().map(|h| h.alpha).collect();
        alphas.sort_by(f64::total_cmp);
        alphas.dedup();
        let people: Vec<usize> = self.looks_at().into_iter().chain([all]).collect();
        let shares: Vec<f64> = people.iter().map(|n| *n as f64 / all as f64).collect();
        let mut lines: Vec<String> =
            people.iter().map(|n| format!("when {n} of {all} people have completed")).collect();
        for alpha in alphas {
            let Ok(levels) = levels(looks.spending.function(), alpha, &shares) else { continue };
            for (line, level) in lines.iter_mut().zip(levels) {
                line.push_str(&format!(
                    "; of alpha {alpha} {} is spent, two-sided p at most {}",
                    figures(level.spent),
                    figures(level.level)
                ));
            }
        }
        lines
    }
}

/// Three significant digits: small levels would be zero otherwise.
fn figures(x: f64) -> String {
    if x >= 0.001 { format!("{x:.5}") } else { format!("{x:.2e}") }
}
