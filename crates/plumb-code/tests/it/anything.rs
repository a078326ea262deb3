//! Whatever comes in, something sensible goes out.

use plumb_code::extract::{From, Which, extract, trimmed};
use plumb_code::problems::{read_problems, read_samples};
use proptest::prelude::*;

/// Answers of lines that matter to fences.
fn answer() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("```".to_owned()),
        Just("```python".to_owned()),
        Just("  ~~~~ py".to_owned()),
        Just("\u{3000}```\r".to_owned()),
        "[ \t]{0,3}[a-z`~é]{0,6}\r?",
    ];
    prop::collection::vec(line, 0..12).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn code_is_a_part_of_the_answer(answer in answer(), last in any::<bool>()) {
        let which = if last { Which::Last } else { Which::First };
        for language in [None, Some("python")] {
            let found = extract(&answer, language, which);
            match found.from {
                From::Whole => prop_assert_eq!(&found.code, &answer),
                From::Block { number, of, .. } => {
                    prop_assert!((1..=of).contains(&number));
                    prop_assert!(found.code.lines().all(|line| answer.contains(line)));
                }
            }
            let short = trimmed(&found.code);
            prop_assert_eq!(trimmed(short), short, "trimming twice is trimming once");
        }
    }

    #[test]
    fn any_bytes_are_problems_or_a_fault_with_a_place(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Err(error) = read_problems(&bytes, "file") {
            prop_assert!(error.to_string().starts_with("file"), "{error}");
        }
        if let Err(error) = read_samples(&bytes, "file") {
            prop_assert!(error.to_string().starts_with("file"), "{error}");
        }
    }
}
