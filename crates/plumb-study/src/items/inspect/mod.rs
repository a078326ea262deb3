//! Logs of inspect_ai: what a model was asked and what it said, to be judged again without asking it again.
//!
//! Both of its forms are read: `.eval`, a zip with a file a sample (whose entries may be compressed with zstd, and which
//! may lack its header if the run was killed), and `.json`. A sample is an item, an epoch a repetition, a model a
//! subject; what its scorers said are labels. Its events are not read. Written against what inspect_ai 0.3.285 writes
//! (`oracles/inspect_ai/logs.py`).

mod archive;
mod sample;

use super::files::take_paths;
use crate::error::{Error, Result};
use crate::fields::Fields;
use crate::registry::{DraftItem, Inputs, Reader};
use sample::{Header, Sample};
use serde::Deserialize;
use std::collections::HashMap;

/// The reader. Keys: `path` (a file, or several by `*`, or a list).
pub(super) struct Logs;

impl Reader for Logs {
    fn read(&self, fields: &mut Fields, inputs: &dyn Inputs) -> Result<Vec<DraftItem>> {
        let place = fields.place().to_owned();
        let mut logs = Vec::new();
        for path in take_paths(fields, inputs)? {
            let bytes = inputs.read(&path).map_err(|e| e.at(&place))?;
            logs.push((log(&bytes, &path)?, path));
        }
        items(logs)
    }
}

/// One log.
struct Log {
    header: Header,
    samples: Vec<Sample>,
}

/// The JSON form.
#[derive(Deserialize)]
struct Whole {
    eval: Header,
    #[serde(default)]
    samples: Vec<Sample>,
}

fn log(bytes: &[u8], path: &str) -> Result<Log> {
    let mut log = if bytes.starts_with(b"PK") {
        archive::read(bytes, path)?
    } else {
        let whole: Whole = serde_json::from_slice(bytes).map_err(|e| {
            Error::plan(format!("{path}: not a log of inspect_ai: {e}"))
                .help("give a .eval or .json file of its log folder; tables of answers are read by csv, jsonl and json")
        })?;
        Log { header: whole.eval, samples: whole.samples }
    };
    if log.samples.is_empty() {
        return Err(Error::plan(format!("{path}: the log has no samples"))
            .help("it may be of a run that was stopped before its first sample ended, or written with log_samples = false"));
    }
    log.samples.sort_by_key(|s| s.epoch);
    Ok(log)
}

/// Items of all logs: a sample that several models answered is one item.
fn items(logs: Vec<(Log, String)>) -> Result<Vec<DraftItem>> {
    let one_task = logs.windows(2).all(|pair| pair[0].0.header.task == pair[1].0.header.task);
    let mut items: Vec<DraftItem> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for (log, path) in logs {
        for sample in log.samples {
            let mut draft = sample.into_item(&log.header, &path)?;
            if !one_task {
                draft.id = format!("{}/{}", log.header.task, draft.id);
            }
            match known.get(&draft.id) {
                None => {
                    known.insert(draft.id.clone(), items.len());
                    items.push(draft);
                }
                Some(at) if items[*at].task == draft.task => items[*at].recorded.append(&mut draft.recorded),
                Some(_) => {
                    return Err(Error::plan(format!(
                        "{path}: sample \"{}\" asks something else than the sample of that name before it",
                        draft.id
                    ))
                    .help("read logs of different data sets as different [[items]]"));
                }
            }
        }
    }
    Ok(items)
}
