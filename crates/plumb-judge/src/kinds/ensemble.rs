//! Kind `ensemble`: what several judges of the plan say together.
//!
//! Why: judges err in different ways. The kind only says who votes and how; the votes are counted in the ledger, from
//! what was recorded (`plumb_study::vote`).

use std::sync::Arc;

use plumb_study::judge::{Case, Judge, Rule};
use plumb_study::plan::{JudgeSpec, Plan, Scale};
use plumb_study::vote::{MEASURES, Standing, Tie, VoteRule};
use plumb_study::{
    DraftBallot, DraftVoter, Error, Fields, FrozenJudge, Inputs, JudgeIx, JudgeKind, Registry, Result,
    Verdict, Verdicts,
};
use serde::{Deserialize, Serialize};

use super::{keep, measure};
use crate::validation::{Foreign, ValidationFile, speaks_of};

/// Keys: `voters` (names of measures, or tables of `measure`, `yes`, `weight`, `validation`);
/// `rule = "majority" | "any" | "weighted" | "cascade"`; `least` (fewest valid votes); `tie = "abstain" | "yes" | "no"`;
/// `above` (share of the weight).
pub(super) struct EnsembleKind;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    rule: RuleName,
    least: u32,
    tie: Option<TieName>,
    above: Option<f64>,
    voters: Vec<VoterSettings>,
}

#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum RuleName {
    Majority,
    Any,
    Weighted,
    Cascade,
}

#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum TieName {
    Abstain,
    Yes,
    No,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct VoterSettings {
    measure: String,
    yes: Option<String>,
    weight: f64,
    /// What its validation said, if there was one.
    validation: Option<Validated>,
}

/// What an ensemble keeps of a validation.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Validated {
    passed: bool,
    why: String,
    annotator: Option<String>,
    /// What the validated measure was called; plans of before do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

impl VoterSettings {
    fn standing(&self) -> Standing {
        match &self.validation {
            None => Standing::Untested,
            Some(v) if v.passed => Standing::Passed,
            Some(_) => Standing::Failed,
        }
    }
}

const RULES: [(&str, RuleName); 4] = [
    ("majority", RuleName::Majority),
    ("any", RuleName::Any),
    ("weighted", RuleName::Weighted),
    ("cascade", RuleName::Cascade),
];

const TIES: [(&str, TieName); 3] =
    [("abstain", TieName::Abstain), ("yes", TieName::Yes), ("no", TieName::No)];

fn take_voters(fields: &mut Fields, inputs: &dyn Inputs) -> Result<Vec<VoterSettings>> {
    let missing = |fields: &Fields| {
        fields.error("`voters` is missing (the measures that vote)").help(
            "voters = [\"guard.unsafe\", { measure = \"rubric.unsafe\", validation = \"rubric.json\" }]",
        )
    };
    let Some(toml::Value::Array(list)) = fields.value("voters") else { return Err(missing(fields)) };
    if list.len() < 2 {
        return Err(fields.error("an ensemble needs at least two `voters`"));
    }
    let place = fields.place().to_owned();
    list.into_iter()
        .map(|value| match value {
            toml::Value::String(measure) => {
                Ok(VoterSettings { measure, yes: None, weight: 1.0, validation: None })
            }
            toml::Value::Table(table) => take_voter(Fields::new(format!("{place}, `voters`"), table), inputs),
            _ => Err(missing(fields)),
        })
        .collect()
}

fn take_voter(mut fields: Fields, inputs: &dyn Inputs) -> Result<VoterSettings> {
    let measure = fields.need_text("measure")?;
    let validation = match fields.text("validation")? {
        None => None,
        Some(path) => {
            let read = inputs.read(&path).and_then(|bytes| ValidationFile::parse(&bytes, &path));
            let file = read.map_err(|e| e.at(fields.place()))?;
            Some(Validated {
                passed: file.passed,
                why: file.why,
                annotator: file.annotator_digest,
                name: Some(file.annotator),
            })
        }
    };
    let voter = VoterSettings {
        measure,
        yes: fields.text("yes")?,
        weight: fields.number("weight", 1e-6, 1e6)?.unwrap_or(1.0),
        validation,
    };
    fields.finish()?;
    Ok(voter)
}

