//! Studies with people as runs: frozen, served, exported, analysed.

mod amended;
mod clock;
mod desk;
mod export;
mod files;
mod left_out;
mod links;
mod looked;
mod person;
mod plan;
mod reconcile;
mod refused;
mod secret;
mod serve;
mod standing;

pub use clock::utc;
pub use export::export;
pub use files::{is_study, read};
pub use left_out::exclude;
pub use links::links;
pub use looked::analyze;
pub use person::{erase, person};
pub use plan::plan;
pub use reconcile::reconcile;
pub use serve::serve;
pub use standing::is_pilot;

use crate::exit::Problem;

/// What is wrong with a study is mended in its file.
pub fn wrong(error: plumb_human::Error) -> Problem {
    Problem::usage(error.to_string())
}
