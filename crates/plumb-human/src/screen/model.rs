//! A model on a screen: what it reads, how it works where the condition shows that, and what it predicts.

use super::Part;
use super::words::{Words, fill};
use crate::quantity::{ONE, grouped, nearest};
use crate::study::{Clause, Display, Form, Model, Rule, ShownModel, Study, Times};

/// What a step shows of a condition's model for an item.
pub(super) fn parts(study: &Study, condition: &str, item: &str, what: ShownModel) -> Vec<Part> {
    let Some((model, display)) = study.shown_model(condition) else { return Vec::new() };
    if what == ShownModel::Nothing {
        return Vec::new();
    }
    let words = study.words();
    let predicted = what == ShownModel::Prediction;
    let mut parts = Vec::new();
    match (&model.form, display) {
        (Form::Linear { base, terms, prefix, .. }, Display::Clear) => {
            parts.push(linear(study, model, (*base, terms, prefix), predicted.then_some(item)));
        }
        (Form::Rules { rules, otherwise }, Display::Clear) => {
            parts.push(listed(study, model, rules, otherwise, predicted.then_some(item)));
        }
        _ => {
            let reads: Vec<String> = model.reads().iter().map(|id| attribute(study, id)).collect();
            if !reads.is_empty() {
                let text = fill(words.model_reads, &[&model.label, &reads.join(", ")]);
                parts.push(Part::Text(format!("{text} {}", words.model_box)));
            }
        }
    }
    if let Some(steps) = model.predict(study, item).filter(|_| predicted) {
        parts.push(Part::Value {
            label: fill(words.prediction, &[&model.label]),
            value: study.words_of(&model.predicts, steps),
        });
    }
    parts
}

fn attribute(study: &Study, id: &str) -> String {
    study.attribute.iter().find(|a| a.id == id).map_or_else(|| id.to_owned(), |a| a.label.clone())
}

/// Coefficients; with an item, also its values, what each adds and the sum.
fn linear(study: &Study, model: &Model, form: (i64, &[Times], &str), item: Option<&str>) -> Part {
    let (base, terms, prefix) = form;
    let words = study.words();
    let amount = |n: i64| {
        if n < 0 { format!("−{prefix}{}", grouped(-n)) } else { format!("{prefix}{}", grouped(n)) }
    };
    let whole = |n: i128| amount(i64::try_from(nearest(n, i128::from(ONE))).unwrap_or(i64::MAX));
    let mut head = vec![words.feature.to_owned(), words.times.to_owned()];
    if item.is_some() {
        head.extend([words.value.to_owned(), words.product.to_owned()]);
    }
    let mut rows = vec![vec![words.base.to_owned(), amount(base)]];
    if item.is_some() {
        rows[0].extend([String::new(), amount(base)]);
    }
    for term in terms {
        let mut row = vec![attribute(study, &term.attribute), format!("{} ×", amount(term.times))];
        if let Some(item) = item {
            let value = study.sheet.number(item, &term.attribute).unwrap_or(0);
            row.push(study.attribute_text(item, &term.attribute));
            row.push(whole(i128::from(term.times) * i128::from(value)));
        }
        rows.push(row);
    }
    if let Some(sum) = item.and_then(|item| model.sum(study, item)) {
        rows.push(vec![words.sum.to_owned(), String::new(), String::new(), whole(sum)]);
    }
    Part::Table { caption: model.label.clone(), head, rows }
}

/// Rules in their order; with an item, the one that decides is marked.
fn listed(study: &Study, model: &Model, rules: &[Rule], otherwise: &str, item: Option<&str>) -> Part {
    let words = study.words();
    let predicted = |text: &str| {
        study
            .steps_of(&model.predicts, text)
            .map_or_else(|_| text.to_owned(), |s| study.words_of(&model.predicts, s))
    };
    let decides = item.map(|item| model.rule(study, item));
    let mark = |at: Option<usize>| if decides == Some(at) { words.applies } else { "" };
    let mut rows: Vec<Vec<String>> = rules
        .iter()
        .enumerate()
        .map(|(at, rule)| {
            let clauses: Vec<String> = rule.clauses.iter().map(|c| clause(study, c, words)).collect();
            vec![clauses.join("; "), predicted(&rule.then), mark(Some(at)).to_owned()]
        })
        .collect();
    rows.push(vec![words.otherwise.to_owned(), predicted(otherwise), mark(None).to_owned()]);
    let mut head = vec![words.rule.to_owned(), words.predicts.to_owned(), String::new()];
    if item.is_none() {
        head.truncate(2);
        rows.iter_mut().for_each(|row| row.truncate(2));
    }
    Part::Table { caption: model.label.clone(), head, rows }
}

fn clause(study: &Study, clause: &Clause, words: &Words) -> String {
    let mut said = vec![attribute(study, &clause.attribute)];
    if let Some(least) = &clause.least {
        said.push(fill(words.at_least, &[least]));
    }
    if let Some(most) = &clause.most {
        said.push(fill(words.at_most, &[most]));
    }
    said.join(" ")
}
