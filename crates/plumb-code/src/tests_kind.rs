//! Kind of judge `tests`: runs the program of an answer against the tests of the item's problem, in a sandbox.
//!
//! The problems are part of the frozen plan, so that a journal stands alone and can be judged again. Answers are run by
//! a few threads of this judge, each with a sandbox of its own ([`crate::verdicts`]); a run only waits for them.

use crate::clean::Repairs;
use crate::exec::{Given, Record, Testable, Tried};
use crate::extract::{Which, extract};
use crate::language::Languages;
use crate::problems::{Problem, read_problems};
use crate::sandbox::{CpuLimit, Isolation, Judging, Limits, Options, Partial, Verdict as Ended};
use crate::verdicts::Executors;
use plumb_study::items::{Prompt, Task};
use plumb_study::judge::{Case, Judge};
use plumb_study::plan::{JudgeSpec, Measure, Scale};
use plumb_study::run::Ctx;
use plumb_study::written::utf8;
use plumb_study::{
    Answer, Error, Fields, FrozenJudge, Inputs, JudgeKind, Label, Registry, Result, Verdict, Verdicts,
};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

/// What this machine gives the judge.
#[derive(Clone, Debug)]
pub struct Host {
    /// The Python interpreter that is used where a plan names none.
    pub python: Option<PathBuf>,
    /// Programs at once.
    pub workers: usize,
}

/// Keys: `problems` (a file or a list), `repair = "all" | "none"` or a list of repairs, `isolation`, `interpreter`,
/// `cpu_s`, `cpu_factor`, `wall_s`, `memory_mib`, `weak`, `languages` (a file that adds some).
pub(crate) struct TestsKind {
    pub(crate) host: Host,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    problems: Vec<Problem>,
    repairs: Vec<String>,
    isolation: Isolation,
    /// A path, or nothing for the machine's own.
    interpreter: Option<String>,
    limits: Limits,
    weak: bool,
    /// How the languages of the problems are run, Python left out.
    #[serde(default, skip_serializing_if = "Languages::is_empty")]
    languages: Languages,
}

/// Names of verdicts, in the order of the measure's labels.
const VERDICTS: [&str; 12] = [
    "passed",
    "wrong-answer",
    "exception",
    "syntax-error",
    "cpu-limit",
    "wall-limit",
    "memory-limit",
    "output-limit",
    "signal",
    "exited-early",
    "forbidden",
    "outside-grammar",
];

fn take_repairs(fields: &mut Fields) -> Result<Vec<String>> {
    let names = fields.texts("repair")?.unwrap_or_else(|| vec!["all".to_owned()]);
    let repairs = match names.as_slice() {
        [one] if one == "all" => Repairs::all(),
        [one] if one == "none" => return Ok(Vec::new()),
        names => Repairs::named(names.iter().map(String::as_str))
            .map_err(|why| fields.error(format!("`repair`: {why}")))?,
    };
    Ok(repairs.names().into_iter().map(str::to_owned).collect())
}

fn take_limits(fields: &mut Fields) -> Result<Limits> {
    let usual = Limits::default();
    const DAY: f64 = 86_400.0;
    Ok(Limits {
        cpu: CpuLimit {
            floor_s: fields.number("cpu_s", 0.01, DAY)?.unwrap_or(usual.cpu.floor_s),
            factor: fields.number("cpu_factor", 0.0, 1e6)?.unwrap_or(usual.cpu.factor),
        },
        wall_s: fields.number("wall_s", 0.1, DAY)?.unwrap_or(usual.wall_s),
        memory: fields.whole("memory_mib", 16, 1 << 20)?.map_or(usual.memory, |mib| (mib as u64) << 20),
        ..usual
    })
}

