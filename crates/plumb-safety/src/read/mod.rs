//! Readers for plans: our own items, and prompt sets that others published.

mod presets;
mod published;
mod safety;

pub use safety::Wanted;

/// Adds the readers of this crate.
pub fn register(registry: &mut plumb_study::Registry) {
    registry.reader("safety", safety::Safety);
    presets::register(registry);
    registry.method("grade", crate::grade::GradeMethod);
}
