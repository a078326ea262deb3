//! `plumb models acts`: activations of texts or chats as a safetensors file.

use crate::cli::Acts;
use crate::compose::World;
use crate::disk::same_file;
use crate::exit::{Exit, Problem, note, say};
use crate::show;
use plumb_lm::{Edits, Labelled, Message, Model, Site, capture};
use std::io::IsTerminal as _;
use std::path::Path;

/// A line of a `.jsonl` file.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    text: Option<String>,
    messages: Option<Vec<Message>>,
}

pub fn run(args: &Acts, world: &World) -> Result<Exit, Problem> {
    let lines = std::fs::read_to_string(&args.input).map_err(Problem::io(&args.input))?;
    // Editors that put one there mean no character of the first text.
    let lines = lines.strip_prefix('\u{FEFF}').unwrap_or(&lines);
    if same_file(&args.out, &args.input) {
        return Err(Problem::usage("--out is the file of --in, whose texts would be lost"));
    }
    let model = Model::open(&world.models.file(&args.name)?)?;
    let sites = args.tap.iter().map(|name| Site::parse(name, model.config())).collect::<Result<Vec<_>, _>>();
    let sites = sites.map_err(|error| Problem::usage(format!("--tap: {error}")))?;
    let json = args.input.extension().is_some_and(|extension| extension == "jsonl");
    let mut sequences = Vec::new();
    let mut cut = 0;
    for (at, line) in lines.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let mut sequence = sequence(&model, line, json).map_err(|problem| wrong(&args.input, at, problem))?;
        let most = args.max_tokens.min(model.config().context);
        if sequence.tokens.len() > most {
            sequence.tokens.truncate(most);
            sequence.classes.truncate(most);
            cut += 1;
        }
        sequences.push(sequence);
    }
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

fn sequence(model: &Model, line: &str, json: bool) -> Result<Labelled, Problem> {
    if !json {
        return Ok(model.label_text(line)?);
    }
    let line: Line = serde_json::from_str(line).map_err(|error| Problem::new(error.to_string()))?;
    match (line.text, line.messages) {
        (Some(text), None) => Ok(model.label_text(&text)?),
        (None, Some(messages)) => Ok(model.label_chat(&messages, None)?),
        _ => Err(Problem::new("expected either \"text\" or \"messages\"")),
    }
}

fn wrong(path: &Path, at: usize, problem: Problem) -> Problem {
    Problem::usage(format!("{}:{}: {}", path.display(), at + 1, problem.message))
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
