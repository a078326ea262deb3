//! A validation as a person and a program read it.

use plumb_judge::validation::{LabelledBy, Validation, Vote};
use plumb_safety::validate::{GroupCounts, Joined, SampleDesign};
use plumb_stats::{BinaryMeasure, Drawn, Inference, Interval, Level, Measured, Undefined};
use serde_json::{Map, Value, json};

/// Everything that is shown.
pub struct Shown {
    pub verdict: String,
    pub label: String,
    pub asks: Option<String>,
    pub cluster: Option<String>,
    pub digest: Option<String>,
    /// The verdicts that count as a yes.
    pub yes: Vec<String>,
    pub labelled_by: LabelledBy,
    pub design: SampleDesign,
    /// The columns within whose levels answers were drawn by verdict, where labels are weighed by it.
    pub within: Vec<String>,
    pub joined: Joined,
    pub truly: Option<Truly>,
    /// Counts of all groups that a plan may need, shown or not.
    pub kept: Vec<GroupCounts>,
    pub groups: Vec<(Option<(String, String)>, Validation)>,
}

/// The rate behind the verdicts.
pub struct Truly {
    pub by: &'static str,
    pub estimate: Result<f64, Undefined>,
    pub interval: Result<Interval, Undefined>,
}

pub fn text(shown: &Shown) -> String {
    let Some((_, all)) = shown.groups.first() else { return String::new() };
    let mut out = match shown.labelled_by {
        LabelledBy::People => {
            format!("Validation of {} on labels of people: {}\n", shown.verdict, shown.label)
        }
        LabelledBy::Model => format!(
            "Agreement of {} with another model's labels: {}\nNobody knows what those labels are worth, so this validates nothing.\n",
            shown.verdict, shown.label
        ),
    };
    if let Some(asks) = &shown.asks {
        out += &format!("yes means: {asks}\n");
    }
    out += &format!("{}\n\n", rows(shown, all));
    out += &table(all);
    out += &drawing(shown, all);
    out += "\n";
    out += &measures(all, shown.labelled_by);
    if let Some(truly) = &shown.truly {
        let value = share(Drawn { estimate: truly.estimate, interval: truly.interval });
        out += &format!("{:<38}{value}, by {}\n", "truly yes among all answers", truly.by);
    }
    out += &match all.vote() {
        Vote::May(low) => format!("\nmay vote: the lower bound of its Youden's J is {low:.2}\n"),
        Vote::MayNot(why) => format!("\nno vote: {why}\n"),
    };
    if shown.groups.len() > 1 {
        out += "\n";
        out += &by_group(shown);
    }
    out
}

/// How the labelled answers were drawn, and what that leaves open.
pub(super) fn drawing(shown: &Shown, all: &Validation) -> String {
    let mut out = String::new();
    let (yes, no) = (all.counts.said_yes(), all.counts.said_no());
    if shown.design == SampleDesign::WithoutRegard {
        // So many of each are hardly ever met by chance.
        if yes == no && yes >= 20 {
            out += "\nAs many flagged as unflagged answers: if they were drawn so, say --by-verdict; all numbers below suppose that they were not.\n";
        }
        return out;
    }
    out += "\nDrawn by verdict: recall, specificity, J, kappa and prevalence are those of the sample, not of all answers.\n";
    let Some((shares, _)) = &all.among else { return out };
    let within = shown.within.join(" and ");
    out += &match shown.within.as_slice() {
        [] => "Within what they were drawn is not known: labels are taken as drawn from all answers alike (--by-verdict=COLUMNS).\n".to_owned(),
        _ => format!("Among all answers, each label stands for those of its {within} with the same verdict.\n"),
    };
    if shares.unlabelled > 0.0005 {
        out += &format!(
            "{} of the answers have no label of their {} and verdict; they are taken to be as the others.\n",
            percent(shares.unlabelled),
            within
        );
    }
    out
}

pub(super) fn rows(shown: &Shown, all: &Validation) -> String {
    let mut parts = vec![format!("{} answers", all.counts.total())];
    if let Some(cluster) = &shown.cluster {
        parts.push(format!("{} clusters ({cluster})", all.clusters));
    }
    let joined = &shown.joined;
    let mut more = |n: u64, what: &str| {
        if n > 0 {
            parts.push(format!("{n} {what}"));
        }
    };
    more(all.abstained.0 + all.abstained.1, "without a verdict, in no number below");
    more(joined.unlabelled, "without a label, left out");
    more(joined.without_label, "judgments without a row of labels");
    more(joined.without_judgment, "labels without a judgment");
    parts.join(" · ")
}

