//! Journals of ModelBench (JSON lines, most often compressed with zstd): what its SUTs were asked and said, and what its
//! annotators said of it, to be judged again without asking anybody.
//!
//! An item of a test is an item, a SUT a subject. Labels: each annotator's verdict (`safe`, `unsafe`, `invalid`) under its
//! name, and the test's own measurements under `measured.NAME`. [`check`] holds a journal against the rules that such a
//! run must keep. A journal of a run that was killed is read as far as it goes.
//!
//! Tried on journals that ModelBench's own runner wrote (mlcommons/modelbench, script under `oracles/modelbench`): at f8e00a42, whose
//! events about an item name its SUT, and at 01395016, whose do not, since a run has one SUT.

mod check;

pub use check::{Broken, Checked, check};

use super::files::take_paths;
use super::{Levels, Prompt, RecordedEnd, Task};
use crate::error::{Error, Result};
use crate::fields::Fields;
use crate::plan::Settings;
use crate::registry::{DraftAnswer, DraftItem, Inputs, Reader};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// More than this of one journal is not read: a small file can claim to hold anything.
const MOST_BYTES: usize = 4 << 30;

/// The reader. Key: `path`.
pub(super) struct Journals;

/// One event: the line it stands in, and its keys.
struct Event {
    line: usize,
    keys: Map<String, Value>,
}

impl Event {
    fn text(&self, key: &str) -> Option<&str> {
        self.keys.get(key).and_then(Value::as_str)
    }

    fn message(&self) -> &str {
        self.text("message").unwrap_or("")
    }

    /// (test, prompt, SUT) of an event about an item.
    fn item(&self) -> Option<Key> {
        Some((self.text("test")?.into(), self.text("prompt_id")?.into(), self.text("sut")?.into()))
    }
}

type Key = (Arc<str>, Arc<str>, Arc<str>);

/// The bytes of zstd frames, and whether the last one lacks its end.
///
/// A killed run leaves a frame without its end: its whole blocks, of 128 KiB at most, are read. The decoder holds back as
/// much as later blocks may refer to, until the frame ends, so a frame that was cut gets an empty last block.
fn unpacked(bytes: &[u8], path: &str) -> Result<(Vec<u8>, bool)> {
    // Last block, raw, of no bytes; and a checksum, which the decoder reads and does not check.
    const END: &[u8] = &[1, 0, 0, 0, 0, 0, 0];
    let (mut text, mut rest) = (Vec::new(), bytes);
    while !rest.is_empty() {
        let mut decoder = FrameDecoder::new();
        if decoder.init(&mut rest).is_err() {
            return Ok((text, true));
        }
        while !decoder.is_finished() {
            let cut = decoder.decode_blocks(&mut rest, BlockDecodingStrategy::UptoBlocks(1)).is_err();
            if cut && decoder.decode_blocks(END, BlockDecodingStrategy::All).is_err() {
                return Ok((text, true));
            }
            text.extend(decoder.collect().unwrap_or_default());
            if text.len() > MOST_BYTES {
                return Err(Error::plan(format!("{path}: holds more than {} GiB", MOST_BYTES >> 30)));
            }
            if cut {
                return Ok((text, true));
            }
        }
    }
    Ok((text, false))
}

