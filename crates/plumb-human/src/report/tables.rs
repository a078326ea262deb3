//! Means, models and contrasts as tables.

use plumb_stats::Level;
use plumb_stats::model::Tested;
use plumb_study::document::{Cell, Section, Table, Tone};

use crate::analyse::{
    AnalysisResult, Assigned, Compared, Contrasted, Group, Ladder, Modelled, PassedOver, Permuted, Repeated,
    Verdict,
};

/// Decimals that show three figures of a standard error or spread.
fn decimals(spread: f64) -> usize {
    if spread > 0.0 && spread.is_finite() {
        (2.0 - spread.log10().floor()).clamp(0.0, 8.0) as usize
    } else {
        4
    }
}

/// The decimals of a column: those of its finest spread, so that its numbers stand under one another.
fn of_column(spreads: impl Iterator<Item = Option<f64>>) -> usize {
    spreads.flatten().filter(|spread| *spread > 0.0).map(decimals).max().unwrap_or(4)
}

fn number(x: Option<f64>, decimals: usize) -> Cell {
    x.map_or_else(|| Cell::Missing("no values".into()), |x| Cell::Number(x, decimals))
}

fn bounds(interval: Option<(f64, f64)>, people: u64, decimals: usize) -> Cell {
    match interval {
        Some((low, high)) => Cell::Interval(low, high, decimals),
        None if people < 2 => Cell::Missing("fewer than two people".into()),
        None => Cell::Missing("no variation".into()),
    }
}

pub(super) fn means(result: &AnalysisResult) -> Table {
    let weighted = result.groups.iter().any(|group| group.weighted.is_some());
    let mut columns =
        vec!["condition", "#participants", "#answers", "#mean", "95 % interval", "#median", "#SD"];
    if weighted {
        columns.extend(["#weighted mean", "its 95 % interval"]);
    }
    let mut table = Table::new("", &columns);
    let error = |group: &Group| Some(group.deviation? / (group.rows.max(1) as f64).sqrt());
    let digits = of_column(result.groups.iter().map(error));
    for group in &result.groups {
        let mut cells = vec![
            Cell::text(group.condition.clone()),
            Cell::Count(group.participants),
            Cell::Count(group.rows),
            number(group.mean, digits),
            bounds(group.interval, group.participants, digits),
            number(group.median, digits.min(4)),
            number(group.deviation, digits.min(4)),
        ];
        if weighted {
            cells.push(number(group.weighted.map(|w| w.mean), digits));
            cells.push(bounds(group.weighted.and_then(|w| w.interval), group.participants, digits));
        }
        table.row(cells);
    }
    table.note("Intervals: t, with cluster-robust (CR1) errors by participant.");
    if weighted {
        table.note(
            "Weighted: each item's mean counts by the number of outputs that it stands for, so this is the mean of all that the \
             items were drawn from; its errors are clustered by participant and by item. Models are of the items as drawn.",
        );
    }
    for (reason, count) in &result.missing {
        table.note(format!("{count} answers have no value: {reason}."));
    }
    table
}

/// An analysis's hypotheses for all who were assigned.
pub(super) fn assigned(section: &mut Section, all: &Assigned) {
    let columns = ["condition", "#assigned", "#with an outcome", "#missing outcomes"];
    let mut table = Table::new("All assigned, before exclusions", &columns);
    for one in &all.conditions {
        let counts = [one.assigned, one.with_outcome, one.missing].map(Cell::Count);
        table.row(std::iter::once(Cell::text(one.condition.clone())).chain(counts));
    }
    table.note(
        "Missing outcomes: of all items that those assigned were to answer; nothing is filled in for them.",
    );
    section.table(table);
    for why in &all.failed {
        section.prose(format!("Not to be had for all assigned: {why}."));
    }
    if all.contrasts.is_empty() && all.failed.is_empty() {
        section.note("Nobody was excluded: for all assigned the tests are those above.");
    } else if !all.contrasts.is_empty() {
        let mut table = contrasts(&all.contrasts.iter().collect::<Vec<_>>(), true);
        table.caption = "The same hypotheses for all assigned, exclusions not applied".into();
        section.table(table);
    }
}

