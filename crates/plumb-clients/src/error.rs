//! The one error of this crate. The enums behind it stand beside the code that fails.

use crate::{models, price, secrets, transport};

/// What a function of this crate that can fail returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Says what happened, to which file or name, and how to mend it.
///
/// Failures of a single exchange with a model are not errors but data: see [`crate::wire::Outcome`].
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<Kind>);

#[derive(Debug, thiserror::Error)]
enum Kind {
    #[error(transparent)]
    Registry(models::RegistryProblem),
    #[error(transparent)]
    Store(models::StoreProblem),
    #[error(transparent)]
    Secrets(secrets::Problem),
    #[error(transparent)]
    Price(price::Problem),
    #[error(transparent)]
    Transport(transport::Problem),
}

impl Error {
    /// Every source of a model was tried and none gave the right file.
    pub fn is_all_sources_failed(&self) -> bool {
        matches!(&*self.0, Kind::Store(p) if p.is_all_sources_failed())
    }

    /// A model file is there but is not the one that the registry names.
    pub fn is_wrong_file(&self) -> bool {
        matches!(&*self.0, Kind::Store(p) if p.is_wrong_file())
    }

    /// One or more secrets that a plan needs are not set.
    pub fn is_missing_secret(&self) -> bool {
        matches!(&*self.0, Kind::Secrets(p) if p.is_missing())
    }

    /// How to mend it, where the message itself does not say.
    pub fn help_text(&self) -> Option<String> {
        match &*self.0 {
            Kind::Secrets(p) => p.help(),
            _ => None,
        }
    }
}

impl From<models::RegistryProblem> for Error {
    fn from(p: models::RegistryProblem) -> Self {
        Error(Box::new(Kind::Registry(p)))
    }
}
impl From<models::StoreProblem> for Error {
    fn from(p: models::StoreProblem) -> Self {
        Error(Box::new(Kind::Store(p)))
    }
}
impl From<secrets::Problem> for Error {
    fn from(p: secrets::Problem) -> Self {
        Error(Box::new(Kind::Secrets(p)))
    }
}
impl From<price::Problem> for Error {
    fn from(p: price::Problem) -> Self {
        Error(Box::new(Kind::Price(p)))
    }
}
impl From<transport::Problem> for Error {
    fn from(p: transport::Problem) -> Self {
        Error(Box::new(Kind::Transport(p)))
    }
}
