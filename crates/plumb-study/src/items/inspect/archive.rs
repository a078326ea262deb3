//! The `.eval` form: a zip with the header and a file a sample.

use super::Log;
use super::sample::{Header, Sample};
use crate::error::{Error, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::io::{Cursor, Read};
use zip::{CompressionMethod, ZipArchive};

/// More than this of one entry is not read: a small file can claim to hold anything.
const MOST_BYTES: u64 = 1 << 30;

#[derive(Deserialize)]
struct Start {
    eval: Header,
}

pub(super) fn read(bytes: &[u8], path: &str) -> Result<Log> {
    let broken = |what: String| Error::plan(format!("{path}: not a log of inspect_ai: {what}"));
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|e| broken(e.to_string()))?;
    let names: Vec<String> = archive
        .file_names()
        .map(|name| name.map(|n| n.into_owned()))
        .collect::<std::result::Result<_, _>>()
        .map_err(|e| broken(e.to_string()))?;
    // A run that was killed has no header; what it began with says the same of task and model.
    let head =
        ["header.json", "_journal/start.json"].into_iter().find(|wanted| names.iter().any(|n| n == wanted));
    let head = head.ok_or_else(|| broken("it has neither header.json nor _journal/start.json".into()))?;
    let start: Start = parse(&entry(&mut archive, head).map_err(broken)?, head).map_err(broken)?;
    let mut samples: Vec<Sample> = Vec::new();
    for name in names.iter().filter(|n| n.starts_with("samples/") && n.ends_with(".json")) {
        let text = entry(&mut archive, name).map_err(broken)?;
        samples.push(parse(&text, name).map_err(broken)?);
    }
    Ok(Log { header: start.eval, samples })
}

fn parse<T: DeserializeOwned>(text: &[u8], name: &str) -> std::result::Result<T, String> {
    serde_json::from_slice(text).map_err(|e| format!("{name}: {e}"))
}

/// The contents of an entry, by either of the two compressions in use.
fn entry(archive: &mut ZipArchive<Cursor<&[u8]>>, name: &str) -> std::result::Result<Vec<u8>, String> {
    let wrong = |e: &dyn std::fmt::Display| format!("{name}: {e}");
    let at = archive.index_for_name(name).ok_or_else(|| wrong(&"is not there"))?;
    let zstd = archive.by_index_raw(at).map_err(|e| wrong(&e))?.compression() == CompressionMethod::ZSTD;
    let mut contents = Vec::new();
    if zstd {
        let raw = archive.by_index_raw(at).map_err(|e| wrong(&e))?;
        let decoder = ruzstd::decoding::StreamingDecoder::new(raw).map_err(|e| wrong(&e))?;
        decoder.take(MOST_BYTES + 1).read_to_end(&mut contents).map_err(|e| wrong(&e))?;
    } else {
        let file = archive.by_index(at).map_err(|e| wrong(&e))?;
        file.take(MOST_BYTES + 1).read_to_end(&mut contents).map_err(|e| wrong(&e))?;
    }
    if contents.len() as u64 > MOST_BYTES {
        return Err(wrong(&"is larger than 1 GiB"));
    }
    Ok(contents)
}
