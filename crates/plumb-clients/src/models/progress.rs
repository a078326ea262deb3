//! How a fetch tells what it is doing. The binary draws it; tests and pipes may ignore it.

/// Receives what happens while a model is fetched. Calls come from the thread that fetches.
pub trait Progress {
    /// A source is being tried.
    fn trying(&self, source: &str);
    /// So many bytes have come, of so many where the total is known. May go back when a part starts again.
    fn bytes(&self, done: u64, total: Option<u64>);
    /// Something that a person should read: a source failed and why, another process is waited for, …
    fn note(&self, message: &str);
}

/// Ignores everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn trying(&self, _: &str) {}
    fn bytes(&self, _: u64, _: Option<u64>) {}
    fn note(&self, _: &str) {}
}
