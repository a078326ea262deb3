//! Labels of answers: tables with a row an answer, runs, and what people of a study said, which has a row for each of them.

use super::judged::read;
use crate::cli::SafetyValidate as Args;
use crate::commands::study::{is_pilot, wrong};
use crate::commands::tables::ratings;
use crate::exit::{Problem, note};
use crate::runs::RunFolder;
use plumb_human::collect::thaw;
use plumb_safety::validate::{Columns, gather};
use plumb_study::items::{Origin, Row};
use std::path::Path;

/// The column of [`ratings`] that says who labelled.
const RATER: &str = "rater";
/// The columns that name an output, without the digest of its text: a label of another text is an error, not another output.
const OUTPUT: [&str; 4] = [Origin::COLUMNS[0], Origin::COLUMNS[1], Origin::COLUMNS[2], Origin::COLUMNS[3]];

/// Labels as they were read.
#[derive(Default)]
pub struct Labels {
    pub rows: Vec<Row>,
    /// Whether people of a study gave them.
    pub of_people: bool,
    /// By which columns of the run those answers were drawn that a study shows.
    drawn_by: Vec<String>,
    /// Within the levels of which columns.
    pub drawn_within: Vec<String>,
    /// What a study asks.
    measures: Vec<String>,
}

impl Labels {
    pub fn read(args: &Args) -> Result<Labels, Problem> {
        let mut labels = Labels::default();
        for path in &args.labels {
            if !labels.of_study(path, args.out.is_some())? {
                labels.rows.extend(read(std::slice::from_ref(path), None)?.rows);
            }
        }
        labels.measures.dedup();
        Ok(labels)
    }

    /// Reads what people of a study said, if the path is one. `kept`: plans may rest on what comes of it.
    fn of_study(&mut self, path: &Path, kept: bool) -> Result<bool, Problem> {
        if !path.is_dir() && path.extension().is_none_or(|e| e != "plumb") {
            return Ok(false);
        }
        let journal = RunFolder::named(path).open()?;
        if !journal.has_people()? {
            return Ok(false);
        }
        let study = thaw(&journal.root_plan()?).map_err(wrong)?;
        if is_pilot(&journal)? {
            if kept {
                return Err(Problem::usage(format!(
                    "{} is a pilot: simulated people may have given its labels, and no plan can rest on them",
                    path.display()
                ))
                .help("leave --out away to try it"));
            }
            note(format_args!(
                "warning: {} is a pilot: its labels try the study, and simulated people may have given them",
                path.display()
            ));
        }
        self.of_people = true;
        self.drawn_by.extend(study.drawn_by().into_iter().map(str::to_owned));
        self.drawn_within = study.drawn_within().to_vec();
        self.measures.extend(study.measures().map(str::to_owned));
        let before = self.rows.len();
        for mut row in ratings(path, &journal)? {
            // What shows no output of a run is a practice item or a check.
            if about_output(&row) {
                row.push("file", &study.name);
                self.rows.push(row);
            }
        }
        if self.rows.len() == before {
            return Err(Problem::usage(format!("{}: nobody has labelled an answer yet", path.display()))
                .help(format!("people take part at plumb human serve; the study is \"{}\"", study.name)));
        }
        Ok(true)
    }

    /// Brings labels with a row for each rater into a row an answer, and says in `columns` what joins them to judgments. Gives the
    /// label in words, where it is not a column of its own.
    pub fn gather(
        &mut self,
        args: &Args,
        judgments: &mut Vec<Row>,
        columns: &mut Columns,
    ) -> Result<Option<String>, Problem> {
        if args.id.is_empty() && judgments.iter().any(about_output) && self.rows.iter().any(about_output) {
            columns.id = OUTPUT.map(str::to_owned).to_vec();
            judgments.retain(about_output);
            self.rows.retain(about_output);
        }
        let rater = match (&args.rater, self.of_people) {
            (Some(rater), _) => rater.as_str(),
            (None, true) => RATER,
            (None, false) => return Ok(None),
        };
        let label = match (args.label.as_slice(), self.measures.as_slice()) {
            ([one], _) | ([], [one]) => one,
            (_, asked) => {
                let help = match asked {
                    [] => "--label NAME is the column of what each rater said".to_owned(),
                    asked => format!("--label NAME; the study asks for {}", asked.join(", ")),
                };
                return Err(Problem::usage("which label of each rater?").help(help));
            }
        };
        let found = gather(&self.rows, &columns.id, rater, label)?;
        self.rows = found.rows;
        columns.labels = found.labels;
        Ok(Some(format!("{label}, by most of up to {} people", columns.labels.len())))
    }

    /// Whether a study drew its answers by the verdict.
    ///
    /// # Errors
    /// It drew them by another one: then neither way of computing holds.
    pub fn by_verdict(&self, verdict: &str) -> Result<bool, Problem> {
        match self.drawn_by.iter().find(|column| *column != verdict) {
            None => Ok(!self.drawn_by.is_empty()),
            Some(other) => Err(Problem::usage(format!(
                "the study's answers were drawn by {other}, so they do not say how often {verdict} is right among all answers"
            ))
            .help(format!("validate {other}, or draw answers for {verdict}: plumb safety sample --of {verdict}"))),
        }
    }
}

fn about_output(row: &Row) -> bool {
    row.get(OUTPUT[0]).is_some_and(|plan| !plan.is_empty())
}
