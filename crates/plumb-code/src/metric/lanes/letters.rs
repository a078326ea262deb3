//! Where the letters of the candidates stand.
//!
//! A letter is seven bits. The bits of 64 letters of a candidate are taken out as seven words, those of all lanes are
//! combined to the sixteen lower and eight upper parts that a letter can have, and where a letter stands is where both its parts
//! do: one step for all lanes.

use super::machine::{MOST_LANES, MOST_WORDS, Machine, PLANES};
use super::stack::Piece;

/// How many letters there are.
pub(super) const ALPHABET: usize = 128;

/// The different letters of a text.
pub(super) struct Kinds {
    letters: [u8; ALPHABET],
    count: usize,
}

impl Kinds {
    /// Nothing if a letter is none of the alphabet's.
    pub(super) fn of(text: &[u8]) -> Option<Kinds> {
        let (mut seen, mut any) = ([0; ALPHABET], 0);
        for letter in text {
            seen[usize::from(letter & 127)] = 1;
            any |= letter;
        }
        let (mut letters, mut count) = ([0; ALPHABET], 0);
        // Without a branch: each is written, and the next one over it if it was not there.
        for (letter, seen) in (0_u8..).zip(seen) {
            letters[count & 127] = letter;
            count += seen;
        }
        (any < 128).then_some(Kinds { letters, count })
    }

    fn letters(&self) -> &[u8] {
        &self.letters[..self.count]
    }
}

/// The bits of the letters of each lane, plane by plane.
type Planes = [[u64; MOST_LANES]; PLANES];

/// What is known of the letters of a strip's words. It is made once a reference, since zeros for it would be written anew each time.
pub(super) struct Parts<M: Machine> {
    planes: [Planes; MOST_WORDS],
    /// Where letters with each value of the lower four bits stand, and of the upper three, for each word.
    lower: [[M::Vector; MOST_WORDS]; 16],
    upper: [[M::Vector; MOST_WORDS]; 8],
}

impl<M: Machine> Parts<M> {
    #[inline(always)]
    pub(super) fn new(m: M) -> Self {
        Parts {
            planes: [[[0; MOST_LANES]; PLANES]; MOST_WORDS],
            lower: [[m.all(0); MOST_WORDS]; 16],
            upper: [[m.all(0); MOST_WORDS]; 8],
        }
    }
}

/// Fills the row of each kind in `cells`, `K` vectors for as many words: bit i of a lane is set where the text of that lane, of which 64
/// letters are looked at, has the row's letter at place i. What is set beyond the end of a text changes nothing below it. The bits of
/// `always` are set in any case.
///
/// False if a candidate has a letter that is none of the alphabet's.
#[inline(always)]
pub(super) fn fill<const K: usize, M: Machine>(
    m: M,
    kinds: &Kinds,
    Parts { planes, lower, upper }: &mut Parts<M>,
    words: &[[Piece; MOST_LANES]; K],
    always: u64,
    cells: &mut [u64],
) -> bool {
    // Each step is done for all words before the next, since what was written for single lanes can be read for all only a little later.
    let mut right = true;
    for (planes, word) in planes.iter_mut().zip(words) {
        for (lane, piece) in word.iter().enumerate().take(M::LANES) {
            let (of_lane, of_alphabet) = planes_of(m, piece);
            right &= of_alphabet;
            for (planes, of_lane) in planes.iter_mut().zip(of_lane) {
                planes[lane] = of_lane;
            }
        }
    }
    // Plain loops: closures would not be compiled for the vectors.
    for word in 0..K {
        let (first, second) = parts(m, &planes[word], always);
        for k in 0..16 {
            lower[k][word] = first[k];
        }
        for k in 0..8 {
            upper[k][word] = second[k];
        }
    }
    for kind in kinds.letters() {
        let (lower, upper) = (&lower[usize::from(kind & 15)], &upper[usize::from(kind >> 4 & 7)]);
        let begin = usize::from(*kind) * K * M::LANES;
        if let Some(row) = cells.get_mut(begin..begin + K * M::LANES) {
            for word in 0..K {
                m.store(&mut row[word * M::LANES..], m.and(lower[word], upper[word]));
            }
        }
    }
    right
}

/// The planes of the 64 letters from a piece's begin on, nothing beyond the end of its text.
#[inline(always)]
fn planes_of<M: Machine>(m: M, piece: &Piece) -> ([u64; PLANES], bool) {
    let Piece { text, from, .. } = *piece;
    let Some(last) = text.len().checked_sub(64) else {
        let mut letters = [0; 64];
        letters[..text.len()].copy_from_slice(text);
        return m.planes(&letters);
    };
    // At the end of the text these are letters, too, that stood in the word below: moved out.
    let begin = from.min(last);
    let (planes, right) =
        text[begin..].first_chunk().map_or(([0; PLANES], true), |letters| m.planes(letters));
    (planes.map(|plane| plane.wrapping_shr((from - begin) as u32)), right)
}

/// Where letters with each value of the lower four bits stand, and of the upper three; the bits of `always` everywhere.
#[inline(always)]
fn parts<M: Machine>(m: M, planes: &Planes, always: u64) -> ([M::Vector; 16], [M::Vector; 8]) {
    let always = m.all(always);
    let first = two(m, &planes[0], &planes[1], always);
    let second = two(m, &planes[2], &planes[3], always);
    let third = two(m, &planes[4], &planes[5], always);
    let last = m.load(&planes[6]);
    let last = [m.or(m.without(last, m.all(u64::MAX)), always), m.or(last, always)];
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
