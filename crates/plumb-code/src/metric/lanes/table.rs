//! The table of candidates by letters of the reference.
//!
//! Candidates are stacked in the lanes of the columns, each in as many words as it needs, so that all lanes are about as high. The
//! columns go up in *strips* of a few words that stay in registers; what a strip hands to the one above is kept for each letter
//! of the reference.

use super::Wanted;
use super::column::{Column, Edits, Ends, Shared};
use super::letters::{ALPHABET, Kinds, Parts, fill};
use super::machine::{Avx2, Avx512, MOST_LANES, MOST_WORDS, Machine, Strip};
use super::stack::{NOTHING, Numbered, Piece, Stacks};
use std::cell::Cell;

/// Whether the machine has such vectors, and counts and shifts that are as old as they are.
pub(in super::super) fn there() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("popcnt")
}

/// The number of each candidate beside the reference; nothing where the machine has no such vectors, or where a letter is 128 or above.
pub(in super::super) fn each<T: AsRef<[u8]>>(
    wanted: Wanted,
    reference: &[u8],
    candidates: &[T],
) -> Option<Vec<usize>> {
    if !there() {
        return None;
    }
    let (distinct, same) = distinct(candidates);
    let mut found = vec![0; candidates.len()];
    let right = if is_x86_feature_detected!("avx512bw") && distinct.len() > Avx2::LANES {
        // SAFETY: looked up here and above.
        unsafe { on_avx512(wanted, reference, &distinct, &mut found) }
    } else {
        // SAFETY: looked up above.
        unsafe { on_avx2(wanted, reference, &distinct, &mut found) }
    };
    same.into_iter().for_each(|(at, first)| found[at] = found[first]);
    right.then_some(found)
}

/// The different candidates, the longest first; and which of the others is the same as which of them.
fn distinct<T: AsRef<[u8]>>(candidates: &[T]) -> (Vec<Numbered<'_>>, Vec<(usize, usize)>) {
    let mut distinct: Vec<Numbered> = candidates.iter().map(T::as_ref).enumerate().collect();
    distinct.sort_unstable_by_key(|(_, text)| std::cmp::Reverse(text.len()));
    let mut same = Vec::new();
    let mut kept: usize = 0;
    for next in 0..distinct.len() {
        let (at, text) = distinct[next];
        let mut as_long = distinct[..kept].iter().rev().take_while(|(_, other)| other.len() == text.len());
        match as_long.find(|(_, other)| *other == text) {
            Some((first, _)) => same.push((at, *first)),
            None => {
                distinct[kept] = (at, text);
                kept += 1;
            }
        }
    }
    distinct.truncate(kept);
    (distinct, same)
}

#[target_feature(enable = "avx512f,avx512bw,bmi1,bmi2,popcnt")]
fn on_avx512(wanted: Wanted, reference: &[u8], candidates: &[Numbered], found: &mut [usize]) -> bool {
    match wanted {
        Wanted::Distance => all::<Avx512, Edits<_>>(Avx512::here(), reference, candidates, found),
        Wanted::Common => all::<Avx512, Shared<_>>(Avx512::here(), reference, candidates, found),
    }
}

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn on_avx2(wanted: Wanted, reference: &[u8], candidates: &[Numbered], found: &mut [usize]) -> bool {
    match wanted {
        Wanted::Distance => all::<Avx2, Edits<_>>(Avx2::here(), reference, candidates, found),
        Wanted::Common => all::<Avx2, Shared<_>>(Avx2::here(), reference, candidates, found),
    }
}

/// The number of each candidate, all 0 before. False if a letter is 128 or above.
#[inline(always)]
fn all<'a, M: Machine, C: Column<M>>(
    m: M,
    reference: &'a [u8],
    candidates: &'a [Numbered<'a>],
    found: &mut [usize],
) -> bool {
    let Some(kinds) = Kinds::of(reference) else { return false };
    let mut stacks = Stacks::new(candidates, C::LETTERS);
    let mut room = ROOM.take();
    let cells = ALPHABET * C::STRIP * M::LANES;
    room.resize(room.len().max(cells + ALIGN), 0);
    let skipped = room.as_ptr().align_offset(ALIGN * size_of::<u64>()).min(ALIGN);
    let mut table = Table::<M, C> {
        m,
        reference,
        kinds,
        parts: Parts::new(m),
        words: [[NOTHING; MOST_LANES]; MOST_WORDS],
        carries: vec![C::nothing(m); reference.len()],
        cells: &mut room[skipped..],
    };
    let (mut right, mut words) = (true, stacks.height(M::LANES));
    while right && words > 0 {
        // Strips of about as many words each.
        right = match words.div_ceil(words.div_ceil(C::STRIP)) {
            1 => table.strip::<1>(&mut stacks, found),
            2 => table.strip::<2>(&mut stacks, found),
            3 => table.strip::<3>(&mut stacks, found),
            4 if C::STRIP > 3 => table.strip::<4>(&mut stacks, found),
            5 if C::STRIP > 4 => table.strip::<5>(&mut stacks, found),
            6 if C::STRIP > 5 => table.strip::<6>(&mut stacks, found),
            _ => false,
        };
        words = stacks.height(M::LANES);
    }
    ROOM.set(room);
    for (at, _) in candidates {
        found[*at] = C::found(reference.len(), found[*at] as isize);
    }
    right
}

