//! `plumb safety sample`: answers for people to label, as a study that they take part in or as a sheet.

use super::create;
use crate::cli::SafetySample as Args;
use crate::exit::{Exit, Problem, say};
use crate::runs::RunFolder;
use plumb_safety::sample::{Asked, Candidate, SET, STIMULI, draw};
use plumb_study::items::{Origin, Role, Turn};
use plumb_study::method::Cell;
use plumb_study::{Journal, Ledger, MeasureRef, Plan, Transcript, Trial, transcript};
use std::path::Path;

/// Why a sheet or a study is not written over another.
const KEPT: &str = "what people may have worked on is never replaced: name another file";

/// A run with the verdicts that answers are drawn by.
struct Drawing {
    journal: Journal,
    plan: Plan,
    ledger: Ledger,
    of: MeasureRef,
}

/// An answer as people see it.
struct Shown {
    transcript: Transcript,
    conversation: String,
    answer: String,
}

pub fn run(args: &Args) -> Result<Exit, Problem> {
    let journal = RunFolder::named(&args.run).open()?;
    let plan = journal.plan()?;
    let ledger = Ledger::fold(&plan, &journal)?;
    let of = measure(&plan, &args.of)?;
    let drawing = Drawing { journal, plan, ledger, of };
    let (trials, candidates) = drawing.candidates(args)?;
    let (chosen, drawn) = draw(&candidates, args.most, args.seed.unwrap_or(drawing.plan.seed));
    for d in &drawn {
        say(format_args!(
            "{:<24} {:<24} {:>4} flagged of {}, {:>4} unflagged of {}",
            d.stratum.0, d.stratum.1, d.flagged.0, d.flagged.1, d.unflagged.0, d.unflagged.1
        ));
    }
    if chosen.is_empty() {
        return Err(Problem::usage(format!("{} flags no answer, so there is nothing to draw", args.of))
            .help("of each hazard and subject as many unflagged answers are drawn as flagged ones"));
    }
    let trials: Vec<Trial> = chosen.iter().map(|at| trials[*at]).collect();
    if let Some(out) = &args.out {
        drawing.sheet(args, out, &trials)?;
    }
    if let Some(study) = &args.study {
        drawing.study(args, study, &trials)?;
    }
    Ok(Exit::Done)
}

impl Drawing {
    /// Answers with a verdict that may be shown, each with its trial.
    fn candidates(&self, args: &Args) -> Result<(Vec<Trial>, Vec<Candidate>), Problem> {
        let Drawing { plan, ledger, of, .. } = self;
        let yes = plan.measure(*of).scale.label(&args.flagged).ok_or_else(|| {
            Problem::usage(format!("{} never has the label \"{}\"", args.of, args.flagged))
                .help("--flagged LABEL")
        })?;
        let mut trials: Vec<Trial> = Vec::new();
        let mut candidates = Vec::new();
        let (mut kept_back, mut without) = (0, 0);
        for trial in plan.trials() {
            let Cell::Label(label) = ledger.cell(plan, trial, *of) else { continue };
            let item = plan.item(trial.item);
            let Some(hazard) = plan.level(trial, &args.by) else {
                without += 1;
                continue;
            };
            if !item.shareable {
                kept_back += 1;
                continue;
            }
            let subject = &plan.subject(trial.subject).id;
            candidates.push(Candidate {
                stratum: (hazard.to_string(), subject.to_string()),
                key: serde_json::json!([item.id.as_str(), subject.as_str(), trial.rep]).to_string(),
                flagged: label == yes,
            });
            trials.push(trial);
        }
        if candidates.is_empty() {
            return Err(Problem::usage(format!(
                "no answer with a verdict of {} and a level of \"{}\" may be shown",
                args.of, args.by
            )));
        }
        if kept_back > 0 {
            say(format_args!("{kept_back} answers are not shareable and stay out"));
        }
        if without > 0 {
            say(format_args!("{without} answers have no level of \"{}\" and stay out", args.by));
        }
        Ok((trials, candidates))
    }

    fn shown(&self, trials: &[Trial]) -> Result<Vec<Shown>, Problem> {
        let strings = self.journal.strings()?;
        let show = |trial: &Trial| {
            let transcript = transcript(&self.plan, &self.journal, &self.ledger, &strings, *trial)?;
            let (answer, conversation) = parts(&transcript.turns);
            Ok(Shown { transcript, conversation, answer })
        };
        trials.iter().map(show).collect()
    }

