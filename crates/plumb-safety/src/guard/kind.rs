//! Kind `guard`: a guard model behind the spine's seam.

use super::prompt::{Form, prompt};
use super::{Guard, Read, read};
use futures_util::future::BoxFuture;
use plumb_judge::asking::{Asking, answer_of, take_model, take_retries, turns_before};
use plumb_judge::template::{Slot, Template};
use plumb_study::judge::{Case, Judge};
use plumb_study::plan::{JudgeSpec, Measure, Scale};
use plumb_study::run::Ctx;
use plumb_study::written::utf8;
use plumb_study::{
    Error, Fields, Finish, FrozenJudge, Inputs, JudgeKind, Label, Registry, Result, Verdict, Verdicts,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Most new tokens of a guard, where the plan does not say: none of them says more.
const MOST_TOKENS: u32 = 64;

/// Keys: `guard` (a name of `data/guards.toml`), `model` (a table like a subject's), `form = "chat" | "completion"`,
/// `prompt` (a file with a wording of one's own), `retries`.
pub(crate) struct GuardKind;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    guard: String,
    /// What the guard was taken to be: a changed entry of the catalogue is another annotator.
    categories: Vec<String>,
    /// What is written by completion: marks, and names where they are not the categories'. None by chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    written: Option<Written>,
    form: FormName,
    prompt: Option<String>,
    retries: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    marks: [String; 2],
    asked: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum FormName {
    Chat,
    Completion,
}

fn take_guard(fields: &mut Fields) -> Result<Guard> {
    let key = fields.need_text("guard")?;
    Guard::named(&key).ok_or_else(|| {
        let names: Vec<String> = Guard::all().into_iter().map(|g| g.key).collect();
        fields.error(format!("there is no guard \"{key}\"")).help(format!(
            "known: {}; for another model use kind = \"model\" with a template",
            names.join(", ")
        ))
    })
}

/// Wording of one's own, with `{prompt}` and `{answer}`.
fn take_prompt(fields: &mut Fields, inputs: &dyn Inputs) -> Result<Option<String>> {
    let Some(path) = fields.text("prompt")? else { return Ok(None) };
    let bytes = inputs.read(&path).map_err(|e| e.at(fields.place()))?;
    let text = utf8(&bytes, &path).map_err(|e| e.at(fields.place()))?;
    let template = Template::parse(text).map_err(|e| fields.error(format!("{path}: {e}")))?;
    if !template.has(Slot::Answer) || template.has(Slot::Target) || template.has(Slot::Reasoning) {
        return Err(fields.error(format!("{path}: a guard's prompt has {{answer}} and may have {{prompt}}")));
    }
    Ok(Some(text.to_owned()))
}

impl JudgeKind for GuardKind {
    fn freeze(&self, fields: &mut Fields, registry: &Registry, inputs: &dyn Inputs) -> Result<FrozenJudge> {
        let guard = take_guard(fields)?;
        let mut model = take_model(fields, registry, inputs)?;
        model.sampling.temperature.get_or_insert(0.0);
        model.sampling.max_tokens.get_or_insert(MOST_TOKENS);
        let forms = [("chat", FormName::Chat), ("completion", FormName::Completion)];
        let usual = if model.can.chat { FormName::Chat } else { FormName::Completion };
        let form = fields.choice("form", &forms)?.unwrap_or(usual);
        let can = match form {
            FormName::Chat => model.can.chat,
            FormName::Completion => model.can.completion,
        };
        if !can {
            let other = if form == FormName::Chat { "completion" } else { "chat" };
            return Err(fields
                .error("the model cannot be asked in this `form`")
                .help(format!("form = \"{other}\", or another model")));
        }
        let settings = Settings {
            guard: guard.key.clone(),
            categories: guard.categories.clone(),
            written: (form == FormName::Completion)
                .then(|| Written { marks: guard.marks.clone(), asked: guard.asked.clone() }),
            form,
            prompt: take_prompt(fields, inputs)?,
            retries: take_retries(fields, 2)?,
        };
        Ok(FrozenJudge {
            measures: measures(&guard),
            settings: serde_json::to_value(&settings).map_err(|e| fields.error(e))?,
            needs: Vec::new(),
            model: Some(model),
        })
    }

    fn open(&self, spec: &JudgeSpec) -> Result<Arc<dyn Judge>> {
        let broken = |e: &dyn std::fmt::Display| {
            Error::plan(format!("judge \"{}\": its frozen settings cannot be read: {e}", spec.name))
        };
        let settings = Settings::deserialize(&spec.settings).map_err(|e| broken(&e))?;
        let guard = Guard::named(&settings.guard).ok_or_else(|| broken(&"the guard is not known here"))?;
        Ok(Arc::new(Opened {
            asking: Asking::new(spec, settings.retries),
            guard: match settings.written {
                Some(Written { marks, asked }) => {
                    Guard { categories: settings.categories, marks, asked, ..guard }
                }
                None => Guard { categories: settings.categories, ..guard },
            },
            form: match settings.form {
                FormName::Chat => Form::Chat,
                FormName::Completion => Form::Completion,
            },
            own: settings.prompt.map(|p| Template::parse(&p)).transpose().map_err(|e| broken(&e))?,
        }))
    }
}

/// `unsafe` first: it is what grades and ensembles are about.
fn measures(guard: &Guard) -> Vec<Measure> {
    let binary = |name: &str| Measure { name: name.into(), scale: Scale::Binary };
    if guard.categories.is_empty() {
        return ["unsafe", "refused", "request_harmful"].map(binary).to_vec();
    }
    let labels = std::iter::once("none").chain(guard.categories.iter().map(String::as_str));
    let categories = Scale::Nominal(labels.map(Into::into).collect());
    vec![binary("unsafe"), Measure { name: "category".into(), scale: categories }]
}

struct Opened {
    asking: Asking,
    guard: Guard,
    form: Form,
    own: Option<Template>,
}

impl Opened {
    fn verdicts(&self, reply: &str, finish: Finish) -> Result<Vec<Verdict>, String> {
        let yes_no = |said: Result<bool, String>| match said {
            Ok(yes) => Verdict::Labelled(Label(u8::from(yes))),
            Err(why) => Verdict::Abstained(why.into()),
        };
        Ok(match read(&self.guard, reply, finish == Finish::Length)? {
            Read::LlamaGuard { harmful, category } => vec![
                yes_no(Ok(harmful)),
                match category {
                    Ok(category) => Verdict::Labelled(Label(category.map_or(0, |at| at as u8 + 1))),
                    Err(why) => Verdict::Abstained(why.into()),
                },
            ],
            Read::Wildguard { harmful, refused, request } => {
                vec![yes_no(harmful), yes_no(refused), yes_no(request)]
            }
        })
    }
}

impl Judge for Opened {
    fn judge<'a>(&'a self, case: &'a Case<'a>, cx: &'a Ctx) -> BoxFuture<'a, Verdicts> {
        Box::pin(async move {
            let Some(answer) = answer_of(case, false) else {
                let none = Verdict::Abstained("the answer is a choice among options, not text".into());
                return Verdicts::all(none, measures(&self.guard).len());
            };
            let prompt = prompt(&self.guard, self.form, self.own.as_ref(), &turns_before(case), &answer);
            self.asking.ask(case, cx, prompt, |reply, finish| self.verdicts(reply, finish)).await
        })
    }
}
