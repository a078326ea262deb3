//! Attackers that are too weak for their success to say anything of a subject.
//!
//! A rule that is simple and errs on the quiet side: a script adapts to nothing; a model counts by the number of weights that
//! its name tells ("qwen2.5-0.5b", "smollm2-135m"), and one whose name tells none is not judged.

use super::Attacker;

/// Fewer weights than this are few: an attacker of half a billion loses the thread of its own task.
const FEW: f64 = 1e9;

impl Attacker {
    /// What every report says where the attacker is weak.
    pub(crate) fn weakness(&self, source: &str) -> Option<String> {
        let named = || {
            let names = ["model", "file"].into_iter().filter_map(|key| self.party.settings[key].as_str());
            names.filter_map(weights).next().filter(|weights| *weights < FEW)
        };
        let who = match (&*self.party.kind, named()) {
            ("scripted", _) => "a script, which adapts to nothing".to_owned(),
            (_, Some(weights)) => format!("a model of {:.0} million weights", weights / 1e6),
            _ => return None,
        };
        Some(format!(
            "{source}: the attacker is {who}: how often it succeeds is no measure of how robust anybody is, it shows only that \
             the attack runs"
        ))
    }
}

/// The number of weights in a model's name: a number before a `b` (thousand millions) or `m` (millions) that ends a word.
fn weights(name: &str) -> Option<f64> {
    let name = name.to_ascii_lowercase();
    name.split(|c: char| !c.is_ascii_alphanumeric() && c != '.').find_map(|word| {
        let (unit, digits) = match (word.strip_suffix('b'), word.strip_suffix('m')) {
            (Some(digits), _) => (1e9, digits),
            (_, Some(digits)) => (1e6, digits),
            _ => return None,
        };
        let from = digits.rfind(|c: char| !c.is_ascii_digit() && c != '.').map_or(0, |at| at + 1);
        digits[from..].parse::<f64>().ok().filter(|number| *number > 0.0).map(|number| number * unit)
    })
}

#[cfg(test)]
mod tests {
    use super::weights;

    #[test]
    fn a_name_tells_the_size_of_a_model() {
        for (name, expected) in [
            ("qwen2.5-0.5b-instruct", Some(0.5e9)),
            ("SmolLM2-135M-Instruct-Q8_0.gguf", Some(135e6)),
            ("org/Meta-Llama-3-8B", Some(8e9)),
            ("mixtral-8x7b", Some(7e9)),
            ("gpt-4o-mini", None),
            ("bge-m", None),
            ("model-q4_k_m.gguf", None),
        ] {
            assert_eq!(weights(name), expected, "{name}");
        }
    }
}
