//! What both kinds of question come to: token ids, how to go on from them, and what to report.

use super::body::{Body, wrong};
use crate::problem::Problem;
use crate::server::Shared;
use plumb_lm::{Class, Edits, Finish, Job, Model, Prompt, Request, Sampling, Scoring, TokenId};
use plumb_local::steer::Steering;
use std::sync::Arc;

/// Most likeliest tokens that are reported for each place.
pub(super) const MOST_TOP: usize = 20;

/// A request that was read wholly and is fit to be asked.
pub(super) struct Ask {
    /// Place of the model among the server's.
    pub at: usize,
    pub model: Arc<Model>,
    pub prompts: Vec<Given>,
    /// Answers for each prompt.
    pub n: usize,
    pub sampling: Sampling,
    pub seed: u64,
    /// What is changed while the model runs, in turn; it belongs to this request alone.
    pub steering: Vec<Steering>,
    pub scoring: Option<Scoring>,
    pub form: Form,
    pub stream: bool,
    /// Whether a stream ends with the counts.
    pub usage: bool,
    /// What was ignored, for whoever asked.
    pub warnings: Vec<String>,
}

/// What the model is given.
pub(super) struct Given {
    pub ids: Vec<TokenId>,
    /// What each of them is a part of.
    pub classes: Vec<Class>,
    /// The text to repeat before the answer; empty if none is asked for.
    pub echo: String,
}

/// How answers are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Chat,
    /// Of a completion; whether the prompt is repeated before it, and whether log-probabilities are told.
    Text {
        echo: bool,
        scores: bool,
    },
}

/// How a request wants answers drawn and told.
pub(super) struct Manner {
    pub n: usize,
    pub sampling: Sampling,
    pub seed: u64,
    pub steering: Vec<Steering>,
    pub stream: bool,
    pub usage: bool,
}

impl Manner {
    /// Takes the fields that chats and completions share, but for the number of tokens.
    pub(super) fn take(shared: &Shared, model: &Model, body: &mut Body) -> Result<Self, Problem> {
        let n = body.count("n", 1..=shared.limits.queue)?.unwrap_or(1);
        let top_p = body.number("top_p", 0.0..=1.0)?.unwrap_or(1.0);
        let sampling = Sampling {
            temperature: body.number("temperature", 0.0..=2.0)?.unwrap_or(1.0),
            // 0 keeps the likeliest token alone, and so does the smallest share above it.
            top_p: top_p.max(f64::MIN_POSITIVE),
            top_k: body.count("top_k", 0..=usize::MAX)?.unwrap_or(0),
            min_p: body.number("min_p", 0.0..=1.0)?.unwrap_or(0.0),
            repetition_penalty: body.number("repetition_penalty", 0.01..=10.0)?.unwrap_or(1.0),
            max_tokens: 0,
            stop: body.texts("stop")?,
        };
        if sampling.stop.iter().any(String::is_empty) {
            return Err(wrong("stop", &serde_json::json!(""), "texts that are not empty"));
        }
        let seed = body.bits("seed")?.unwrap_or_else(shared.outside.random);
        let stream = body.flag("stream")?;
        let usage = body.stream_usage()?;
        let steering = match body.take("steering") {
            None => Vec::new(),
            Some(field) => {
                let read = shared.steering.read(&field, model);
                read.map_err(|error| Problem::field("steering", error.to_string()))?
            }
        };
        Ok(Self { n, sampling, seed, steering, stream, usage })
    }
}

impl Ask {
    pub(super) fn count(&self) -> usize {
        self.prompts.len() * self.n
    }

    /// The prompt of an answer.
    pub(super) fn given(&self, answer: usize) -> &Given {
        &self.prompts[answer / self.n]
    }

    /// A job for each answer: all of the first prompt, then all of the second. The answers of a prompt differ in their
    /// seeds: the request's own, then the next numbers.
    pub(super) fn jobs(&self) -> Vec<Job> {
        let edits = |given: &Given| {
            let edits = self.steering.iter().map(|steering| steering.edits(&given.classes));
            Arc::new(Edits::new(edits.flat_map(|edits| edits.as_slice().to_vec()).collect()))
        };
        let edits: Vec<Arc<Edits>> = self.prompts.iter().map(edits).collect();
        let job = |answer: usize| {
            let seed = self.seed.wrapping_add((answer % self.n) as u64);
            let prompt = Prompt::Tokens(self.given(answer).ids.clone());
            let request = Request::new(prompt, self.sampling.clone(), seed);
            Job::Complete(Request { scoring: self.scoring, edits: edits[answer / self.n].clone(), ..request })
        };
        (0..self.count()).map(job).collect()
    }
}

/// OpenAI's word for why an answer ended.
pub(super) fn finish(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "stop",
        _ => "length",
    }
}
