//! What a search leaves behind: its record as JSON, and a section of the report.

use super::{Candidate, Decision, Openers, RULE, Rise, Search};
use plumb_study::Document;
use plumb_study::document::{Cell, Table, Tone};
use serde::{Deserialize, Serialize};

/// Everything that the stages before generating came to.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Digest of all that decides it; another one means that the stages have to be done again.
    pub of: String,
    /// The autoencoder, by name and digest.
    pub sae: (String, String),
    /// How refusals begin.
    pub openers: Openers,
    /// Harmful replies that were contrasted: refused, complied with.
    pub contrasted: (usize, usize),
    /// AUROC of the unsteered margin for generated refusal on the validation items, with its interval where there is one,
    /// and the number of items.
    pub auroc: (f64, Option<(f64, f64)>, usize),
    /// Whether the screen decided who is generated for.
    pub screened: bool,
    /// Mean margin of the screen's prompts without a clamp.
    pub margin: f64,
    /// Each candidate with the mean change of the margin under the clamp, best first.
    pub candidates: Vec<(Candidate, f64)>,
    /// Those that were generated for.
    pub generated: Vec<usize>,
    /// Random latents that went through the same.
    pub random: Vec<usize>,
}

/// The section of the report; `replies` is how many the plan of the search generates.
pub fn section(
    document: &mut Document,
    (search, replies): (&Search, u64),
    record: &Record,
    decision: Option<&Decision>,
) {
    let section = document.section("The search");
    let area = match record.auroc.1 {
        Some((low, high)) => format!("{:.2} [{low:.2}, {high:.2}]", record.auroc.0),
        None => format!("{:.2}", record.auroc.0),
    };
    section.prose(format!(
        "{} candidates among the latents of {}: active while a refusal is written, or more active where harmful prompts were refused ({} refused, {} complied with), or along the difference in means{}. Each was clamped to {} on {} prompts, and the log-odds of beginning like a refusal were read.",
        record.candidates.len(),
        record.sae.0,
        record.contrasted.0,
        record.contrasted.1,
        match search.effects {
            0 => String::new(),
            _ => format!(", or making a refusal likelier when they are clamped to {}", search.small()),
        },
        search.strength_words(),
        search.prompts.0.len(),
    ));
    section.prose(format!(
        "Without steering those log-odds tell generated refusals of {} validation prompts with an AUROC of {area}; {}. {} of {} refusals that beginnings were learned from begin with one of {}.",
        record.auroc.2,
        match record.screened {
            true => "that is enough, so the screen chose who was generated for",
            false => "that is too little, so the AUROC of refused against complied chose who was generated for",
        },
        record.openers.covered,
        record.openers.refused,
        record.openers.texts.len(),
    ));
    if let Some(decision) = decision {
        section.prose(verdict(decision));
    }
    section.note(spent(search, record, replies));
    let columns = [
        "latent",
        "#log-odds",
        "#small clamp",
        "#tokens of the refusal",
        "#AUROC",
        "#q",
        "#cosine",
        "generated",
    ];
    let mut table = Table::new("Candidates by the change of log-odds under the clamp", &columns);
    for (candidate, change) in record.candidates.iter().take(25) {
        table.row([
            Cell::text(candidate.latent.to_string()),
            Cell::Number(*change, 2),
            candidate.effect.map_or(Cell::Empty, |effect| Cell::Number(effect, 3)),
            Cell::Count(candidate.tokens as u64),
            candidate.auroc.map_or(Cell::Missing("not active".into()), |area| Cell::Number(area, 2)),
            candidate.q.map_or(Cell::Empty, Cell::P),
            Cell::Number(candidate.cosine, 2),
            match record.generated.contains(&candidate.latent) {
                true => Cell::toned("yes", Tone::Good),
                false => Cell::Empty,
            },
        ]);
    }
    table.note("The best 25. Log-odds: the largest mean change at any of the strengths. Small clamp: the same under a tenth of the weakest, for latents for which it was computed. AUROC and q: refused against complied among harmful prompts.");
    section.table(table);
}

/// What the search costs.
fn spent(search: &Search, record: &Record, replies: u64) -> String {
    let clamps = record.candidates.len() * search.strengths.len();
    let limit = search.budget.map_or_else(String::new, |budget| format!(" of at most {budget}"));
    format!(
        "What it costs: {clamps} clamps screened on {} prompts, and {replies} replies generated{limit}. Chosen is {RULE}.",
        search.prompts.0.len()
    )
}

fn verdict(decision: &Decision) -> String {
    let points = |rise: &Rise| format!("{:+.0} points", rise.unsafe_ * 100.0);
    let best = decision.candidates.first().map_or_else(String::new, points);
    let beside = |name: &str, controls: &[Rise]| match controls.first() {
        None => String::new(),
        Some(first) => format!(
            " The best of {} {name} changes it by {}; {} of them do at least as much as the winner.",
            controls.len(),
            points(first),
            decision.at_least_as_good(controls)
        ),
    };
    let at = decision.strength.map_or_else(String::new, |strength| format!(" at strength {strength}"));
    format!(
        "{}{at} raises refusal of unsafe prompts most on the validation items, by {best}, the largest of {} settings of candidates: on other prompts it will be less.{}{}",
        decision.winner,
        decision.candidates.len(),
        beside("random latents", &decision.random_latents),
        beside("random directions of the same length", &decision.random_directions),
    )
}
