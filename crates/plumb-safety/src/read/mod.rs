//! Readers for plans: our own items, and prompt sets that others published. Everything of this crate that a plan can name
//! is registered here.

mod presets;
mod published;
mod safety;

pub use safety::Wanted;

/// Adds the readers of this crate, its annotators (`guard`, `rubric`) and its method `grade`.
pub fn register(registry: &mut plumb_study::Registry) {
    registry.reader("safety", safety::Safety);
    presets::register(registry);
    registry.judge("guard", crate::guard::GuardKind);
    registry.judge("rubric", crate::rubric::RubricKind);
    registry.method("grade", crate::grade::GradeMethod);
}
