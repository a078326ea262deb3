//! Similarity of a candidate to a reference, exactly as named libraries define it.
//!
//! Why: "BLEU" and "edit similarity" are each half a dozen different numbers, and a comparison with a published one
//! holds only for the same. So every metric here has a definition, a range and a library that gives the same value;
//! the values are checked against those libraries (`fixtures/code`, made by `oracles/code`).
//!
//! Where to start: [`Metric::score`]; [`Metric::score_each`] for several candidates of one reference, [`score_several`] for several
//! metrics. Not here: taking code out of an answer ([`crate::extract`]), running code.

mod bits;
mod bleu;
mod chrf;
mod codebleu;
mod codes;
mod difflib;
mod edit;
mod lanes;
mod rouge;
mod thirteen_a;
mod tokens;

use codebleu::Side;
use std::cell::OnceCell;
use std::fmt;

/// A similarity metric. Its [`name`](Metric::name) is what plans and the command line call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Metric {
    /// 1 if both texts are the same code points, else 0.
    Exact,
    /// The same after white space at both ends is taken away.
    ExactStrip,
    /// The same words between white space, in the same order (CodeXGLUE's exact match).
    ExactTokens,
    /// 1 − Levenshtein distance / longer length, over code points (rapidfuzz, `Levenshtein.normalized_similarity`).
    Edit,
    /// The same over words between white space.
    EditTokens,
    /// 1 − insertions and deletions / sum of lengths, over code points (rapidfuzz, `Indel.normalized_similarity`;
    /// `Levenshtein.ratio`; `fuzz.ratio` / 100).
    Indel,
    /// The same over words between white space.
    IndelTokens,
    /// [`Indel`](Metric::Indel) in percent, rounded to a whole number (CodeXGLUE, line completion).
    CodexglueEdit,
    /// `difflib.SequenceMatcher(None, reference, candidate).ratio()` of CPython, autojunk included.
    Difflib,
    /// NLTK's `sentence_bleu` on words between white space with this smoothing method, 0 to 7.
    NltkBleu(u8),
    /// The n-gram part of CodeBLEU in the package codebleu: NLTK's method 1 on the stripped text's words.
    CodexglueBleu,
    /// CodeBLEU's part of words with weights: a recall in which keywords of Python weigh 1, other words 0.2.
    CodebleuKeywords,
    /// CodeBLEU's part of syntax trees, for Python.
    CodebleuSyntax,
    /// CodeBLEU's part of data flow, for Python; 0 where the reference has none.
    CodebleuFlow,
    /// CodeBLEU for Python as the package codebleu computes it: data flow of which nothing matches counts as if all did.
    Codebleu,
    /// CodeBLEU for Python where data flow that does not match counts 0.
    CodebleuMended,
    /// sacreBLEU's sentence score at its defaults, 0 to 100.
    SacreBleu,
    /// sacreBLEU's chrF at its defaults, 0 to 100.
    Chrf,
    /// chrF with word n-grams up to 2, 0 to 100.
    ChrfPlusPlus,
    /// F1 of ROUGE-L (rouge-score, without stemmer).
    RougeL,
}

/// Why a pair has no value of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unscored(&'static str);

impl fmt::Display for Unscored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Unscored {}

impl Metric {
    /// All metrics, in the order in which they are shown.
    pub const ALL: [Metric; 27] = [
        Metric::Exact,
        Metric::ExactStrip,
        Metric::ExactTokens,
        Metric::Edit,
        Metric::EditTokens,
        Metric::Indel,
        Metric::IndelTokens,
        Metric::CodexglueEdit,
        Metric::Difflib,
        Metric::NltkBleu(0),
        Metric::NltkBleu(1),
        Metric::NltkBleu(2),
        Metric::NltkBleu(3),
        Metric::NltkBleu(4),
        Metric::NltkBleu(5),
        Metric::NltkBleu(6),
        Metric::NltkBleu(7),
        Metric::CodexglueBleu,
        Metric::CodebleuKeywords,
        Metric::CodebleuSyntax,
        Metric::CodebleuFlow,
        Metric::Codebleu,
        Metric::CodebleuMended,
        Metric::SacreBleu,
        Metric::Chrf,
        Metric::ChrfPlusPlus,
        Metric::RougeL,
    ];

