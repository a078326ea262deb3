//! Looks at outcomes that a study plans before everybody has come.

use plumb_stats::sequential::Spending;
use serde::Deserialize;

use super::faults::Faults;
use super::parts::Study;

/// `[looks]`: when outcomes are looked at before the rule of stopping is met, and how alpha is spent on it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Looks {
    pub spending: SpendingName,
    /// Shares of all people, rising, each below 1; the last look is that at all of them.
    pub at: Vec<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum SpendingName {
    #[serde(rename = "obrien-fleming")]
    OBrienFleming,
    #[serde(rename = "pocock")]
    Pocock,
}

impl SpendingName {
    pub fn function(self) -> Spending {
        match self {
            SpendingName::OBrienFleming => Spending::OBrienFleming,
            SpendingName::Pocock => Spending::Pocock,
        }
    }

    pub fn words(self) -> &'static str {
        match self {
            SpendingName::OBrienFleming => "Lan and DeMets's spending function of O'Brien and Fleming's type",
            SpendingName::Pocock => "Lan and DeMets's spending function of Pocock's type",
        }
    }
}

impl Study {
    /// How many people must have completed for each planned look but the last.
    pub fn looks_at(&self) -> Vec<usize> {
        let (Some(looks), Some(people)) = (&self.looks, self.people()) else { return Vec::new() };
        // A share that meets a whole number of people but for rounding means that number.
        looks.at.iter().map(|share| (share * people as f64 - 1e-9).ceil().max(1.0) as usize).collect()
    }
}

pub(super) fn check(study: &Study, faults: &mut Faults) {
    let Some(looks) = &study.looks else { return };
    let mut place = faults.of("looks", "");
    let rises = looks.at.windows(2).all(|pair| pair[0] < pair[1]);
    if looks.at.is_empty() || !rises || looks.at.iter().any(|share| !(*share > 0.0 && *share < 1.0)) {
        place.fault(
            "at",
            "needs rising shares of all people, each above 0 and below 1, as [0.5]; the last look, at all of them, goes without saying",
        );
        return;
    }
    if study.people().is_none() {
        place.fault("at", "shares are of all people, but the file does not say how many: give [assignment] people or places");
    }
    if study.looks_at().windows(2).any(|pair| pair[0] == pair[1]) {
        place.fault("at", "two looks are at the same number of people");
    }
}
