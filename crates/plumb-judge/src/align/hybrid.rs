//! What combining metrics gains: COMBINED = min(1, PASS + similarity), and blends whose weights were fitted on other
//! problems, each against the best single metric.

use plumb_stats::{Blend, Coefficient, Form, Question, Rated, Subset};
use plumb_study::document::{Cell, Section, Table};
use plumb_study::method::Unit;
use plumb_study::{Document, Result};

use super::study::{Answers, Study, wrong};

/// Fewer problems than this a fold say nothing.
const FEWEST_A_FOLD: usize = 2;

pub(super) struct Hybrid {
    /// Rows of the table of gains: what, where its r is, against what, where that is.
    gains: Vec<(String, usize, String, usize)>,
    folds: Vec<(String, Blend)>,
    full: Option<(Subset, usize)>,
    too_few: bool,
}

impl Hybrid {
    pub(super) fn ask(study: &mut Study<'_>) -> Result<Hybrid> {
        let mut hybrid = Hybrid { gains: Vec::new(), folds: Vec::new(), full: None, too_few: false };
        let single = study.single();
        let r =
            |study: &mut Study<'_>, metric| study.follows(metric, Form::ItemMean, Coefficient::Pearson, None);
        let enough = study.rated.problems() >= FEWEST_A_FOLD * study.settings.folds;
        hybrid.too_few = !enough;
        let blend = |study: &Study<'_>, metrics: &[usize]| blend_of(&study.rated, metrics, study);
        let best = match enough && single.len() > 1 {
            true => Some(study.ask(Question::BestSingle(blend(study, &single)?))),
            false => None,
        };
        if let (Some(combined), Some(pass)) = (study.combined, study.pass) {
            let similarity = similarity(study);
            let of_combined = r(study, combined);
            for metric in std::iter::once(pass).chain(similarity) {
                let of_metric = r(study, metric);
                let name = study.metrics[metric].name.clone();
                hybrid.gains.push(("COMBINED".into(), of_combined, name, of_metric));
            }
            hybrid.against_best("COMBINED", of_combined, best);
            if let (Some(similarity), true) = (similarity, enough) {
                let both = blend(study, &[pass, similarity])?;
                let name = format!("{} + {}", study.metrics[pass].name, study.metrics[similarity].name);
                let at = study.ask(Question::Blended(both.clone()));
                hybrid.against_best(&name, at, best);
                hybrid.folds.push((name, both));
            }
            let subset = study.subset_of(combined, |value| value >= 1.0)?;
            let all = Question::Quadrant { among: subset, at_least: f64::MIN, below: false };
            hybrid.full = Some((subset, study.ask(all)));
        }
        let all_are_in_it = hybrid.folds.iter().any(|(_, blend)| blend.metrics().len() == single.len());
        if enough && single.len() > 1 && !all_are_in_it {
            let all = blend(study, &single)?;
            let at = study.ask(Question::Blended(all.clone()));
            hybrid.against_best("all metrics", at, best);
            hybrid.folds.push(("all metrics".into(), all));
        }
        Ok(hybrid)
    }

    fn against_best(&mut self, name: &str, at: usize, best: Option<usize>) {
        if let Some(best) = best {
            self.gains.push((name.into(), at, "best single".into(), best));
        }
    }

    pub(super) fn write(&self, document: &mut Document, study: &Study<'_>, answers: &Answers) {
        let section = document.section(format!("What combining metrics gains: {}", study.construct));
        match (study.combined, study.pass) {
            (Some(_), _) => section.prose(
                "COMBINED = min(1, PASS + similarity): passed tests and similarity in one number, as Dibia et al. 2022 propose. The \
                 exact formula of their paper was not at hand, so take this one as this program's.",
            ),
            (None, None) => section.prose(
                "Nobody ran these outputs: no metric says whether they pass (--pass), so COMBINED = min(1, PASS + similarity) cannot \
                 be computed, and nothing is said of what it would gain.",
            ),
            (None, Some(_)) => {
                section.prose("COMBINED = min(1, PASS + similarity) needs a similarity from 0 to 1: --similarity.")
            }
        };
        if self.too_few {
            section.prose(format!(
                "Blends need at least {} problems for {} folds.",
                FEWEST_A_FOLD * study.settings.folds,
                study.settings.folds
            ));
        }
        if !self.gains.is_empty() {
            let mut table =
                Table::new("Gain in Pearson's r", &["what", "#r", "against", "#r", "#difference", "#ratio"]);
            for (what, a, against, b) in &self.gains {
                table.row([
                    Cell::text(what.clone()),
                    Cell::Value(answers.correlation(*a), Unit::Number),
                    Cell::text(against.clone()),
                    Cell::Value(answers.correlation(*b), Unit::Number),
                    Cell::Value(answers.shown(&answers.difference(*a, *b)), Unit::Number),
                    Cell::Value(answers.shown(&answers.ratio(*a, *b)), Unit::Number),
                ]);
            }
            section.table(table);
        }
        if !self.folds.is_empty() {
            section.note(
                "Sums of metrics are blends: weights by least squares of the mean rating, and the best single metric by the \
                 largest |r|, are chosen on all folds of problems but one and tried on that one; in every replicate anew. The r of a choice made on other problems \
                 is lower than the largest r in the table above, which was chosen after looking.",
            );
            for (name, blend) in &self.folds {
                self.chosen(section, study, name, blend);
            }
        }
        if let Some((subset, at)) = &self.full {
            let share = answers.value(*at, study.share(None));
            let mut table = Table::new("", &["COMBINED at its ceiling", "#share of outputs"]);
            table.row([Cell::text("COMBINED = 1"), Cell::Value(share, Unit::Share)]);
            section.table(table);
            section.note(format!(
                "For {} outputs COMBINED is 1, so among them it tells nothing apart: every output that passes, whatever its similarity.",
                study.rated.outputs_of(Some(*subset))
            ));
        }
    }

    fn chosen(&self, section: &mut Section, study: &Study<'_>, name: &str, blend: &Blend) {
        let fits = study.rated.fits(blend);
        let mut names = vec!["fold", "best single metric"];
        let metrics: Vec<String> =
            blend.metrics().iter().map(|at| format!("#weight of {}", study.metrics[*at].name)).collect();
        names.extend(metrics.iter().map(String::as_str));
        let mut table = Table::new(format!("What was chosen without each fold: blend of {name}"), &names);
        for (at, fit) in fits.iter().enumerate() {
            let fold = if at < blend.folds() { format!("{}", at + 1) } else { "none (all problems)".into() };
            let weights = fit.weights.iter().map(|weight| Cell::Number(*weight, 4));
            table.row(
                [Cell::text(fold), Cell::text(study.metrics[fit.best].name.clone())]
                    .into_iter()
                    .chain(weights),
            );
        }
        let title = format!("What the folds chose: blend of {name}");
        section.push(plumb_study::document::Block::Fold {
            title,
            blocks: vec![plumb_study::document::Block::Table(table)],
        });
    }
}

fn similarity(study: &Study<'_>) -> Option<usize> {
    let name = study.settings.similarity.as_deref()?;
    study.metrics.iter().position(|metric| metric.name == name)
}

fn blend_of(rated: &Rated, metrics: &[usize], study: &Study<'_>) -> Result<Blend> {
    rated.blend(metrics, study.settings.folds, study.settings.draws.seed).map_err(wrong)
}
