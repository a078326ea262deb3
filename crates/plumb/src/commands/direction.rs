//! `plumb models direction`: a direction from two lists of prompts, as a control vector.

use crate::cli::Direction as Args;
use crate::compose::World;
use crate::disk::same_file;
use crate::exit::{Exit, Problem, note, say};
use plumb_lm::Model;
use plumb_local::steer::{Direction, difference_in_means};
use plumb_study::items::table_rows;
use std::io::IsTerminal as _;
use std::path::Path;

pub fn run(args: &Args, world: &World) -> Result<Exit, Problem> {
    for input in [&args.toward, &args.away] {
        if same_file(&args.out, input) {
            return Err(Problem::usage(format!("--out is {}, whose prompts would be lost", input.display())));
        }
    }
    let towards = prompts(&args.toward, args)?;
    let away = prompts(&args.away, args)?;
    let model = Model::open(&world.models.file(&args.name)?)?;
    let found = computed(&model, args.layer, &towards, &away)?;
    std::fs::write(&args.out, found.vector.write()).map_err(Problem::io(&args.out))?;
    if args.json {
        say(serde_json::json!({
            "file": args.out.display().to_string(), "layer": args.layer, "length": found.length,
            "median_norm": found.median_norm, "toward": towards.len(), "away": away.len(),
            "mean_toward": found.means.0, "mean_away": found.means.1,
        }));
    } else {
        say(format_args!(
            "{}: layer {}, {} prompts less {}, length {:.2}; the median norm there is {:.2}",
            args.out.display(),
            args.layer,
            towards.len(),
            away.len(),
            found.length,
            found.median_norm
        ));
    }
    Ok(Exit::Done)
}

/// With a count on a terminal.
pub fn computed(
    model: &Model,
    layer: usize,
    towards: &[String],
    away: &[String],
) -> Result<Direction, Problem> {
    let shown = std::io::stderr().is_terminal();
    let all = towards.len() + away.len();
    let mut tell = |done: usize| {
        if shown && (done.is_multiple_of(8) || done == all) {
            note(format_args!("{done} of {all} prompts read"));
        }
    };
    Ok(difference_in_means(model, layer, towards, away, &mut tell)?)
}

fn prompts(path: &Path, args: &Args) -> Result<Vec<String>, Problem> {
    let bytes = std::fs::read(path).map_err(Problem::io(path))?;
    let rows = table_rows(&bytes, &path.display().to_string(), None)?;
    let prompts = rows.iter().take(args.take).map(|row| {
        row.get(&args.column).map(ToString::to_string).ok_or_else(|| {
            Problem::usage(format!("{}: no column \"{}\"", row.place, args.column))
                .help(format!("--column is one of {}", row.columns().collect::<Vec<_>>().join(", ")))
        })
    });
    prompts.collect()
}
