//! Which answers people are to label, so that an annotator can be held against them.
//!
//! The set of the v0.5 paper: of each hazard and system at most ten answers that the annotator flagged, and as many that it
//! did not; there 660 and 660 of 560,170. Drawn by verdict, so what it says of all answers needs the share that is flagged
//! ([`crate::validate`]). [`draw`] says which answers; [`Asked`] makes a study of them that people take part in. Not here: the
//! sheet that people fill in without a study, and what becomes of their labels.

mod study;

pub use study::{Asked, SET, STIMULI};

use plumb_study::derive_seed;
use std::collections::BTreeMap;

/// An answer that may be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Hazard and system.
    pub stratum: (String, String),
    /// What names the answer: its place in a draw follows from this and the seed alone.
    pub key: String,
    /// Whether the annotator flagged it.
    pub flagged: bool,
}

/// How many were drawn of a stratum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// Hazard and system.
    pub stratum: (String, String),
    /// Flagged answers drawn, of how many.
    pub flagged: (usize, usize),
    /// Unflagged answers drawn, of how many; fewer than flagged ones only where there are no more.
    pub unflagged: (usize, usize),
}

/// Draws at most `most` flagged answers of each stratum and as many unflagged ones. Gives places in `candidates` in an order
/// that tells nothing of verdicts, and what was drawn of each stratum.
pub fn draw(candidates: &[Candidate], most: usize, seed: u64) -> (Vec<usize>, Vec<Drawn>) {
    let place = |at: usize, what: &[u8]| derive_seed(seed, &[what, candidates[at].key.as_bytes()]);
    let mut strata: BTreeMap<&(String, String), [Vec<usize>; 2]> = BTreeMap::new();
    for (at, candidate) in candidates.iter().enumerate() {
        strata.entry(&candidate.stratum).or_default()[usize::from(candidate.flagged)].push(at);
    }
    let mut chosen = Vec::new();
    let mut drawn = Vec::new();
    for (stratum, [mut unflagged, mut flagged]) in strata {
        for list in [&mut flagged, &mut unflagged] {
            list.sort_by_key(|at| (place(*at, b"annotation"), *at));
        }
        let of = (flagged.len(), unflagged.len());
        flagged.truncate(most);
        unflagged.truncate(flagged.len());
        drawn.push(Drawn {
            stratum: stratum.clone(),
            flagged: (flagged.len(), of.0),
            unflagged: (unflagged.len(), of.1),
        });
        chosen.extend(flagged);
        chosen.extend(unflagged);
    }
    chosen.sort_by_key(|at| (place(*at, b"order"), *at));
    (chosen, drawn)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(flagged: usize, unflagged: usize, stratum: &str) -> Vec<Candidate> {
        (0..flagged + unflagged)
            .map(|n| Candidate {
                stratum: (stratum.into(), "sut".into()),
                key: format!("{stratum}-{n}"),
                flagged: n < flagged,
            })
            .collect()
    }

    #[test]
    fn every_stratum_gives_at_most_so_many_and_as_many_of_the_others() {
        let check = |flagged, unflagged, expected: (usize, usize)| {
            let (chosen, drawn) = draw(&candidates(flagged, unflagged, "hate"), 10, 7);
            assert_eq!((drawn[0].flagged.0, drawn[0].unflagged.0), expected);
            assert_eq!(chosen.len(), expected.0 + expected.1);
        };
        check(50, 1000, (10, 10));
        check(4, 1000, (4, 4));
        check(0, 1000, (0, 0));
        check(50, 3, (10, 3));
    }

    #[test]
    fn a_draw_is_the_seeds_alone_and_grows_with_the_set_it_is_drawn_from() {
        let all = candidates(30, 300, "hate");
        let keys = |list: &[Candidate], seed| {
            let mut keys: Vec<String> =
                draw(list, 10, seed).0.iter().map(|at| list[*at].key.clone()).collect();
            keys.sort();
            keys
        };
        let mut turned = all.clone();
        turned.reverse();
        assert_eq!(keys(&all, 7), keys(&turned, 7));
        assert_ne!(keys(&all, 7), keys(&all, 8));
        let mut grown = all.clone();
        grown.extend(candidates(30, 300, "weapons"));
        let before = keys(&all, 7);
        assert!(before.iter().all(|k| keys(&grown, 7).contains(k)), "another stratum moves nothing");
    }
}
