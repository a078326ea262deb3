//! Tests of a function that is called with values of JSON, as APPS and LiveCodeBench have them.

use super::evalplus::literal;
use crate::problems::Case;
use crate::sandbox::{Body, Judging, Tests};

/// What compares; see there.
const COMPARE: &str = include_str!("function.py");

/// What LiveCodeBench's own runner imports before a solution, which so need not do it.
pub(super) const BEFORE: &str = "from string import *; from re import *; from datetime import *; from collections import *; from heapq import *; \
    from bisect import *; from copy import *; from math import *; from random import *; from statistics import *; from itertools import *; \
    from functools import *; from operator import *; from io import *; from sys import *; from json import *; from builtins import *; \
    from typing import *; import string, re, datetime, collections, heapq, bisect, copy, math, random, statistics, itertools, functools, \
    operator, io, sys, json\n";

/// One test a case, so that they are counted. The sample's function is looked for in its class `Solution`, then by itself.
pub(super) fn tests(name: &str, cases: &[Case], judging: Judging) -> Tests {
    let all: Vec<String> = cases.iter().map(|case| format!("[{}, {}]", case.input, case.output)).collect();
    let entry = format!("Solution.{name}");
    let setup = format!(
        "PLUMB_NAME = {}\nPLUMB_CASES = {}\n{COMPARE}",
        literal(&entry),
        literal(&format!("[{}]", all.join(", ")))
    );
    let asserts = (0..cases.len()).map(|at| format!("plumb_case({at})")).collect();
    Tests { setup, body: Body::Asserts(asserts), entry_point: Some(entry), judging }
}
