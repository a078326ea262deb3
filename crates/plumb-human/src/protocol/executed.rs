//! How people were really assigned, to be run again: who came in which order, who ended when.
//!
//! A test by permutation must draw from what could have happened. So it runs the rule that was executed, with other seeds, over
//! the same arrivals, completions and departures, instead of shuffling labels as if everybody had been assigned at once.

use std::collections::BTreeMap;

use super::assign::Allocation;

/// Something that moved places, in the order in which it happened. People are numbered as in exports, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// A person came to be assigned.
    Assign {
        /// Who.
        person: u32,
        /// In which stratum.
        stratum: String,
    },
    /// The person was through.
    Complete(u32),
    /// The person left.
    Leave(u32),
    /// Conditions got other places, and whether people are dealt in proportion to them.
    Places(Vec<Option<usize>>, bool),
}

/// Everything again, with an allocation that nobody has come to: the condition of each person, by position in the study. A person
/// who finds no place open in it has none.
pub fn run_again(mut allocation: Allocation, acts: &[Act]) -> BTreeMap<u32, usize> {
    let mut arms: BTreeMap<u32, usize> = BTreeMap::new();
    let mut strata: BTreeMap<u32, &str> = BTreeMap::new();
    for act in acts {
        match act {
            Act::Assign { person, stratum } => {
                if let Some(arm) = allocation.assign(stratum) {
                    arms.insert(*person, arm);
                    strata.insert(*person, stratum);
                }
            }
            Act::Complete(person) => {
                if let Some(arm) = arms.get(person) {
                    allocation.complete(*arm);
                }
            }
            Act::Leave(person) => {
                if let (Some(arm), Some(stratum)) = (arms.get(person), strata.get(person)) {
                    allocation.leave(*arm, stratum);
                }
            }
            Act::Places(places, in_shares) => allocation.set_places(places, *in_shares),
        }
    }
    arms
}
