//! `plumb human links RUN`: by which link everybody came, as a table of its own.
//!
//! Exports hold nothing of it, so that whoever gets an export cannot tell who people are. Its rows name people by the number that
//! exports have, so that a harmless parameter (a wave, a source) can be joined to the answers by whoever may.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;

use plumb_human::collect::Identity;

use super::export::{guarded, text};
use crate::cli::HumanLinks;
use crate::exit::{Exit, Problem, say};
use crate::runs::RunFolder;

pub fn links(args: &HumanLinks) -> Result<Exit, Problem> {
    let at = RunFolder::named(&args.run);
    let journal = at.open()?;
    if !journal.has_people()? {
        return Err(Problem::usage(format!("{} is no run of a study with people", at.folder.display())));
    }
    let came: Vec<(u32, Identity)> = journal
        .persons()?
        .into_iter()
        .map(|p| (p.person.0 + 1, p.identity.as_deref().map(Identity::read).unwrap_or_default()))
        .collect();
    // Names in the order in which they first came.
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in came.iter().flat_map(|(_, identity)| &identity.parameters) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let path = args.out.clone().unwrap_or_else(|| at.folder.join("links.csv"));
    let file = for_its_owner(&path).map_err(Problem::io(&path))?;
    let failed = |error: csv::Error| Problem::new(format!("{}: {error}", path.display()));
    let mut table = csv::Writer::from_writer(file);
    let header = names.iter().map(|name| cell(if *name == "person" { "link.person" } else { name }));
    table.write_record([Arc::from("person")].into_iter().chain(header).map(bytes)).map_err(failed)?;
    for (person, identity) in &came {
        let mut values: BTreeMap<&str, String> = BTreeMap::new();
        for (name, value) in &identity.parameters {
            let all = values.entry(name).or_default();
            if !all.is_empty() {
                all.push_str(", ");
            }
            all.push_str(value);
        }
        let own = names.iter().map(|name| cell(values.get(name).map_or("", String::as_str)));
        let person: Arc<str> = person.to_string().into();
        table.write_record([person].into_iter().chain(own).map(bytes)).map_err(failed)?;
    }
    table.flush().map_err(Problem::io(&path))?;
    say(format_args!(
        "{}: {} people, {} parameter{}; it tells who they are",
        path.display(),
        came.len(),
        names.len(),
        if names.len() == 1 { "" } else { "s" }
    ));
    Ok(Exit::Done)
}

/// A cell that no spreadsheet computes: whoever makes a link decides what stands in it.
fn cell(value: &str) -> Arc<str> {
    guarded(text(value)).written()
}

fn bytes(cell: Arc<str>) -> Vec<u8> {
    cell.as_bytes().to_vec()
}

/// Makes the file so that nobody but its owner reads what will stand in it.
fn for_its_owner(path: &Path) -> std::io::Result<File> {
    let file = File::options().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    Ok(file)
}
