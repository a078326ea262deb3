//! Whether two engines computed the same, before anybody asks which was faster.
//!
//! PyTorch computes in f32 with the weights that the file's decode to, as we do: tokens are equal and log-probabilities close. llama.cpp
//! does so with F32 weights only; with others it rounds what is multiplied with them to eight or sixteen bits, so that
//! its own numbers move, and how far is printed ([`apart`], [`agreement`]).

use serde_json::Value;

use crate::Problem;

/// Log-probabilities of two f32 implementations on 800 tokens.
const CLOSE: f64 = 5e-3;
/// Of one that rounds activations. Wrong weights or positions move them by whole units.
const ROUNDED: f64 = 1.0;

fn of<'a>(one: &'a Value, case: &str) -> &'a Value {
    &one["cases"][case]["values"]
}

pub fn like_llama(ours: &Value, llama: &Value, exact: bool) -> Result<(), Problem> {
    let apart = apart(ours, llama)?;
    if apart > if exact { CLOSE } else { ROUNDED } {
        return Err(format!("prefill: log-probabilities differ by {apart} from those of llama.cpp"));
    }
    if !exact {
        return Ok(());
    }
    let decoded = |one: &Value| -> Vec<Value> {
        ["decode 1", "decode 16", "decode 64"].map(|case| of(one, case).clone()).to_vec()
    };
    match of(ours, "prefill")["next"] == of(llama, "prefill")["next"] && decoded(ours) == decoded(llama) {
        true => Ok(()),
        false => Err(format!("greedy tokens: {:?} here, {:?} in llama.cpp", decoded(ours), decoded(llama))),
    }
}

/// Largest difference of the log-probabilities after prefill.
pub fn apart(ours: &Value, other: &Value) -> Result<f64, Problem> {
    differences("prefill", &of(ours, "prefill")["scores"], &of(other, "prefill")["scores"])
}

/// Sequences whose greedy tokens are all the same, of all that were written.
pub fn agreement(ours: &Value, other: &Value) -> (usize, usize) {
    let rows = |one: &Value| -> Vec<Value> {
        let cases = ["decode 1", "decode 16", "decode 64"];
        cases.iter().flat_map(|case| of(one, case).as_array().cloned().unwrap_or_default()).collect()
    };
    let (ours, other) = (rows(ours), rows(other));
    (ours.iter().zip(&other).filter(|(a, b)| a == b).count(), ours.len())
}

pub fn like_torch(ours: &Value, torch: &Value) -> Result<(), Problem> {
    for case in ["decode 1", "decode 16"] {
        if of(ours, case) != of(torch, case) {
            return Err(format!("{case}: {} here, {} in PyTorch", of(ours, case), of(torch, case)));
        }
    }
    close("prefill", &of(ours, "prefill")["scores"], &of(torch, "prefill")["scores"])?;
    if of(torch, "naive").is_null() {
        return Ok(());
    }
    close("four forwards", &of(ours, "one pass")["scores"], of(torch, "naive"))?;
    close("options", &of(ours, "options")["scores"], of(torch, "careful"))?;
    let all = of(ours, "configurations")["scores"].as_array().cloned().unwrap_or_default();
    let ends: Vec<Value> = all.first().into_iter().chain(all.last()).cloned().collect();
    close("configurations", &Value::Array(ends), of(torch, "steered"))
}

/// Fails unless rows of log-probabilities are those of PyTorch.
pub fn close(case: &str, ours: &Value, theirs: &Value) -> Result<(), Problem> {
    match differences(case, ours, theirs)? {
        apart if apart <= CLOSE => Ok(()),
        apart => {
            Err(format!("{case}: log-probabilities differ by {apart}: {ours} here, {theirs} in PyTorch"))
        }
    }
}

fn differences(case: &str, ours: &Value, theirs: &Value) -> Result<f64, Problem> {
    let numbers = |value: &Value| -> Vec<f64> {
        let rows = value.as_array().into_iter().flatten();
        rows.flat_map(|row| row.as_array().into_iter().flatten()).filter_map(Value::as_f64).collect()
    };
    let (a, b) = (numbers(ours), numbers(theirs));
    if a.len() != b.len() || a.is_empty() {
        return Err(format!("{case}: {ours} here cannot be held against {theirs}"));
    }
    Ok(a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(scores: [f64; 2], token: u32) -> Value {
        let decoded = json!({ "values": [[token, 2]] });
        json!({ "cases": {
            "prefill": { "values": { "next": token, "scores": [scores] } },
            "decode 1": decoded, "decode 16": decoded, "decode 64": decoded,
        }})
    }

    #[test]
    fn exact_weights_allow_less() {
        let (ours, rounded) = (said([-1.0, -2.0], 5), said([-1.0, -2.1], 6));
        assert!(like_llama(&ours, &ours, true).is_ok());
        assert!(like_llama(&ours, &rounded, false).is_ok());
        assert!(like_llama(&ours, &rounded, true).is_err());
        assert!(like_llama(&ours, &said([-1.0, -2.0], 6), true).is_err(), "other tokens");
        assert!(like_llama(&ours, &said([-1.0, -4.0], 5), false).is_err(), "other weights");
        assert_eq!(agreement(&ours, &rounded), (0, 3));
        assert!(apart(&ours, &json!({})).is_err());
    }
}
