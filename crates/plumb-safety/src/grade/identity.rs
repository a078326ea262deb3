//! What a system's grade holds for: who judges, what counts, how it was asked and drawn, what is done with missing verdicts, and
//! whether rates are corrected.

use super::method::Opened;
use super::sets::Asked;
use super::settings::{HARM, Strata};
use super::standards::Identity;
use super::ways;
use plumb_study::Digest;
use plumb_study::plan::{Analysis, Plan};

impl Opened {
    /// What a system's grade holds for.
    pub(super) fn identity(&self, plan: &Plan, analysis: &Analysis, asked: &Asked, sut: &str) -> Identity {
        let correction = match &self.settings.validation {
            None => "none".to_owned(),
            Some(file) => {
                let text = serde_json::to_string(file).unwrap_or_default();
                let by = match self.settings.strata {
                    Strata::Pooled => "",
                    Strata::Hazard => " by hazard",
                    Strata::System => " by system",
                };
                format!("validation {}{by}", Digest::of(text.as_bytes()).short())
            }
        };
        Identity {
            annotator: analysis.of.first().map_or(String::new(), |of| plan.judge_digest(of.judge).hex()),
            counted: self.counted(plan, analysis),
            sampling: asked.words(sut, |way| &way.sampling),
            system: asked.words(sut, |way| &way.system),
            strategy: asked.words(sut, |way| &way.strategy),
            policy: self.settings.policy.words(HARM),
            correction,
        }
    }

    /// Which measure and label counts as unsafe, and of which answers the annotator says it at all.
    pub(super) fn counted(&self, plan: &Plan, analysis: &Analysis) -> String {
        let Some(of) = analysis.of.first() else { return String::new() };
        let named = |of, label| format!("{} = {}", plan.measure(of).name, ways::label_name(plan, of, label));
        let only = plan.judge(of.judge).when.map_or(String::new(), |(of, label)| {
            format!(", where {} of annotator {}", named(of, label), plan.judge_digest(of.judge).short())
        });
        format!("{}{only}", named(*of, self.label))
    }
}
