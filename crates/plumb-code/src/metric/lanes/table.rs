//! The table of candidates by letters of the reference.
//!
//! Candidates are stacked in the lanes of the columns, each in as many words as it needs, so that all lanes are about as high. The
//! columns go up in *strips* of a few words that stay in registers; what a strip hands to the one above is kept for each letter
//! of the reference.

use super::Wanted;
use super::column::{Column, Edits, Ends, Shared};
use super::letters::{Reference, fill};
use super::machine::{Avx2, Avx512, MOST_LANES, Machine, Strip};

/// The number of each candidate beside the reference; nothing where the machine has no such vectors. Letters of 128 and above
/// give a wrong number.
pub(in super::super) fn each(wanted: Wanted, reference: &[u8], candidates: &[&[u8]]) -> Option<Vec<usize>> {
    if !is_x86_feature_detected!("avx2") {
        return None;
    }
    let (distinct, same) = distinct(candidates);
    let mut found = vec![0; candidates.len()];
    if is_x86_feature_detected!("avx512bw") && distinct.len() > Avx2::LANES {
        // SAFETY: looked up here.
        unsafe { on_avx512(wanted, reference, &distinct, &mut found) }
    } else {
        // SAFETY: looked up above.
        unsafe { on_avx2(wanted, reference, &distinct, &mut found) }
    }
    same.into_iter().for_each(|(at, first)| found[at] = found[first]);
    Some(found)
}

/// A candidate, and which of all it is.
type Numbered<'a> = (usize, &'a [u8]);

/// The different candidates, the longest first; and which of the others is the same as which of them.
fn distinct<'a>(candidates: &[&'a [u8]]) -> (Vec<Numbered<'a>>, Vec<(usize, usize)>) {
    let mut distinct: Vec<Numbered> = candidates.iter().copied().enumerate().collect();
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

#[target_feature(enable = "avx512f,avx512bw")]
fn on_avx512(wanted: Wanted, reference: &[u8], candidates: &[Numbered], found: &mut [usize]) {
    match wanted {
        Wanted::Distance => all::<Avx512, Edits<_>>(Avx512::here(), reference, candidates, found),
        Wanted::Common => all::<Avx512, Shared<_>>(Avx512::here(), reference, candidates, found),
    }
}

#[target_feature(enable = "avx2")]
fn on_avx2(wanted: Wanted, reference: &[u8], candidates: &[Numbered], found: &mut [usize]) {
    match wanted {
        Wanted::Distance => all::<Avx2, Edits<_>>(Avx2::here(), reference, candidates, found),
        Wanted::Common => all::<Avx2, Shared<_>>(Avx2::here(), reference, candidates, found),
    }
}

/// What one lane has in one word: the rest of a candidate from there on, and which it is.
type Piece<'a> = (usize, &'a [u8]);

/// All words of all lanes from the lowest up, the lanes of a word together. Each candidate comes upon the lowest stack; where nothing is,
/// there is an empty text.
fn stacked<'a>(candidates: &[Numbered<'a>], lanes: usize, letters: usize) -> Vec<Piece<'a>> {
    let mut heights = [0; MOST_LANES];
    let words = |text: &[u8]| text.len().div_ceil(letters);
    let most = candidates.iter().map(|(_, text)| words(text)).sum::<usize>();
    let longest = candidates.first().map_or(0, |(_, text)| words(text));
    let mut pieces: Vec<Piece> = Vec::with_capacity((most / lanes + longest) * lanes);
    for (at, text) in candidates {
        let lane = (0..lanes).min_by_key(|lane| heights[*lane]).unwrap_or(0);
        let first = heights[lane];
        heights[lane] += words(text);
        if pieces.len() < heights[lane] * lanes {
            pieces.resize(heights[lane] * lanes, (0, &[]));
        }
        for (word, height) in (first..heights[lane]).enumerate() {
            pieces[height * lanes + lane] = (*at, &text[word * letters..]);
        }
    }
    pieces
}