/// Hypotheses by permutation.
pub(super) fn permuted(list: &[Permuted]) -> Table {
    let mut table =
        Table::new("", &["contrast of means over people", "#estimate", "#p", "#assignments drawn"]);
    for one in list {
        table.row([
            Cell::text(one.label.clone()),
            Cell::Number(one.estimate, 5),
            p(one.p),
            Cell::Count(u64::from(one.times)),
        ]);
        if one.empty > 0 {
            table.note(format!(
                "{}: in {} of them a condition has nobody or somebody found no place; they count as far from zero.",
                one.label, one.empty
            ));
        }
    }
    table.note(
        "The rule that was executed, with other seeds, over the same arrivals and departures; each person is one mean. Two-sided p, not \
         adjusted: the share of assignments, the real one included, with a contrast as far from zero.",
    );
    table
}

/// Answers given twice.
pub(super) fn repeats(list: &[Repeated]) -> Table {
    let columns =
        ["measure", "#participants", "#pairs", "same answer", "#second less first", "reliability, ICC(1,1)"];
    let mut table = Table::new("Items that came twice", &columns);
    for one in list {
        let same = one.same_share().map_or_else(
            || Cell::Missing("no pairs".into()),
            |(rate, low, high)| {
                Cell::text(format!("{:.0} % [{:.0}, {:.0}]", 100.0 * rate, 100.0 * low, 100.0 * high))
            },
        );
        let reliability = match (one.reliability.estimate(), one.reliability.interval(Level::P95)) {
            (Ok(x), Ok(i)) => Cell::text(format!("{x:.2} [{:.2}, {:.2}]", i.low, i.high).replace('-', "−")),
            (Ok(x), Err(why)) => Cell::text(format!("{x:.2} (no interval: {why})")),
            (Err(why), _) => Cell::Missing(why.to_string()),
        };
        table.row([
            Cell::text(one.measure.clone()),
            Cell::Count(one.participants),
            Cell::Count(one.pairs),
            same,
            Cell::Number(one.shift, 3),
            reliability,
        ]);
    }
    table.note(
        "How well participants agree with themselves. Intervals at 95 %: Wilson's of the share, of the reliability by bootstrap over \
         participants.",
    );
    table
}

pub(super) fn items(result: &AnalysisResult) -> Table {
    let conditions: Vec<String> = result
        .items
        .first()
        .map_or(Vec::new(), |(_, g)| g.iter().map(|g| format!("#{}", g.condition)).collect());
    let mut columns = vec!["item"];
    columns.extend(conditions.iter().map(String::as_str));
    let mut table = Table::new("Means by item", &columns);
    let digits =
        of_column(result.items.iter().flat_map(|(_, groups)| groups).map(|group| group.deviation)) + 1;
    for (item, groups) in &result.items {
        let cell = |g: &Group| number(g.mean, digits);
        table.row(std::iter::once(Cell::text(item.clone())).chain(groups.iter().map(cell)));
    }
    table
}

/// A model: what was fitted, tests of its terms, contrasts.
pub(super) fn model(section: &mut Section, model: &Modelled, status: &str, decided: bool) {
    section.prose(format!("{status}: {} ({}, {} answers)", model.formula, model.method, model.rows));
    if model.strata {
        section.note(
            "With the strata of assignment as a fixed term before all others; contrasts average over strata.",
        );
    }
    for warning in &model.warnings {
        section.prose(format!("Warning: {warning}."));
    }
    if !model.terms.is_empty() {
        let kind =
            if model.criterion.is_some() { "Type III tests, Satterthwaite's df" } else { "Type I tests" };
        let mut table = Table::new(kind, &["term", "#df", "#residual df", "#F", "#p"]);
        for term in &model.terms {
            table.row([
                Cell::text(term.term.clone()),
                Cell::Number(term.df, 0),
                Cell::Number(term.residual_df, 2),
                Cell::Number(term.f, 4),
                p(term.p),
            ]);
        }
        section.table(table);
    }
    if !model.contrasts.is_empty() {
        let list: Vec<&Contrasted> = model.contrasts.iter().collect();
        section.table(contrasts(&list, decided));
    }
    section.table(variances(model));
}

fn variances(model: &Modelled) -> Table {
    let mut table = Table::new("Variances", &["of", "#variance"]);
    for group in &model.random {
        for (at, name) in group.names.iter().enumerate() {
            table.row([Cell::text(format!("{} {name}", group.group)), Cell::Number(group.variance(at), 6)]);
        }
    }
    table.row([Cell::text("residual"), Cell::Number(model.residual, 6)]);
    if let Some(criterion) = model.criterion {
        table.row([Cell::text("(REML criterion)"), Cell::Number(criterion, 2)]);
    }
    table
}

