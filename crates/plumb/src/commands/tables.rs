//! Tables that commands take: files with rows, and runs as tables.

use super::study::{is_pilot, wrong};
use crate::exit::Problem;
use crate::runs::RunFolder;
use flate2::read::MultiGzDecoder;
use plumb_human::collect::{Taker, Takings, thaw};
use plumb_study::items::{Row, table_rows};
use plumb_study::method::Cell;
use plumb_study::{Journal, Ledger, MeasureRef, Plan};
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

/// Where rows came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    File,
    Run,
}

/// Rows of a table (`.csv`, `.jsonl`, `.json`, perhaps packed as `.gz`), or of a run.
pub fn read_source(path: &Path) -> Result<(Vec<Row>, Source), Problem> {
    if is_run(path) {
        let journal = RunFolder::named(path).open()?;
        if journal.has_people()? {
            // Its items are named as a table names them, and its people are raters.
            return Ok((ratings(path, &journal)?, Source::File));
        }
        let plan = journal.plan()?;
        return Ok((run_rows(path, &plan, &journal)?, Source::Run));
    }
    let (bytes, name) = unpacked(path)?;
    Ok((table_rows(&bytes, &name, None)?, Source::File))
}

/// Whether a table is a pilot of a study with people, among whom may be simulated ones.
pub fn is_of_pilot(path: &Path) -> Result<bool, Problem> {
    if !is_run(path) {
        return Ok(false);
    }
    let journal = RunFolder::named(path).open()?;
    Ok(journal.has_people()? && is_pilot(&journal)?)
}

fn is_run(path: &Path) -> bool {
    path.is_dir() || path.extension().is_some_and(|e| e == "plumb")
}

/// What people of a study answered, as ratings: a row for each person and item, with every measure that is asked for, which
/// output of a run the item shows, and how many it stands for where they were drawn. Of items that came twice the first time counts.
pub fn ratings(path: &Path, journal: &Journal) -> Result<Vec<Row>, Problem> {
    let study = thaw(&journal.root_plan()?).map_err(wrong)?;
    let weighed = study.items().any(|item| study.weight(item).is_some());
    let mut rows = Vec::new();
    Takings::new(&study, journal).each(|taker: Taker| -> Result<(), Problem> {
        for met in taker.items.iter().filter(|met| met.repetition == 0) {
            let mut values: Vec<(Arc<str>, Arc<str>)> = vec![
                ("rater".into(), taker.person.to_string().into()),
                ("id".into(), met.item.as_str().into()),
                ("condition".into(), taker.arm.as_deref().unwrap_or_default().into()),
            ];
            if weighed {
                let weight = study.weight(&met.item).unwrap_or(1.0);
                values.push(("weight".into(), weight.to_string().into()));
            }
            values.extend(met.answers.iter().map(|(id, text)| (id.as_str().into(), text.as_str().into())));
            let row =
                Row::new(format!("{}, {} by person {}", path.display(), met.item, taker.person), values);
            rows.push(match study.origin(&met.item) {
                Some(origin) => row.about(origin),
                None => row,
            });
        }
        Ok(())
    })?;
    Ok(rows)
}

/// The bytes of a file, and its name without `.gz`.
pub fn unpacked(path: &Path) -> Result<(Vec<u8>, String), Problem> {
    let failed = |e: std::io::Error| Problem::usage(format!("{}: {e}", path.display()));
    let bytes = std::fs::read(path).map_err(failed)?;
    let name = path.display().to_string();
    let Some(inner) = name.strip_suffix(".gz") else { return Ok((bytes, name)) };
    let mut out = Vec::new();
    MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut out).map_err(failed)?;
    Ok((out, inner.to_owned()))
}

/// A run as a table: item, subject, repetition, tags, factors, a column for each measure, and which output a row is about; a
/// value that is missing is its reason in brackets.
pub fn run_rows(path: &Path, plan: &Plan, journal: &Journal) -> Result<Vec<Row>, Problem> {
    let ledger = Ledger::fold(plan, journal)?;
    let mut rows = Vec::new();
    for trial in plan.trials() {
        let (item, subject) = (plan.item(trial.item), plan.subject(trial.subject));
        let mut values: Vec<(Arc<str>, Arc<str>)> = vec![
            ("item".into(), item.id.0.clone()),
            ("subject".into(), subject.id.0.clone()),
            ("repetition".into(), (trial.rep + 1).to_string().into()),
        ];
        values.extend(subject.factors.iter().chain(&item.tags).map(|(k, v)| (k.clone(), v.clone())));
        for judge in plan.judges_of(trial.item) {
            for (at, spec) in plan.judge(judge).measures.iter().enumerate() {
                let of = MeasureRef { judge, measure: at as u8 };
                let value: Arc<str> = match ledger.cell(plan, trial, of) {
                    Cell::Number(x) => x.to_string().into(),
                    Cell::Label(label) => {
                        spec.scale.labels().get(usize::from(label.0)).cloned().unwrap_or_else(|| "".into())
                    }
                    Cell::Missing(why) => format!("({})", why.name()).into(),
                };
                values.push((plan.measure_name(of).into(), value));
            }
        }
        let state = ledger.state(trial);
        let origin = state.map(|s| journal.origin(plan, &s.row(trial))).transpose()?.flatten();
        let row = Row::new(format!("{}, {} of {}", path.display(), item.id, subject.id), values);
        rows.push(match origin {
            Some(origin) => row.about(&origin),
            None => row,
        });
    }
    Ok(rows)
}
