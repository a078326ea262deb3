//! What keeps a server from starting or going on.

/// Why a server does not run.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(#[from] Kind);

#[derive(Debug, thiserror::Error)]
pub(crate) enum Kind {
    #[error("{address} is not of this machine alone: other hosts are served only with a token")]
    Open { address: std::net::SocketAddr },
    #[error("two models are called \"{name}\"")]
    SameName { name: String },
    #[error("the model \"{name}\" gets no thread: {source}")]
    Thread { name: String, source: std::io::Error },
    #[error(
        "the journal could not be written; every acknowledged answer is kept, and the same command goes on"
    )]
    Disk,
    #[error("the server cannot go on: {0}")]
    Io(#[from] std::io::Error),
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self(error.into())
    }
}

impl Error {
    /// The journal could not be written.
    pub(crate) fn disk() -> Self {
        Self(Kind::Disk)
    }

    /// What was asked for cannot be: an open address without a token, two models of one name.
    pub fn is_usage(&self) -> bool {
        matches!(self.0, Kind::Open { .. } | Kind::SameName { .. })
    }
}
