//! `plumb sae`: sparse autoencoders, trained, measured and looked into. Start at [`place`] for where they are kept.

mod capture;
mod corpus;
mod eval;
mod features;
mod page;
pub mod place;
mod recipe;
mod seen;
mod show;
mod train;

use crate::cli::Sae;
use crate::compose::World;
use crate::exit::{Exit, Problem};

pub fn dispatch(command: &Sae, world: &World) -> Result<Exit, Problem> {
    match command {
        Sae::Train(args) => train::run(args, world),
        Sae::Eval(args) => eval::run(args, world),
        Sae::Features(args) => features::run(args, world),
        Sae::Show(args) => show::run(args, world),
    }
}
