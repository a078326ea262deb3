//! Local models: which there are, where their files come from, and the cache they live in.
//!
//! A measurement is worth little if nobody can say which weights were measured. So a model is a name in a
//! [`Registry`] with an exact size and sha256, and a [`Store`] hands out a path only to a file that has them.
//!
//! Start with [`Registry::builtin`] and [`Store::fetch`]. Loading a model is `plumb-lm`'s; where the cache
//! lies and how progress is drawn is the binary's.

mod entry;
mod hub;
mod local;
mod lock;
mod package;
mod progress;
mod registry;
mod store;
mod verify;

pub use entry::{Entry, FileName, HubFile, LocalFile, ModelName, Package, Part, Sha256, Slug, Source};
pub use hub::Hub;
pub use progress::{NoProgress, Progress};
pub use registry::{Origin, Registry};
pub use store::{Patience, Status, Store};
pub use verify::sha256_of;

pub(crate) use registry::RegistryProblem;
pub(crate) use store::StoreProblem;