fn table(v: &Validation) -> String {
    let c = v.counts;
    let line = |name: &str, a: String, b: String| format!("{name:<14}{a:>12}{b:>12}\n");
    line("", "label yes".into(), "label no".into())
        + &line("verdict yes", c.true_yes.to_string(), c.false_yes.to_string())
        + &line("verdict no", c.false_no.to_string(), c.true_no.to_string())
}

/// The name of a measure: how often another model says the same is no accuracy.
pub(super) fn called(of: BinaryMeasure, by: LabelledBy) -> String {
    match (of, by) {
        (BinaryMeasure::Accuracy, LabelledBy::Model) => "agreement".to_owned(),
        _ => of.name().to_owned(),
    }
}

fn measures(v: &Validation, by: LabelledBy) -> String {
    let mut out = String::new();
    let mut line = |name: &str, value: String, note: &str| {
        out.push_str(format!("{name:<38}{value}{note}").trim_end());
        out.push('\n');
    };
    for (of, measured) in &v.measures {
        line(&called(*of, by), value(*of, measured), "");
    }
    if let Some((_, all)) = &v.among {
        let flagged = percent(all.flagged);
        line(&format!("accuracy if {flagged} is flagged"), share(all.accuracy), "");
        line(&format!("recall if {flagged} is flagged"), share(all.recall), "");
        line(
            &format!("Youden's J if {flagged} is flagged"),
            number(all.youden.estimate, all.youden.interval),
            "",
        );
    }
    line("Krippendorff's alpha, with the label", inference(&v.alpha), "");
    if let Some(alpha) = &v.raters_alpha {
        line("Krippendorff's alpha of the raters", inference(alpha), "");
    }
    if let Some(roc) = &v.auroc {
        let shown = match roc {
            Ok(roc) => number(Ok(roc.area), roc.interval(Level::P95)),
            Err(why) => why.to_string(),
        };
        line("area under the ROC curve", shown, "");
        if let Some(best) = v.curve.iter().max_by(|a, b| a.youden().total_cmp(&b.youden())) {
            let at = format!(
                "{} (recall {}, specificity {})",
                best.threshold,
                percent(best.recall),
                percent(best.specificity)
            );
            line("threshold of the largest J here", at, "");
        }
    }
    out
}

