//! Names of the standard library that a program uses without importing them.

use crate::python::{identifiers, imported};
use std::collections::BTreeSet;

/// Names and where they come from. Modules come from nowhere.
#[rustfmt::skip]
const NAMES: [(&str, &str); 44] = [
    ("Any", "typing"), ("Callable", "typing"), ("Dict", "typing"), ("Generator", "typing"), ("Iterable", "typing"),
    ("Iterator", "typing"), ("List", "typing"), ("Optional", "typing"), ("Sequence", "typing"), ("Set", "typing"),
    ("Tuple", "typing"), ("Union", "typing"), ("Counter", "collections"), ("OrderedDict", "collections"),
    ("defaultdict", "collections"), ("deque", "collections"), ("namedtuple", "collections"), ("reduce", "functools"),
    ("lru_cache", "functools"), ("cmp_to_key", "functools"), ("combinations", "itertools"),
    ("permutations", "itertools"), ("accumulate", "itertools"), ("groupby", "itertools"), ("chain", "itertools"),
    ("heappush", "heapq"), ("heappop", "heapq"), ("heapify", "heapq"), ("bisect_left", "bisect"),
    ("bisect_right", "bisect"), ("Fraction", "fractions"), ("Decimal", "decimal"), ("math", ""), ("re", ""),
    ("collections", ""), ("itertools", ""), ("functools", ""), ("heapq", ""), ("string", ""), ("random", ""),
    ("operator", ""), ("datetime", ""), ("hashlib", ""), ("sys", ""),
];

/// Import statements for what is used and nowhere bound, a line each; empty where nothing is missing. A program with
/// `import *` is left alone.
pub(super) fn missing(program: &str) -> String {
    let Some(bound) = imported(program) else { return String::new() };
    let (used, set): (BTreeSet<String>, BTreeSet<String>) = identifiers(program);
    let mut lines = String::new();
    for (name, module) in NAMES {
        if used.contains(name) && !set.contains(name) && !bound.contains(name) {
            lines.push_str(&match module {
                "" => format!("import {name}\n"),
                module => format!("from {module} import {name}\n"),
            });
        }
    }
    lines
}
