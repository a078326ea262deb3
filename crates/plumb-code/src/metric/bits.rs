//! Distances of two short ASCII texts, 64 letters at a time.
//!
//! Why beside rapidfuzz: its functions take any symbols and any bound on the distance, and pay for both with every letter.
//! Programs are ASCII and no bound is known, so here a letter is an index and nothing is looked up twice: a column of the
//! table of Levenshtein's recurrence is kept as bits that say where it rises and falls (Myers 1999, blocks after Hyyrö 2003),
//! the column of the longest common subsequence as bits that say where it grows (Hyyrö 2004).
//!
//! Not here: other texts than ASCII, and what becomes of a distance ([`super::edit`], which tests this against rapidfuzz).

/// Letters a word of bits holds.
const WORD: usize = 64;
/// Most words for which there is a loop without a length.
const MOST: usize = 8;

/// For each letter, where it stands in a text: bit i of word w is set at letter 64 w + i.
struct Places<const W: usize>(Box<[[u64; W]; 128]>);

impl<const W: usize> Places<W> {
    fn of(text: &[u8]) -> Self {
        let mut places = Box::new([[0; W]; 128]);
        for (at, letter) in text.iter().enumerate() {
            places[usize::from(letter & 127)][at / WORD] |= 1 << (at % WORD);
        }
        Places(places)
    }

    fn at(&self, letter: u8) -> &[u64; W] {
        &self.0[usize::from(letter & 127)]
    }
}

/// What the loops of a text of some words are, chosen by its length.
macro_rules! by_words {
    ($short:expr, $run:ident($long:expr)) => {
        match $short.len().div_ceil(WORD) {
            0 | 1 => Some($run::<1>($short, $long)),
            2 => Some($run::<2>($short, $long)),
            3 => Some($run::<3>($short, $long)),
            4 => Some($run::<4>($short, $long)),
            5 => Some($run::<5>($short, $long)),
            6 => Some($run::<6>($short, $long)),
            7 => Some($run::<7>($short, $long)),
            MOST => Some($run::<MOST>($short, $long)),
            _ => None,
        }
    };
}

/// Both texts without what they begin and end with alike, the shorter first; only if both are ASCII.
fn differing<'a>(a: &'a str, b: &'a str) -> Option<(&'a [u8], &'a [u8], usize)> {
    if !a.is_ascii() || !b.is_ascii() {
        return None;
    }
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    let head = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    (a, b) = (&a[head..], &b[head..]);
    let tail = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    (a, b) = (&a[..a.len() - tail], &b[..b.len() - tail]);
    Some(if a.len() <= b.len() { (a, b, head + tail) } else { (b, a, head + tail) })
}

/// The Levenshtein distance of two ASCII texts of which one has at most 512 letters that the other's ends do not share.
pub(super) fn levenshtein(a: &str, b: &str) -> Option<usize> {
    let (short, long, _) = differing(a, b)?;
    if short.is_empty() {
        return Some(long.len());
    }
    by_words!(short, edits(long))
}

/// The length of the longest common subsequence of two such texts.
pub(super) fn common(a: &str, b: &str) -> Option<usize> {
    let (short, long, same) = differing(a, b)?;
    by_words!(short, shared(long)).map(|shared| shared + same)
}

/// Myers' algorithm: `up` and `down` say where the column rises and falls by one from a letter of `short` to the next.
fn edits<const W: usize>(short: &[u8], long: &[u8]) -> usize {
    let places = Places::<W>::of(short);
    let (mut up, mut down) = ([u64::MAX; W], [0; W]);
    let (last, bit) = ((short.len() - 1) / WORD, (short.len() - 1) % WORD);
    let mut distance = short.len();
    for letter in long {
        let here = places.at(*letter);
        // The first row of the table grows by one with every letter.
        let (mut rises, mut falls) = (1, 0);
        for (w, ((up, down), here)) in up.iter_mut().zip(&mut down).zip(here).enumerate() {
            let equal = here | falls;
            let across = ((equal & *up).wrapping_add(*up) ^ *up) | equal;
            let rise = *down | !(across | *up);
            let fall = *up & across;
            if w == last {
                distance += (rise >> bit & 1) as usize;
                distance -= (fall >> bit & 1) as usize;
            }
            let (risen, fallen) = (rise << 1 | rises, fall << 1 | falls);
            (rises, falls) = (rise >> (WORD - 1), fall >> (WORD - 1));
            let diagonal = here | *down;
            *up = fallen | !(diagonal | risen);
            *down = risen & diagonal;
        }
    }
    distance
}

/// Hyyrö's algorithm: the zeros of the column are the letters of `short` where the subsequence grows.
fn shared<const W: usize>(short: &[u8], long: &[u8]) -> usize {
    let places = Places::<W>::of(short);
    let mut column = [u64::MAX; W];
    for letter in long {
        let here = places.at(*letter);
        let mut carry = false;
        for (word, here) in column.iter_mut().zip(here) {
            let met = *word & here;
            let (sum, over) = word.overflowing_add(met);
            let (sum, more) = sum.overflowing_add(u64::from(carry));
            carry = over | more;
            *word = sum | (*word - met);
        }
    }
    column.iter().map(|word| word.count_zeros() as usize).sum()
}
