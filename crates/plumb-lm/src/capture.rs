//! Activations of many sequences in one safetensors file, for notebooks and for training on them.
//!
//! The number of rows is known before anything is computed, so each site's rows are written to their place as they come;
//! memory holds one sequence's cache and a buffer a site, however large the file. Start with [`capture`].

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::Error;
use crate::forward::{Fault as ForwardFault, Input, Want};
use crate::generate;
use crate::hook::{Edits, Sink, Site, Taps};
use crate::model::Model;
use crate::tokenizer::TokenId;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("{site} has rows of unequal length, which do not fit into a table")]
    Unequal { site: Site },
    #[error("{site} is named twice")]
    Twice { site: Site },
    #[error(
        "there is nothing to write (expected at least one sequence, each of at least one token, and one tap)"
    )]
    Nothing,
    #[error("{path}: {source}")]
    Write { path: String, source: std::io::Error },
}

/// What a token is a part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Class {
    /// Text that nobody in particular says: a plain text, or a chat whose template does not let its messages be found.
    Text = 0,
    /// The first token of a sequence. Many models put a very large vector there (an attention sink), so means and
    /// training sets should leave it out.
    First = 1,
    /// A control token.
    Control = 2,
    /// What the chat template wrote.
    Template = 3,
    /// A system message.
    System = 4,
    /// A user's message.
    User = 5,
    /// An answer.
    Assistant = 6,
}

impl Class {
    /// All, by their numbers in a file.
    pub const ALL: [Self; 7] =
        [Self::Text, Self::First, Self::Control, Self::Template, Self::System, Self::User, Self::Assistant];

    /// Its name in a file's metadata.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::First => "first",
            Self::Control => "control",
            Self::Template => "template",
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// Tokens and what each is a part of; as many of one as of the other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Labelled {
    /// Token ids.
    pub tokens: Vec<TokenId>,
    /// Their classes.
    pub classes: Vec<Class>,
}

/// How tokens are computed while capturing.
const PIECE: usize = 256;
/// Bytes that each site may hold back.
const BUFFER: usize = 1 << 20;

/// Computes all sequences under `edits` and writes, to a safetensors file at `path`, for all tokens in order: `tokens`,
/// `sequence` and `position` (i32), `class` (u8; names in the metadata), and a table of f32 rows under the name of each
/// of `sites`. `done` is told the tokens computed so far. Returns the number of rows. Until the last row is written the file
/// has `.part` after its name, so that what has the name is whole.
///
/// # Errors
/// [`Error::is_io`] if the file cannot be written; otherwise as [`Model::forward`], and if there is nothing to write or a site
/// is named twice.
pub fn capture(
    model: &Model,
    sequences: &[Labelled],
    sites: &[Site],
    edits: &Edits,
    path: &Path,
    done: &mut dyn FnMut(usize),
) -> Result<usize, Error> {
    let fault = |source| Error::from(Fault::Write { path: path.display().to_string(), source });
    check(model, sequences, sites)?;
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let file = File::create(&part).map_err(fault)?;
    let mut go_on = |rows| {
        done(rows);
        ControlFlow::Continue(())
    };
    let filled = fill(model, (sequences, sites, edits), file, &mut go_on, &fault)
        .and_then(|rows| std::fs::rename(&part, path).map(|()| rows).map_err(fault));
    if filled.is_err() {
        // The first fault is the one to tell.
        let _ = std::fs::remove_file(&part);
    }
    filled
}

/// [`capture`] to anything that can be written and sought in, from its start. `go_on` is asked after each piece; at a break
/// nothing more is computed.
///
/// # Errors
/// As [`capture`]; [`Error::is_cancelled`] after a break.
pub fn capture_to(
    model: &Model,
    sequences: &[Labelled],
    sites: &[Site],
    edits: &Edits,
    out: &mut (impl Write + Seek),
    go_on: &mut dyn FnMut(usize) -> ControlFlow<()>,
) -> Result<usize, Error> {
    check(model, sequences, sites)?;
    let fault = |source| Error::from(Fault::Write { path: "activations".to_owned(), source });
    fill(model, (sequences, sites, edits), out, go_on, &fault)
}

fn check(model: &Model, sequences: &[Labelled], sites: &[Site]) -> Result<(), Error> {
    if sites.is_empty() || sequences.is_empty() || sequences.iter().any(|one| one.tokens.is_empty()) {
        return Err(Fault::Nothing.into());
    }
    // Not after all that comes before it was computed.
    let context = model.config().context;
    if let Some(length) = sequences.iter().map(|one| one.tokens.len()).find(|length| *length > context) {
        return Err(ForwardFault::TooLong { length, context }.into());
    }
    for (at, site) in sites.iter().enumerate() {
        site.check(model.config())?;
        // A place may have several names; a table has one.
        if sites[..at].contains(site) {
            return Err(Fault::Twice { site: *site }.into());
        }
        if matches!(site, Site::Pattern { .. }) {
            return Err(Fault::Unequal { site: *site }.into());
        }
    }
    Ok(())
}

