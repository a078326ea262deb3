//! What tells who a person is: kept apart from all answers, and never exported beside them.
//!
//! An identifier alone opens nothing: whoever takes part knows the identifiers of a class or a company, too. A person is
//! known again by the identifier only together with the platform's session, which each link has its own of, unless the
//! study says that identifiers are enough.

use plumb_study::journal::PersonRow;
use plumb_study::people::What;
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

/// Parameters that a platform makes for one submission, so that only it and the person know them.
const SESSIONS: [&str; 3] = ["SESSION_ID", "assignmentId", "session"];

impl Identity {
    /// The identifier, by which a person cannot take part twice.
    pub fn id(&self) -> Option<&str> {
        self.named(&IDENTIFIERS).map(|(_, value)| value)
    }

    /// What a platform made for this submission alone. The identifier is none, whatever it is called.
    pub fn session(&self) -> Option<&str> {
        let id = self.named(&IDENTIFIERS).map(|(name, _)| name);
        SESSIONS.iter().filter(|name| Some(**name) != id).find_map(|name| self.parameter(name))
    }

    fn named(&self, names: &[&'static str]) -> Option<(&'static str, &str)> {
        names.iter().find_map(|name| Some((*name, self.parameter(name)?)))
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        // A link that no platform filled holds a placeholder, the same for everybody: it tells nobody apart.
        let says = |value: &str| !value.is_empty() && !value.starts_with("{{");
        let mut own = self.parameters.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        own.find(|(_, value)| says(value)).map(|(_, value)| value.as_str())
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

/// What a person's identifier left when it was deleted, by the event of that; nothing of any other event.
pub fn left_mark(row: &PersonRow) -> Option<String> {
    if !matches!(row.what, What::Erased | What::Parted) {
        return None;
    }
    let body: serde_json::Value = serde_json::from_str(row.body.as_deref()?).ok()?;
    Some(body["mark"].as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::Identity;

    #[test]
    fn an_identifier_is_no_session_of_its_own() {
        let of = |list: &[(&str, &str)]| Identity {
            parameters: list.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        };
        let worker = of(&[("assignmentId", "a"), ("workerId", "w")]);
        assert_eq!((worker.id(), worker.session()), (Some("w"), Some("a")));
        let alone = of(&[("assignmentId", "a")]);
        assert_eq!((alone.id(), alone.session()), (Some("a"), None));
        let prolific = of(&[("STUDY_ID", "s"), ("SESSION_ID", "x"), ("PROLIFIC_PID", "p")]);
        assert_eq!((prolific.id(), prolific.session()), (Some("p"), Some("x")));
        let empty = of(&[("pid", ""), ("session", "x")]);
        assert_eq!((empty.id(), empty.session()), (None, Some("x")));
        let small = of(&[("prolific_pid", "p"), ("session_id", "x")]);
        assert_eq!((small.id(), small.session()), (Some("p"), Some("x")));
        let unfilled = of(&[("PROLIFIC_PID", "{{%PROLIFIC_PID%}}"), ("SESSION_ID", "{{%SESSION_ID%}}")]);
        assert_eq!((unfilled.id(), unfilled.session()), (None, None));
    }
}