fn by_group(shown: &Shown) -> String {
    let cells: Vec<[String; 6]> = shown
        .groups
        .iter()
        .skip(1)
        .filter_map(|(of, v)| {
            let (by, level) = of.as_ref()?;
            // The reason for a missing interval would make the column wide; it is in the JSON.
            let short = |text: String| match text.split_once(" (no interval") {
                Some((value, _)) => format!("{value} [no interval]"),
                None => text,
            };
            let one = |m: BinaryMeasure| v.measure(m).map_or(String::new(), |x| short(value(m, x)));
            Some([
                format!("{by} = {level}"),
                v.counts.total().to_string(),
                one(BinaryMeasure::Accuracy),
                one(BinaryMeasure::Precision),
                one(BinaryMeasure::NegativePredictive),
                one(BinaryMeasure::Youden),
            ])
        })
        .collect();
    let right = called(BinaryMeasure::Accuracy, shown.labelled_by);
    let header = ["", "n", &right, "precision", "negative predictive value", "Youden's J"];
    let width = |at: usize| {
        let wide = |s: &str| s.chars().count();
        cells.iter().map(|c| wide(&c[at])).chain([wide(header[at])]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let mut out = String::new();
    let lines = std::iter::once(header.map(str::to_owned)).chain(cells);
    for cells in lines {
        let line: Vec<String> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell}{}", " ".repeat(width.saturating_sub(cell.chars().count()))))
            .collect();
        out.push_str(line.join("  ").trim_end());
        out.push('\n');
    }
    out
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

fn share(of: Drawn) -> String {
    match (of.estimate, of.interval) {
        (Ok(x), Ok(i)) => format!("{} [{}, {}]", percent(x), percent(i.low), percent(i.high)),
        (Ok(x), Err(why)) => format!("{} (no interval: {why})", percent(x)),
        (Err(why), _) => why.to_string(),
    }
}

/// Shares in percent, everything else as a number.
fn value(of: BinaryMeasure, m: &Measured) -> String {
    match of {
        BinaryMeasure::Youden | BinaryMeasure::Kappa | BinaryMeasure::F1 => number(m.estimate, m.interval),
        _ => share(Drawn { estimate: m.estimate, interval: m.interval }),
    }
}

fn number(estimate: Result<f64, Undefined>, interval: Result<Interval, Undefined>) -> String {
    match (estimate, interval) {
        (Ok(x), Ok(i)) => format!("{x:.3} [{:.3}, {:.3}]", i.low, i.high),
        (Ok(x), Err(why)) => format!("{x:.3} (no interval: {why})"),
        (Err(why), _) => why.to_string(),
    }
}

fn inference(i: &Inference) -> String {
    number(i.estimate(), i.interval(Level::P95))
}

pub fn as_json(shown: &Shown) -> Value {
    let groups: Vec<Value> = shown
        .groups
        .iter()
        .map(|(of, v)| {
            let mut measures = Map::new();
            for (name, m) in &v.measures {
                measures.insert(name.name().to_owned(), measured(m.estimate, m.interval));
            }
            for (name, of) in v.among.iter().flat_map(|(_, all)| {
                let named = ["weighted accuracy", "weighted recall", "weighted Youden's J"];
                named.into_iter().zip([all.accuracy, all.recall, all.youden])
            }) {
                measures.insert(name.into(), measured(of.estimate, of.interval));
            }
            measures.insert(
                "Krippendorff's alpha".into(),
                measured(v.alpha.estimate(), v.alpha.interval(Level::P95)),
            );
            if let Some(alpha) = &v.raters_alpha {
                measures.insert(
                    "raters' alpha".into(),
                    measured(alpha.estimate(), alpha.interval(Level::P95)),
                );
            }
            if let Some(roc) = &v.auroc {
                let area = match roc {
                    Ok(roc) => measured(Ok(roc.area), roc.interval(Level::P95)),
                    Err(why) => measured(Err(*why), Err(*why)),
                };
                measures.insert("area under the ROC curve".into(), area);
            }
            let curve: Vec<Value> = v
                .curve
                .iter()
                .map(|p| json!({ "threshold": p.threshold, "recall": p.recall, "specificity": p.specificity }))
                .collect();
            let c = v.counts;
            json!({
                "by": of.as_ref().map(|(by, _)| by), "level": of.as_ref().map(|(_, level)| level),
                "counts": { "true_yes": c.true_yes, "false_yes": c.false_yes, "false_no": c.false_no, "true_no": c.true_no },
                "without_verdict": { "label_no": v.abstained.0, "label_yes": v.abstained.1 },
                "clusters": v.clusters, "measures": measures, "curve": curve,
                "unlabelled": v.among.as_ref().map(|(shares, _)| shares.unlabelled),
            })
        })
        .collect();
    let vote = match shown.groups.first().map(|(_, v)| v.vote()) {
        Some(Vote::May(low)) => json!({ "may_vote": true, "youden_low": low }),
        Some(Vote::MayNot(why)) => json!({ "may_vote": false, "why": why }),
        None => Value::Null,
    };
    let truly = shown.truly.as_ref().map(|t| {
        let mut value = measured(t.estimate, t.interval);
        value["by"] = json!(t.by);
        value
    });
    json!({
        "truly_yes_among_all": truly,
        "what": shown.labelled_by.called(), "verdict": shown.verdict, "label": shown.label, "asks": shown.asks,
        "design": shown.design, "drawn_within": shown.within, "vote": vote, "groups": groups,
    })
}

fn measured(estimate: Result<f64, Undefined>, interval: Result<Interval, Undefined>) -> Value {
    let mut out = Map::new();
    match estimate {
        Ok(x) => out.insert("estimate".into(), json!(x)),
        Err(why) => out.insert("undefined".into(), json!(why.to_string())),
    };
    match interval {
        Ok(i) => {
            out.insert("interval".into(), json!({ "low": i.low, "high": i.high, "level": i.level.get() }))
        }
        Err(why) => out.insert("no_interval".into(), json!(why.to_string())),
    };
    Value::Object(out)
}
