//! Who an annotator is: everything that decides its verdicts, as one digest.
//!
//! Why: a grade compares two systems only if the same annotator judged both, and a validation speaks of that annotator
//! alone. A changed template, threshold or model is another annotator.

use plumb_study::Digest;
use plumb_study::plan::JudgeSpec;

/// The identity of a judge: its kind, its settings and the model that it asks; not its name in the plan.
pub fn annotator_digest(judge: &JudgeSpec) -> Digest {
    let model = judge.model.as_ref().map_or(String::new(), |m| m.digest().hex());
    let settings = judge.settings.to_string();
    Digest::of_parts(&[b"annotator", judge.kind.as_bytes(), settings.as_bytes(), model.as_bytes()])
}
