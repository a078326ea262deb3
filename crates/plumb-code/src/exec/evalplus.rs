//! Tests of the EvalPlus form: many inputs, the right answers computed by the reference solution in the tester.

use crate::Error;
use crate::problems::{Inputs, Problem};
use crate::sandbox::{Body, Judging, Tests};

/// What compares; see there.
const COMPARE: &str = include_str!("evalplus.py");

/// A Python literal of a text. JSON's escapes are Python's.
pub(super) fn literal(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// One test an input, so that they are counted.
pub(super) fn tests(
    problem: &Problem,
    entry_point: &str,
    reference: &str,
    of: &Inputs,
    inputs: &str,
    judging: Judging,
) -> Result<Tests, Error> {
    let count = serde_json::from_str::<Vec<serde::de::IgnoredAny>>(inputs)
        .map_err(|e| Error::file(&problem.place, format!("the inputs are no list: {e}")))?
        .len();
    if count == 0 {
        return Err(Error::file(&problem.place, "the list of inputs is empty"));
    }
    let setup = format!(
        "PLUMB_PROBLEM = {}\nPLUMB_ENTRY = {}\nPLUMB_REFERENCE = {}\nPLUMB_INPUTS = {}\nPLUMB_TOLERANCE = {:?}\n{COMPARE}",
        literal(&problem.id),
        literal(entry_point),
        literal(reference),
        literal(inputs),
        of.tolerance,
    );
    let asserts = (0..count).map(|at| format!("plumb_case({entry_point}, {at})")).collect();
    Ok(Tests { setup, body: Body::Asserts(asserts), entry_point: Some(entry_point.to_owned()), judging })
}
