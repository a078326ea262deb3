//! `plumb models acts`: activations of texts or chats as a safetensors file.

use crate::cli::Acts;
use crate::compose::World;
use crate::disk::same_file;
use crate::exit::{Exit, Problem, note, say};
use crate::show;
use crate::texts::{self, Texts};
use plumb_lm::{Edits, Model, Site, capture};
use std::io::IsTerminal as _;

pub fn run(args: &Acts, world: &World) -> Result<Exit, Problem> {
    if same_file(&args.out, &args.input) {
        return Err(Problem::usage("--out is the file of --in, whose texts would be lost"));
    }
    let model = Model::open(&world.models.file(&args.name)?)?;
    let sites = args.tap.iter().map(|name| Site::parse(name, model.config())).collect::<Result<Vec<_>, _>>();
    let sites = sites.map_err(|error| Problem::usage(format!("--tap: {error}")))?;
    let Texts { documents: sequences, cut } = texts::read(&model, &args.input, args.max_tokens)?;
    if sequences.is_empty() {
        return Err(Problem::usage(format!("{}: no texts (expected one a line)", args.input.display())));
    }
    if cut > 0 {
        let (most, whose) = match model.config().context {
            context if context < args.max_tokens => (context, ", the model's context,"),
            _ => (args.max_tokens, ""),
        };
        note(format_args!("{cut} texts are longer than {most} tokens{whose} and were cut there"));
    }
    let total: usize = sequences.iter().map(|sequence| sequence.tokens.len()).sum();
    let progress = Progress { total, shown: std::io::stderr().is_terminal() };
    let rows = capture(&model, &sequences, &sites, &Edits::NONE, &args.out, &mut |done| progress.tell(done))?;
    let bytes = std::fs::metadata(&args.out).map_err(Problem::io(&args.out))?.len();
    let names: Vec<String> = sites.iter().map(ToString::to_string).collect();
    if args.json {
        say(serde_json::json!({
            "file": args.out.display().to_string(), "sequences": sequences.len(), "tokens": rows, "taps": names,
            "bytes": bytes,
        }));
    } else {
        say(format_args!(
            "{}: {} of {rows} tokens in {} texts ({})",
            args.out.display(),
            names.join(", "),
            sequences.len(),
            show::bytes(bytes)
        ));
    }
    Ok(Exit::Done)
}

/// A count on a terminal; elsewhere the result is enough.
struct Progress {
    total: usize,
    shown: bool,
}

impl Progress {
    fn tell(&self, done: usize) {
        if self.shown {
            let end = if done == self.total { "\n" } else { "" };
            use std::io::Write as _;
            let _nobody_reads = write!(std::io::stderr(), "\r{done} of {} tokens{end}", self.total);
        }
    }
}
