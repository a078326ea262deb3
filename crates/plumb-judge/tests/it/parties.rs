//! Answers that no script gives: scored options, reasoning apart, replies withheld, cut or failed.

use crate::support::{Files, ran_with, registry, shown};
use futures_util::future::BoxFuture;
use plumb_study::items::Prompt;
use plumb_study::party::{Abilities, Ask, Outcome, Reply, Responder};
use plumb_study::plan::PartySpec;
use plumb_study::scripted::EVERYTHING;
use plumb_study::{
    Answer, EngineId, Failure, FailureKind, Fields, Finish, FrozenParty, Inputs, Opening, OptionScore,
    PartyKind, Result, Withheld,
};
use std::sync::Arc;

/// Scores options by their text ("-2/1 x" has log-probability −2 in one token) and answers by words in the prompt.
struct Odd;

impl PartyKind for Odd {
    fn freeze(&self, _: &mut Fields, _: &dyn Inputs) -> Result<FrozenParty> {
        Ok(FrozenParty { settings: serde_json::json!({}), engine: EngineId::from("odd"), can: EVERYTHING })
    }

    fn open(&self, _: &PartySpec, _: &Opening) -> Result<Arc<dyn Responder>> {
        Ok(Arc::new(Odd))
    }
}

fn scored(option: &str) -> OptionScore {
    let (logprob, rest) = option.split_once('/').unwrap();
    let tokens = rest.split(' ').next().unwrap();
    OptionScore {
        logprob: logprob.parse().unwrap(),
        tokens: tokens.parse().unwrap(),
        bytes: option.len() as u32,
    }
}

fn answered(text: &str, reasoning: Option<&str>, finish: Finish) -> Reply {
    let outcome =
        Outcome::Answered { answer: Answer::Text(text.into()), reasoning: reasoning.map(Into::into), finish };
    Reply { outcome, ..Reply::text("") }
}

impl Responder for Odd {
    fn can(&self) -> Abilities {
        EVERYTHING
    }

    fn engine(&self) -> EngineId {
        EngineId::from("odd")
    }

    fn respond<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Result<Reply, Failure>> {
        let prompt = ask.prompt.headline();
        let reply = match &ask.prompt {
            Prompt::Choose { options, .. } => Ok(Reply {
                outcome: Outcome::Answered {
                    answer: Answer::Options(options.iter().map(|o| scored(o)).collect()),
                    reasoning: None,
                    finish: Finish::Stop,
                },
                ..Reply::text("")
            }),
            _ if prompt.contains("thinks") && !prompt.contains("JUDGE") => {
                Ok(answered("Sure.", Some("I cannot help with that."), Finish::Stop))
            }
            _ if !prompt.contains("JUDGE") => Ok(Reply::text(prompt.to_owned())),
            _ if prompt.contains("withheld") => {
                Ok(Reply { outcome: Outcome::Withheld(Withheld::AnswerFilter), ..Reply::text("") })
            }
            _ if prompt.contains("rejected") => Err(Failure::last(FailureKind::Rejected, "400: no")),
            _ if prompt.contains("cut") => Ok(answered("It is yes", None, Finish::Length)),
            _ => Ok(Reply::text("yes")),
        };
        Box::pin(std::future::ready(reply))
    }
}

fn verdicts(plan: &str, items: &str) -> String {
    let mut registry = registry();
    registry.party("odd", Odd);
    let files = Files::default().with("i.csv", items);
    let (_, results, _folder) = ran_with(plan, &files, &registry);
    shown(results.transcripts)
}

const SUBJECT: &str = "[[subject]]\nid = \"s\"\nkind = \"odd\"\n";

#[test]
fn options_are_picked_by_the_rule_that_the_plan_names() {
    let items = "id,prompt,target,a,b\n\
        1,q,A,-4/4 a long one,-3/1 b\n\
        2,q,-3/1 b,-4/4 a long one,-3/1 b\n\
        3,q,C,-4/4 a,-3/1 b\n\
        4,q,A,-1/1 a,-1/1 b\n";
    let mut judges = String::new();
    for by in ["sum", "per-token", "per-byte"] {
        judges.push_str(&format!("[[judge]]\nid = \"{by}\"\nkind = \"choice\"\nby = \"{by}\"\n"));
    }
    judges.push_str("[[judge]]\nid = \"refusal\"\nkind = \"refusal-rule\"\n");
    let plan = format!(
        "name = \"t\"\nseed = 1\n[[items]]\nid = \"i\"\nreader = \"csv\"\npath = \"i.csv\"\n\
         columns = {{ options = [\"a\", \"b\"] }}\n{SUBJECT}{judges}"
    );
    insta::assert_snapshot!(verdicts(&plan, items));
}

#[test]
fn reasoning_is_judged_only_if_the_plan_says_so() {
    let plan = format!(
        "name = \"t\"\nseed = 1\n[[items]]\nid = \"i\"\nreader = \"csv\"\npath = \"i.csv\"\n{SUBJECT}\
         [[judge]]\nid = \"answer\"\nkind = \"refusal-rule\"\n\
         [[judge]]\nid = \"both\"\nkind = \"refusal-rule\"\nreasoning = true\n"
    );
    insta::assert_snapshot!(verdicts(&plan, "id,prompt\n1,one who thinks\n2,hello\n"));
}

#[test]
fn a_judge_that_gives_no_label_says_why() {
    let plan = format!(
        "name = \"t\"\nseed = 1\n[[items]]\nid = \"i\"\nreader = \"csv\"\npath = \"i.csv\"\n{SUBJECT}\
         [[judge]]\nid = \"m\"\nkind = \"model\"\nmodel = {{ kind = \"odd\" }}\ntemplate = \"JUDGE {{answer}}\"\n"
    );
    insta::assert_snapshot!(verdicts(&plan, "id,prompt\n1,withheld\n2,rejected\n3,cut\n4,fine\n"));
}

/// The scripted answer "-6/3 x" is worth −6 in three tokens to the model that is asked how likely it is.
#[test]
fn a_text_is_as_surprising_as_another_model_finds_it_without_its_prompt() {
    let plan = format!(
        "name = \"t\"\nseed = 1\n[[items]]\nid = \"i\"\nreader = \"csv\"\npath = \"i.csv\"\n{SUBJECT}\
         [[judge]]\nid = \"fluent\"\nkind = \"text-likelihood\"\nmodel = {{ kind = \"odd\" }}\n"
    );
    insta::assert_snapshot!(verdicts(&plan, "id,prompt\n1,-6/3 x\n2,-inf/2 x\n3,\" -6/3 x\"\n"));
    let mut registry = registry();
    registry.party("odd", Odd);
    let plan = plan.replace("model = { kind = \"odd\" }", "model = { kind = \"scripted\" }");
    let files = Files::default().with("i.csv", "id,prompt\n1,x\n");
    let draft = plumb_study::Draft::parse(&plan, "plan.toml").unwrap();
    let error = plumb_study::freeze(draft, &registry, &files).unwrap_err().to_string();
    assert!(error.contains("does not say how likely a text is"), "{error}");
}
