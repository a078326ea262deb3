//! Replies that are not answers: what a status and an error body mean.
//!
//! Providers agree on little here, so this is a table of what is known, with its source where it is not in
//! a provider's own reference.

use serde_json::Value;

use super::json::{not_json, page_title};
use super::{Failed, Fault, Filter, Head, Outcome, Usage, Withheld, trimmed};

/// Error codes that mean that a filter stopped the prompt.
const PROMPT_FILTER_CODES: [&str; 4] = [
    "content_filter",               // Azure OpenAI
    "ResponsibleAIPolicyViolation", // Azure OpenAI, as inner code
    "content_policy_violation",     // OpenAI
    "data_inspection_failed",       // Alibaba Model Studio
];

/// Anthropic gives this no code of its own (github.com/anthropics/claude-code/issues/43487 shows the body).
const ANSWER_FILTER_WORDS: &str = "Output blocked by content filtering policy";

/// What an error reply, or an error in a success's body, means.
pub(crate) fn outcome(head: &Head, body: &[u8]) -> Outcome {
    let value: Option<Value> = serde_json::from_slice(body).ok();
    let Some(report) = value.as_ref().map(Report::of) else {
        return Outcome::Failed(without_json(head, body));
    };
    if let Some(by) = report.filter() {
        return Outcome::Withheld(Withheld {
            by,
            words: trimmed(&report.words),
            usage: Usage::default(),
            served: None,
        });
    }
    let mut failed = Failed::new(report.fault(head.status), &report.words);
    failed.retry_after = head.retry_after;
    Outcome::Failed(failed)
}

fn without_json(head: &Head, body: &[u8]) -> Failed {
    if head.is_success() {
        return not_json(head, body);
    }
    let text = String::from_utf8_lossy(&body[..body.len().min(4096)]);
    let words = match page_title(head, &text) {
        Some(title) => format!("web page: {title}"),
        None => text.into_owned(),
    };
    let mut failed = Failed::new(by_status(head.status), words);
    failed.retry_after = head.retry_after;
    failed
}

/// What an error body says, whatever its form.
struct Report {
    words: String,
    /// `code`, inner code and `type`, where they are text.
    codes: Vec<String>,
    /// A status in the body, which counts where HTTP said that all is well.
    status: Option<u16>,
    flagged: bool,
}

impl Report {
    fn of(body: &Value) -> Report {
        let error = match &body["error"] {
            Value::Null => body,
            error => error,
        };
        let inner = [&error["innererror"]["code"], &error["inner_error"]["code"]];
        let codes = [&error["code"], &error["type"], &error["status"]].into_iter().chain(inner);
        let number = [&error["code"], &error["status"]].into_iter().find_map(Value::as_u64);
        let words = [error, &error["message"], &error["detail"], &body["message"], &body["detail"]];
        let words = words.into_iter().find_map(Value::as_str);
        Report {
            words: words.map_or_else(|| body.to_string(), str::to_owned),
            codes: codes.filter_map(Value::as_str).map(str::to_owned).collect(),
            status: number.and_then(|n| u16::try_from(n).ok()).filter(|n| (400..600).contains(n)),
            // OpenRouter's moderation.
            flagged: !error["metadata"]["flagged_input"].is_null(),
        }
    }

    fn has(&self, code: &str) -> bool {
        self.codes.iter().any(|c| c == code)
    }

    fn filter(&self) -> Option<Filter> {
        if self.words.contains(ANSWER_FILTER_WORDS) {
            Some(Filter::Answer)
        } else if self.flagged || PROMPT_FILTER_CODES.iter().any(|c| self.has(c)) {
            Some(Filter::Prompt)
        } else {
            None
        }
    }

    fn fault(&self, status: u16) -> Fault {
        let success = (200..300).contains(&status);
        let status = if success { self.status.unwrap_or(status) } else { status };
        let words = self.words.to_ascii_lowercase();
        // vLLM and OpenAI say the second, Anthropic the third.
        let long = self.has("context_length_exceeded")
            || words.contains("maximum context length")
            || words.contains("prompt is too long");
        if long && status < 500 {
            return Fault::TooLong;
        }
        if self.has("insufficient_quota") {
            return Fault::QuotaSpent;
        }
        if self.has("overloaded_error") {
            return Fault::Overloaded { status };
        }
        if self.has("rate_limit_error") || self.has("rate_limit_exceeded") {
            return Fault::RateLimited;
        }
        by_status(status)
    }
}

fn by_status(status: u16) -> Fault {
    match status {
        200..300 => Fault::ErrorInBody,
        401 | 403 => Fault::Unauthorized { status },
        402 => Fault::QuotaSpent,
        429 => Fault::RateLimited,
        503 | 529 => Fault::Overloaded { status },
        _ => Fault::Http { status },
    }
}
