//! Why an exchange gave no answer: every kind of failure by name, and whether asking again may help.

use std::fmt;
use std::time::Duration;

use super::Usage;

/// An exchange that failed.
#[derive(Debug, Clone, PartialEq)]
pub struct Failed {
    pub fault: Fault,
    /// The server's words, or the transport's; at most 300 characters, perhaps none.
    pub words: String,
    /// How long the server asks to wait.
    pub retry_after: Option<Duration>,
    /// What the exchange used all the same, if the server says so.
    pub usage: Option<Box<Usage>>,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// A status that has no name of its own here.
    Http { status: u16 },
    /// 401, 403: the key is missing, wrong, or not allowed to do this.
    Unauthorized { status: u16 },
    /// 429.
    RateLimited,
    /// 429 or 402, but no waiting will help: the account is empty.
    QuotaSpent,
    /// 503, 529, or a server that says so.
    Overloaded { status: u16 },
    /// The prompt and the answer's limit do not fit the model.
    TooLong,
    /// A success whose body reports an error.
    ErrorInBody,
    /// A web page where an answer was due.
    HtmlPage,
    /// Not JSON, and not said to be.
    WrongContentType { found: String },
    /// Said to be JSON, and is not.
    NotJson,
    /// The body ends too early.
    Truncated,
    /// JSON in which something needed has another form.
    Malformed { what: String },
    /// JSON without what holds the answer.
    Missing { field: &'static str },
    /// An answer without text. With reason `length` the model used all its tokens for reasoning.
    NoText { finish: String },
    /// The body is larger than `limit` bytes.
    TooLarge { limit: u64 },
    /// Too slow.
    Timeout(Phase),
    /// The connection failed.
    Network,
}

/// What took too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Connect,
    /// Until the response began.
    Head,
    /// The response began and then stalled.
    Body,
}

impl Failed {
    pub(crate) fn using(self, usage: Usage) -> Failed {
        Failed { usage: Some(Box::new(usage)), ..self }
    }

    pub(crate) fn new(fault: Fault, words: impl AsRef<str>) -> Failed {
        Failed { fault, words: super::trimmed(words.as_ref()), retry_after: None, usage: None }
    }

    /// Whether the same request may succeed later.
    pub fn is_retryable(&self) -> bool {
        match &self.fault {
            Fault::Http { status } => match status {
                408 | 409 | 425 => true,
                501 | 505 => false,
                other => (500..600).contains(other),
            },
            Fault::RateLimited
            | Fault::Overloaded { .. }
            | Fault::ErrorInBody
            | Fault::HtmlPage
            | Fault::NotJson
            | Fault::WrongContentType { .. }
            | Fault::Truncated
            | Fault::Malformed { .. }
            | Fault::Missing { .. }
            | Fault::Timeout(_)
            | Fault::Network => true,
            Fault::Unauthorized { .. }
            | Fault::QuotaSpent
            | Fault::TooLong
            | Fault::NoText { .. }
            | Fault::TooLarge { .. } => false,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Http { status } => write!(f, "HTTP {status}"),
            Fault::Unauthorized { status } => write!(f, "HTTP {status}, the key was not accepted"),
            Fault::RateLimited => f.write_str("HTTP 429, too many requests"),
            Fault::QuotaSpent => f.write_str("the account's quota or credit is spent"),
            Fault::Overloaded { status } => write!(f, "HTTP {status}, the server is overloaded"),
            Fault::TooLong => f.write_str("prompt and answer do not fit the model's context"),
            Fault::ErrorInBody => f.write_str("the server reported an error as if it were an answer"),
            Fault::HtmlPage => f.write_str("a web page came instead of an answer (is base_url right?)"),
            Fault::WrongContentType { found } => write!(f, "the body is not JSON but {found}"),
            Fault::NotJson => f.write_str("the body is not well-formed JSON"),
            Fault::Truncated => f.write_str("the body ends too early"),
            Fault::Malformed { what } => write!(f, "the body has an unexpected form: {what}"),
            Fault::Missing { field } => write!(f, "the body has no {field}"),
            Fault::NoText { finish } if finish == "length" => {
                f.write_str("no text, only reasoning until the limit of tokens (raise max_tokens)")
            }
            Fault::NoText { finish } => write!(f, "no text (finish reason: {finish})"),
            Fault::TooLarge { limit } => write!(f, "the body is larger than {limit} bytes"),
            Fault::Timeout(Phase::Connect) => f.write_str("no connection in time"),
            Fault::Timeout(Phase::Head) => f.write_str("no response in time"),
            Fault::Timeout(Phase::Body) => f.write_str("the response began and then stalled"),
            Fault::Network => f.write_str("the connection failed"),
        }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.fault)?;
        if !self.words.is_empty() {
            write!(f, ": {}", self.words)?;
        }
        Ok(())
    }
}