    /// The name in plans and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Metric::Exact => "exact",
            Metric::ExactStrip => "exact-strip",
            Metric::ExactTokens => "exact-tokens",
            Metric::Edit => "edit",
            Metric::EditTokens => "edit-tokens",
            Metric::Indel => "indel",
            Metric::IndelTokens => "indel-tokens",
            Metric::CodexglueEdit => "codexglue-edit",
            Metric::Difflib => "difflib",
            Metric::NltkBleu(0) => "nltk-bleu-0",
            Metric::NltkBleu(1) => "nltk-bleu-1",
            Metric::NltkBleu(2) => "nltk-bleu-2",
            Metric::NltkBleu(3) => "nltk-bleu-3",
            Metric::NltkBleu(4) => "nltk-bleu-4",
            Metric::NltkBleu(5) => "nltk-bleu-5",
            Metric::NltkBleu(6) => "nltk-bleu-6",
            Metric::NltkBleu(_) => "nltk-bleu-7",
            Metric::CodexglueBleu => "codexglue-bleu",
            Metric::CodebleuKeywords => "codebleu-keywords",
            Metric::CodebleuSyntax => "codebleu-syntax",
            Metric::CodebleuFlow => "codebleu-flow",
            Metric::Codebleu => "codebleu",
            Metric::CodebleuMended => "codebleu-mended",
            Metric::SacreBleu => "sacrebleu",
            Metric::Chrf => "chrf",
            Metric::ChrfPlusPlus => "chrf++",
            Metric::RougeL => "rouge-l",
        }
    }

    /// The metric of that name.
    pub fn parse(name: &str) -> Option<Metric> {
        Metric::ALL.into_iter().find(|m| m.name() == name)
    }

    /// The value of an equal, long enough pair: 1, or 100 where the library counts in percent.
    pub fn top(self) -> f64 {
        match self {
            Metric::CodexglueEdit | Metric::SacreBleu | Metric::Chrf | Metric::ChrfPlusPlus => 100.0,
            _ => 1.0,
        }
    }

    /// What no value exceeds; infinite for the smoothings of BLEU that have no such bound.
    pub fn most(self) -> f64 {
        match self {
            Metric::NltkBleu(4 | 5 | 7) => f64::INFINITY,
            // sacreBLEU's value of equal texts is a last digit above.
            Metric::SacreBleu => 100.0 + 1e-9,
            _ => self.top(),
        }
    }

    /// The similarity of `candidate` to `reference`, in the metric's own unit (see [`top`](Metric::top)).
    ///
    /// # Errors
    /// The library's definition has no value for this pair.
    #[expect(clippy::expect_used, reason = "one candidate has one value")]
    pub fn score(self, reference: &str, candidate: &str) -> Result<f64, Unscored> {
        self.score_each(reference, &[candidate]).pop().expect("a value a candidate")
    }

    /// The similarity of each candidate to one reference, as [`score`](Metric::score) has it. What can be done once for the reference
    /// is, so several samples of a problem cost less than each alone.
    pub fn score_each(self, reference: &str, candidates: &[&str]) -> Vec<Result<f64, Unscored>> {
        self.of(&Texts::new(reference, candidates))
    }

    fn of(self, texts: &Texts) -> Vec<Result<f64, Unscored>> {
        let Texts { reference, candidates, .. } = *texts;
        let equal = |same| Ok(f64::from(u8::from(same)));
        let all = |values: Vec<f64>| values.into_iter().map(Ok).collect();
        let alone = |score: &dyn Fn(&str) -> Result<f64, Unscored>| {
            candidates.iter().map(|candidate| score(candidate)).collect()
        };
        match self {
            Metric::Exact => alone(&|candidate| equal(reference == candidate)),
            Metric::ExactStrip => {
                alone(&|candidate| equal(tokens::stripped(reference) == tokens::stripped(candidate)))
            }
            Metric::ExactTokens => {
                alone(&|candidate| equal(tokens::words(reference).eq(tokens::words(candidate))))
            }
            Metric::Edit => all(edit::levenshtein_each(reference, candidates)),
            Metric::EditTokens => alone(&|candidate| Ok(edit::levenshtein_words(reference, candidate))),
            Metric::Indel => all(edit::indel_each(reference, candidates)),
            Metric::IndelTokens => alone(&|candidate| Ok(edit::indel_words(reference, candidate))),
            Metric::CodexglueEdit => {
                all(edit::indel_each(reference, candidates).into_iter().map(edit::codexglue).collect())
            }
            Metric::Difflib => alone(&|candidate| Ok(difflib::ratio(reference, candidate))),
            Metric::NltkBleu(method) => alone(&|candidate| bleu::nltk(reference, candidate, method)),
            Metric::CodexglueBleu => alone(&|candidate| bleu::nltk(reference, candidate, 1)),
            Metric::CodebleuKeywords => alone(&|candidate| Ok(codebleu::keywords(reference, candidate))),
            Metric::CodebleuSyntax => texts.code(|side, other| Ok(side.syntax(other))),
            Metric::CodebleuFlow => texts.code(|side, other| side.data_flow(other)),
            Metric::Codebleu => texts.code(|side, other| side.faithful(other)),
            Metric::CodebleuMended => texts.code(|side, other| side.mended(other)),
            Metric::SacreBleu => all(bleu::sacre_each(reference, candidates)),
            Metric::Chrf => alone(&|candidate| Ok(chrf::chrf(reference, candidate, 0))),
            Metric::ChrfPlusPlus => alone(&|candidate| Ok(chrf::chrf(reference, candidate, 2))),
            Metric::RougeL => alone(&|candidate| Ok(rouge::rouge_l(reference, candidate))),
        }
    }
}

/// The values of several metrics, each as [`Metric::score_each`] gives them. Each text is parsed once for all parts of CodeBLEU.
pub fn score_several(
    metrics: &[Metric],
    reference: &str,
    candidates: &[&str],
) -> Vec<Vec<Result<f64, Unscored>>> {
    let texts = Texts::new(reference, candidates);
    metrics.iter().map(|metric| metric.of(&texts)).collect()
}

/// What is compared, and what was read of it so far.
struct Texts<'a> {
    reference: &'a str,
    candidates: &'a [&'a str],
    read: OnceCell<Result<Sides<'a>, Unscored>>,
}

/// The reference and the candidates as CodeBLEU reads them.
type Sides<'a> = (Side<'a>, Vec<Result<Side<'a>, Unscored>>);

impl<'a> Texts<'a> {
    fn new(reference: &'a str, candidates: &'a [&'a str]) -> Texts<'a> {
        Texts { reference, candidates, read: OnceCell::new() }
    }

    /// A part of CodeBLEU, of each candidate.
    fn code(&self, score: impl Fn(&Side, &Side) -> Result<f64, Unscored>) -> Vec<Result<f64, Unscored>> {
        let read = || {
            let candidates = self.candidates.iter().map(|text| Side::read(text));
            Side::read(self.reference).map(|reference| (reference, candidates.collect()))
        };
        match self.read.get_or_init(read) {
            Ok((reference, candidates)) => {
                candidates.iter().map(|side| score(reference, side.as_ref().map_err(|why| *why)?)).collect()
            }
            Err(why) => vec![Err(*why); self.candidates.len()],
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
