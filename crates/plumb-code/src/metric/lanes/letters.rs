//! Where the letters of the candidates stand.
//!
//! A letter is seven bits. The bits of 64 letters of a candidate are taken out as seven words, those of all lanes are
//! combined to the sixteen lower and eight upper parts that a letter can have, and where a letter stands is where both its parts
//! do: one step for all lanes.

use super::machine::{MOST_LANES, Machine, PLANES};

/// The rows of the table.
pub(super) struct Reference {
    /// The different letters.
    pub kinds: Vec<u8>,
    /// For each letter, where the row of its kind begins.
    pub rows: Vec<usize>,
}

impl Reference {
    /// `row` is how long a row is.
    pub(super) fn of(text: &[u8], row: usize) -> Reference {
        let mut seen = [false; 128];
        for letter in text {
            seen[usize::from(letter & 127)] = true;
        }
        let mut begins = [0; 128];
        let mut kinds = Vec::with_capacity(seen.len());
        for (letter, begins) in (0_u8..).zip(&mut begins) {
            if seen[usize::from(letter)] {
                *begins = kinds.len() * row;
                kinds.push(letter);
            }
        }
        let rows = text.iter().map(|letter| begins[usize::from(letter & 127)]).collect();
        Reference { kinds, rows }
    }
}

/// Fills the vector at `from` of each row of `cells`: bit i of a lane is set where the text of that lane, of which 64 letters are looked
/// at, has the row's letter at place i. What is set beyond the end of a text changes nothing below it. The bits of `always` are set in
/// any case.
#[inline(always)]
pub(super) fn fill<M: Machine>(
    m: M,
    kinds: &[u8],
    texts: &[&[u8]; MOST_LANES],
    always: u64,
    cells: &mut [u64],
    (row, from): (usize, usize),
) {
    let mut planes = [[0; MOST_LANES]; PLANES];
    for lane in 0..M::LANES {
        let text = texts[lane];
        let of_lane = match text.first_chunk::<64>() {
            Some(letters) => m.planes(letters),
            None if text.is_empty() => continue,
            None => {
                let mut letters = [0; 64];
                letters[..text.len()].copy_from_slice(text);
                m.planes(&letters)
            }
        };
        for plane in 0..PLANES {
            planes[plane][lane] = of_lane[plane];
        }
    }
    let (lower, upper) = parts(m, &planes, always);
    for (kind, row) in kinds.iter().zip(cells.chunks_exact_mut(row)) {
        let here = m.and(lower[usize::from(kind & 15)], upper[usize::from(kind >> 4 & 7)]);
        m.store(&mut row[from..], here);
    }
}

/// Where letters with each value of the lower four bits stand, and of the upper three; the bits of `always` everywhere.
#[inline(always)]
fn parts<M: Machine>(
    m: M,
    planes: &[[u64; MOST_LANES]; PLANES],
    always: u64,
) -> ([M::Vector; 16], [M::Vector; 8]) {
    let always = m.all(always);
    let first = two(m, &planes[0], &planes[1], always);
    let second = two(m, &planes[2], &planes[3], always);
    let third = two(m, &planes[4], &planes[5], always);
    let last = m.load(&planes[6]);
    let last = [m.or(m.without(last, m.all(u64::MAX)), always), m.or(last, always)];
    // Plain loops: closures would not be compiled for the vectors.
    let (mut lower, mut upper) = ([always; 16], [always; 8]);
    for k in 0..16 {
        lower[k] = m.and(first[k & 3], second[k >> 2]);
    }
    for k in 0..8 {
        upper[k] = m.and(third[k & 3], last[k >> 2]);
    }
    (lower, upper)
}

/// Where two bits are 00, 01, 10 and 11, the lower one last.
#[inline(always)]
fn two<M: Machine>(
    m: M,
    low: &[u64; MOST_LANES],
    high: &[u64; MOST_LANES],
    always: M::Vector,
) -> [M::Vector; 4] {
    let (low, high) = (m.load(low), m.load(high));
    [
        m.or(m.without(m.or(low, high), m.all(u64::MAX)), always),
        m.or(m.without(high, low), always),
        m.or(m.without(low, high), always),
        m.or(m.and(low, high), always),
    ]
}
