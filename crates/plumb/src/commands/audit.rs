//! `plumb audit`: everything recounted from the journal alone, and held against the report.

use crate::cli::OneRun;
use crate::exit::{Exit, Problem, say};
use crate::runs::RunFolder;
use crate::show;
use plumb_study::items::modelbench::{Checked, check};
use plumb_study::{Audit, Journal, audit};

pub fn run(args: &OneRun) -> Result<Exit, Problem> {
    if args.run.is_file() && args.run.extension().is_some_and(|e| e == "zst" || e == "jsonl") {
        return foreign(args);
    }
    let at = RunFolder::named(&args.run);
    let journal = at.open()?;
    let mut found = match audit(&journal) {
        Ok(found) => found,
        // Rows that cannot be read are what an audit is for.
        Err(error) => {
            say(format_args!("DISCREPANCY: {error}"));
            return Ok(Exit::Discrepancy);
        }
    };
    let report = match std::fs::read_to_string(at.json()) {
        Ok(text) => compare(&text, &journal, &mut found)?,
        Err(_) => "there is no report to compare with",
    };
    if args.json {
        say(json(&found, report));
    } else {
        print(&journal, &found, report)?;
        if journal.has_people()? {
            let people = journal.persons()?;
            let events = people_events(&journal)?;
            say(format_args!("{} people, {events} events of people", people.len()));
        }
    }
    Ok(if found.discrepancies.is_empty() { Exit::Done } else { Exit::Discrepancy })
}

fn people_events(journal: &Journal) -> Result<u64, Problem> {
    let mut events = 0;
    journal.people(|_| {
        events += 1;
        Ok(())
    })?;
    Ok(events)
}

/// A journal of ModelBench, held against the rules that such a run keeps.
fn foreign(args: &OneRun) -> Result<Exit, Problem> {
    let path = args.run.display().to_string();
    let bytes = std::fs::read(&args.run).map_err(|e| Problem::usage(format!("{path}: {e}")))?;
    let Checked { items, broken, majority } = check(&bytes, &path)?;
    if args.json {
        say(
            serde_json::json!({ "format": "modelbench", "items": items, "broken": broken, "majority": majority }),
        );
    } else {
        broken.iter().for_each(|rule| say(format_args!("DISCREPANCY: {rule}")));
        say(format_args!(
            "{path}: {items} items of a SUT; {}",
            match broken.len() {
                0 => "every rule of a complete ModelBench run holds".to_owned(),
                n => format!("{n} rules are broken"),
            }
        ));
        if !majority {
            say(
                "not checked: whether measurements are the annotators' majority (of official benchmarks only)",
            );
        }
    }
    Ok(if broken.is_empty() { Exit::Done } else { Exit::Discrepancy })
}

/// Holds the report's totals against the recount; what differs is a discrepancy.
fn compare(report: &str, journal: &Journal, found: &mut Audit) -> Result<&'static str, Problem> {
    let report: serde_json::Value = match serde_json::from_str(report) {
        Ok(report) => report,
        Err(e) => {
            found.discrepancies.push(format!("report.json cannot be read: {e}"));
            return Ok("report.json cannot be read");
        }
    };
    if report["state"] != journal.state()?.hex() {
        return Ok("the report is older than the journal; `plumb report RUN` makes it anew");
    }
    let counts = &found.counts;
    let expected = [
        ("/counts/planned", counts.planned),
        ("/counts/answered", counts.answered),
        ("/counts/withheld", counts.withheld),
        ("/counts/failed", counts.failed),
        ("/counts/not_asked", counts.not_asked),
        ("/spent/total/requests", found.total.requests),
        ("/spent/total/elapsed_us", found.total.elapsed_us),
        ("/spent/total/tokens_in", found.total.tokens_in.unwrap_or(0)),
        ("/spent/total/tokens_out", found.total.tokens_out.unwrap_or(0)),
        ("/spent/total/cost_nano_usd", found.total.cost_nano.unwrap_or(0)),
    ];
    let mut equal = true;
    for (pointer, recounted) in expected {
        let reported = report.pointer(pointer).and_then(serde_json::Value::as_u64).unwrap_or(0);
        if reported != recounted {
            equal = false;
            let what = pointer.trim_start_matches('/').replace('/', ".");
            found
                .discrepancies
                .push(format!("report.json says {what} = {reported}, the journal {recounted}"));
        }
    }
    Ok(if equal {
        "the report's totals equal the recount"
    } else {
        "the report's totals differ from the recount"
    })
}

fn json(found: &Audit, report: &str) -> serde_json::Value {
    let counts = &found.counts;
    serde_json::json!({
        "planned": counts.planned, "answered": counts.answered, "withheld": counts.withheld,
        "failed": counts.failed, "not_asked": counts.not_asked, "judged": counts.judged,
        "judgments_failed": counts.judge_failed,
        "unjudged": found.unjudged.iter().map(|(j, n)| serde_json::json!({ "judge": j, "trials": n })).collect::<Vec<_>>(),
        "requests": found.total.requests, "bodies": found.bodies, "report": report,
        "discrepancies": found.discrepancies,
    })
}

fn print(journal: &Journal, found: &Audit, report: &str) -> Result<(), Problem> {
    let plan = journal.plan()?;
    let counts = &found.counts;
    say(format_args!("{}  plan {}", plan.name, plan.digest.hex()));
    say(format_args!(
        "{} trials: {} answered, {} withheld, {} failed, {} not asked",
        counts.planned, counts.answered, counts.withheld, counts.failed, counts.not_asked
    ));
    for ((judge, judged), failed) in plan.judges.iter().zip(&counts.judged).zip(&counts.judge_failed) {
        let failed = if *failed > 0 { format!(", {failed} failed") } else { String::new() };
        say(format_args!("judge {}: {judged} judged{failed}", judge.name));
    }
    for (judge, open) in &found.unjudged {
        say(format_args!("judge {judge}: {open} not judged yet (`plumb judge RUN` does it)"));
    }
    say(format_args!("{} stored texts have their digest", found.bodies - found.broken_bodies));
    say(show::spent(&found.total));
    say(report);
    match found.discrepancies.len() {
        0 => say(
            "no discrepancy: every trial is answered once and judged once by each judge, as far as the run has come",
        ),
        n => {
            for discrepancy in &found.discrepancies {
                say(format_args!("DISCREPANCY: {discrepancy}"));
            }
            say(format_args!("{n} discrepancies"));
        }
    }
    Ok(())
}
