//! `plumb export`.

use super::study;
use crate::cli::{Export, Format};
use crate::exit::{Exit, Problem, say};
use crate::export::{Table, samples, write};
use crate::runs::RunFolder;
use plumb_study::Journal;
use std::io::BufWriter;

pub fn run(args: &Export) -> Result<Exit, Problem> {
    let at = RunFolder::named(&args.run);
    let journal = at.open()?;
    if journal.has_people()? {
        return study::export(args, &at, &journal);
    }
    if let Format::Samples = args.format {
        return samples(args, &at, &journal);
    }
    if args.subject.is_some() {
        return Err(Problem::usage("--subject goes with --format samples"));
    }
    let table = Table::of(&journal)?;
    let out = match &args.out {
        Some(out) => out.clone(),
        None => at.folder.join(format!("trials.{}", args.format.extension())),
    };
    let rows = write(&table, args.format, &out)?;
    let columns = table.columns().len();
    if args.json {
        say(serde_json::json!({ "file": out.display().to_string(), "rows": rows, "columns": columns }));
    } else {
        say(format_args!("{}: {rows} rows, {columns} columns", out.display()));
    }
    Ok(Exit::Done)
}

fn samples(args: &Export, at: &RunFolder, journal: &Journal) -> Result<Exit, Problem> {
    let out = args.out.clone().unwrap_or_else(|| at.folder.join("samples.jsonl"));
    let mut temporary = out.as_os_str().to_owned();
    temporary.push(".new");
    let temporary = std::path::PathBuf::from(temporary);
    let file = std::fs::File::create(&temporary).map_err(Problem::io(&temporary))?;
    let written = samples::write(journal, args.subject.as_deref(), BufWriter::new(file));
    let written = written.inspect_err(|_| drop(std::fs::remove_file(&temporary)))?;
    std::fs::rename(&temporary, &out).map_err(Problem::io(&out))?;
    let samples::Written { samples, without } = written;
    if args.json {
        let said = serde_json::json!({ "file": out.display().to_string(), "samples": samples, "without_answer": without });
        say(said);
    } else if without > 0 {
        say(format_args!(
            "{}: {samples} samples; {without} trials without an answer are left out",
            out.display()
        ));
    } else {
        say(format_args!("{}: {samples} samples", out.display()));
    }
    Ok(Exit::Done)
}
