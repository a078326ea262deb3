//! Pages, fields, models, payment and simulated people: names and numbers that do not fit together.

use super::levels;
use crate::protocol::person::End;
use crate::quantity::millionths;
use crate::study::Study;
use crate::study::answer::Answer;
use crate::study::faults::{Faults, Place};
use crate::study::model::{Display, Form, Model};
use crate::study::pages::{Page, PageKind, Position};
use crate::study::stimuli::AttributeKind;

pub(super) fn check(study: &Study, faults: &mut Faults) {
    fields(study, faults);
    for page in &study.page {
        self::page(study, page, &mut faults.of("page", &page.id));
    }
    for model in &study.model {
        self::model(study, model, &mut faults.of("model", &model.id));
    }
    for condition in &study.condition {
        let mut place = faults.of("condition", &condition.id);
        let Some(id) = &condition.model else {
            if condition.display != Display::default() {
                place.fault("display", "it says how a model is shown, but the condition has no model");
            }
            continue;
        };
        place.known("model", "model", id, study.model.iter().map(|m| m.id.as_str()));
        let table = study.model.iter().any(|m| m.id == *id && matches!(m.form, Form::Table { .. }));
        if table && condition.display == Display::Clear {
            place.fault(
                "display",
                format!("model {id} is a table of predictions: it has no internals to show"),
            );
        }
    }
    around(study, faults);
    simulated(study, faults);
}

fn fields(study: &Study, faults: &mut Faults) {
    for measure in &study.measure {
        let mut place = faults.of("measure", &measure.id);
        let asked = study.step.iter().any(|s| s.asks.contains(&measure.id));
        match &measure.answer {
            Some(answer) => bounds(study, answer, measure.unit.as_deref(), &mut place),
            None if asked && !study.consents() => {}
            None if asked => {
                place.fault("", "a step asks for it: say what can be entered, answer = { kind = … }")
            }
            None => {}
        }
    }
    for question in &study.question {
        let mut place = faults.of("question", &question.id);
        bounds(study, &question.answer, question.unit.as_deref(), &mut place);
        let field = study.question_field(question);
        if let Some(correct) = &question.correct {
            match field.read(correct, study.words()) {
                Ok(read) if read == *correct => {}
                Ok(read) => place.fault("correct", format!("write it as the field does: {read}")),
                Err(why) => place.fault("correct", format!("nobody can enter \"{correct}\": {why}")),
            }
        }
    }
    for attribute in &study.attribute {
        if millionths(&attribute.step).is_none_or(|s| s <= 0) {
            faults.of("attribute", &attribute.id).fault("step", "a step must be a positive decimal number");
        }
    }
}

fn bounds(study: &Study, answer: &Answer, unit: Option<&str>, place: &mut Place<'_>) {
    match answer {
        Answer::Number { least, most } | Answer::Slider { least, most } => {
            let read = |text: &str| study.steps_in(unit, text);
            let ends = (place.take("answer", read(least)), place.take("answer", read(most)));
            if let (Some(low), Some(high)) = ends
                && low >= high
            {
                place.fault("answer", format!("least is {least} and most is {most}: nothing lies between"));
            }
        }
        Answer::Likert { points, words, .. } => {
            if *points < 2 || *points > 11 {
                place.fault("answer", format!("a scale has 2 to 11 points, not {points}"));
            }
            if !words.is_empty() && words.len() != *points as usize {
                place.fault("answer", format!("{points} points need {points} words, not {}", words.len()));
            }
        }
        Answer::Choice { options, .. } => {
            let mut codes: Vec<&str> = options.iter().map(|o| o.code.as_str()).collect();
            codes.sort_unstable();
            if codes.windows(2).any(|two| two[0] == two[1]) || codes.len() < 2 {
                place.fault("answer", "a choice needs two options at least, each with a code of its own");
            }
            if codes.iter().any(|c| c.is_empty() || c.contains([',', ' '])) {
                place.fault("answer", "codes of options are words without spaces or commas");
            }
        }
        Answer::Text { most, .. } => {
            if *most == 0 || *most > 20_000 {
                place.fault("answer", format!("a text has 1 to 20000 characters, not {most}"));
            }
        }
    }
}

