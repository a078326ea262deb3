//! The table of candidates by letters of the reference, worked off block by block.
//!
//! A block has as many candidates as there are lanes. Its columns go up in *strips* of a few words that stay in registers;
//! what a strip hands to the one above is kept for each letter of the reference.

use super::Wanted;
use super::column::{Column, Edits, Shared};
use super::machine::{Avx2, Avx512, Machine};

/// The number of each candidate beside the reference; nothing where the machine has no such vectors. Other letters than ASCII
/// give a wrong number.
pub(in super::super) fn each(wanted: Wanted, reference: &[u8], candidates: &[&[u8]]) -> Option<Vec<usize>> {
    if !is_x86_feature_detected!("avx2") {
        return None;
    }
    // Neighbours are of similar length, so that few lanes go on for the sake of another.
    let mut sorted: Vec<Numbered> = candidates.iter().copied().enumerate().collect();
    sorted.sort_unstable_by_key(|(_, candidate)| candidate.len());
    let mut found = vec![0; candidates.len()];
    let reference = Reference::of(reference);
    if is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512vl") {
        // SAFETY: looked up here.
        unsafe { on_avx512(wanted, &reference, &sorted, &mut found) }
    } else {
        // SAFETY: looked up above.
        unsafe { on_avx2(wanted, &reference, &sorted, &mut found) }
    }
    Some(found)
}

/// Those of the widest vectors.
const MOST_LANES: usize = 8;

/// A candidate, and which of all it is.
type Numbered<'a> = (usize, &'a [u8]);

#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn on_avx512(wanted: Wanted, reference: &Reference, candidates: &[Numbered], found: &mut [usize]) {
    let (wide, narrow) = (Avx512::here(), Avx2::here());
    // A block that fills half of the lanes at most is cheaper with half of them.
    let left = candidates.len() % Avx512::LANES;
    let (few, many) = candidates.split_at(if left <= Avx2::LANES { left } else { 0 });
    match wanted {
        Wanted::Distance => {
            blocks::<Avx2, Edits<_>>(narrow, reference, few, found);
            blocks::<Avx512, Edits<_>>(wide, reference, many, found);
        }
        Wanted::Common => {
            blocks::<Avx2, Shared<_>>(narrow, reference, few, found);
            blocks::<Avx512, Shared<_>>(wide, reference, many, found);
        }
    }
}

#[target_feature(enable = "avx2")]
fn on_avx2(wanted: Wanted, reference: &Reference, candidates: &[Numbered], found: &mut [usize]) {
    match wanted {
        Wanted::Distance => blocks::<Avx2, Edits<_>>(Avx2::here(), reference, candidates, found),
        Wanted::Common => blocks::<Avx2, Shared<_>>(Avx2::here(), reference, candidates, found),
    }
}

/// The rows of the table.
struct Reference {
    /// The different letters.
    kinds: Vec<u8>,
    /// For each letter, which of them it is.
    letters: Vec<u8>,
}

impl Reference {
    fn of(text: &[u8]) -> Reference {
        let mut number = [u8::MAX; 128];
        let mut kinds = Vec::with_capacity(number.len());
        let mut letters = Vec::with_capacity(text.len());
        for letter in text {
            let number = &mut number[usize::from(letter & 127)];
            if *number == u8::MAX {
                *number = kinds.len() as u8;
                kinds.push(*letter);
            }
            letters.push(*number);
        }
        Reference { kinds, letters }
    }
}

/// All candidates, as many at a time as there are lanes.
#[inline(always)]
fn blocks<M: Machine, C: Column<M>>(
    m: M,
    reference: &Reference,
    candidates: &[Numbered],
    found: &mut [usize],
) {
    let Reference { kinds, letters } = reference;
    let mut rows = vec![0; letters.len()];
    let (mut table, mut carries) = (Vec::new(), Vec::new());
    for block in candidates.chunks(M::LANES) {
        let words = block.iter().map(|(_, text)| text.len().div_ceil(C::LETTERS)).max().unwrap_or(0);
        let row = words * M::LANES;
        let table = aligned(&mut table, kinds.len() * row);
        for word in 0..words {
            // What is no letter of ASCII is found nowhere.
            let mut parts = [[0xff; 64]; MOST_LANES];
            for (part, (_, text)) in parts.iter_mut().zip(block) {
                let letters = text.chunks(C::LETTERS).nth(word).unwrap_or_default();
                part[..letters.len()].copy_from_slice(letters);
            }
            for (kind, row) in kinds.iter().zip(table.chunks_exact_mut(row)) {
                let cells = &mut row[word * M::LANES..][..M::LANES];
                cells.iter_mut().zip(&parts).for_each(|(cell, part)| *cell = m.places(part, *kind));
            }
        }
        rows.iter_mut().zip(letters).for_each(|(at, letter)| *at = usize::from(*letter) * row);
        let mut rises = [0; MOST_LANES];
        up::<M, C>(m, &rows, table, words, &mut carries, |word, column| {
            for ((_, text), (lane, rise)) in block.iter().zip(rises.iter_mut().enumerate()) {
                let letters = text.len().saturating_sub(word * C::LETTERS).min(C::LETTERS);
                *rise += column.rise(m, lane, letters);
            }
        });
        block.iter().zip(rises).for_each(|((at, _), rise)| found[*at] = C::found(letters.len(), rise));
    }
}

/// Room for so many words where a vector lies within one line of the cache; what is in it is not wiped.
fn aligned(table: &mut Vec<u64>, words: usize) -> &mut [u64] {
    if table.len() < words + 7 {
        table.resize(words + 7, 0);
    }
    let skipped = table.as_ptr().align_offset(64).min(7);
    &mut table[skipped..skipped + words]
}

/// Goes through all words of the columns, from the lowest up, in strips; `see` is shown each as it is at the end of the reference.
#[inline(always)]
fn up<M: Machine, C: Column<M>>(
    m: M,
    rows: &[usize],
    table: &[u64],
    words: usize,
    carries: &mut Vec<C::Carry>,
    mut see: impl FnMut(usize, C),
) {
    carries.clear();
    carries.resize(rows.len(), C::lowest(m));
    let mut first = 0;
    while first < words {
        macro_rules! strip {
            ($words:literal) => {{
                let columns = strip::<$words, M, C>(m, rows, table, first, carries);
                columns.into_iter().enumerate().for_each(|(k, column)| see(first + k, column));
                first += $words;
            }};
        }
        match (words - first).min(C::STRIP) {
            1 => strip!(1),
            2 => strip!(2),
            3 => strip!(3),
            4 => strip!(4),
            5 => strip!(5),
            6 => strip!(6),
            7 => strip!(7),
            _ => strip!(8),
        }
    }
}

/// Takes `K` words of the columns through the whole reference.
#[inline(always)]
fn strip<const K: usize, M: Machine, C: Column<M>>(
    m: M,
    rows: &[usize],
    table: &[u64],
    first: usize,
    carries: &mut [C::Carry],
) -> [C; K] {
    let mut columns = [C::new(m); K];
    let part = first * M::LANES..(first + K) * M::LANES;
    for (row, carry) in rows.iter().zip(carries) {
        let here = &table[row + part.start..row + part.end];
        let mut carried = *carry;
        for k in 0..K {
            columns[k].step(m, m.load(&here[k * M::LANES..]), &mut carried);
        }
        *carry = carried;
    }
    columns
}
