//! Numbers that may not exist, without `null`.

use serde::{Serialize, Serializer};

/// A value, or why it is not known.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Known<T> {
    /// The value itself.
    Value(T),
    /// `{"unknown": "…"}`.
    Unknown {
        /// Why.
        unknown: &'static str,
    },
}

impl<T> Known<T> {
    pub(super) fn or(value: Option<T>, unknown: &'static str) -> Known<T> {
        value.map_or(Known::Unknown { unknown }, Known::Value)
    }
}

/// A float. JSON has no infinity: `{"infinite": "above"}` stands for it, so that no reader takes it for zero.
#[derive(Clone, Copy)]
pub(crate) struct Float(pub f64);

impl Serialize for Float {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Infinite {
            infinite: &'static str,
        }
        #[derive(Serialize)]
        struct Undefined {
            undefined: &'static str,
        }
        match self.0 {
            x if x.is_finite() => serializer.serialize_f64(x),
            x if x.is_nan() => Undefined { undefined: "not a number" }.serialize(serializer),
            x => Infinite { infinite: if x > 0.0 { "above" } else { "below" } }.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_read_back_the_same_and_are_never_null() {
        for x in [0.1 + 0.2, 1e-300, -0.0, 5e-324, f64::MAX, 1.0 / 3.0] {
            let text = serde_json::to_string(&Float(x)).unwrap();
            assert_eq!(text.parse::<f64>().unwrap().to_bits(), x.to_bits(), "{text}");
        }
        let say = |x| serde_json::to_string(&Float(x)).unwrap();
        assert_eq!(say(f64::INFINITY), r#"{"infinite":"above"}"#);
        assert_eq!(say(f64::NAN), r#"{"undefined":"not a number"}"#);
    }
}
