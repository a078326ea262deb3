//! The ratio of Python's `difflib.SequenceMatcher`: 2M / T, T both lengths, M what its matching blocks hold.
//!
//! Blocks are found by taking the longest common run, then looking left and right of it (Ratcliff and Obershelp 1988).
//! M is therefore not the longest common subsequence, and exchanging the texts may change it. In a candidate of 200
//! code points or more, characters that make up more than a hundredth of it start no run ("autojunk"), which makes the
//! ratio of long texts much lower than a reader expects. Both are kept: the number is the library's or it is nothing.

use super::tokens::chars;
use std::collections::HashMap;
use std::ops::Range;

/// From this length of the second text on, frequent characters start no run.
const AUTOJUNK_FROM: usize = 200;

/// The ratio, 0 to 1; 1 for two empty texts.
pub(super) fn ratio(reference: &str, candidate: &str) -> f64 {
    let (a, b) = (chars(reference), chars(candidate));
    let total = a.len() + b.len();
    if total == 0 {
        return 1.0;
    }
    let mut matcher = Matcher::new(&a, &b);
    let mut matched = 0;
    let mut open = vec![(0..a.len(), 0..b.len())];
    while let Some((in_a, in_b)) = open.pop() {
        let run = matcher.longest(in_a.clone(), in_b.clone());
        if run.size > 0 {
            matched += run.size;
            open.push((in_a.start..run.a, in_b.start..run.b));
            open.push((run.a + run.size..in_a.end, run.b + run.size..in_b.end));
        }
    }
    2.0 * matched as f64 / total as f64
}

/// A common run: where it begins in both texts and how long it is.
struct Run {
    a: usize,
    b: usize,
    size: usize,
}

struct Matcher<'a> {
    a: &'a [char],
    b: &'a [char],
    /// Where each character that may start a run stands in `b`, ascending.
    places: HashMap<char, Vec<usize>>,
    /// For each place in `b`, one up: length of the run that ends there with the last character of `a` looked at.
    ending: Vec<usize>,
    next: Vec<usize>,
}

impl<'a> Matcher<'a> {
    fn new(a: &'a [char], b: &'a [char]) -> Self {
        let mut places: HashMap<char, Vec<usize>> = HashMap::new();
        for (at, c) in b.iter().enumerate() {
            places.entry(*c).or_default().push(at);
        }
        if b.len() >= AUTOJUNK_FROM {
            let most = b.len() / 100 + 1;
            places.retain(|_, at| at.len() <= most);
        }
        Self { a, b, places, ending: vec![0; b.len() + 1], next: vec![0; b.len() + 1] }
    }

    /// The longest common run inside both ranges; of equally long ones that which begins first in `a`, then in `b`.
    fn longest(&mut self, in_a: Range<usize>, in_b: Range<usize>) -> Run {
        let mut best = Run { a: in_a.start, b: in_b.start, size: 0 };
        let none = Vec::new();
        let mut before: &[usize] = &[];
        for i in in_a.clone() {
            let here = self.places.get(&self.a[i]).unwrap_or(&none);
            let here =
                &here[here.partition_point(|j| *j < in_b.start)..here.partition_point(|j| *j < in_b.end)];
            for &j in here {
                let size = self.ending[j] + 1;
                self.next[j + 1] = size;
                if size > best.size {
                    best = Run { a: i + 1 - size, b: j + 1 - size, size };
                }
            }
            before.iter().for_each(|j| self.ending[j + 1] = 0);
            std::mem::swap(&mut self.ending, &mut self.next);
            before = here;
        }
        before.iter().for_each(|j| self.ending[j + 1] = 0);
        // Frequent characters start no run but may prolong one.
        while best.a > in_a.start && best.b > in_b.start && self.a[best.a - 1] == self.b[best.b - 1] {
            best = Run { a: best.a - 1, b: best.b - 1, size: best.size + 1 };
        }
        while best.a + best.size < in_a.end
            && best.b + best.size < in_b.end
            && self.a[best.a + best.size] == self.b[best.b + best.size]
        {
            best.size += 1;
        }
        best
    }
}
