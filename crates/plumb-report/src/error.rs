//! The crate's one error: a report that could not be written down.

/// Why a report could not be made. It never depends on what models said: untrusted text is always
/// representable.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(#[from] Kind);

#[derive(Debug, thiserror::Error)]
pub(crate) enum Kind {
    #[error("the report page could not be rendered: {0}")]
    Page(#[from] askama::Error),
    #[error("the report could not be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
