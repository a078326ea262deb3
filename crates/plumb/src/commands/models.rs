//! `plumb models fetch|list`; the rest is in `show_model`, `acts` and `chat`.

use crate::cli::Models;
use crate::compose::World;
use crate::exit::{Exit, Problem, say};
use crate::show;
use plumb_clients::models::{Entry, Status};

pub fn run(args: &Models, world: &World) -> Result<Exit, Problem> {
    match args {
        Models::Fetch { name } => {
            let path = world.models.fetched(world.models.find(name)?)?;
            say(path.display());
        }
        Models::List { json } => list(world, *json),
        Models::Show(args) => return super::show_model::run(args, world),
        Models::Chat(args) => return super::chat::run(args, world),
        Models::Acts(args) => return super::acts::run(args, world),
        Models::Direction(args) => return super::direction::run(args, world),
    }
    Ok(Exit::Done)
}

pub fn status(world: &World, entry: &Entry) -> &'static str {
    match world.models.store.status(entry) {
        Status::Absent => "not here",
        Status::Partial => "partly fetched",
        Status::Unverified(_) => "here, not verified yet",
        Status::Ready(_) => "here",
    }
}

pub fn as_json(entry: &Entry, world: &World) -> serde_json::Value {
    serde_json::json!({
        "name": entry.name.as_str(), "file": entry.file.as_str(), "bytes": entry.bytes,
        "sha256": entry.sha256.as_str(), "licence": entry.licence, "architecture": entry.architecture,
        "description": entry.description, "path": world.models.store.path(entry).display().to_string(),
        "status": status(world, entry),
        "sources": entry.sources.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn list(world: &World, json: bool) {
    let entries = || world.models.known.entries().map(|(entry, _)| entry);
    if json {
        say(serde_json::Value::Array(entries().map(|e| as_json(e, world)).collect()));
        return;
    }
    let width = entries().map(|e| e.name.as_str().len()).max().unwrap_or(0);
    for entry in entries() {
        say(format_args!(
            "{:width$}  {:>9}  {:<12}  {:<8}  {}",
            entry.name.as_str(),
            show::bytes(entry.bytes),
            entry.licence,
            entry.architecture,
            status(world, entry)
        ));
    }
}
