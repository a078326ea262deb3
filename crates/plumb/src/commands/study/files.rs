//! A study's file, with the texts and stimuli that it names, which lie beside it, or are drawn from a run.

use std::path::Path;
use std::sync::Arc;

use plumb_human::collect::{SECTION, freeze_after};
use plumb_human::{Sampled, Study};
use plumb_study::items::Row;
use plumb_study::{Plan, lock};

use super::amended::in_force;
use super::wrong;
use crate::exit::Problem;
use crate::export::Table;
use crate::runs::RunFolder;

/// A study and the text that it was read from.
pub fn read(path: &Path) -> Result<(Study, String), Problem> {
    let bytes = std::fs::read(path).map_err(Problem::io(path))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        Problem::usage(format!("{}: line {line}: this is no UTF-8 text", path.display()))
            .help("save the file as UTF-8")
    })?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let drawn = Study::sampled(&text, &path.display().to_string()).map_err(wrong)?;
    let drawn = drawn.map(|from| outputs(&from).map(|csv| (from.run, csv))).transpose()?;
    let beside = |name: &str| match &drawn {
        Some((run, csv)) if run == name => Ok(csv.clone()),
        _ => std::fs::read_to_string(folder.join(name)).map_err(|error| error.to_string()),
    };
    let study = Study::parse_with(&text, &path.display().to_string(), &beside).map_err(wrong)?;
    Ok((study, text))
}

/// The plan of a study's file, where `before` is in force or was frozen earlier.
pub fn frozen_after(study: &Study, text: &str, before: &Plan) -> Result<Plan, Problem> {
    freeze_after(study, text, before.sections.get(SECTION)).map_err(wrong)
}

/// The plan of a study's file, beside the run that goes by it and the lock, where there are any.
pub fn frozen(path: &Path, (study, text): (&Study, &str), at: &RunFolder) -> Result<Plan, Problem> {
    if at.journal.exists() {
        return frozen_after(study, text, &in_force(&at.open()?)?);
    }
    let lock = lock::frozen(path)?;
    let section = lock.as_ref().and_then(|header| header.get("sections")?.get(SECTION));
    freeze_after(study, text, section).map_err(wrong)
}

/// The outputs of a run that a study shows, drawn as it says.
fn outputs(from: &Sampled) -> Result<String, Problem> {
    let at = RunFolder::named(Path::new(&from.run));
    let journal = at.open()?;
    if journal.has_people()? {
        return Err(Problem::usage(format!(
            "{}: stimuli come from a run of models, and this is one of people",
            from.run
        )));
    }
    let table = Table::of(&journal)?;
    let mut rows = Vec::new();
    table.each(|values| {
        let cells =
            table.columns().iter().zip(values).map(|(c, v)| (Arc::from(c.name.as_str()), v.written()));
        rows.push(Row::new(at.folder.display().to_string(), cells.collect()));
        Ok(())
    })?;
    from.draw(&rows).map_err(wrong)
}

/// Whether a TOML file is a study with people and no plan of the runner: it has conditions and measures.
pub fn is_study(path: &Path) -> bool {
    let Some(table) = std::fs::read_to_string(path).ok().and_then(|text| text.parse::<toml::Table>().ok())
    else {
        return false;
    };
    table.contains_key("condition") && table.contains_key("measure")
}
