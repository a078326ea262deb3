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
    /// What each of these looks is, given how many people had completed at each (`None` where nobody knows). A planned look is
    /// due once enough have completed and until the next is; whoever looks at other data a second time meanwhile, or before
    /// the first, takes a look that is not planned. Looking at the same data again is no other look.
    pub fn occasions(&self, completed: &[Option<u32>]) -> Vec<Occasion> {
        let due = self.looks_at();
        let spending = self.looks.as_ref().map(|looks| looks.spending.function());
        let mut taken: Vec<(usize, u32)> = Vec::new();
        completed.iter().map(|n| self.occasion(*n, &due, spending, &mut taken)).collect()
    }

    fn occasion(
        &self,
        completed: Option<u32>,
        due: &[usize],
        spending: Option<Spending>,
        taken: &mut Vec<(usize, u32)>,
    ) -> Occasion {
        let (Some(now), Some(all)) = (completed, self.people()) else { return Occasion::Unplanned };
        let spent = |taken: &[(usize, u32)], last: bool| {
            let shares = taken.iter().map(|(_, n)| f64::from(*n) / all as f64);
            let shares: Vec<f64> = shares.chain(last.then_some(1.0)).collect();
            Spent { looks: spending.map(|function| (function, shares)) }
        };
        if now as usize >= all {
            return Occasion::Last(spent(taken, true));
        }
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
        let mut looks: Vec<Option<u32>> = self.looks_at().into_iter().map(|n| Some(n as u32)).collect();
        looks.push(self.people().map(|n| n as u32));
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
