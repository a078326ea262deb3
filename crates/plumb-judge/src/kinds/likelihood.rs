//! Kinds that read log-probabilities of options: `option-mass` (what share of them is on the right options) and
//! `text-likelihood` (how surprising a text is).
//!
//! Not here: which option was chosen (`choice`).

use std::sync::Arc;

use futures_util::future::BoxFuture;
use plumb_study::items::{Prompt, Task};
use plumb_study::judge::{Case, Judge, Rule};
use plumb_study::plan::{JudgeSpec, Scale};
use plumb_study::run::Ctx;
use plumb_study::{
    Answer, Fields, FrozenJudge, Inputs, JudgeKind, OptionScore, Registry, Result, Verdict, Verdicts,
};

use super::{NO_TARGET, NO_TEXT, abstained, measure, text_of};
use crate::asking::Asking;

const NO_OPTIONS: &str = "the answer holds no log-probabilities of options";

/// `option-mass`: measures `share`, the probability of the options that the target names (a line each) over that of all
/// options, which is TruthfulQA's MC2; and `offered`, the probability of all options together, which tells how much of
/// the model's mass the question catches. Both from 0 to 1; options are compared as wholes. No keys.
pub(super) struct OptionMass;

/// `text-likelihood`: measures `bits_per_byte` and `nats_per_token` of the only option. With the key `model` (a table like a
/// subject's) that model is asked how likely the answer's text is, without the question before it: whether what was
/// written is language at all.
pub(super) struct TextLikelihood;

fn frozen(measures: [&str; 2], scale: Scale) -> FrozenJudge {
    FrozenJudge {
        settings: serde_json::json!({}),
        measures: measures.map(|name| measure(name, scale.clone())).to_vec(),
        needs: Vec::new(),
        model: None,
    }
}

impl JudgeKind for OptionMass {
    fn freeze(
        &self,
        _fields: &mut Fields,
        _registry: &Registry,
        _inputs: &dyn Inputs,
    ) -> Result<FrozenJudge> {
        Ok(frozen(["share", "offered"], Scale::Real))
    }

    fn open(&self, _spec: &JudgeSpec) -> Result<Arc<dyn Judge>> {
        Ok(Arc::new(MassRule))
    }
}

impl JudgeKind for TextLikelihood {
    fn freeze(&self, fields: &mut Fields, registry: &Registry, inputs: &dyn Inputs) -> Result<FrozenJudge> {
        let frozen = frozen(["bits_per_byte", "nats_per_token"], Scale::Real);
        let Some(mut inner) = fields.inner("model")? else { return Ok(frozen) };
        let model = registry.freeze_party(&mut inner, inputs)?;
        inner.finish()?;
        if !model.can.choose {
            return Err(
                fields.error(format!("a model of kind \"{}\" does not say how likely a text is", model.kind))
            );
        }
        Ok(FrozenJudge { model: Some(model), ..frozen })
    }

    fn open(&self, spec: &JudgeSpec) -> Result<Arc<dyn Judge>> {
        match spec.model {
            Some(_) => Ok(Arc::new(Asked(Asking::new(spec, 0)))),
            None => Ok(Arc::new(TextRule)),
        }
    }
}

struct MassRule;
struct TextRule;

/// Sum of `exp` over the options, held apart from underflow by their maximum; natural logarithm.
fn log_sum(scores: impl Iterator<Item = f64> + Clone) -> f64 {
    let top = scores.clone().fold(f64::NEG_INFINITY, f64::max);
    if top == f64::NEG_INFINITY {
        top
    } else {
        top + scores.map(|score| (score - top).exp()).sum::<f64>().ln()
    }
}