thread_local! {
    /// Where letters stand, kept from one reference to the next: at most 128 rows of the vectors of a strip.
    static ROOM: Cell<Vec<u64>> = const { Cell::new(Vec::new()) };
}

/// Words in a line of the cache: vectors do not lie across two.
const ALIGN: usize = 8;

/// One reference's way through the table.
struct Table<'a, M: Machine, C: Column<M>> {
    m: M,
    reference: &'a [u8],
    kinds: Kinds,
    parts: Parts<M>,
    /// What stands in the words of the strip at hand.
    words: [[Piece<'a>; MOST_LANES]; MOST_WORDS],
    /// For each letter of the reference, what the strip below handed up.
    carries: Vec<C::Carry>,
    /// For each letter there is, where the strip's words have it.
    cells: &'a mut [u64],
}

impl<'a, M: Machine, C: Column<M>> Table<'a, M, C> {
    /// Takes the next `K` words of all lanes through the reference, and adds the rise of each to its candidate's sum. False if a letter
    /// is 128 or above.
    #[inline(always)]
    fn strip<const K: usize>(&mut self, stacks: &mut Stacks<'a>, found: &mut [usize]) -> bool {
        let m = self.m;
        let Some(words) = self.words.first_chunk_mut::<K>() else { return false };
        let mut ends = [Ends { begins: m.all(0), away: m.all(0) }; K];
        for k in 0..K {
            stacks.word::<M>(&mut words[k]);
            let (mut begins, mut away) = ([0; MOST_LANES], [0; MOST_LANES]);
            for lane in 0..M::LANES {
                begins[lane] = u64::from(words[k][lane].from == 0);
                away[lane] = 63 + u64::from(words[k][lane].left() <= C::LETTERS);
            }
            // The compiler would make two steps of a shift by amounts of which it knows that they are 63 or 64.
            ends[k] = Ends { begins: m.load(&begins), away: m.load(std::hint::black_box(&away)) };
        }
        let right = fill(m, &self.kinds, &mut self.parts, words, C::ALWAYS, self.cells);
        if let Some(rows) = Strip::<M, K>::new(m, self.cells, self.reference) {
            let columns = strip::<K, M, C>(m, rows, &ends, &mut self.carries);
            for k in 0..K {
                count_in::<M, C>(m, &columns[k], &words[k], found);
            }
        }
        right
    }
}

/// Adds the rise of a word of the last column to each candidate's sum.
#[inline(always)]
fn count_in<M: Machine, C: Column<M>>(m: M, column: &C, word: &[Piece; MOST_LANES], sums: &mut [usize]) {
    let mut within = [0; MOST_LANES];
    for lane in 0..M::LANES {
        within[lane] = u64::MAX.checked_shr(64 - word[lane].left().min(C::LETTERS) as u32).unwrap_or(0);
    }
    let rises = column.rises(m, &within);
    for lane in 0..M::LANES {
        let sum = &mut sums[word[lane].candidate];
        *sum = sum.wrapping_add_signed(rises[lane]);
    }
}

/// Takes `K` words of the columns through the whole reference. `carries` holds, for each letter, what the strip below handed up, and
/// then what this one does.
#[inline(always)]
fn strip<const K: usize, M: Machine, C: Column<M>>(
    m: M,
    rows: Strip<M, K>,
    ends: &[Ends<M>; K],
    carries: &mut [C::Carry],
) -> [C; K] {
    let mut columns = [C::new(m); K];
    for (at, carries) in carries.iter_mut().enumerate().take(rows.len()) {
        let mut carry = *carries;
        for k in 0..K {
            columns[k].step(m, rows.at(at, k), &ends[k], &mut carry);
        }
        *carries = carry;
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::super::machine::Plain;
    use super::*;
    use proptest::prelude::*;
    use rapidfuzz::distance::{lcs_seq, levenshtein};

    proptest! {
        /// As on AVX-512, which the machine at hand may not have.
        #[test]
        fn eight_lanes_have_what_each_pair_has_alone(
            reference in "[ab\n]{0,200}",
            candidates in proptest::collection::vec("[abc ]{0,40}|[ab]{50,70}|[a\n]{100,900}", 0..30),
        ) {
            let (distinct, same) = distinct(&candidates);
            let text = reference.as_bytes();
            let (mut edits, mut common) = (vec![0; candidates.len()], vec![0; candidates.len()]);
            prop_assert!(all::<Plain, Edits<_>>(Plain, text, &distinct, &mut edits));
            prop_assert!(all::<Plain, Shared<_>>(Plain, text, &distinct, &mut common));
            for (at, first) in same {
                (edits[at], common[at]) = (edits[first], common[first]);
            }
            for (at, candidate) in candidates.iter().enumerate() {
                prop_assert_eq!(edits[at], levenshtein::distance(reference.chars(), candidate.chars()));
                prop_assert_eq!(common[at], lcs_seq::similarity(reference.chars(), candidate.chars()));
            }
        }
    }

    #[test]
    fn letters_beyond_the_alphabet_are_told() {
        for (reference, candidates) in [("a\u{e9}", ["a", "b"]), ("ab", ["a", "\u{e9}"])] {
            let (distinct, _) = distinct(&candidates);
            assert!(!all::<Plain, Shared<_>>(Plain, reference.as_bytes(), &distinct, &mut [0, 0]));
        }
    }
}