/// The number of each candidate, all 0 before.
#[inline(always)]
fn all<M: Machine, C: Column<M>>(m: M, reference: &[u8], candidates: &[Numbered], found: &mut [usize]) {
    let row = C::STRIP * M::LANES;
    let Reference { kinds, rows } = Reference::of(reference, row);
    let pieces = stacked(candidates, M::LANES, C::LETTERS);
    let mut cells = vec![0; kinds.len() * row + ALIGN];
    let skipped = cells.as_ptr().align_offset(ALIGN * size_of::<u64>()).min(ALIGN);
    let cells = &mut cells[skipped..];
    let mut carries = vec![C::nothing(m); if pieces.len() > row { rows.len() } else { 0 }];
    let mut begins = [1; MOST_LANES];
    let words = pieces.len() / M::LANES;
    let strips = words.div_ceil(C::STRIP);
    let mut first = 0;
    for nth in 0..strips {
        let edges = Edges { lowest: nth == 0, highest: nth + 1 == strips };
        let count = (words - first).div_ceil(strips - nth);
        macro_rules! strip {
            ($words:literal) => {{
                let pieces = &pieces[first * M::LANES..];
                let mut ends = [Ends { begins: m.all(0), away: m.all(0) }; $words];
                for word in 0..$words {
                    let (texts, away) = lanes::<M, C>(&pieces[word * M::LANES..]);
                    fill(m, &kinds, &texts, C::ALWAYS, cells, (row, word * M::LANES));
                    ends[word] = Ends { begins: m.load(&begins), away: m.load(&away) };
                    for lane in 0..M::LANES {
                        begins[lane] = away[lane] - 63;
                    }
                }
                let columns = match Strip::<M, $words>::new(m, cells, &rows) {
                    Some(rows) => strip::<$words, M, C>(m, rows, &ends, &mut carries, edges),
                    None => [C::new(m); $words],
                };
                for word in 0..$words {
                    count_in::<M, C>(m, &columns[word], &pieces[word * M::LANES..], found);
                }
            }};
        }
        match count {
            1 => strip!(1),
            2 => strip!(2),
            3 => strip!(3),
            4 if C::STRIP > 3 => strip!(4),
            5 if C::STRIP > 4 => strip!(5),
            6 if C::STRIP > 5 => strip!(6),
            _ => {}
        }
        first += count;
    }
    for (at, _) in candidates {
        found[*at] = C::found(reference.len(), found[*at] as isize);
    }
}

/// Words in a line of the cache: vectors do not lie across two.
const ALIGN: usize = 8;

/// The texts of a word, and by how much to shift what they hand up: away where a candidate ends.
#[inline(always)]
fn lanes<'a, M: Machine, C: Column<M>>(pieces: &[Piece<'a>]) -> ([&'a [u8]; MOST_LANES], [u64; MOST_LANES]) {
    let (mut texts, mut away): ([&[u8]; MOST_LANES], _) = ([&[]; MOST_LANES], [64; MOST_LANES]);
    for (lane, (_, text)) in pieces.iter().take(M::LANES).enumerate() {
        texts[lane] = text;
        away[lane] = if text.len() > C::LETTERS { 63 } else { 64 };
    }
    (texts, away)
}

/// Adds the rise of a word of the last column to each candidate's sum.
#[inline(always)]
fn count_in<M: Machine, C: Column<M>>(m: M, column: &C, pieces: &[Piece], sums: &mut [usize]) {
    let mut within = [0; MOST_LANES];
    for (within, (_, text)) in within.iter_mut().zip(pieces).take(M::LANES) {
        *within = u64::MAX.checked_shr(64 - text.len().min(C::LETTERS) as u32).unwrap_or(0);
    }
    let rises = column.rises(m, &within);
    for ((at, _), rise) in pieces.iter().zip(rises).take(M::LANES) {
        sums[*at] = sums[*at].wrapping_add_signed(rise);
    }
}

/// Which of its neighbours a strip has.
#[derive(Clone, Copy)]
struct Edges {
    lowest: bool,
    highest: bool,
}

/// Takes `K` words of the columns through the whole reference. `carries` holds, for each letter, what the strip below handed up, and
/// then what this one does.
///
/// Each word is a letter behind the one below it, so that none waits for another.
#[inline(always)]
fn strip<const K: usize, M: Machine, C: Column<M>>(
    m: M,
    rows: Strip<M, K>,
    ends: &[Ends<M>; K],
    carries: &mut [C::Carry],
    edges: Edges,
) -> [C; K] {
    let mut columns = [C::new(m); K];
    let mut handed = [C::nothing(m); K];
    // Plain loops: closures would not be compiled for the vectors.
    macro_rules! step {
        ($k:expr, $at:expr) => {{
            let (k, at): (usize, usize) = ($k, $at);
            let mut carry = if k > 0 {
                handed[k - 1]
            } else if edges.lowest {
                C::nothing(m)
            } else {
                carries[at]
            };
            columns[k].step(m, rows.at(at, k), &ends[k], &mut carry);
            handed[k] = carry;
            if k + 1 == K && !edges.highest {
                carries[at] = carry;
            }
        }};
    }
    let length = rows.len();
    // All words are counted through in each loop, so that they stay in registers.
    for at in 0..K - 1 {
        for k in (0..K).rev() {
            if k <= at && at - k < length {
                step!(k, at - k);
            }
        }
    }
    for at in K - 1..length {
        for k in (0..K).rev() {
            step!(k, at - k);
        }
    }
    for past in 0..K - 1 {
        for k in (0..K).rev() {
            if k > past && k <= length + past && length + past >= K - 1 {
                step!(k, length + past - k);
            }
        }
    }
    columns
}
