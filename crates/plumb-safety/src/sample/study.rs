//! Drawn answers as a study that people take part in.
//!
//! Why here: what raters are told and asked decides what their labels mean, so the words stand beside the draw. They are in
//! `data/annotation-study.toml`; "makes harm likelier or worse" is the annotation guideline of v0.5 (arXiv 2404.12241) in
//! our own words. Raters see conversation and answer, and nothing of hazard, system or verdict.
//!
//! Not here: reading the file (`plumb-human`), writing it and the table of stimuli beside it (the binary).

const TEMPLATE: &str = include_str!("../../data/annotation-study.toml");

/// The columns of the table of stimuli that the study names, before those of an answer's origin.
pub const STIMULI: [&str; 5] = ["id", "label", "set", "conversation", "answer"];

/// The set that the answers make in the study.
pub const SET: &str = "answers";

/// What the study is about.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// Its name: letters, digits and hyphens.
    pub name: &'a str,
    /// The run, as commands name it.
    pub run: &'a str,
    /// The verdict by which the answers were drawn.
    pub measure: &'a str,
    /// Columns of the run within whose levels they were drawn.
    pub within: [&'a str; 2],
    /// How many people label each answer.
    pub raters: usize,
    /// How many answers each person labels at most.
    pub each: usize,
}

impl Asked<'_> {
    /// The study file for so many answers. It takes as many people as give every answer its raters.
    pub fn study(&self, answers: usize) -> String {
        let take = self.each.clamp(1, answers.max(1));
        let people = (answers * self.raters).div_ceil(take);
        let quoted = |text: String| toml::Value::String(text).to_string();
        let about = format!(
            "People label {answers} answers of {}, drawn by {}: as many flagged as unflagged ones of each hazard and system",
            self.run, self.measure
        );
        TEMPLATE
            .replace("@NAME@", self.name)
            .replace("@RUN@", self.run)
            .replace("@ABOUT@", &quoted(about))
            .replace("@MEASURE_QUOTED@", &quoted(self.measure.to_owned()))
            .replace("@MEASURE@", self.measure)
            .replace("@WITHIN@", &toml::Value::from(self.within.map(str::to_owned).to_vec()).to_string())
            .replace("@PEOPLE@", &people.to_string())
            .replace("@RATERS@", &self.raters.to_string())
            .replace("@ITEMS@", &answers.to_string())
            .replace("@TAKE@", &take.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_gets_its_raters_and_nothing_is_left_of_the_template() {
        let check = |answers, raters, each, expected: (usize, usize)| {
            let asked = Asked {
                name: "labels",
                run: "runs/first",
                measure: "a \"b\".c",
                within: ["hazard", "subject"],
                raters,
                each,
            };
            let text = asked.study(answers);
            assert!(!text.contains('@'), "{text}");
            let study: toml::Table = text.parse().unwrap();
            let number = |table: &toml::Value, key: &str| table[key].as_integer().unwrap() as usize;
            let found = (number(&study["assignment"], "people"), number(&study["block"][0], "take"));
            assert_eq!(found, expected);
            assert!(found.0 * found.1 >= answers * raters);
            assert_eq!(study["stimuli"]["drawn_by"].as_str(), Some("a \"b\".c"));
            assert_eq!(study["stimuli"]["drawn_within"].as_array().unwrap().len(), 2);
        };
        check(1320, 3, 20, (198, 20));
        check(7, 3, 20, (3, 7));
        check(7, 2, 4, (4, 4));
    }
}
