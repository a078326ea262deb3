//! The file of results of `plumb code exec`: written as samples end, whole and in order at the end.
//!
//! While a run goes on, lines are appended to `NAME.part` as they come, and `NAME.run.json` says what the run is: the same
//! command finds both and runs what is missing. `NAME` itself appears when all is done. Only places of lines are held in
//! memory, not lines.

use crate::exit::Problem;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// Results being written.
pub struct Results {
    path: PathBuf,
    part: BufWriter<File>,
    /// Where the line of each sample begins, and its length with the line end.
    places: HashMap<u64, (u64, u64)>,
    end: u64,
}

/// What is there already.
pub enum Opened {
    /// All of it.
    Done,
    /// Some, or nothing.
    Part(Results),
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

impl Results {
    /// Opens the results of the run that `config` describes; `seen` gets each line that is there.
    pub fn open(
        path: &Path,
        config: &Value,
        fresh: bool,
        seen: impl FnMut(&Value),
    ) -> Result<Opened, Problem> {
        let (part, about) = (beside(path, ".part"), beside(path, ".run.json"));
        let known = (!fresh).then(|| std::fs::read(&about).ok()).flatten();
        let known: Option<Value> = known.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let same = known.as_ref() == Some(config);
        if !fresh && !same && (path.exists() || part.exists()) {
            let others = known.as_ref().map(|known| others(known, config)).unwrap_or_default();
            let others = if others.is_empty() { String::new() } else { format!(": other {others}") };
            return Err(Problem::usage(format!("{}: holds results of another run{others}", path.display()))
                .help("give another --out, or --fresh to write over it"));
        }
        if same && path.exists() {
            let file = File::open(path).map_err(Problem::io(path))?;
            places(&file, seen).map_err(Problem::io(path))?;
            return Ok(Opened::Done);
        }
        if !same {
            let _absent = std::fs::remove_file(&part);
            let _absent = std::fs::remove_file(path);
            std::fs::write(&about, format!("{config:#}\n")).map_err(Problem::io(&about))?;
        }
        let file = File::options().create(true).read(true).append(true).open(&part);
        let file = file.map_err(Problem::io(&part))?;
        let (places, end) = places(&file, seen).map_err(Problem::io(&part))?;
        // A line that was being written when the program ended is written again.
        file.set_len(end).map_err(Problem::io(&part))?;
        Ok(Opened::Part(Results { path: path.to_owned(), part: BufWriter::new(file), places, end }))
    }

    /// Whose lines are there.
    pub fn samples(&self) -> HashSet<u64> {
        self.places.keys().copied().collect()
    }

    /// Samples whose lines are there.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Appends a sample's line.
    pub fn add(&mut self, sample: u64, line: &Value) -> Result<(), Problem> {
        let text = format!("{line}\n");
        let written = self.part.write_all(text.as_bytes()).and_then(|()| self.part.flush());
        written.map_err(Problem::io(&beside(&self.path, ".part")))?;
        self.places.insert(sample, (self.end, text.len() as u64));
        self.end += text.len() as u64;
        Ok(())
    }

    /// Puts the lines in order and the file in its place.
    pub fn finish(self) -> Result<(), Problem> {
        let (part, new) = (beside(&self.path, ".part"), beside(&self.path, ".new"));
        let failed = Problem::io(&part);
        let sorted = || -> std::io::Result<()> {
            let mut from = self.part.into_inner().map_err(|e| e.into_error())?;
            let mut places: Vec<_> = self.places.into_iter().collect();
            places.sort_unstable();
            let mut to = BufWriter::new(File::create(&new)?);
            let mut line = Vec::new();
            for (_, (start, length)) in places {
                from.seek(SeekFrom::Start(start))?;
                line.resize(length as usize, 0);
                from.read_exact(&mut line)?;
                to.write_all(&line)?;
            }
            to.into_inner().map_err(|e| e.into_error())?.sync_all()?;
            std::fs::rename(&new, &self.path)?;
            std::fs::remove_file(&part)
        };
        sorted().map_err(failed)
    }
}

/// What two descriptions of a run say differently.
fn others(known: &Value, config: &Value) -> String {
    let keys = config.as_object().into_iter().flatten().map(|(key, _)| key);
    let other: Vec<&str> =
        keys.filter(|key| known.get(key) != config.get(key)).map(|key| words(key)).collect();
    other.join(", ")
}

/// A key of the description as the command line and the docs call it.
fn words(key: &str) -> &str {
    match key {
        "problem" => "--problem",
        "python" => "version of Python",
        "weak" => "--weak",
        "rerun" => "--no-rerun",
        other => other,
    }
}

/// Where lines are, by sample: (begin, length).
type Places = HashMap<u64, (u64, u64)>;

/// Where whole lines are, and where the last of them ends.
fn places(file: &File, mut seen: impl FnMut(&Value)) -> std::io::Result<(Places, u64)> {
    let mut reader = BufReader::new(file);
    reader.rewind()?;
    let (mut places, mut end, mut line) = (HashMap::new(), 0, Vec::new());
    loop {
        line.clear();
        let length = reader.read_until(b'\n', &mut line)? as u64;
        let whole = line.ends_with(b"\n").then(|| serde_json::from_slice::<Value>(&line).ok()).flatten();
        let sample = whole.as_ref().and_then(|line| line.get("sample")?.as_u64());
        let (Some(whole), Some(sample)) = (whole, sample) else { return Ok((places, end)) };
        seen(&whole);
        places.insert(sample, (end, length));
        end += length;
    }
}