fn take(fields: &mut Fields, inputs: &dyn Inputs) -> Result<Settings> {
    let voters = take_voters(fields, inputs)?;
    let rule = fields.choice("rule", &RULES)?.unwrap_or(RuleName::Majority);
    let counting = voters.iter().filter(|v| v.standing() != Standing::Failed).count();
    if counting == 0 {
        let why: Vec<String> = voters
            .iter()
            .filter_map(|v| Some(format!("{}: {}", v.measure, v.validation.as_ref()?.why)))
            .collect();
        return Err(fields
            .error("nobody may vote")
            .help(format!("none of the voters passed its validation. {}", why.join("; "))));
    }
    let belongs = |ours: bool, key: &str| match ours || !fields.holds(key) {
        true => Ok(()),
        false => Err(fields.error(format!("`{key}` has no meaning with this `rule`"))),
    };
    belongs(matches!(rule, RuleName::Majority | RuleName::Weighted), "tie")?;
    belongs(rule == RuleName::Weighted, "above")?;
    belongs(rule != RuleName::Cascade, "least")?;
    if rule != RuleName::Weighted && voters.iter().any(|v| v.weight != 1.0) {
        return Err(fields.error("a voter's `weight` counts with rule = \"weighted\" only"));
    }
    let most = counting as i64;
    let least = fields.whole("least", 1, most)?.map(|n| n as u32);
    let least = least.unwrap_or(match rule {
        RuleName::Majority | RuleName::Weighted => counting as u32 / 2 + 1,
        RuleName::Any | RuleName::Cascade => 1,
    });
    let ties = matches!(rule, RuleName::Majority | RuleName::Weighted);
    let tie = fields.choice("tie", &TIES)?.or(ties.then_some(TieName::Abstain));
    let above = fields.number("above", 0.0, 1.0)?.or((rule == RuleName::Weighted).then_some(0.5));
    Ok(Settings { rule, least: least.min(counting as u32), tie, above, voters })
}

fn read(settings: &serde_json::Value) -> Result<Settings> {
    Settings::deserialize(settings)
        .map_err(|e| Error::plan(format!("the frozen settings of an ensemble cannot be read: {e}")))
}

impl JudgeKind for EnsembleKind {
    fn freeze(&self, fields: &mut Fields, _: &Registry, inputs: &dyn Inputs) -> Result<FrozenJudge> {
        let settings = take(fields, inputs)?;
        Ok(FrozenJudge {
            settings: keep(fields, &settings)?,
            measures: MEASURES.map(|name| measure(name, Scale::Binary)).to_vec(),
            needs: Vec::new(),
            model: None,
        })
    }

    fn ballot(&self, settings: &serde_json::Value) -> Result<Option<DraftBallot>> {
        let settings = read(settings)?;
        let tie = match settings.tie {
            Some(TieName::Yes) => Tie::Yes,
            Some(TieName::No) => Tie::No,
            Some(TieName::Abstain) | None => Tie::Abstain,
        };
        let rule = match settings.rule {
            RuleName::Majority => VoteRule::Majority(tie),
            RuleName::Any => VoteRule::Any,
            RuleName::Weighted => VoteRule::Weighted { above: settings.above.unwrap_or(0.5), tie },
            RuleName::Cascade => VoteRule::Cascade,
        };
        let voters = settings
            .voters
            .into_iter()
            .map(|v| DraftVoter { standing: v.standing(), measure: v.measure, yes: v.yes, weight: v.weight })
            .collect();
        Ok(Some(DraftBallot { rule, least: settings.least, voters }))
    }

    fn check(&self, plan: &Plan, ix: JudgeIx) -> Result<()> {
        let spec = plan.judge(ix);
        let settings = read(&spec.settings)?;
        let Some(ballot) = &spec.ballot else { return Ok(()) };
        for (at, (voter, of)) in settings.voters.iter().zip(&ballot.voters).enumerate() {
            let judge = plan.judge(of.of.judge);
            if settings.rule == RuleName::Cascade && at > 0 && judge.when.is_none() {
                return Err(Error::plan(format!(
                    "\"{}\" judges every answer, so those before it in the cascade never decide",
                    voter.measure
                ))
                .help("give that judge a `when`: an ensemble of the cheap ones has the measure `split`"));
            }
            let Some(validation) = &voter.validation else { continue };
            let (name, digest) = (plan.measure_name(of.of), plan.judge_digest(of.of.judge).hex());
            let called = validation.name.as_deref().unwrap_or(&name);
            speaks_of(called, validation.annotator.as_deref(), &name, &digest).map_err(
                |Foreign { why, help }| {
                    Error::plan(format!(
                        "the validation is not of \"{}\" as it stands here: {why}",
                        voter.measure
                    ))
                    .help(help)
                },
            )?;
        }
        Ok(())
    }

    fn open(&self, _: &JudgeSpec) -> Result<Arc<dyn Judge>> {
        Ok(Arc::new(Counted))
    }
}

/// Stands where a judge stands; the runner does not ask it.
struct Counted;

impl Rule for Counted {
    fn decide(&self, _: &Case) -> Verdicts {
        Verdicts::all(Verdict::Failed("votes are counted, not judged".into()), MEASURES.len())
    }
}