impl JudgeKind for TestsKind {
    fn freeze(&self, fields: &mut Fields, _registry: &Registry, inputs: &dyn Inputs) -> Result<FrozenJudge> {
        let place = fields.place().to_owned();
        let paths = fields.texts("problems")?.filter(|paths| !paths.is_empty());
        let paths = paths.ok_or_else(|| {
            fields.error("`problems` is missing (the file that has the tests of the items)")
        })?;
        let mut problems = Vec::new();
        for path in paths {
            for path in inputs.expand(&path).map_err(|e| e.at(&place))? {
                let bytes = inputs.read(&path).map_err(|e| e.at(&place))?;
                problems.extend(read_problems(&bytes, &path).map_err(|e| Error::plan(e.to_string()))?);
            }
        }
        let isolation = [
            ("strongest", Isolation::Strongest),
            ("full", Isolation::Full),
            ("filtered", Isolation::Filtered),
            ("none", Isolation::None),
        ];
        let mut languages = Languages::built_in();
        if let Some(path) = fields.text("languages")? {
            let bytes = inputs.read(&path).map_err(|e| e.at(&place))?;
            let text = utf8(&bytes, &path).map_err(|e| e.at(&place))?;
            languages = languages.with(text, &path).map_err(|e| Error::plan(e.to_string()))?;
        }
        let languages = languages.of(problems.iter().map(|problem| problem.language.as_str()));
        let settings = Settings {
            problems,
            languages,
            repairs: take_repairs(fields)?,
            isolation: fields.choice("isolation", &isolation)?.unwrap_or_default(),
            interpreter: fields.text("interpreter")?,
            limits: take_limits(fields)?,
            weak: fields.flag("weak")?.unwrap_or(false),
        };
        for problem in &settings.problems {
            Testable::of(problem, settings.judging(), &settings.languages)
                .map_err(|e| Error::plan(e.to_string()))?;
        }
        Ok(FrozenJudge {
            measures: settings.measures(),
            settings: serde_json::to_value(settings).map_err(|e| fields.error(e))?,
            needs: Vec::new(),
            model: None,
        })
    }

    fn open(&self, spec: &JudgeSpec) -> Result<Arc<dyn Judge>> {
        let settings: Settings = spec.settings_as()?;
        let failed = |why: String| Error::plan(format!("judge \"{}\": {why}", spec.name));
        let interpreter =
            settings.interpreter.as_ref().map(PathBuf::from).or_else(|| self.host.python.clone());
        let interpreter = interpreter.ok_or_else(|| {
            failed("there is no python3 on the PATH".into()).help("`interpreter` names one")
        })?;
        let testables: std::result::Result<Vec<Testable>, _> = settings
            .problems
            .iter()
            .map(|p| Testable::of(p, settings.judging(), &settings.languages))
            .collect();
        let testables = testables.map_err(|e| spec.unreadable(e))?;
        let languages = testables.iter().map(|t| t.language().to_owned()).collect();
        let places = testables.iter().enumerate().map(|(at, t)| (t.id.clone(), at)).collect();
        let repairs = (!settings.repairs.is_empty())
            .then(|| Repairs::named(settings.repairs.iter().map(String::as_str)))
            .transpose()
            .map_err(|why| spec.unreadable(why))?;
        let options = Options {
            isolation: settings.isolation,
            interpreter,
            limits: settings.limits.clone(),
            workers: 1,
            rerun: true,
        };
        let measures = spec.measures.len();
        let executors = Executors::start(options, testables, repairs, self.host.workers)
            .map_err(|e| failed(e.to_string()))?;
        Ok(Arc::new(Opened {
            places,
            languages,
            executors,
            measures,
            repaired: !settings.repairs.is_empty(),
        }))
    }
}

impl Settings {
    fn judging(&self) -> Judging {
        if self.weak { Judging::InSample } else { Judging::Tester }
    }

    /// `passed`, `repaired` where there are repairs, `verdict`, `held`.
    fn measures(&self) -> Vec<Measure> {
        let labels = VERDICTS.iter().map(|name| Arc::from(*name)).collect();
        let mut measures = vec![Measure { name: "passed".into(), scale: Scale::Binary }];
        if !self.repairs.is_empty() {
            measures.push(Measure { name: "repaired".into(), scale: Scale::Binary });
        }
        measures.push(Measure { name: "verdict".into(), scale: Scale::Nominal(labels) });
        measures.push(Measure { name: "held".into(), scale: Scale::Real });
        measures
    }
}

