//! The documents of a recipe: chats and texts of several sources, mixed so that any beginning of them is balanced.

use super::recipe::{Recipe, Source, SourceKind};
use crate::disk::Disk;
use crate::exit::Problem;
use crate::runs::RunFolder;
use plumb_lm::sae::store::Document;
use plumb_lm::{Class, Labelled, Message, Model, Role};
use plumb_local::SplitMix;
use plumb_study::items::{Prompt, Task};
use plumb_study::{Answer, Digest, Inputs as _, Ledger};
use serde_json::Value;
use std::path::Path;

/// A document before it is made into tokens.
#[derive(Clone)]
pub enum Draft {
    Text(String),
    Chat { prompt: Vec<Message>, reply: Option<String> },
}

impl Draft {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Draft::Text(text) => text.as_bytes().to_vec(),
            Draft::Chat { prompt, reply } => {
                let mut all = Vec::new();
                for message in prompt {
                    all.extend(message.content.as_bytes());
                    all.push(0);
                }
                all.extend(reply.iter().flat_map(|text| text.as_bytes()));
                all
            }
        }
    }
}

/// All documents, in the order in which they are captured.
pub fn read(recipe: &Recipe, beside: &Path) -> Result<Vec<Draft>, Problem> {
    let disk = Disk::beside(beside);
    let mut all: Vec<(f64, usize, Draft)> = Vec::new();
    for (index, source) in recipe.source.iter().enumerate() {
        let mut drafts = match source.kind {
            SourceKind::Text => texts(&disk, source)?,
            SourceKind::Chats => chats(&disk, source)?,
            SourceKind::Run => replies(source)?,
        };
        if drafts.is_empty() {
            return Err(Problem::usage(format!("{}: it has no documents", source.path)));
        }
        shuffle(&mut drafts, recipe.seed_of_documents(index));
        drafts.truncate(source.most.unwrap_or(usize::MAX));
        let count = drafts.len() as f64;
        // Spread evenly over the whole, so that stopping early drops the same share of every source.
        all.extend(
            drafts.into_iter().enumerate().map(|(at, draft)| ((at as f64 + 0.5) / count, index, draft)),
        );
    }
    all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    Ok(all.into_iter().map(|(_, _, draft)| draft).collect())
}

/// Digest of the documents and of what decides how they are captured.
pub fn digest(recipe: &Recipe, drafts: &[Draft]) -> String {
    let mut hash = Digest::of(b"activations").hex();
    let settings = &recipe.activations;
    hash.push_str(&format!(
        "{} {} {} {}",
        settings.rows, settings.unseen, settings.max_tokens, settings.shard
    ));
    for draft in drafts {
        hash = Digest::of_parts(&[hash.as_bytes(), &draft.bytes()]).hex();
    }
    hash
}

/// A draft as the model sees it.
pub fn document(recipe: &Recipe, model: &Model, draft: &Draft) -> Result<Document, plumb_lm::Error> {
    let mut labelled = match draft {
        Draft::Text(text) => model.label_text(text)?,
        Draft::Chat { prompt, reply } => chat(model, prompt, reply.as_deref())?,
    };
    let most = recipe.activations.max_tokens.min(model.config().context);
    labelled.tokens.truncate(most);
    labelled.classes.truncate(most);
    // By the document's own text, so that it is set aside wherever it stands.
    let digest = Digest::of_parts(&[b"unseen", &draft.bytes()]).hex();
    let part = u32::from_str_radix(digest.get(..8).unwrap_or("0"), 16).unwrap_or(0);
    let unseen = f64::from(part) / (f64::from(u32::MAX) + 1.0) < recipe.activations.unseen;
    Ok(Document { labelled, unseen })
}

/// A chat up to where the model speaks, and what it said.
fn chat(model: &Model, prompt: &[Message], reply: Option<&str>) -> Result<Labelled, plumb_lm::Error> {
    let mut labelled = model.label_chat(prompt, None)?;
    if let Some(reply) = reply {
        let tokens = model.tokenizer().encode(reply, plumb_lm::Special::Text)?;
        labelled.classes.extend(tokens.iter().map(|_| Class::Assistant));
        labelled.tokens.extend(tokens);
    }
    Ok(labelled)
}

/// Pieces of whole lines of about 1,800 characters, which are some 400 tokens.
fn texts(disk: &Disk, source: &Source) -> Result<Vec<Draft>, Problem> {
    const PIECE: usize = 1800;
    let text = text(disk, &source.path)?;
    let mut pieces = Vec::new();
    let mut piece = String::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        if !piece.is_empty() && piece.len() + line.len() > PIECE {
            pieces.push(Draft::Text(std::mem::take(&mut piece)));
        }
        piece.push_str(line);
        piece.push('\n');
    }
    if !piece.is_empty() {
        pieces.push(Draft::Text(piece));
    }
    Ok(pieces)
}

fn chats(disk: &Disk, source: &Source) -> Result<Vec<Draft>, Problem> {
    let text = text(disk, &source.path)?;
    let wrong = |what: String| Problem::usage(format!("{}: {what}", source.path));
    let rows: Vec<Value> = match text.trim_start().starts_with('[') {
        true => serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?,
        false => text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(serde_json::from_str)
            .collect::<Result<_, _>>()
            .map_err(|error| wrong(error.to_string()))?,
    };
    let field = |row: &Value, name: &str, at: usize| match row.get(name).and_then(Value::as_str) {
        Some(text) => Ok(text.to_owned()),
        None => Err(wrong(format!("row {} has no text {name:?}", at + 1))),
    };
    let name = source.prompt.as_deref().unwrap_or("prompt");
    rows.iter()
        .enumerate()
        .map(|(at, row)| {
            let prompt = vec![Message::new(Role::User, field(row, name, at)?)];
            let reply = source.reply.as_deref().map(|name| field(row, name, at)).transpose()?;
            Ok(Draft::Chat { prompt, reply })
        })
        .collect()
}

/// Prompts of a run and what was answered.
fn replies(source: &Source) -> Result<Vec<Draft>, Problem> {
    let journal = RunFolder::named(Path::new(&source.path)).open()?;
    let plan = journal.plan()?;
    let ledger = Ledger::fold(&plan, &journal)?;
    let mut drafts = Vec::new();
    for trial in plan.trials() {
        let Some(state) = ledger.state(trial) else { continue };
        let Task::Ask(Prompt::Chat(turns)) = &plan.item(trial.item).task else { continue };
        let Some(Answer::Text(reply)) = journal.answer(&state.row(trial))? else { continue };
        let prompt = turns.iter().map(plumb_local::message).collect();
        drafts.push(Draft::Chat { prompt, reply: Some(reply.to_string()) });
    }
    Ok(drafts)
}

fn text(disk: &Disk, path: &str) -> Result<String, Problem> {
    let bytes = disk.read(path)?;
    String::from_utf8(bytes).map_err(|_| Problem::usage(format!("{path}: it is no UTF-8 text")))
}

impl Recipe {
    fn seed_of_documents(&self, source: usize) -> u64 {
        // Not the recipe's seed: two trainings with two seeds share their activations.
        0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(source as u64 + 1)
    }
}

/// A seeded order: Fisher and Yates.
fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut stream = SplitMix::new(seed);
    for index in (1..items.len()).rev() {
        items.swap(index, stream.below(index + 1));
    }
}