fn contrasts(list: &[&Contrasted], decided: bool) -> Table {
    let adjusted = list.iter().any(|c| c.adjusted != c.p) && decided;
    let bounded = list.iter().any(|c| c.bounds.is_some());
    let mut columns = vec!["contrast", "#estimate", "95 % interval", "#SE", "#df", "#t", "#p"];
    if bounded {
        columns.extend(["claimed between", "#p of that"]);
    }
    if adjusted {
        columns.push("#p (Holm)");
    }
    if decided {
        columns.push("verdict");
    }
    let effects = list.iter().any(|c| c.effect.is_some());
    if effects {
        columns.extend(["#Cohen's d", "its 95 % interval"]);
    }
    let mut table = Table::new("Contrasts", &columns);
    for contrast in list {
        let mut cells = vec![Cell::text(contrast.label.clone())];
        cells.extend(test(&contrast.test));
        match contrast.bounds {
            Some(bounds) => {
                cells.extend([Cell::text(format!("{} and {}", bounds.low, bounds.high)), p(contrast.p)])
            }
            None if bounded => cells.extend([Cell::Empty, Cell::Empty]),
            None => {}
        }
        if adjusted {
            cells.push(p(contrast.adjusted));
        }
        if decided {
            cells.push(verdict(contrast.verdict));
        }
        if let Some(effect) = contrast.effect {
            cells.push(Cell::Number(effect.estimate, 3));
            cells.push(Cell::Interval(effect.interval.low, effect.interval.high, 3));
        }
        table.row(cells);
    }
    table
}

/// Four decimals, as this field prints them; JSON holds the full value.
pub(super) fn p(value: f64) -> Cell {
    if value < 0.001 { Cell::P(value) } else { Cell::Number(value, 4) }
}

fn test(test: &Tested) -> [Cell; 6] {
    let digits = decimals(test.std_error);
    let interval = test.interval(Level::P95);
    [
        Cell::Number(test.estimate, digits),
        Cell::Interval(interval.low, interval.high, digits),
        Cell::Number(test.std_error, digits),
        Cell::Number(test.df, 2),
        Cell::Number(test.t, 4),
        p(test.p),
    ]
}

fn verdict(verdict: Verdict) -> Cell {
    match verdict {
        Verdict::Supported => Cell::toned("supported", Tone::Good),
        Verdict::Contradicted => Cell::toned("contradicted", Tone::Bad),
        Verdict::Inconclusive => Cell::toned("inconclusive", Tone::Faint),
    }
}

/// Welch's tests, and the means that each compares.
pub(super) fn welch(list: &[Compared]) -> [Table; 2] {
    let mut tests = contrasts(&list.iter().map(|c| &c.contrast).collect::<Vec<_>>(), true);
    tests.caption = "Two groups, Welch's t test".into();
    if list.iter().any(|compared| compared.several) {
        tests.note("Each person counts once, by the mean of all answers here.");
    }
    let mut means = Table::new("Means of the two groups", &["contrast", "#first", "#second"]);
    for compared in list {
        let digits = decimals(compared.contrast.test.std_error);
        means.row([
            Cell::text(compared.contrast.label.clone()),
            Cell::Number(compared.means.0, digits),
            Cell::Number(compared.means.1, digits),
        ]);
    }
    [tests, means]
}

pub(super) fn ladder(section: &mut Section, ladder: &Ladder) {
    for PassedOver { formula, why } in &ladder.passed {
        section.note(format!("Tried beside it and passed over: {formula} ({why})."));
    }
    match &ladder.model {
        Some(fitted) => model(section, fitted, "Beside it, exploratory", false),
        None => {
            section.prose("Beside it: none of the models could be computed.");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{decimals, of_column};

    #[test]
    fn a_columns_numbers_have_the_decimals_of_its_finest_spread() {
        assert_eq!((decimals(0.3), decimals(0.04)), (3, 4));
        assert_eq!(of_column([Some(0.3), None, Some(0.0), Some(0.04)].into_iter()), 4);
        assert_eq!(of_column([None, Some(0.0)].into_iter()), 4, "nothing varies");
    }
}
