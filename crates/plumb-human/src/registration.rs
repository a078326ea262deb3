//! What a study fixes before people come, in words: lines for a terminal, and forms of registries filled from the file.
//!
//! The forms follow the fields of AsPredicted and of OSF's preregistration; what the file does not say stands as an open
//! point, since a form that fills gaps by itself would register what nobody decided.

use std::fmt::Write as _;

use crate::protocol::assign::Rule;
use crate::study::{Analysis, At, Claim, Direction, Hypothesis, Stop, Study};

/// A registry whose form can be filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// AsPredicted: eight questions.
    AsPredicted,
    /// OSF's preregistration.
    Osf,
}

const OPEN: &str = "(The study file does not say; write it here.)";

/// What is fixed, a line each.
pub fn fixed(study: &Study) -> Vec<String> {
    let mut lines =
        vec![format!("people      {}", size(study)), format!("assignment  {}", assignment(study))];
    lines.extend(study.condition.iter().map(|c| format!("condition   {}", condition(study, &c.id))));
    lines.extend(
        study.block.iter().map(|b| format!("block       {}: {} items", b.title, b.item_ids(study).len())),
    );
    lines.extend(study.outcome.iter().map(|o| format!("outcome     {}: {}", o.label, o.of)));
    lines.extend(study.analysis.iter().map(|a| {
        format!(
            "analysis    {}: {}",
            a.title,
            planned(a, "").unwrap_or_else(|| "means by condition".to_owned())
        )
    }));
    lines.extend(study.hypothesis.iter().map(|h| format!("hypothesis  {}", hypothesis(h))));
    if let Some(looks) = &study.looks {
        lines.push(format!("looks       {}", looks.spending.words()));
        lines.extend(study.looks_in_words().into_iter().map(|line| format!("look        {line}")));
    }
    lines.extend(study.exclusion.iter().map(|e| format!("exclusion   {}: {}", e.id, e.words())));
    lines
}

impl Registration {
    /// The form in Markdown. `hash` is the plan's.
    pub fn fill(self, study: &Study, hash: &str) -> String {
        let mut form = format!("# {}\n\n", study.title);
        let fields = match self {
            Registration::AsPredicted => as_predicted(study),
            Registration::Osf => osf(study),
        };
        for (field, text) in fields {
            // Writing to a text cannot fail.
            let _ = write!(form, "## {field}\n\n{}\n\n", if text.is_empty() { OPEN } else { &text });
        }
        let _ = writeln!(form, "Hash of the frozen plan (BLAKE3 of its canonical bytes): {hash}");
        form
    }
}

fn as_predicted(study: &Study) -> Vec<(&'static str, String)> {
    vec![
        ("1. Data collected already?", String::new()),
        ("2. Hypotheses", hypotheses(study)),
        ("3. Dependent variables", outcomes(study)),
        ("4. Conditions", conditions(study)),
        ("5. Analyses", analyses(study)),
        ("6. Outliers and exclusions", exclusions(study)),
        ("7. Sample size", format!("{}. {} {}", size(study), stopping(study), looks(study))),
        ("8. Anything else", study.notes.join("\n\n")),
    ]
}

fn osf(study: &Study) -> Vec<(&'static str, String)> {
    vec![
        ("Description", study.about.clone().unwrap_or_default()),
        ("Hypotheses", hypotheses(study)),
        ("Study type", "Experiment: people are assigned to conditions at random.".to_owned()),
        ("Blinding", "People see the screens of their own condition only; assignment is drawn on the server after consent from a secret seed whose hash is recorded before the first person comes.".to_owned()),
        ("Design", conditions(study)),
        ("Randomisation", assignment(study)),
        ("Existing data", String::new()),
        ("Sample size", size(study)),
        ("Sample size rationale", study.sample.as_ref().map_or_else(String::new, |sample| sample.why.clone())),
        ("Stopping rule", format!("{} {}", stopping(study), looks(study))),
        ("Manipulated variables", factors(study)),
        ("Measured variables", measures(study)),
        ("Indices", outcomes(study)),
        ("Statistical models", analyses(study)),
        ("Inference criteria", inference(study)),
        ("Data exclusion", exclusions(study)),
        ("Missing data", "A row in which a measure is missing has no value of an outcome that needs it; rows without a value are counted with their reasons.".to_owned()),
        ("Exploratory analysis", beside(study)),
        ("Other", study.notes.join("\n\n")),
    ]
}

fn list(lines: impl Iterator<Item = String>) -> String {
    lines.map(|line| format!("- {line}\n")).collect::<String>().trim_end().to_owned()
}

fn size(study: &Study) -> String {
    match study.people() {
        Some(people) => format!("{people} people in all"),
        None => "no number of people is fixed".to_owned(),
    }
}

fn stopping(study: &Study) -> String {
    let full = match study.people() {
        Some(people) => format!("when {people} people have completed"),
        None => "when every place is held by somebody who completed".to_owned(),
    };
    match study.sample.as_ref().map(|sample| (sample.stop, sample.days)) {
        Some((Stop::AfterDays, Some(days))) => format!("Collection ends {days} days after it begins."),
        Some((Stop::WhenFull, Some(days))) => {
            format!("Collection ends {full}, or {days} days after it begins if that comes first.")
        }
        _ => format!("Collection ends {full}."),
    }
}

fn looks(study: &Study) -> String {
    let Some(looks) = &study.looks else { return "Outcomes are not looked at before.".to_owned() };
    let lines = list(study.looks_in_words().into_iter());
    format!(
        "Outcomes are looked at, with alpha spent by {}, and at no other time:\n\n{lines}\n\nLevels follow from the numbers of \
         people at which looks are really taken.",
        looks.spending.words()
    )
}

