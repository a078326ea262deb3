//! Which candidate stands in which lane, from the lowest word up.
//!
//! Candidates are stacked, each in as many words as it needs: a lane takes the longest that is waiting as soon as the one
//! before has ended, so that all lanes become about as high.

use super::machine::{MOST_LANES, Machine};

/// A candidate, and which of all it is.
pub(super) type Numbered<'a> = (usize, &'a [u8]);

/// The part of a candidate that a word holds: from letter `from` of `text` on.
#[derive(Clone, Copy)]
pub(super) struct Piece<'a> {
    pub candidate: usize,
    pub text: &'a [u8],
    pub from: usize,
}

/// No candidate: a lane that has none left.
pub(super) const NOTHING: Piece = Piece { candidate: 0, text: &[], from: 0 };

impl Piece<'_> {
    /// How many letters of the candidate have not stood in a word below this one.
    pub(super) fn left(&self) -> usize {
        self.text.len().saturating_sub(self.from)
    }
}

/// The stacks of all lanes as far as they have come.
pub(super) struct Stacks<'a> {
    /// Letters of a word.
    letters: usize,
    /// Those that stand in no lane yet, the longest first.
    waiting: std::slice::Iter<'a, Numbered<'a>>,
    /// What each lane has next.
    next: [Piece<'a>; MOST_LANES],
    /// Words in which nothing stands yet, of all candidates together.
    words: usize,
}

impl<'a> Stacks<'a> {
    /// `candidates` are sorted, the longest first.
    pub(super) fn new(candidates: &'a [Numbered<'a>], letters: usize) -> Stacks<'a> {
        let words = candidates.iter().map(|(_, text)| text.len().div_ceil(letters)).sum();
        Stacks { letters, waiting: candidates.iter(), next: [NOTHING; MOST_LANES], words }
    }

    /// How many words are left to be stacked in the highest lane, or one less.
    pub(super) fn height(&self, lanes: usize) -> usize {
        let waiting = self.waiting.as_slice().first().map_or(0, |(_, text)| text.len());
        let longest = self.next.iter().map(Piece::left).fold(waiting, usize::max);
        longest.div_ceil(self.letters).max(self.words.div_ceil(lanes))
    }

    /// What stands in the next word of each lane.
    #[inline(always)]
    pub(super) fn word<M: Machine>(&mut self, word: &mut [Piece<'a>; MOST_LANES]) {
        for (word, next) in word.iter_mut().zip(&mut self.next).take(M::LANES) {
            if next.left() == 0 {
                let (candidate, text) = self.waiting.next().copied().unwrap_or((0, &[]));
                *next = Piece { candidate, text, from: 0 };
            }
            *word = *next;
            self.words -= usize::from(next.left() > 0);
            next.from += self.letters;
        }
    }
}
