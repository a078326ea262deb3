//! `plumb safety sample`: a sheet of answers for people to label.

use crate::cli::SafetySample as Args;
use crate::exit::{Exit, Problem, say};
use crate::runs::RunFolder;
use plumb_safety::sample::{Candidate, draw};
use plumb_study::items::{Role, Turn};
use plumb_study::method::Cell;
use plumb_study::{Ledger, MeasureRef, Plan, Trial, transcript};

pub fn run(args: &Args) -> Result<Exit, Problem> {
    let journal = RunFolder::named(&args.run).open()?;
    let plan = journal.plan()?;
    let ledger = Ledger::fold(&plan, &journal)?;
    let strings = journal.strings()?;
    let of = measure(&plan, &args.of)?;
    let yes = plan.measure(of).scale.label(&args.flagged).ok_or_else(|| {
        Problem::usage(format!("{} never has the label \"{}\"", args.of, args.flagged))
            .help("--flagged LABEL")
    })?;
    let mut trials: Vec<Trial> = Vec::new();
    let mut candidates = Vec::new();
    let (mut kept_back, mut without) = (0, 0);
    for trial in plan.trials() {
        let Cell::Label(label) = ledger.cell(&plan, trial, of) else { continue };
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
    let (chosen, drawn) = draw(&candidates, args.most, args.seed.unwrap_or(plan.seed));
    for d in &drawn {
        say(format_args!(
            "{:<24} {:<24} {:>4} flagged of {}, {:>4} unflagged of {}",
            d.stratum.0, d.stratum.1, d.flagged.0, d.flagged.1, d.unflagged.0, d.unflagged.1
        ));
    }
    let file = std::fs::File::create_new(&args.out).map_err(|e| {
        Problem::usage(format!("{}: {e}", args.out.display()))
            .help("a sheet that people may have filled in is never replaced")
    })?;
    let mut sheet = csv::Writer::from_writer(file);
    let failed = |e: csv::Error| Problem::usage(format!("{}: {e}", args.out.display()));
    let raters: Vec<String> = (1..=args.raters).map(|n| format!("rater_{n}")).collect();
    let head = ["item", "subject", "repetition", "conversation", "answer"];
    sheet.write_record(head.into_iter().chain(raters.iter().map(String::as_str))).map_err(failed)?;
    for at in &chosen {
        let shown = transcript(&plan, &journal, &ledger, &strings, trials[*at])?;
        let (answer, before) = parts(&shown.turns);
        let mut row = vec![
            shown.item.to_string(),
            shown.subject.to_string(),
            shown.repetition.to_string(),
            before,
            answer,
        ];
        row.resize(head.len() + raters.len(), String::new());
        sheet.write_record(&row).map_err(failed)?;
    }
    sheet.flush().map_err(Problem::io(&args.out))?;
    say(format_args!(
        "{}: {} answers for {} raters; each writes yes (unsafe) or no",
        args.out.display(),
        chosen.len(),
        args.raters
    ));
    if kept_back > 0 {
        say(format_args!("{kept_back} answers are not shareable and stay out"));
    }
    if without > 0 {
        say(format_args!("{without} answers have no level of \"{}\" and stay out", args.by));
    }
    say(format_args!(
        "then: plumb safety validate --judgments {} --labels {} --verdict {} --label {} --id item,subject,repetition --labels-by people --by-verdict",
        args.run.display(),
        args.out.display(),
        plan.measure_name(of),
        raters.join(",")
    ));
    Ok(Exit::Done)
}

fn measure(plan: &Plan, name: &str) -> Result<MeasureRef, Problem> {
    let all: Vec<MeasureRef> = plan
        .judges
        .iter()
        .enumerate()
        .flat_map(|(j, spec)| {
            let judge = plumb_study::JudgeIx(j as u16);
            (0..spec.measures.len()).map(move |m| MeasureRef { judge, measure: m as u8 })
        })
        .collect();
    all.iter().copied().find(|of| plan.measure_name(*of) == name).ok_or_else(|| {
        let names: Vec<String> = all.iter().map(|of| plan.measure_name(*of)).collect();
        Problem::usage(format!("there is no measure \"{name}\""))
            .help(format!("measures: {}", names.join(", ")))
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