/// The events of a journal, and what a reader must know where it was cut.
fn events(bytes: &[u8], path: &str) -> Result<(Vec<Event>, Option<String>)> {
    let packed = bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]);
    let (text, mut cut) = if packed { unpacked(bytes, path)? } else { (bytes.to_vec(), false) };
    if cut && text.is_empty() {
        return Err(Error::plan(format!("{path}: cut in its first block: nothing can be read"))
            .help("zstd unpacks whole blocks of up to 128 KiB; a shorter journal needs its end"));
    }
    let text = match std::str::from_utf8(&text) {
        Ok(text) => text,
        Err(e) if cut => std::str::from_utf8(&text[..e.valid_up_to()]).unwrap_or(""),
        Err(e) => return Err(Error::plan(format!("{path}: not UTF-8 at byte {}", e.valid_up_to()))),
    };
    let mut events = Vec::new();
    let lines: Vec<&str> = text.lines().collect();
    for (at, line) in lines.iter().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
        match serde_json::from_str(line) {
            Ok(Value::Object(keys)) => events.push(Event { line: at + 1, keys }),
            Err(_) if at + 1 == lines.len() => cut = true,
            Ok(_) => return Err(Error::plan(format!("{path}:{}: not an event: no JSON object", at + 1))),
            Err(e) => return Err(Error::plan(format!("{path}:{}: not an event: {e}", at + 1))),
        }
    }
    if !events.iter().any(|e| e.keys.contains_key("message")) {
        return Err(Error::plan(format!("{path}: not a journal of ModelBench: no event has a message"))
            .help("give journal-run-….jsonl.zst of its run folder"));
    }
    name_suts(&mut events, path)?;
    let told = cut.then(|| {
        format!(
            "{path} was cut: its first {} events are read, and what came after them is not there",
            events.len()
        )
    });
    Ok((events, told))
}

/// Newer journals are of one SUT, which only the run's own events name.
fn name_suts(events: &mut [Event], path: &str) -> Result<()> {
    let mut suts: BTreeSet<String> = BTreeSet::new();
    for event in events.iter() {
        suts.extend(event.text("sut").map(str::to_owned));
        let all = event.keys.get("suts").and_then(Value::as_array).into_iter().flatten();
        suts.extend(all.filter_map(Value::as_str).map(str::to_owned));
    }
    for event in events.iter_mut() {
        if event.keys.contains_key("sut") || !event.keys.contains_key("prompt_id") {
            continue;
        }
        let [sut] = suts.iter().collect::<Vec<_>>()[..] else {
            let known = if suts.is_empty() { "no event names one" } else { "the run has several" };
            return Err(Error::plan(format!("{path}:{}: which SUT answered? {known}", event.line))
                .help("the journal's first lines name it: \"starting run\" has `suts`"));
        };
        event.keys.insert("sut".into(), sut.as_str().into());
    }
    Ok(())
}

/// What a journal says of one item and SUT.
#[derive(Default)]
struct Found {
    prompt: Option<Arc<str>>,
    persona: Option<Arc<str>>,
    answer: Option<Arc<str>>,
    failure: Option<Arc<str>>,
    labels: Levels,
}

impl Reader for Journals {
    fn read(&self, fields: &mut Fields, inputs: &dyn Inputs) -> Result<Vec<DraftItem>> {
        Ok(self.read_made(fields, inputs)?.0)
    }

    fn read_made(&self, fields: &mut Fields, inputs: &dyn Inputs) -> Result<(Vec<DraftItem>, Settings)> {
        let place = fields.place().to_owned();
        let mut warnings = Vec::new();
        let mut items: BTreeMap<(Arc<str>, Arc<str>), DraftItem> = BTreeMap::new();
        for path in take_paths(fields, inputs)? {
            let bytes = inputs.read(&path).map_err(|e| e.at(&place))?;
            let (events, cut) = events(&bytes, &path)?;
            warnings.extend(cut);
            let hazards = hazards(&events);
            for ((test, prompt_id, sut), found) in items_of(&events) {
                let hazard = hazards.get(&test);
                let item = found.item(&test, &prompt_id, sut, hazard, &path)?;
                match items.get_mut(&(test.clone(), prompt_id.clone())) {
                    None => drop(items.insert((test, prompt_id), item)),
                    Some(known) if known.task == item.task => known.recorded.extend(item.recorded),
                    Some(_) => {
                        return Err(Error::plan(format!(
                            "{path}: item \"{prompt_id}\" of test \"{test}\" asks something else than in a journal before it"
                        ))
                        .help("read journals of different prompt sets as different [[items]]"));
                    }
                }
            }
        }
        if items.is_empty() {
            return Err(Error::plan(format!("{place}: the journal has no items")));
        }
        let made =
            if warnings.is_empty() { Settings::Null } else { serde_json::json!({ "warnings": warnings }) };
        Ok((items.into_values().collect(), made))
    }
}