impl Rule for MassRule {
    fn decide(&self, case: &Case) -> Verdicts {
        let (
            Answer::Options(scores),
            Task::Ask(Prompt::Choose { options, .. }) | Task::Recorded(Prompt::Choose { options, .. }),
        ) = (case.answer, &case.item.task)
        else {
            return Verdicts::all(abstained(NO_OPTIONS), 2);
        };
        if scores.len() != options.len() || scores.iter().any(|score| score.logprob.is_nan()) {
            return Verdicts::all(Verdict::Failed("an option has no log-probability".into()), 2);
        }
        let all = log_sum(scores.iter().map(|score| score.logprob));
        let share = match &case.item.target {
            None => abstained(NO_TARGET),
            Some(target) => share(target, options, scores, all),
        };
        Verdicts::of(vec![share, Verdict::Scored(all.exp())])
    }
}

fn share(target: &str, options: &[Arc<str>], scores: &[OptionScore], all: f64) -> Verdict {
    let right: Vec<&str> = target.lines().map(str::trim).collect();
    let is_right = |at: &usize| right.contains(&options[*at].trim());
    let named: Vec<usize> = (0..options.len()).filter(is_right).collect();
    if named.is_empty() {
        return Verdict::Failed("the target is none of the options".into());
    }
    if all == f64::NEG_INFINITY {
        return abstained("every option is impossible");
    }
    Verdict::Scored((log_sum(named.iter().map(|at| scores[*at].logprob)) - all).exp())
}

impl Rule for TextRule {
    fn decide(&self, case: &Case) -> Verdicts {
        match case.answer {
            Answer::Options(scores) => surprise(scores),
            _ => Verdicts::all(abstained(NO_OPTIONS), 2),
        }
    }
}

/// Asks its model about the answer's text.
struct Asked(Asking);

impl Judge for Asked {
    fn judge<'a>(&'a self, case: &'a Case<'a>, cx: &'a Ctx) -> BoxFuture<'a, Verdicts> {
        Box::pin(async move {
            let text = match text_of(case, false) {
                None => return Verdicts::all(abstained(NO_TEXT), 2),
                Some(text) if text.trim().is_empty() => {
                    return Verdicts::all(abstained("the answer is empty"), 2);
                }
                Some(text) => text.trim().into(),
            };
            // Something must come before a text's first token: a line's end says nothing about what follows.
            let prompt = Prompt::Choose { context: "\n".into(), options: vec![text] };
            match self.0.exchange(case, cx, prompt).await {
                Ok((Answer::Options(scores), _)) => surprise(&scores),
                Ok(_) => Verdicts::all(abstained(NO_OPTIONS), 2),
                Err(none) => none,
            }
        })
    }
}

/// How surprising the only option is: bits a byte, nats a token.
fn surprise(scores: &[OptionScore]) -> Verdicts {
    match scores {
        [score] if score.bytes > 0 && score.tokens > 0 && score.logprob.is_finite() => Verdicts::of(vec![
            Verdict::Scored(-score.logprob / std::f64::consts::LN_2 / f64::from(score.bytes)),
            Verdict::Scored(-score.logprob / f64::from(score.tokens)),
        ]),
        [_] => Verdicts::all(abstained("the text has no length or no probability"), 2),
        more => Verdicts::all(abstained(format!("{} options, not one text", more.len())), 2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(logprobs: &[f64]) -> Vec<OptionScore> {
        logprobs.iter().map(|logprob| OptionScore { logprob: *logprob, tokens: 2, bytes: 4 }).collect()
    }

    #[test]
    fn the_share_is_of_the_options_alone_and_survives_small_numbers() {
        let options: Vec<Arc<str>> = [" yes", " sure", " no"].map(Into::into).to_vec();
        for shift in [0.0, -2000.0] {
            let scores = scores(&[0.2_f64.ln() + shift, 0.1_f64.ln() + shift, 0.1_f64.ln() + shift]);
            let all = log_sum(scores.iter().map(|score| score.logprob));
            let Verdict::Scored(share) = share("yes\nsure", &options, &scores, all) else { panic!() };
            assert!((share - 0.75).abs() < 1e-12, "{share}");
        }
        let none = scores(&[f64::NEG_INFINITY; 3]);
        assert!(matches!(share("yes", &options, &none, f64::NEG_INFINITY), Verdict::Abstained(_)));
        assert!(matches!(share("maybe", &options, &none, 0.0), Verdict::Failed(_)));
    }
}
