//! The recurrences of one word of a column, in all lanes: Levenshtein's distance by Myers (1999, blocks after Hyyrö 2003), the
//! longest common subsequence by Hyyrö (2004).

use super::machine::{MOST_LANES, Machine};

/// One word of a column of the table, of all lanes.
pub(super) trait Column<M: Machine>: Copy {
    /// Letters of a candidate in a word.
    const LETTERS: usize;
    /// Most words of a strip, by the number of registers.
    const STRIP: usize;
    /// Bits of a word that are set for every letter, wherever it stands.
    const ALWAYS: u64;
    /// What a word hands to the one above it.
    type Carry: Copy;
    /// What is handed to a word that begins a candidate, and by one that ends one.
    fn nothing(m: M) -> Self::Carry;
    fn new(m: M) -> Self;
    /// Goes on by a letter of the reference, of which `here` says where the candidates have it.
    fn step(&mut self, m: M, here: M::Vector, ends: &Ends<M>, carry: &mut Self::Carry);
    /// By how much the column rises in all within each lane's bits of `within`.
    fn rises(&self, m: M, within: &[u64; MOST_LANES]) -> [isize; MOST_LANES];
    /// The number wanted, from the rise of a candidate's last column.
    fn found(reference: usize, rise: isize) -> usize;
}

/// Which lanes begin or end a candidate at a word.
#[derive(Clone, Copy)]
pub(super) struct Ends<M: Machine> {
    /// 1 where it begins.
    pub begins: M::Vector,
    /// By how many bits to shift what is handed up: to the lowest place, and away where it ends.
    pub away: M::Vector,
}

/// Myers' recurrence: where the column does not rise, and where it falls.
#[derive(Clone, Copy)]
pub(super) struct Edits<V> {
    /// The complement of Myers' `up`, which spares two steps.
    not_up: V,
    down: V,
}

impl<M: Machine> Column<M> for Edits<M::Vector> {
    const LETTERS: usize = 64;
    const STRIP: usize = M::REGISTERS / 5;
    const ALWAYS: u64 = 0;
    type Carry = [M::Vector; 2];

    #[inline(always)]
    fn nothing(m: M) -> Self::Carry {
        [m.all(0), m.all(0)]
    }

    #[inline(always)]
    fn new(m: M) -> Self {
        Edits { not_up: m.all(0), down: m.all(0) }
    }

    #[inline(always)]
    fn step(&mut self, m: M, here: M::Vector, ends: &Ends<M>, carry: &mut Self::Carry) {
        let (Edits { not_up, down }, [rises, falls]) = (*self, *carry);
        let equal = m.or(here, falls);
        // Of complements, a difference is what a sum is of the words themselves.
        let met = m.without(not_up, equal);
        let across = m.or(m.xor(m.sub(not_up, met), not_up), equal);
        let rise = m.or(down, m.without(across, not_up));
        let fall = m.without(not_up, across);
        // Twice is one place higher. Below a candidate's first letter the table grows by one with every letter of the reference.
        let risen = m.or(m.add(rise, rise), m.or(rises, ends.begins));
        let fallen = m.or(m.add(fall, fall), falls);
        *carry = [m.down(rise, ends.away), m.down(fall, ends.away)];
        let diagonal = m.or(here, down);
        self.not_up = m.without(fallen, m.or(diagonal, risen));
        self.down = m.and(risen, diagonal);
    }

    #[inline(always)]
    fn rises(&self, m: M, within: &[u64; MOST_LANES]) -> [isize; MOST_LANES] {
        let (mut not_up, mut down) = ([0; MOST_LANES], [0; MOST_LANES]);
        m.store(&mut not_up, self.not_up);
        m.store(&mut down, self.down);
        let mut rises = [0; MOST_LANES];
        for lane in 0..M::LANES {
            rises[lane] = (!not_up[lane] & within[lane]).count_ones() as isize
                - (down[lane] & within[lane]).count_ones() as isize;
        }
        rises
    }

    #[inline(always)]
    fn found(reference: usize, rise: isize) -> usize {
        reference.wrapping_add_signed(rise)
    }
}

/// Hyyrö's recurrence of the longest common subsequence: zeros are letters where it grows. A word has a bit less than it could, so
/// that the sum's carry has a place: there every letter is said to stand, so what was there doubles and is gone.
#[derive(Clone, Copy)]
pub(super) struct Shared<V>(V);

impl<M: Machine> Column<M> for Shared<M::Vector> {
    const LETTERS: usize = 63;
    const STRIP: usize = 6;
    const ALWAYS: u64 = 1 << 63;
    type Carry = M::Vector;

    #[inline(always)]
    fn nothing(m: M) -> Self::Carry {
        m.all(0)
    }

    #[inline(always)]
    fn new(m: M) -> Self {
        Shared(m.all(u64::MAX))
    }

    #[inline(always)]
    fn step(&mut self, m: M, here: M::Vector, ends: &Ends<M>, carry: &mut Self::Carry) {
        let column = self.0;
        let sum = m.add(m.add(column, m.and(column, here)), *carry);
        *carry = m.down(sum, ends.away);
        self.0 = m.or(sum, m.without(here, column));
    }

    #[inline(always)]
    fn rises(&self, m: M, within: &[u64; MOST_LANES]) -> [isize; MOST_LANES] {
        let mut column = [0; MOST_LANES];
        m.store(&mut column, self.0);
        let mut rises = [0; MOST_LANES];
        for lane in 0..M::LANES {
            rises[lane] = (!column[lane] & within[lane]).count_ones() as isize;
        }
        rises
    }

    #[inline(always)]
    fn found(_: usize, rise: isize) -> usize {
        rise.unsigned_abs()
    }
}
