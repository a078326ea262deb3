//! Guard models as annotators: models that were trained to say whether an exchange is unsafe.
//!
//! Why: a guard answers in a grammar of its own and was trained on a prompt of its own; asked otherwise it is another,
//! worse annotator. What a guard's interface is stands in `data/guards.toml`. Start at `grammar` (what a reply says) and
//! `prompt` (what is asked); `kind` puts both behind the spine's seam.
//!
//! Not here: whether a guard is to be believed (`validate`), and how a model is asked (`plumb_judge::asking`).

mod catalogue;
mod grammar;
mod kind;
mod prompt;

pub use catalogue::{Family, Guard};
pub use grammar::{Read, read};
pub(crate) use kind::GuardKind;