fn page(study: &Study, page: &Page, place: &mut Place<'_>) {
    for question in &page.asks {
        place.known("asks", "question", question, study.question.iter().map(|q| q.id.as_str()));
    }
    for condition in &page.conditions {
        place.known("conditions", "condition", condition, study.conditions());
    }
    let blocks = || study.block.iter().map(|b| b.id.as_str());
    match &page.at {
        Position::Before(block) | Position::After(block) => {
            place.known("at", "block", block, blocks());
        }
        Position::During(block) => {
            place.known("at", "block", block, blocks());
            if page.after_items.is_none() {
                place.fault("after_items", "say after which item of the block it comes");
            }
        }
        Position::Entry | Position::End => {}
    }
    if page.at == Position::Entry && !page.conditions.is_empty() {
        place.fault(
            "conditions",
            "nobody has a condition yet where it stands: leave them out, or let it come after assignment",
        );
    }
    let keyed = |id: &String| study.question.iter().any(|q| q.id == *id && q.correct.is_some());
    match page.kind {
        PageKind::Comprehension => {
            if page.at != Position::Entry {
                place.fault(
                    "at",
                    "a check of comprehension can screen people out, so it must come before assignment (at = \"entry\"): \
                     afterwards conditions would lose different people by it",
                );
            }
            if page.tries == 0 {
                place.fault("tries", "a check needs one try at least");
            }
            if page.asks.is_empty() || !page.asks.iter().all(keyed) {
                place.fault("asks", "a check of comprehension needs questions, each with its correct answer");
            }
        }
        PageKind::Attention if !page.asks.iter().any(keyed) => {
            place.fault("asks", "a check of attention needs a question with its correct answer");
        }
        PageKind::Questionnaire if page.asks.is_empty() => {
            place.fault("asks", "a questionnaire needs questions")
        }
        _ => {}
    }
    if page.text.is_none() && page.asks.is_empty() {
        place.fault("text", "it shows nothing and asks nothing");
    }
}

fn model(study: &Study, model: &Model, place: &mut Place<'_>) {
    place.known("predicts", "measure", &model.predicts, study.measure.iter().map(|m| m.id.as_str()));
    for id in model.reads() {
        let there = place.known("form", "attribute", id, study.attribute.iter().map(|a| a.id.as_str()));
        if there && study.attribute.iter().any(|a| a.id == id && a.kind != AttributeKind::Number) {
            place.fault("form", format!("attribute {id} is no number"));
        }
    }
    match &model.form {
        Form::Linear { per_step, terms, .. } => {
            if *per_step <= 0 {
                place.fault("form", "per_step must be positive: how many of the model's units make one step");
            }
            if terms.is_empty() {
                place.fault("form", "a linear model needs one term at least");
            }
        }
        Form::Table { predictions } => {
            for (item, text) in predictions {
                place.known("form", "item", item, study.item.iter().map(|i| i.id.as_str()));
                place.take("form", study.steps_of(&model.predicts, text));
            }
        }
        Form::Rules { rules, otherwise } => {
            for text in rules.iter().map(|r| &r.then).chain([otherwise]) {
                place.take("form", study.steps_of(&model.predicts, text));
            }
            for clause in rules.iter().flat_map(|r| &r.clauses) {
                if clause.least.is_none() && clause.most.is_none() {
                    place.fault(
                        "form",
                        format!("the clause on {} has neither least nor most", clause.attribute),
                    );
                }
                for bound in [&clause.least, &clause.most].into_iter().flatten() {
                    if millionths(bound).is_none() {
                        place.fault("form", format!("{bound} is no decimal number"));
                    }
                }
            }
        }
    }
    let shown: Vec<&str> = study
        .block
        .iter()
        .flat_map(|b| b.item_ids(study))
        .filter(|item| study.item.iter().any(|i| i.id == *item) && model.predict(study, item).is_none())
        .collect();
    if !shown.is_empty() && study.condition.iter().any(|c| c.model.as_ref() == Some(&model.id)) {
        place.fault(
            "form",
            format!("it predicts nothing for {}: an attribute or an entry is missing", shown.join(", ")),
        );
    }
}