fn fill(
    model: &Model,
    (sequences, sites, edits): (&[Labelled], &[Site], &Edits),
    out: impl Write + Seek,
    go_on: &mut dyn FnMut(usize) -> ControlFlow<()>,
    fault: &dyn Fn(std::io::Error) -> Error,
) -> Result<usize, Error> {
    let mut table = Table::create(model, sequences, sites, out).map_err(fault)?;
    let ends = sites.iter().any(|site| matches!(site, Site::FinalNorm | Site::Logits));
    let want = if ends { Want::From(0) } else { Want::Nothing };
    let mut rows = 0;
    for sequence in sequences {
        let mut cache = model.cache_for(sequence.tokens.len());
        for tokens in sequence.tokens.chunks(PIECE) {
            let input = Input { cache: &mut cache, tokens, want, edits };
            model.forward(&mut [input], &mut Taps::new(sites, &mut table))?;
            if let Some(error) = table.failed.take() {
                return Err(fault(error));
            }
            rows += tokens.len();
            if go_on(rows).is_break() {
                return Err(generate::Fault::Cancelled { tokens: rows }.into());
            }
        }
    }
    table.finish().map_err(fault)?;
    Ok(rows)
}

/// The rows of one site: where the next ones go, and those not yet written.
struct Column {
    site: Site,
    at: u64,
    held: Vec<u8>,
}

struct Table<W> {
    file: W,
    columns: Vec<Column>,
    failed: Option<std::io::Error>,
}

impl<W: Write + Seek> Table<W> {
    fn create(model: &Model, sequences: &[Labelled], sites: &[Site], mut file: W) -> std::io::Result<Self> {
        let rows: usize = sequences.iter().map(|one| one.tokens.len()).sum();
        let mut header = Map::new();
        header.insert("__metadata__".to_owned(), metadata(model));
        let mut end = 0;
        let mut place = |name: String, kind: &str, shape: Vec<usize>, size: usize| {
            let start = end;
            end += shape.iter().product::<usize>() * size;
            header.insert(name, json!({ "dtype": kind, "shape": shape, "data_offsets": [start, end] }));
            start
        };
        let starts: Vec<usize> = sites
            .iter()
            .map(|site| place(site.to_string(), "F32", vec![rows, site.width(model.config())], 4))
            .collect();
        let numbers =
            ["tokens", "sequence", "position"].map(|name| place(name.to_owned(), "I32", vec![rows], 4));
        place("class".to_owned(), "U8", vec![rows], 1);
        let mut header = serde_json::to_vec(&Value::Object(header))?;
        header.resize(header.len().next_multiple_of(8), b' ');
        let data = 8 + header.len() as u64;
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(&header)?;
        file.seek(SeekFrom::Start(data + numbers[0] as u64))?;
        file.write_all(&notes(sequences))?;
        let column =
            |(site, start): (&Site, usize)| Column { site: *site, at: data + start as u64, held: Vec::new() };
        let columns = sites.iter().zip(starts).map(column).collect();
        Ok(Self { file, columns, failed: None })
    }

    fn flush(&mut self, column: usize) -> std::io::Result<()> {
        let column = &mut self.columns[column];
        self.file.seek(SeekFrom::Start(column.at))?;
        self.file.write_all(&column.held)?;
        column.at += column.held.len() as u64;
        column.held.clear();
        Ok(())
    }

    fn finish(mut self) -> std::io::Result<()> {
        (0..self.columns.len()).try_for_each(|column| self.flush(column))
    }
}

impl<W: Write + Seek> Sink for Table<W> {
    fn row(&mut self, site: Site, _input: usize, _position: usize, row: &[f32]) {
        let Some(index) = self.columns.iter().position(|column| column.site == site) else { return };
        let column = &mut self.columns[index];
        column.held.extend(row.iter().flat_map(|value| value.to_le_bytes()));
        if column.held.len() >= BUFFER && self.failed.is_none() {
            self.failed = self.flush(index).err();
        }
    }
}

fn metadata(model: &Model) -> Value {
    let classes: Vec<String> =
        Class::ALL.iter().map(|class| format!("{}={}", *class as u8, class.name())).collect();
    json!({
        "format": "plumbline activations 1",
        "model": model.name().unwrap_or("unnamed"),
        "architecture": model.config().architecture.name(),
        "classes": classes.join(" "),
    })
}

/// Tokens, sequence numbers, positions and classes, one table after the other.
fn notes(sequences: &[Labelled]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut put = |number: usize| bytes.extend((number as i32).to_le_bytes());
    sequences.iter().flat_map(|one| &one.tokens).for_each(|token| put(*token as usize));
    for (index, sequence) in sequences.iter().enumerate() {
        sequence.tokens.iter().for_each(|_| put(index));
    }
    sequences.iter().for_each(|sequence| (0..sequence.tokens.len()).for_each(&mut put));
    bytes.extend(sequences.iter().flat_map(|one| &one.classes).map(|class| *class as u8));
    bytes
}
