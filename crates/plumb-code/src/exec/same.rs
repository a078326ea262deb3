//! Programs that are run once, however many samples are word for word the same.
//!
//! Why: of completions that a model draws, many are copies of each other (a quarter of CodeGen-16B's at temperature 0.8). A sandbox fixes what could tell one run of a program from the next (seeds, time zone, environment), so what is
//! found out about one copy holds for all. Not here: what is run ([`super::running`]).

use super::record::Tried;
use plumb_study::Digest;
use std::collections::HashMap;

/// A program of a problem.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key(usize, Digest);

impl Key {
    pub(super) fn of(problem: usize, text: &str) -> Key {
        Key(problem, Digest::of(text.as_bytes()))
    }
}

/// What is known of a program.
#[derive(Clone)]
pub(super) enum Known {
    /// It runs, under this number.
    Out(u64),
    /// It ran.
    Done(Tried),
}

/// The programs that are known; by default none is ever kept.
#[derive(Default)]
pub(super) struct Same(Option<HashMap<Key, Known>>);

/// Most programs that are kept, some hundred bytes each. Copies come together in every file that we know.
const MOST: usize = 1 << 13;
/// Most bytes that a program may have written to be kept.
const WRITTEN: usize = 1 << 12;

impl Same {
    pub(super) fn kept() -> Same {
        Same(Some(HashMap::new()))
    }

    pub(super) fn find(&self, key: &Key) -> Option<Known> {
        self.0.as_ref()?.get(key).cloned()
    }

    pub(super) fn out(&mut self, key: Key, number: u64) {
        if let Some(known) = &mut self.0 {
            known.insert(key, Known::Out(number));
        }
    }

    pub(super) fn done(&mut self, key: Key, tried: Tried) {
        let Some(known) = &mut self.0 else { return };
        if tried.written.0.len() + tried.written.1.len() > WRITTEN {
            known.remove(&key);
            return;
        }
        if known.len() >= MOST {
            known.retain(|_, known| matches!(known, Known::Out(_)));
        }
        known.insert(key, Known::Done(tried));
    }

    pub(super) fn forget(&mut self, key: &Key) {
        if let Some(known) = &mut self.0 {
            known.remove(key);
        }
    }
}
