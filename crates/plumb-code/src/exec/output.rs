//! Whether a program wrote what it should.

/// Whether two outputs say the same: the same lines after white space at their ends and empty lines at the end are taken
/// away, where lines that differ count as the same if their words are equal numbers pair by pair (`1.0` and `1`). This is
/// how LiveCodeBench compares.
pub fn same_output(wanted: &str, found: &str) -> bool {
    difference(wanted, found).is_none()
}

/// What differs first, in words.
pub(super) fn difference(wanted: &str, found: &str) -> Option<String> {
    let lines = |text: &str| text.trim().lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>();
    let (wanted, found) = (lines(wanted), lines(found));
    for (at, (w, f)) in wanted.iter().zip(&found).enumerate() {
        if w != f && !same_numbers(w, f) {
            return Some(format!("line {} is {}, not {}", at + 1, quoted(f), quoted(w)));
        }
    }
    (wanted.len() != found.len()).then(|| format!("{} lines instead of {}", found.len(), wanted.len()))
}

fn same_numbers(a: &str, b: &str) -> bool {
    let numbers =
        |text: &str| text.split_whitespace().map(|w| w.parse::<f64>().ok()).collect::<Option<Vec<_>>>();
    // Whole numbers beyond what a double holds are compared as text, above.
    let exact = |numbers: &[f64]| numbers.iter().all(|x| x.is_finite() && x.abs() < 9e15);
    match (numbers(a), numbers(b)) {
        (Some(a), Some(b)) => exact(&a) && exact(&b) && a == b,
        _ => false,
    }
}

fn quoted(line: &str) -> String {
    const MOST: usize = 60;
    let cut: String = line.chars().take(MOST).collect();
    if cut.len() < line.len() { format!("\"{cut}…\"") } else { format!("\"{cut}\"") }
}

#[cfg(test)]
mod tests {
    use super::{difference, same_output};

    #[test]
    fn outputs_are_compared_by_lines_and_numbers() {
        for (wanted, found, same) in [
            ("1\n2\n", "1\n2", true),
            ("1  \n2", " 1\n2\n\n", true),
            ("1.0 2", "1 2.00", true),
            ("1 2", "1 3", false),
            ("a b", "a  b", false),
            ("", "", true),
            ("x", "", false),
            ("12345678901234567890", "12345678901234567891", false),
            ("nan", "NaN", false),
        ] {
            assert_eq!(same_output(wanted, found), same, "{wanted:?} {found:?}");
        }
        assert_eq!(difference("a\nb", "a\nc").unwrap(), "line 2 is \"c\", not \"b\"");
        assert_eq!(difference("a\nb", "a").unwrap(), "1 lines instead of 2");
    }
}