fn assignment(study: &Study) -> String {
    let Some(assignment) = &study.assignment else { return "not said".to_owned() };
    let rule = match assignment.rule() {
        Rule::Simple => "simple: each condition with an open place has the same probability".to_owned(),
        Rule::Block(sizes) => {
            let sizes: Vec<String> = sizes.iter().map(usize::to_string).collect();
            format!(
                "shuffled blocks that hold each condition {} times, drawn anew for each",
                sizes.join(" or ")
            )
        }
        Rule::LeastFilled => "a draw among the conditions with the fewest people or one more".to_owned(),
    };
    let rule = if study.shares().is_some() { format!("{rule}. {}", Rule::IN_SHARES) } else { rule };
    if assignment.strata.is_empty() {
        rule
    } else {
        format!("{rule}; within strata of {}", assignment.strata.join(", "))
    }
}

fn condition(study: &Study, id: &str) -> String {
    let levels = study.condition.iter().filter(|c| c.id == id).flat_map(|c| &c.at);
    let levels: Vec<String> = levels.map(|(factor, level)| format!("{factor} {level}")).collect();
    let places = study.assignment.as_ref().and_then(|a| a.places.get(id));
    let places = places.map_or_else(String::new, |places| format!(", {places} people"));
    if levels.is_empty() { format!("{id}{places}") } else { format!("{id}: {}{places}", levels.join(", ")) }
}

fn conditions(study: &Study) -> String {
    list(study.condition.iter().map(|c| condition(study, &c.id)))
}

fn factors(study: &Study) -> String {
    list(study.factor.iter().map(|f| format!("{}: {}", f.id, f.levels.join(", "))))
}

fn measures(study: &Study) -> String {
    list(study.measures().map(|m| format!("{m}: {}", study.describe(m))))
}

fn outcomes(study: &Study) -> String {
    list(study.outcome.iter().map(|o| {
        let variant = o.variant.as_ref().map_or_else(String::new, |v| format!(" ({v})"));
        format!("{}: `{}`{variant}", o.label, o.of)
    }))
}

fn analyses(study: &Study) -> String {
    list(study.analysis.iter().map(|a| match planned(a, "`") {
        Some(model) => format!("{}: {model}", a.title),
        None if study.hypothesis.iter().any(|h| h.analysis == a.id && !h.welch.is_empty()) => {
            format!("{}: Welch's t test of the means of people", a.title)
        }
        None => format!("{}: means by condition", a.title),
    }))
}

/// The planned models in words, each between these quotes.
fn planned(analysis: &Analysis, quote: &str) -> Option<String> {
    let models: Vec<String> = analysis.models().iter().map(|m| format!("{quote}{m}{quote}")).collect();
    match &models[..] {
        [] => None,
        [one] => Some(one.clone()),
        _ => Some(format!(
            "the first that fits without a variance of zero or a failure to converge, else the last that fits, of {}",
            models.join(", ")
        )),
    }
}

fn beside(study: &Study) -> String {
    list(study.analysis.iter().filter(|a| !a.beside.is_empty()).map(|a| {
        let models: Vec<String> = a.beside.iter().map(|m| format!("`{m}`")).collect();
        format!("{}: the first that fits of {}", a.title, models.join(", "))
    }))
}

fn exclusions(study: &Study) -> String {
    let rules = list(study.exclusion.iter().map(|e| format!("{}: people with {}", e.id, e.words())));
    if rules.is_empty() { "Nobody is excluded.".to_owned() } else { rules }
}

fn hypotheses(study: &Study) -> String {
    list(study.hypothesis.iter().map(hypothesis))
}

fn inference(study: &Study) -> String {
    list(study.hypothesis.iter().map(|h| format!("{}: {}", h.id, rule(h))))
}

fn rule(hypothesis: &Hypothesis) -> String {
    let adjusted = match hypothesis.method {
        Claim::Holm => "adjusted by Holm's method",
        Claim::None => "not adjusted",
    };
    let sign = if hypothesis.direction == Direction::Different { "" } else { " with the sign as claimed" };
    match hypothesis.supported_if {
        None => format!(
            "two-sided p at most {}{sign}, {adjusted} within the family {}",
            hypothesis.alpha, hypothesis.family
        ),
        Some(_) => format!(
            "both one-sided p of lying inside these bounds at most {}, the larger {adjusted} within the family {}",
            hypothesis.alpha, hypothesis.family
        ),
    }
}

fn hypothesis(hypothesis: &Hypothesis) -> String {
    let cell = |at: &At| at.iter().map(|(k, v)| format!("{k} {v}")).collect::<Vec<_>>().join(", ");
    let mut terms: Vec<String> =
        hypothesis.contrast.iter().map(|c| format!("{:+} × [{}]", c.weight, cell(&c.at))).collect();
    if let [first, second] = hypothesis.welch.as_slice() {
        terms = vec![format!("[{}] less [{}] by Welch's t test", cell(first), cell(second))];
    }
    let direction = match (hypothesis.supported_if, hypothesis.direction) {
        (Some(bounds), _) => format!("between {} and {}", bounds.low, bounds.high),
        (None, Direction::Different) => "≠ 0".to_owned(),
        (None, Direction::Greater) => "> 0".to_owned(),
        (None, Direction::Less) => "< 0".to_owned(),
    };
    format!(
        "{}: {}: {} {direction} in analysis {}; {}",
        hypothesis.id,
        hypothesis.label,
        terms.join(" "),
        hypothesis.analysis,
        rule(hypothesis)
    )
}
