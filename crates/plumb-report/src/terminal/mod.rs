//! The report on a terminal: what a person wants to know right after a run, in as few lines as possible.
//!
//! Warnings come first, then what was claimed, then the numbers, then what it cost. Texts of models are not
//! here; text from plans and servers is made harmless before it is printed (see [`crate::text`]).

mod estimates;
mod paint;
mod table;
mod whisker;

use crate::{number, text, words};
pub(crate) use paint::{Paint, Painter};
use plumb_study::{Decided, Results, Spent, Status, Tested};
pub(crate) use table::{Align, Cell, Table, paragraph};
pub(crate) use whisker::{drawn, scale};

/// How to write for a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Columns.
    pub width: usize,
    /// Whether to colour.
    pub colour: bool,
}

impl Style {
    pub(crate) fn painter(self) -> Painter {
        Painter { colour: self.colour }
    }
}

impl Default for Style {
    fn default() -> Style {
        Style { width: 100, colour: false }
    }
}

/// What every part needs.
struct Screen {
    out: String,
    painter: Painter,
    width: usize,
}

impl Screen {
    fn heading(&mut self, title: &str) {
        self.out.push('\n');
        self.painter.paint(&mut self.out, &text::excerpt(title, 120), Paint::Bold);
        self.out.push('\n');
    }

    fn table(&mut self, table: &Table) {
        table.write(&mut self.out, self.painter, 2, self.width);
    }

    fn note(&mut self, text: &str) {
        paragraph(&mut self.out, "  ", text, self.width);
    }
}

/// Writes the report for a terminal, with a newline at its end.
pub fn terminal(results: &Results, style: Style) -> String {
    let mut screen = Screen { out: String::new(), painter: style.painter(), width: style.width.max(40) };
    head(&mut screen, results);
    counts(&mut screen, results);
    hypotheses(&mut screen, results);
    for estimate in &results.estimates {
        estimates::estimate(&mut screen, results, estimate);
    }
    cost(&mut screen, results);
    screen.out
}

fn head(screen: &mut Screen, results: &Results) {
    let plan = &results.plan;
    screen.painter.paint(&mut screen.out, &text::excerpt(&plan.name, 80), Paint::Bold);
    let locked = if results.locked { "locked before the first trial" } else { "not locked beforehand" };
    let version = plan
        .benchmark
        .as_ref()
        .map_or(String::new(), |b| format!("version {}, ", text::excerpt(&b.version, 40)));
    screen.out.push_str(&format!("  {version}plan {}, {locked}\n", plan.root.0.short()));
    paragraph(&mut screen.out, "", &format!("{}.", words::progress(&results.counts)), screen.width);
    for amendment in &results.amendments {
        let text = format!("amended ({}): {}", amendment.plan.short(), amendment.reason);
        paragraph(&mut screen.out, "+ ", &text, screen.width);
    }
    for warning in &results.warnings {
        let mut text = String::new();
        paragraph(&mut text, "! ", warning, screen.width);
        for line in text.lines() {
            screen.painter.paint(&mut screen.out, line, Paint::Warn);
            screen.out.push('\n');
        }
    }
}

fn counts(screen: &mut Screen, results: &Results) {
    screen.heading("Trials");
    let names = ["subject", "planned", "answered", "empty", "cut", "withheld", "failed", "not asked"];
    let columns = names
        .iter()
        .enumerate()
        .map(|(at, name)| ((*name).to_owned(), if at == 0 { Align::Left } else { Align::Right }))
        .collect();
    let mut table = Table::new(columns);
    let number = |n: u64, paint: Paint| match n {
        0 => Cell::new("", Paint::Plain),
        n => Cell::new(&number::count(n), paint),
    };
    for s in &results.by_subject {
        let not_asked = s.planned.saturating_sub(s.answered + s.withheld + s.failed);
        table.row(vec![
            Cell::new(&s.subject, Paint::Plain),
            number(s.planned, Paint::Plain),
            number(s.answered, Paint::Plain),
            number(s.empty, Paint::Warn),
            number(s.truncated, Paint::Warn),
            number(s.withheld, Paint::Warn),
            number(s.failed, Paint::Warn),
            number(not_asked, Paint::Warn),
        ]);
    }
    screen.table(&table);
    for m in &results.missing {
        let mut text = format!("{} {}: {}", number::count(m.count), m.outcome, m.why);
        if let Some(example) = &m.example {
            text.push_str(&format!(", such as \u{201c}{}\u{201d}", text::excerpt(example, 160)));
        }
        screen.note(&text);
    }
}

fn hypotheses(screen: &mut Screen, results: &Results) {
    if results.tested.is_empty() {
        return;
    }
    screen.heading("Hypotheses");
    for tested in &results.tested {
        let (word, paint) = verdict_word(tested);
        let h = &tested.hypothesis;
        let unit = tested.finding.as_ref().map_or(plumb_study::method::Unit::Number, |f| f.quantity.unit);
        let head = format!("{}: {} {}", h.id, words::contrast(&h.contrast), words::claim(h, unit));
        let lead = format!("  {word:<13}  ");
        let mut body = String::new();
        paragraph(&mut body, &lead, &head, screen.width);
        let painted = screen.painter.painted(word, paint);
        screen.out.push_str(&body.replacen(word, &painted, 1));
        let indent = " ".repeat(lead.len());
        paragraph(&mut screen.out, &indent, &words::decision(tested), screen.width);
    }
}

fn verdict_word(tested: &Tested) -> (&'static str, Paint) {
    match &tested.verdict {
        Err(_) => ("undecided", Paint::Warn),
        Ok(_) if tested.status == Status::Partial => ("not complete", Paint::Warn),
        Ok(v) => match v.decision {
            Decided::Supported => ("supported", Paint::Good),
            Decided::Contradicted => ("contradicted", Paint::Bad),
            Decided::Inconclusive => ("inconclusive", Paint::Plain),
        },
    }
}

fn cost(screen: &mut Screen, results: &Results) {
    screen.heading("Cost");
    screen.note(&spent(results.total));
    if results.judging != Spent::default() {
        screen.note(&format!("of it judging: {}", spent(results.judging)));
    }
}

/// One line: requests, time of exchanges, tokens, money.
fn spent(spent: Spent) -> String {
    let tokens = |n: Option<u64>| n.map_or("unknown".into(), number::count);
    let requests = number::counted(spent.requests, "request", "requests");
    let money = spent.cost_nano.map_or("not priced".into(), number::money);
    format!(
        "{requests} · {} of exchanges, summed · tokens in {}, out {} · {money}",
        number::duration(spent.elapsed_us),
        tokens(spent.tokens_in),
        tokens(spent.tokens_out),
    )
}