struct Opened {
    /// Where each problem is among the executors' ones.
    places: HashMap<String, usize>,
    /// The language of each of them.
    languages: Vec<String>,
    executors: Executors,
    measures: usize,
    repaired: bool,
}

impl Opened {
    /// The sample that an answer is; `Err` says why it is none.
    fn given(&self, case: &Case) -> std::result::Result<Given, String> {
        if matches!(case.answer, Answer::Options(_)) {
            return Err("the answer is a choice among options, not text".into());
        }
        let name = case.item.id.0.as_ref();
        let Some(problem) = self.places.get(name).copied() else {
            return Err(format!("there is no problem called {name}"));
        };
        let text = case.answer.text();
        let completes = match &case.item.task {
            Task::Ask(prompt) | Task::Recorded(prompt) => matches!(prompt, Prompt::Completion(_)),
            Task::Ladder(_) | Task::Goal(_) | Task::Shown(_) => false,
        };
        // In a conversation the code in the answer is the program, by the rules that similarity goes by.
        let language = self.languages.get(problem).map(String::as_str);
        let completion = if completes { text.to_owned() } else { extract(text, language, Which::First).code };
        Ok(Given { sample: 0, problem, completion, whole: !completes })
    }

    fn verdicts(&self, record: &Record) -> Verdicts {
        let mut values = vec![passed(&record.raw)];
        if self.repaired {
            let tried = record.repaired.as_ref().and_then(|repaired| repaired.tried.as_ref());
            values.push(passed(tried.unwrap_or(&record.raw)));
        }
        values.push(verdict(&record.raw));
        values.push(match &record.raw.partial {
            Partial::Counted { passed, total } if *total > 0 => {
                Verdict::Scored(f64::from(*passed) / f64::from(*total))
            }
            Partial::Counted { .. } => Verdict::Abstained("there is no test".into()),
            Partial::Missing(why) => Verdict::Abstained(why.as_str().into()),
        });
        let retryable = matches!(record.raw.verdict, Ended::Infrastructure(_));
        Verdicts { values, note: Some(note(record).into()), retryable }
    }
}

fn passed(tried: &Tried) -> Verdict {
    match tried.passed() {
        Some(passed) => Verdict::Labelled(Label(u8::from(passed))),
        None => undecided(tried),
    }
}

fn undecided(tried: &Tried) -> Verdict {
    match &tried.verdict {
        Ended::Infrastructure(why) => Verdict::Failed(why.as_str().into()),
        other => Verdict::Abstained(format!("{}: two runs disagree", other.name()).into()),
    }
}

fn verdict(tried: &Tried) -> Verdict {
    match VERDICTS.iter().position(|name| *name == tried.verdict.name()) {
        Some(at) => Verdict::Labelled(Label(at as u8)),
        None => undecided(tried),
    }
}

/// What happened, in a line.
fn note(record: &Record) -> String {
    let told = |tried: &Tried| {
        let mut text = tried.verdict.name().to_owned();
        if !tried.detail.is_empty() {
            text.push_str(": ");
            text.extend(tried.detail.chars().take(200));
        }
        text
    };
    let mut note = told(&record.raw);
    if let Some(repaired) = &record.repaired
        && let Some(tried) = &repaired.tried
    {
        note.push_str(&format!("; after {}: {}", repaired.repairs.join(", "), told(tried)));
    }
    if record.raw.weak {
        note.push_str("; weak");
    }
    note
}

impl Judge for Opened {
    fn judge<'a>(
        &'a self,
        case: &'a Case<'a>,
        _cx: &'a Ctx,
    ) -> Pin<Box<dyn Future<Output = Verdicts> + Send + 'a>> {
        Box::pin(async move {
            match self.given(case) {
                Err(why) => Verdicts::all(Verdict::Abstained(why.into()), self.measures),
                Ok(given) => match self.executors.run(given).await {
                    Ok(record) => self.verdicts(&record),
                    Err(why) => Verdicts {
                        retryable: true,
                        ..Verdicts::all(Verdict::Failed(why.into()), self.measures)
                    },
                },
            }
        })
    }
}