/// The hazard of each test, where the journal tells it.
fn hazards(events: &[Event]) -> BTreeMap<Arc<str>, Arc<str>> {
    let mut hazards = BTreeMap::new();
    for event in events.iter().filter(|e| e.message() == "hazard info") {
        let tests = event.keys.get("tests").and_then(Value::as_array).into_iter().flatten();
        for test in tests.filter_map(Value::as_str) {
            if let Some(hazard) = event.text("hazard") {
                hazards.insert(test.into(), hazard.into());
            }
        }
    }
    hazards
}

fn items_of(events: &[Event]) -> BTreeMap<Key, Found> {
    let mut items: BTreeMap<Key, Found> = BTreeMap::new();
    for event in events {
        let Some(key) = event.item() else { continue };
        let found = items.entry(key).or_default();
        match event.message() {
            "queuing item" => {
                found.prompt = event.text("prompt_text").map(Into::into);
                let context = event.keys.get("context");
                let persona = context.and_then(|c| c.get("persona_type").unwrap_or(c).as_str());
                found.persona = persona.map(Into::into);
            }
            "translated sut response" => found.answer = event.text("response_text").map(Into::into),
            "translated annotation" => {
                if let (Some(annotator), Some(said)) = (event.text("annotator"), event.keys.get("annotation"))
                {
                    found.labels.insert(annotator.into(), verdict(said).into());
                }
            }
            "measured item quality" => {
                let measured = event.keys.get("measurements").and_then(Value::as_object);
                for (name, value) in measured.into_iter().flatten() {
                    if let Some(number) = value.as_f64() {
                        found.labels.insert(format!("measured.{name}").into(), number.to_string().into());
                    }
                }
            }
            "sut exception" | "annotator exception" | "annotation exception" | "item failed"
                if found.failure.is_none() =>
            {
                let said = event.keys.get("exception").and_then(|e| e.get("message")).and_then(Value::as_str);
                found.failure = Some(said.unwrap_or("the item failed").into());
            }
            _ => {}
        }
    }
    items
}

/// An annotation in one word.
fn verdict(annotation: &Value) -> &'static str {
    match (
        annotation.get("is_valid").and_then(Value::as_bool),
        annotation.get("is_safe").and_then(Value::as_bool),
    ) {
        (Some(false), _) | (_, None) => "invalid",
        (_, Some(true)) => "safe",
        (_, Some(false)) => "unsafe",
    }
}

impl Found {
    fn item(
        self,
        test: &str,
        prompt_id: &str,
        sut: Arc<str>,
        hazard: Option<&Arc<str>>,
        path: &str,
    ) -> Result<DraftItem> {
        let prompt = self.prompt.filter(|p| !p.trim().is_empty()).ok_or_else(|| {
            Error::plan(format!(
                "{path}: item \"{prompt_id}\" of test \"{test}\" has no prompt: no event queues it"
            ))
        })?;
        let mut tags = Levels::from([("test".into(), test.into())]);
        tags.extend(hazard.map(|h| ("hazard".into(), h.clone())));
        tags.extend(self.persona.map(|p| ("persona".into(), p)));
        let (text, end) = match (self.answer, self.failure) {
            (Some(answer), _) => (answer, RecordedEnd::Whole),
            (None, Some(why)) => (why, RecordedEnd::Failed),
            (None, None) => ("no response was recorded".into(), RecordedEnd::Failed),
        };
        let answer = DraftAnswer {
            subject: sut.to_string(),
            text,
            end,
            labels: self.labels,
            factors: Levels::new(),
            origin: None,
        };
        Ok(DraftItem {
            id: format!("{test}/{prompt_id}"),
            tags,
            task: Task::Recorded(Prompt::user(prompt)),
            target: None,
            recorded: vec![answer],
            origin: None,
        })
    }
}
