//! What a journal keeps of a person's event: the event of the protocol, and how the page was used.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::protocol::person::Event;

/// The stored form of an event. Fields are only ever added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// What happened.
    pub event: Event,
    /// With an enrolment: the stratum whose cards were dealt from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stratum: Option<String>,
    /// With an answer: how the page was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paged: Option<Paged>,
}

/// How a page was used. Nothing follows from it by itself; the consent text names what is recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paged {
    /// When the server first sent the page, microseconds since 1970; unknown if it was restarted since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown_us: Option<i64>,
    /// Numbers that the page's script counted, under [`Paged::NAMES`]; none where scripts are off.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counted: BTreeMap<String, u32>,
}

impl Paged {
    /// What a script may count: milliseconds from showing to the first input and to sending, pastes into fields, how often
    /// and how long the page was out of sight, and the window's size in pixels.
    pub const NAMES: [&'static str; 7] =
        ["first_input_ms", "submit_ms", "pastes", "times_away", "away_ms", "window_width", "window_height"];

    /// Takes a number under a known name; others, and what is no number, are passed over: they come from a browser.
    pub fn count(&mut self, name: &str, text: &str) {
        if let (Some(name), Ok(number)) = (Paged::NAMES.iter().find(|n| **n == name), text.parse()) {
            self.counted.insert((*name).to_owned(), number);
        }
    }
}

impl Record {
    /// An event alone.
    pub fn of(event: Event) -> Record {
        Record { event, stratum: None, paged: None }
    }

    /// The stored text.
    pub fn write(&self) -> String {
        // Maps have text keys and there are no floats: this cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a stored text.
    ///
    /// # Errors
    /// It is none, or of a newer version of the program.
    pub fn read(text: &str) -> Result<Record> {
        serde_json::from_str(text).map_err(|e| Error::new(format!("a person's event cannot be read: {e}")))
    }
}
