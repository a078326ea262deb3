//! The recurrences of one word of a column, in all lanes: Levenshtein's distance by Myers (1999, blocks after Hyyrö 2003), the
//! longest common subsequence by Hyyrö (2004).

use super::machine::Machine;

/// One word of a column of the table, of all lanes.
pub(super) trait Column<M: Machine>: Copy {
    /// Letters of a candidate in a word.
    const LETTERS: usize;
    /// Most words of a strip, by the number of registers.
    const STRIP: usize;
    /// What a word hands to the one above it.
    type Carry: Copy;
    /// What the lowest word is handed.
    fn lowest(m: M) -> Self::Carry;
    fn new(m: M) -> Self;
    /// Goes on by a letter of the reference, of which `here` says where the candidates have it.
    fn step(&mut self, m: M, here: M::Vector, carry: &mut Self::Carry);
    /// By how much the column's first `letters` rise in all.
    fn rise(&self, m: M, lane: usize, letters: usize) -> isize;
    /// The number wanted, from the rise of the last column.
    fn found(reference: usize, rise: isize) -> usize;
}

/// Myers' recurrence: where the column rises and where it falls.
#[derive(Clone, Copy)]
pub(super) struct Edits<V> {
    up: V,
    down: V,
}

impl<M: Machine> Column<M> for Edits<M::Vector> {
    const LETTERS: usize = 64;
    const STRIP: usize = M::REGISTERS / 4;
    type Carry = [M::Vector; 2];

    #[inline(always)]
    fn lowest(m: M) -> Self::Carry {
        // The first row of the table grows by one with every letter.
        [m.all(1), m.all(0)]
    }

    #[inline(always)]
    fn new(m: M) -> Self {
        Edits { up: m.all(u64::MAX), down: m.all(0) }
    }

    #[inline(always)]
    fn step(&mut self, m: M, here: M::Vector, carry: &mut Self::Carry) {
        let (Edits { up, down }, [rises, falls]) = (*self, *carry);
        let not = |v| m.without(v, m.all(u64::MAX));
        let equal = m.or(here, falls);
        let across = m.or(m.xor(m.add(m.and(equal, up), up), up), equal);
        let rise = m.or(down, not(m.or(across, up)));
        let fall = m.and(up, across);
        // Twice is one place higher.
        let (risen, fallen) = (m.or(m.add(rise, rise), rises), m.or(m.add(fall, fall), falls));
        *carry = [m.top(rise), m.top(fall)];
        let diagonal = m.or(here, down);
        self.up = m.or(fallen, not(m.or(diagonal, risen)));
        self.down = m.and(risen, diagonal);
    }

    #[inline(always)]
    fn rise(&self, m: M, lane: usize, letters: usize) -> isize {
        let ones = |v| (m.lane(v, lane) & lowest(letters)).count_ones() as isize;
        ones(self.up) - ones(self.down)
    }

    #[inline(always)]
    fn found(reference: usize, rise: isize) -> usize {
        reference.wrapping_add_signed(rise)
    }
}

/// Hyyrö's recurrence of the longest common subsequence: zeros are letters where it grows. A word has a bit less than it could, so
/// that the sum's carry has a place.
#[derive(Clone, Copy)]
pub(super) struct Shared<V>(V);

impl<M: Machine> Column<M> for Shared<M::Vector> {
    const LETTERS: usize = 63;
    const STRIP: usize = 8;
    type Carry = M::Vector;

    #[inline(always)]
    fn lowest(m: M) -> Self::Carry {
        m.all(0)
    }

    #[inline(always)]
    fn new(m: M) -> Self {
        Shared(m.all(lowest(63)))
    }

    #[inline(always)]
    fn step(&mut self, m: M, here: M::Vector, carry: &mut Self::Carry) {
        let column = self.0;
        let sum = m.add(m.add(column, m.and(column, here)), *carry);
        *carry = m.top(sum);
        self.0 = m.or(m.and(sum, m.all(lowest(63))), m.without(here, column));
    }

    #[inline(always)]
    fn rise(&self, m: M, lane: usize, letters: usize) -> isize {
        (!m.lane(self.0, lane) & lowest(letters)).count_ones() as isize
    }

    #[inline(always)]
    fn found(_: usize, rise: isize) -> usize {
        rise.unsigned_abs()
    }
}

/// The lowest bits.
fn lowest(bits: usize) -> u64 {
    if bits < 64 { (1 << bits) - 1 } else { u64::MAX }
}
