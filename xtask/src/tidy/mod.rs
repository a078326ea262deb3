//! `cargo xtask tidy`: the house rules that neither the compiler nor clippy checks.
//!
//! Each submodule is one kind of rule: a function from the tree (or one file) to findings, with its
//! table of what is allowed beside it. `tree` reads the files once; nothing else touches the disk,
//! so every rule is tested on files that exist only in its test.

mod arrows;
mod links;
mod lock;
mod size;
mod source;
mod tree;

use std::fmt;
use std::path::PathBuf;

use crate::Problem;
use tree::Tree;

#[derive(clap::Args)]
pub struct Args {
    /// The repository to check
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/.."), hide_default_value = true)]
    root: PathBuf,
    /// Also list the files over 350 lines
    #[arg(long)]
    long: bool,
}

/// One broken rule, at a place.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    file: String,
    /// From 1.
    line: usize,
    message: String,
}

impl Finding {
    fn new(file: &str, line: usize, message: impl Into<String>) -> Finding {
        Finding { file: file.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

/// What one rule looked at and found.
#[derive(Default)]
struct Outcome {
    findings: Vec<Finding>,
    /// For the last lines: "19 arrows between 9 crates".
    checked: String,
}

pub fn run(args: &Args) -> Result<(), Problem> {
    let tree = Tree::read(&args.root)?;
    let outcomes = [
        arrows::check(&tree),
        lock::check(&tree),
        size::check(&tree, args.long),
        source::check(&tree),
        links::check(&tree),
    ];
    let mut findings: Vec<&Finding> = outcomes.iter().flat_map(|outcome| &outcome.findings).collect();
    findings.sort();
    for finding in &findings {
        eprintln!("{finding}");
    }
    for outcome in &outcomes {
        println!("tidy: {}", outcome.checked);
    }
    println!("tidy: {} problems in {} files", findings.len(), tree.files.len());
    if findings.is_empty() { Ok(()) } else { Err("the tree is not tidy".to_owned()) }
}
