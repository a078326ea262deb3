//! What tells who a person is: kept apart from all answers, and never exported beside them.

use serde::{Deserialize, Serialize};

/// The parameters of the link that a person came by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Every parameter, in the link's order.
    pub parameters: Vec<(String, String)>,
}

/// Parameters that hold a participant's identifier, the first that is there counts: those of Prolific, of other
/// platforms, and plain ones.
const IDENTIFIERS: [&str; 6] =
    ["PROLIFIC_PID", "participant_id", "participant", "workerId", "assignmentId", "pid"];

impl Identity {
    /// The identifier, by which a person is known on another browser and cannot take part twice.
    pub fn id(&self) -> Option<&str> {
        IDENTIFIERS.iter().find_map(|name| {
            let found = self.parameters.iter().find(|(key, value)| key == name && !value.is_empty());
            found.map(|(_, value)| value.as_str())
        })
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.parameters.is_empty()
    }

    /// The stored text.
    pub fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a stored text; nothing is known of a person whose text is of another form.
    pub fn read(text: &str) -> Identity {
        serde_json::from_str(text).unwrap_or_default()
    }
}