/// Payment, codes and the plan for the sample.
fn around(study: &Study, faults: &mut Faults) {
    let mut place = faults.of("completion", "");
    let codes = &study.completion.codes;
    for (end, code) in codes {
        place.known("codes", "way to end", end, End::ALL.iter().map(|e| e.name()));
        if codes.iter().any(|(other, same)| other < end && same == code) {
            place.fault("codes", format!("{end} has the code {code} of another end: each needs its own"));
        }
        if code.is_empty() || !code.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) {
            place.fault("codes", format!("the code of {end} must be of letters, digits, - and _"));
        }
    }
    if study
        .completion
        .url
        .as_ref()
        .is_some_and(|url| !url.contains("{code}") || !url.starts_with("https://"))
    {
        place.fault("url", "the address must begin with https:// and hold {code}");
    }
    if let Some(payment) = &study.payment {
        let mut place = faults.of("payment", "");
        if payment.minor == 0 {
            place.fault("minor", "one of the currency is some minor units, 100 for cents");
        }
        if let Some(bonus) = &payment.bonus {
            place.known("bonus", "outcome", &bonus.outcome, study.outcome.iter().map(|o| o.id.as_str()));
            let unit = study.outcome.iter().any(|o| o.id == bonus.outcome && o.unit.is_some());
            if !bonus.at_most.is_finite() || (unit && bonus.at_most.fract() != 0.0) {
                place.fault("bonus", "at_most counts whole steps of the outcome's unit");
            }
        }
    }
    if let Some(sample) = &study.sample {
        let mut place = faults.of("sample", "");
        if sample.stop == crate::study::pages::Stop::AfterDays && sample.days.is_none() {
            place.fault("days", "stop = \"after-days\" needs days");
        }
        if sample.days == Some(0) {
            place.fault("days", "a collection of 0 days brings nobody");
        }
        for (key, value) in [("icc", sample.icc), ("reliability", sample.reliability)] {
            if value.is_some_and(|v| !(v > 0.0 && v < 1.0)) {
                place.fault(key, "it must lie between 0 and 1");
            }
        }
    }
}

fn simulated(study: &Study, faults: &mut Faults) {
    for behaviour in &study.behaviour {
        let mut place = faults.of("behaviour", &behaviour.id);
        for (key, share) in [("leaves", behaviour.leaves), ("misses_checks", behaviour.misses_checks)] {
            if !(0.0..=1.0).contains(&share) {
                place.fault(key, format!("a probability lies between 0 and 1, not {share}"));
            }
        }
        for answer in &behaviour.answer {
            place.known("answer", "measure", &answer.measure, study.measure.iter().map(|m| m.id.as_str()));
            for source in [&answer.around, &answer.anchor].into_iter().flatten() {
                if millionths(source).is_none() {
                    place.known("answer", "measure", source, study.measure.iter().map(|m| m.id.as_str()));
                }
            }
            for change in &answer.by {
                levels(study, &change.at, "answer", &mut place);
            }
        }
        for change in &behaviour.leaves_by {
            levels(study, &change.at, "leaves_by", &mut place);
        }
    }
    let Some(power) = &study.power else { return };
    let mut place = faults.of("power", "");
    if power.people.is_empty() || power.people.contains(&0) {
        place.fault("people", "it needs numbers of people, 1 at least");
    }
    for (key, share) in [("leaves", power.leaves), ("misses_checks", power.misses_checks)] {
        if !(0.0..=1.0).contains(&share) {
            place.fault(key, format!("a probability lies between 0 and 1, not {share}"));
        }
    }
    if power.items.contains(&0) {
        place.fault("items", "it needs numbers of items, 1 at least");
    }
    let strata = study.strata_at_most();
    if !power.strata.is_empty()
        && (Some(power.strata.len()) != strata || power.strata.iter().any(|s| s.is_nan() || *s <= 0.0))
    {
        place.fault("strata", match strata {
            Some(n) => format!("it needs a share above 0 for each of the {n} combinations of answers to the questions of [assignment] strata"),
            None => "[assignment] has no strata, or none whose number is known".to_owned(),
        });
    }
    for outcome in &power.outcome {
        place.known("outcome", "outcome", &outcome.outcome, study.outcome.iter().map(|o| o.id.as_str()));
        for cell in &outcome.cells {
            levels(study, &cell.at, "outcome", &mut place);
        }
        if !outcome.strata.is_empty() && Some(outcome.strata.len()) != strata {
            place.fault(
                "outcome",
                format!("{}: strata needs a number for each stratum of [assignment]", outcome.outcome),
            );
        }
        if outcome.residual_sd <= 0.0
            || outcome.person_sd.iter().any(|sd| *sd < 0.0)
            || outcome.person_sd.is_empty()
        {
            place.fault("outcome", "residual_sd must be positive, and person_sd a list of numbers from 0");
        }
    }
}