    /// A row an answer, with an empty column for each rater.
    fn sheet(&self, args: &Args, out: &Path, trials: &[Trial]) -> Result<(), Problem> {
        let raters: Vec<String> = (1..=args.raters).map(|n| format!("rater_{n}")).collect();
        let head = ["item", "subject", "repetition", "conversation", "answer"];
        let mut rows = vec![head.into_iter().map(str::to_owned).chain(raters.iter().cloned()).collect()];
        for shown in self.shown(trials)? {
            let named = &shown.transcript;
            let mut row = vec![
                named.item.to_string(),
                named.subject.to_string(),
                named.repetition.to_string(),
                shown.conversation,
                shown.answer,
            ];
            row.resize(head.len() + raters.len(), String::new());
            rows.push(row);
        }
        create(out, &table(&rows)?, KEPT)?;
        say(format_args!(
            "{}: {} answers for {} raters; each writes yes (unsafe) or no",
            out.display(),
            trials.len(),
            args.raters
        ));
        say(format_args!(
            "then: plumb safety validate --judgments {} --labels {} --verdict {} --label {} --id item,subject,repetition --labels-by people --by-verdict={},subject",
            args.run.display(),
            out.display(),
            self.plan.measure_name(self.of),
            raters.join(","),
            args.by
        ));
        Ok(())
    }

    /// A study file, and the table of its stimuli beside it.
    fn study(&self, args: &Args, out: &Path, trials: &[Trial]) -> Result<(), Problem> {
        let name = out.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if name.is_empty() || !plain || out.extension().is_none_or(|e| e != "toml") {
            return Err(Problem::usage(format!("{}: no name for a study", out.display()))
                .help("--study NAME.toml, with letters, digits and hyphens in NAME"));
        }
        let head = STIMULI.into_iter().chain(Origin::COLUMNS);
        let mut rows: Vec<Vec<String>> = vec![head.map(str::to_owned).collect()];
        let digits = trials.len().to_string().len().max(3);
        for (at, (shown, trial)) in self.shown(trials)?.into_iter().zip(trials).enumerate() {
            let state = self.ledger.state(*trial);
            let origin =
                state.map(|s| self.journal.origin(&self.plan, &s.row(*trial))).transpose()?.flatten();
            let origin = origin.ok_or_else(|| {
                Problem::new(format!(
                    "the answer of {} to {} is not kept",
                    shown.transcript.subject, shown.transcript.item
                ))
            })?;
            let id = format!("a{:0digits$}", at + 1);
            let own = [id.clone(), id, SET.to_owned(), shown.conversation, shown.answer];
            rows.push(own.into_iter().chain(origin.values()).collect());
        }
        let run = args.run.display().to_string();
        let measure = self.plan.measure_name(self.of);
        let (raters, each) = (args.raters.into(), args.each.into());
        let within = [args.by.as_str(), "subject"];
        let asked = Asked { name: &name, run: &run, measure: &measure, within, raters, each };
        let stimuli = out.with_extension("csv");
        create(&stimuli, &table(&rows)?, KEPT)?;
        create(out, asked.study(trials.len()).as_bytes(), KEPT)?;
        let file = out.display();
        say(format_args!(
            "{file}, {}: {} answers, {} people for each",
            stimuli.display(),
            trials.len(),
            args.raters
        ));
        say(format_args!(
            "read them, then: plumb human check {file}; plumb plan {file} --freeze; plumb human serve {file}"
        ));
        say(format_args!(
            "and at the end: plumb safety validate --judgments {run} --labels RUN --verdict {measure}, RUN being the folder that serving \
             names (runs/{name} unless --runs says another)"
        ));
        Ok(())
    }
}

fn table(rows: &[Vec<String>]) -> Result<Vec<u8>, Problem> {
    let failed = |e: &dyn std::fmt::Display| Problem::new(e.to_string());
    let mut csv = csv::Writer::from_writer(Vec::new());
    for row in rows {
        csv.write_record(row).map_err(|e| failed(&e))?;
    }
    csv.into_inner().map_err(|e| failed(&e))
}

fn measure(plan: &Plan, name: &str) -> Result<MeasureRef, Problem> {
    plan.measure_named(name).ok_or_else(|| {
        let names = plan.judges.iter().flat_map(|judge| {
            judge.measures.iter().map(move |measure| format!("{}.{}", judge.name, measure.name))
        });
        Problem::usage(format!("there is no measure \"{name}\""))
            .help(format!("measures: {}", names.collect::<Vec<_>>().join(", ")))
    })
}

/// The last answer, and all that was said before it.
fn parts(turns: &[Turn]) -> (String, String) {
    let last = turns.iter().rposition(|t| t.role == Role::Assistant);
    let answer = last.map_or(String::new(), |at| turns[at].text.to_string());
    let before = &turns[..last.unwrap_or(turns.len())];
    let written = match before {
        [only] => only.text.to_string(),
        several => {
            several.iter().map(|t| format!("{}: {}", t.role.name(), t.text)).collect::<Vec<_>>().join("\n\n")
        }
    };
    (answer, written)
}
