//! What a trial yielded and what a judge said of it. A missing value has a name and a reason.

use crate::id::Digest;
use crate::items::Turn;
use std::sync::Arc;

/// How an answer ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Finish {
    /// The model ended it.
    Stop,
    /// The token limit cut it.
    Length,
    /// The provider named another reason, or none.
    Other,
}

impl Finish {
    /// Name for files and pages.
    pub fn name(self) -> &'static str {
        match self {
            Finish::Stop => "stop",
            Finish::Length => "length",
            Finish::Other => "other",
        }
    }
}

/// An option's score in a `Choose` answer.
#[derive(Clone, PartialEq, Debug)]
pub struct OptionScore {
    /// Sum of the log-probabilities of the option's tokens, in nats.
    pub logprob: f64,
    /// Number of tokens.
    pub tokens: u32,
    /// Number of bytes.
    pub bytes: u32,
}

/// What a subject answered.
#[derive(Clone, PartialEq, Debug)]
pub enum Answer {
    /// Text.
    Text(Arc<str>),
    /// Scores of the options of a `Choose` prompt, in their order.
    Options(Vec<OptionScore>),
    /// A whole conversation, of a strategy with several exchanges.
    Conversation(Vec<Turn>),
}

impl Answer {
    /// The text that judges of text read: the answer, or the last turn of the subject.
    pub fn text(&self) -> &str {
        match self {
            Answer::Text(text) => text,
            Answer::Options(_) => "",
            Answer::Conversation(turns) => {
                turns.iter().rev().find(|t| t.role == crate::items::Role::Assistant).map_or("", |t| &t.text)
            }
        }
    }
}

/// Why an answer was withheld without the subject having failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Withheld {
    /// A provider's content filter refused the prompt.
    PromptFilter,
    /// A provider's content filter removed the answer.
    AnswerFilter,
    /// The provider reported a refusal by other means than words.
    ProviderRefusal,
    /// A person skipped.
    Skipped,
}

impl Withheld {
    /// All variants, in stored order.
    pub const ALL: [Withheld; 4] =
        [Withheld::PromptFilter, Withheld::AnswerFilter, Withheld::ProviderRefusal, Withheld::Skipped];

    /// Name for files and pages.
    pub fn name(self) -> &'static str {
        match self {
            Withheld::PromptFilter => "prompt filtered by provider",
            Withheld::AnswerFilter => "answer filtered by provider",
            Withheld::ProviderRefusal => "refusal reported by provider",
            Withheld::Skipped => "skipped",
        }
    }
}

/// The kinds of failure of an exchange.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum FailureKind {
    /// The endpoint does not accept this request (4xx other than 429 and content filters).
    Rejected,
    /// Too many requests, and retries ran out.
    RateLimited,
    /// The endpoint is overloaded or broken (5xx), and retries ran out.
    Overloaded,
    /// No full answer within the deadline.
    Timeout,
    /// The connection failed.
    Network,
    /// The answer was not in the expected format.
    Malformed,
    /// A well-formed answer without text.
    NoText,
    /// The prompt does not fit the model's context.
    TooLong,
    /// The party cannot do what was asked of it.
    Unsupported,
    /// No answer was recorded for this trial.
    NotRecorded,
    /// A defect of ours or of a local engine.
    Internal,
}

impl FailureKind {
    /// All variants, in stored order.
    pub const ALL: [FailureKind; 11] = [
        FailureKind::Rejected,
        FailureKind::RateLimited,
        FailureKind::Overloaded,
        FailureKind::Timeout,
        FailureKind::Network,
        FailureKind::Malformed,
        FailureKind::NoText,
        FailureKind::TooLong,
        FailureKind::Unsupported,
        FailureKind::NotRecorded,
        FailureKind::Internal,
    ];

    /// Name for files and pages.
    pub fn name(self) -> &'static str {
        match self {
            FailureKind::Rejected => "rejected by endpoint",
            FailureKind::RateLimited => "rate limited",
            FailureKind::Overloaded => "endpoint overloaded",
            FailureKind::Timeout => "timed out",
            FailureKind::Network => "connection failed",
            FailureKind::Malformed => "malformed reply",
            FailureKind::NoText => "reply without text",
            FailureKind::TooLong => "prompt too long",
            FailureKind::Unsupported => "not supported",
            FailureKind::NotRecorded => "not recorded",
            FailureKind::Internal => "internal error",
        }
    }
}

