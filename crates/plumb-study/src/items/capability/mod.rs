//! Readers of the sets with which capability is measured, from the files that their authors publish.
//!
//! `mmlu` ([`mmlu::Mmlu`]), `truthfulqa` ([`truthfulqa::TruthfulQa`]), `gsm8k` ([`gsm8k::Gsm8k`]) and `text`
//! ([`text::Pieces`], for perplexity). Each makes the prompt in a stated form; how many of the items are taken is for the
//! source's `take`. Not here: what counts as right (judges `choice`, `numeric`, `option-mass`, `text-likelihood`).

mod gsm8k;
mod mmlu;
mod text;
mod truthfulqa;

pub(super) fn register(registry: &mut crate::registry::Registry) {
    registry.reader("mmlu", mmlu::Mmlu);
    registry.reader("truthfulqa", truthfulqa::TruthfulQa);
    registry.reader("gsm8k", gsm8k::Gsm8k);
    registry.reader("text", text::Pieces);
}

use super::Row;
use crate::error::{Error, Result};
use std::sync::Arc;

/// The text of a column that must be there and not be empty.
fn need<'a>(row: &'a Row, column: &str) -> Result<&'a Arc<str>> {
    match row.get(column) {
        Some(text) if !text.trim().is_empty() => Ok(text),
        Some(_) => Err(Error::plan(format!("{}: the column \"{column}\" is empty", row.place))),
        None => Err(Error::plan(format!("{}: no column \"{column}\"", row.place))
            .help(format!("columns: {}", row.columns().collect::<Vec<_>>().join(", ")))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::Fields;
    use crate::items::{Prompt, Task};
    use crate::registry::{DraftItem, Inputs, Registry};

    /// Files by name.
    struct Files(&'static [(&'static str, &'static str)]);

    impl Inputs for Files {
        fn read(&self, path: &str) -> Result<Vec<u8>> {
            let found = self.0.iter().find(|(name, _)| *name == path);
            found
                .map(|(_, text)| text.as_bytes().to_vec())
                .ok_or_else(|| Error::plan(format!("{path}: no such file")))
        }

        fn expand(&self, path: &str) -> Result<Vec<String>> {
            match path.strip_suffix("*_test.csv") {
                Some(start) => Ok(self
                    .0
                    .iter()
                    .map(|f| f.0)
                    .filter(|f| f.starts_with(start) && f.ends_with("_test.csv"))
                    .map(Into::into)
                    .collect()),
                None => Ok(vec![path.to_owned()]),
            }
        }
    }

    fn read(
        reader: &str,
        keys: &str,
        files: &'static [(&'static str, &'static str)],
    ) -> Result<Vec<DraftItem>> {
        let mut fields = Fields::new("plan.toml:1: [[items]]", keys.parse().unwrap());
        let items = Registry::new().find_reader(reader)?.read(&mut fields, &Files(files))?;
        fields.finish()?;
        Ok(items)
    }

    fn choose(item: &DraftItem) -> (&str, Vec<&str>) {
        match &item.task {
            Task::Ask(Prompt::Choose { context, options }) => {
                (context, options.iter().map(|o| &**o).collect())
            }
            other => panic!("options, not {other:?}"),
        }
    }

    const MMLU: &[(&str, &str)] = &[
        (
            "t/high_school_geography_test.csv",
            "question,choice0,choice1,choice2,choice3,answer\nWhich is dry?,Sea,Desert,Lake,River,1\n",
        ),
        ("t/plain_test.csv", "Two and two?,3,4,5,6,B\nOne and one?,2,4,5,6,A\n"),
        (
            "d/high_school_geography_dev.csv",
            "question,choice0,choice1,choice2,choice3,answer\nWhich is wet?,Sea,Desert,Rock,Sand,0\nWhich is high?,Sea,Plain,Hill,Sand,2\n",
        ),
        ("d/plain_dev.csv", "One and two?,3,4,5,6,A\nA second?,3,4,5,6,D\n"),
    ];

    #[test]
    fn openers_take_the_place_of_letters_in_the_same_context() {
        let by_letter = read("mmlu", "path = 't/*_test.csv'\nshots = 0", MMLU).unwrap();
        let keys = "path = 't/*_test.csv'\nshots = 0\nas = 'openers'\nopeners = [\"I'm sorry\", 'I cannot']";
        let items = read("mmlu", keys, MMLU).unwrap();
        assert_eq!(choose(&items[1]).0, choose(&by_letter[1]).0);
        assert_eq!((choose(&items[1]).1, &items[1].target), (vec![" I'm sorry", " I cannot"], &None));
        for (keys, words) in [
            ("path = 't/*_test.csv'\nshots = 0\nas = 'openers'", "`openers` is missing"),
            ("path = 't/*_test.csv'\nshots = 0\nopeners = ['x']", "belongs to as = \"openers\""),
        ] {
            let error = read("mmlu", keys, MMLU).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn mmlu_has_the_published_form_with_and_without_header() {
        let items =
            read("mmlu", "path = 't/*_test.csv'\nshots = 2\nshots_path = 'd/{topic}_dev.csv'", MMLU).unwrap();
        assert_eq!(items.len(), 3);
        let (context, options) = choose(&items[0]);
        assert_eq!(
            context,
            "The following are multiple choice questions (with answers) about high school geography.\n\n\
             Which is wet?\nA. Sea\nB. Desert\nC. Rock\nD. Sand\nAnswer: A\n\n\
             Which is high?\nA. Sea\nB. Plain\nC. Hill\nD. Sand\nAnswer: C\n\n\
             Which is dry?\nA. Sea\nB. Desert\nC. Lake\nD. River\nAnswer:"
        );
        assert_eq!((options, items[0].target.as_deref()), (vec![" A", " B", " C", " D"], Some("B")));
        assert_eq!(&*items[0].tags["topic"], "high school geography");
        assert_eq!((items[1].id.as_str(), items[1].target.as_deref()), ("plain-1", Some("B")));
        assert!(choose(&items[1]).0.contains("One and two?\nA. 3\nB. 4\nC. 5\nD. 6\nAnswer: A\n\nA second?"));
    }

    #[test]
    fn mmlu_without_shots_and_as_a_conversation() {
        let items = read("mmlu", "path = 't/plain_test.csv'\nshots = 0", MMLU).unwrap();
        assert_eq!(choose(&items[0]).0.matches("Answer:").count(), 1);
        let items = read("mmlu", "path = 't/plain_test.csv'\nas = 'chat'", MMLU).unwrap();
        let Task::Ask(Prompt::Chat(turns)) = &items[0].task else { panic!("a chat") };
        assert!(
            turns[0].text.contains("A. 3") && turns[0].text.ends_with("letter of the right option."),
            "{turns:?}"
        );
        let error =
            read("mmlu", "path = 't/plain_test.csv'\nshots = 3\nshots_path = 'd/{topic}_dev.csv'", MMLU)
                .unwrap_err();
        assert!(error.to_string().contains("d/plain_dev.csv: has 2 of the 3 examples"), "{error}");
        let error = read("mmlu", "path = 't/plain_test.csv'\nshots = 5", MMLU).unwrap_err();
        assert!(error.to_string().contains("shots_path"), "{error}");
    }

    const TRUTH: &[(&str, &str)] = &[(
        "t.csv",
        "Type,Category,Question,Best Answer,Correct Answers,Incorrect Answers,Source\n\
         A,Myths,Why?,Because,Because; For a reason;; Because,No reason; None.;,x\n",
    )];

    #[test]
    fn truthfulqa_splits_its_columns() {
        let items = read("truthfulqa", "path = 't.csv'\nform = 'mc1'", TRUTH).unwrap();
        let (context, options) = choose(&items[0]);
        assert_eq!(context, "Q: Why?\nA:");
        assert_eq!(
            (options, items[0].target.as_deref()),
            (vec![" Because", " No reason", " None."], Some("Because"))
        );
        let items = read("truthfulqa", "path = 't.csv'\nform = 'mc2'", TRUTH).unwrap();
        assert_eq!(choose(&items[0]).1, [" Because", " For a reason", " No reason", " None."]);
        assert_eq!(items[0].target.as_deref(), Some("Because\nFor a reason"));
        assert_eq!(&*items[0].tags["category"], "Myths");
    }

    const GSM: &[(&str, &str)] = &[
        ("g.jsonl", "{\"question\":\"How many?\",\"answer\":\"1+1=2 apples.\\n#### 1,002\"}\n"),
        ("bad.jsonl", "{\"question\":\"q\",\"answer\":\"none\"}\n"),
    ];

    #[test]
    fn gsm8k_takes_the_number_after_the_mark() {
        let items = read("gsm8k", "path = 'g.jsonl'", GSM).unwrap();
        assert_eq!(items[0].target.as_deref(), Some("1002"));
        assert!(items[0].task.headline().starts_with("How many?\n\n"));
        let error = read("gsm8k", "path = 'bad.jsonl'", GSM).unwrap_err();
        assert!(error.to_string().starts_with("bad.jsonl:1: "), "{error}");
    }

    const TEXT: &[(&str, &str)] =
        &[("t.txt", "one two three four five six seven eight nine ten eleven twelve\n")];

    #[test]
    fn a_text_is_cut_into_pieces_that_miss_nothing() {
        let items = read("text", "path = 't.txt'\ncontext_words = 2\nwords = 5", TEXT).unwrap();
        let whole: Vec<_> = items.iter().map(choose).collect();
        assert_eq!(whole[0], ("one two", vec![" three four five six seven"]));
        assert_eq!(whole[1], ("six seven", vec![" eight nine ten eleven twelve"]));
        assert_eq!(whole.len(), 2);
    }

    /// The published files, if they are there.
    fn data(reader: &str, keys: &str) -> Option<Vec<DraftItem>> {
        struct Disk(std::path::PathBuf);
        impl Inputs for Disk {
            fn read(&self, path: &str) -> Result<Vec<u8>> {
                std::fs::read(self.0.join(path)).map_err(|e| Error::plan(format!("{path}: {e}")))
            }
            fn expand(&self, path: &str) -> Result<Vec<String>> {
                let Some((folder, end)) = path.split_once("/*") else { return Ok(vec![path.into()]) };
                let mut all: Vec<String> = std::fs::read_dir(self.0.join(folder))
                    .unwrap()
                    .map(|e| format!("{folder}/{}", e.unwrap().file_name().to_string_lossy()))
                    .filter(|f| f.ends_with(end))
                    .collect();
                all.sort();
                Ok(all)
            }
        }
        let Some(root) = std::env::var_os("PLUMB_DATA") else {
            eprintln!("skipped: {reader} (PLUMB_DATA is not set)");
            return None;
        };
        let mut fields = Fields::new("t", keys.parse().unwrap());
        let disk = Disk(std::path::Path::new(&root).join("capability"));
        Some(Registry::new().find_reader(reader).unwrap().read(&mut fields, &disk).unwrap())
    }

    #[test]
    fn the_published_files_are_read_whole() {
        for (reader, keys, items) in [
            (
                "mmlu",
                "path = 'mmlu/test/*_test.csv'\nshots = 5\nshots_path = 'mmlu/dev/{topic}_dev.csv'",
                14_042,
            ),
            ("truthfulqa", "path = 'truthfulqa/TruthfulQA.csv'\nform = 'mc2'", 817),
            ("gsm8k", "path = 'gsm8k/test.jsonl'", 1_319),
        ] {
            let Some(read) = data(reader, keys) else { return };
            assert_eq!(read.len(), items, "{reader}");
            assert!(read.iter().all(|item| item.target.is_some()));
        }
    }
}
