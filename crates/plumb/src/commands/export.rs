//! `plumb export`.

use crate::cli::Export;
use crate::exit::{Exit, Problem, say};
use crate::export::{Table, write};
use crate::runs::RunFolder;

pub fn run(args: &Export) -> Result<Exit, Problem> {
    let at = RunFolder::named(&args.run);
    let journal = at.open()?;
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