/// A failed exchange: what kind, in whose words, and what a retry may expect.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// What kind.
    pub kind: FailureKind,
    /// The server's or engine's words, trimmed; never a secret.
    pub message: Arc<str>,
    /// Whether the same exchange may succeed later.
    pub retryable: bool,
    /// How long the other side asked us to wait.
    pub retry_after: Option<std::time::Duration>,
    /// What the exchange used all the same.
    pub used: Used,
}

/// Tokens and money of a failed exchange, as far as the other side told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Used {
    /// Tokens read.
    pub tokens_in: Option<u32>,
    /// Tokens written.
    pub tokens_out: Option<u32>,
    /// Cost in nano-units.
    pub cost_nano: Option<u64>,
}

impl Failure {
    /// A failure that a retry cannot mend.
    pub fn last(kind: FailureKind, message: impl Into<Arc<str>>) -> Failure {
        Failure { kind, message: message.into(), retryable: false, retry_after: None, used: Used::default() }
    }

    /// A failure that a retry may mend.
    pub fn passing(kind: FailureKind, message: impl Into<Arc<str>>) -> Failure {
        Failure { kind, message: message.into(), retryable: true, retry_after: None, used: Used::default() }
    }
}

/// What a trial yielded.
#[derive(Clone, PartialEq, Debug)]
pub enum Observation {
    /// An answer; a refusal in words is one.
    Answered {
        /// What was answered.
        answer: Answer,
        /// Reasoning that the provider reported apart from the answer.
        reasoning: Option<Arc<str>>,
        /// How it ended.
        finish: Finish,
    },
    /// A filter or a person held the answer back.
    Withheld(Withheld),
    /// No answer.
    Failed(Failure),
}

/// What something cost. Time in microseconds, money in nano-units of the price table's currency.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Spent {
    /// Tokens read, if known.
    pub tokens_in: Option<u64>,
    /// Tokens written, if known.
    pub tokens_out: Option<u64>,
    /// Cost, if the price is known.
    pub cost_nano: Option<u64>,
    /// Wall time of the exchanges, retries' waits left out.
    pub elapsed_us: u64,
    /// Number of requests made, retries included.
    pub requests: u64,
}

impl Spent {
    /// Adds `other`; a sum of known and unknown is the known part.
    pub fn add(&mut self, other: Spent) {
        fn sum<T: std::ops::Add<Output = T>>(a: Option<T>, b: Option<T>) -> Option<T> {
            match (a, b) {
                (Some(a), Some(b)) => Some(a + b),
                (a, b) => a.or(b),
            }
        }
        self.tokens_in = sum(self.tokens_in, other.tokens_in);
        self.tokens_out = sum(self.tokens_out, other.tokens_out);
        self.cost_nano = sum(self.cost_nano, other.cost_nano);
        self.elapsed_us += other.elapsed_us;
        self.requests += other.requests;
    }
}

/// A label: position in the measure's list of labels.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
pub struct Label(pub u8);

/// What a judge says of one measure.
#[derive(Clone, PartialEq, Debug)]
pub enum Verdict {
    /// A number.
    Scored(f64),
    /// One of the measure's labels.
    Labelled(Label),
    /// The judge declines to say.
    Abstained(Arc<str>),
    /// The judge could not work.
    Failed(Arc<str>),
}

/// One act of one judge: a verdict for each of its measures, in their order, and what a person needs to
/// understand it.
#[derive(Clone, PartialEq, Debug)]
pub struct Verdicts {
    /// One for each measure.
    pub values: Vec<Verdict>,
    /// What led to it (the phrase found, the judge's explanation), short.
    pub note: Option<Arc<str>>,
    /// Whether asking again could mend a failure or abstention.
    pub retryable: bool,
}

impl Verdicts {
    /// Verdicts without a note.
    pub fn of(values: Vec<Verdict>) -> Verdicts {
        Verdicts { values, note: None, retryable: false }
    }

    /// The same verdict for each of `measures` measures.
    pub fn all(verdict: Verdict, measures: usize) -> Verdicts {
        Verdicts::of(vec![verdict; measures])
    }

    /// True when any value failed.
    pub fn failed(&self) -> bool {
        self.values.iter().any(|v| matches!(v, Verdict::Failed(_)))
    }
}

/// A stored body: its digest and its text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Body {
    /// Hash of the text.
    pub digest: Digest,
    /// The text.
    pub text: Arc<str>,
}

impl Body {
    /// Hashes `text`.
    pub fn new(text: impl Into<Arc<str>>) -> Body {
        let text = text.into();
        Body { digest: Digest::of(text.as_bytes()), text }
    }
}
