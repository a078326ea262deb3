//! Almost nothing, very much, and text that means harm.

use super::findings::{finding, wide};
use super::plan::{REFUSED, analysis, levels, plan, subject};
use super::small;
use plumb_study::method::Unit;
use plumb_study::plan::Cluster;
use plumb_study::{Counts, Estimate, Results, Spent, Status, SubjectCounts};
use std::sync::Arc;

/// One subject, no judge, no analysis, nothing asked yet.
pub fn bare() -> Results {
    let mut plan = plan();
    plan.subjects.truncate(1);
    plan.judges.clear();
    plan.analyses.clear();
    plan.hypotheses.clear();
    plan.sources[0].judges = None;
    plan.about = None;
    plan.digest = plan.root.0;
    Results {
        locked: false,
        amendments: Vec::new(),
        programs: Vec::new(),
        served: Vec::new(),
        counts: Counts { planned: 4, not_asked: 4, ..Counts::default() },
        by_subject: vec![SubjectCounts {
            subject: "qwen".into(),
            planned: 4,
            answered: 0,
            withheld: 0,
            failed: 0,
            empty: 0,
            truncated: 0,
        }],
        missing: Vec::new(),
        total: Spent::default(),
        judging: Spent::default(),
        estimates: Vec::new(),
        tested: Vec::new(),
        warnings: Vec::new(),
        transcripts: Vec::new(),
        transcripts_of: 0,
        plan: Arc::new(plan),
        ..small()
    }
}

/// Names of hazards, some long, one from right to left.
pub const HAZARDS: [&str; 13] = [
    "violent crimes",
    "non-violent crimes",
    "sex-related crimes",
    "child sexual exploitation",
    "indiscriminate weapons",
    "suicide and self-harm",
    "hate",
    "specialised advice (financial, medical, legal or electoral)",
    "privacy",
    "intellectual property",
    "defamation",
    "الجرائم غير العنيفة",
    "code-interpreter-abuse-and-other-uses-of-tools",
];

/// Twelve subjects by thirteen hazards, and 300 transcripts.
pub fn large() -> Results {
    let mut results = small();
    let mut plan = plan();
    plan.name = "hazards-by-subject".into();
    let names: Vec<String> = (1..=12).map(|n| format!("subject-{n:02}-instruct")).collect();
    plan.subjects = names
        .iter()
        .map(|n| subject(n, &[("model", n), ("steered", if n.contains('7') { "yes" } else { "no" })]))
        .collect();
    plan.analyses = vec![analysis("unsafe-rate", "rate", REFUSED, &["model", "hazard"])];
    let mut findings = Vec::new();
    for (s, name) in names.iter().enumerate() {
        for (h, hazard) in HAZARDS.iter().enumerate() {
            let rate = ((s * 7 + h * 11) % 23) as f64 / 30.0;
            let half = 0.02 + 0.1 * (rate * (1.0 - rate)).sqrt();
            let at = [("model", name.as_str()), ("hazard", *hazard)];
            let mut f =
                finding("rate", Unit::Share, &at, wide(rate, (rate - half).max(0.0), (rate + half).min(1.0)));
            f.n = 240 - (h as u64);
            f.clusters = 80;
            findings.push(f);
        }
    }
    results.estimates = vec![Estimate {
        with_added: false,
        analysis: "unsafe-rate".into(),
        method: "rate".into(),
        status: Status::Confirmatory,
        findings,
    }];
    let given = results.transcripts.clone();
    results.transcripts = (0..300)
        .map(|at| {
            let mut t = given[at % given.len()].clone();
            t.subject = names[at % 12].as_str().into();
            t.item = format!("item-{at}").into();
            t.tags.push(("hazard".into(), HAZARDS[at % 13].into()));
            t
        })
        .collect();
    results.transcripts_of = 37_440;
    results.by_subject = names
        .iter()
        .map(|n| SubjectCounts {
            subject: n.as_str().into(),
            planned: 3_120,
            answered: 3_120,
            withheld: 0,
            failed: 0,
            empty: 0,
            truncated: 0,
        })
        .collect();
    results.counts =
        Counts { planned: 37_440, answered: 37_440, judged: vec![37_440, 0], ..Counts::default() };
    results.warnings.clear();
    results.missing.clear();
    results.plan = Arc::new(plan);
    results
}

/// Text that tries to leave its place.
pub const HOSTILE: &str = "</script></textarea>--><img src=https://evil.example/x onerror=alert(1)>\"'`{{x}}\u{202e}abc\0\u{1b}[31m\r\u{85}\u{feff}&amp;";

/// Results in which every text is hostile.
pub fn hostile() -> Results {
    let mut results = small();
    let mut plan = (*results.plan).clone();
    let bad: Arc<str> = HOSTILE.into();
    plan.name = bad.clone();
    plan.about = Some(bad.clone());
    for subject in &mut plan.subjects {
        subject.id = (&*bad).into();
        subject.factors = levels(&[(HOSTILE, HOSTILE)]);
        subject.party.kind = bad.clone();
        subject.party.settings = serde_json::json!({ HOSTILE: HOSTILE, "long": HOSTILE.repeat(3) });
        subject.party.system = Some(bad.clone());
        subject.party.sampling.stop = vec![HOSTILE.into()];
    }
    for judge in &mut plan.judges {
        judge.name = (&*bad).into();
        judge.kind = bad.clone();
        judge.settings = serde_json::json!({ "x": HOSTILE });
        judge.measures[0].name = bad.clone();
    }
    plan.sources[0].id = bad.clone();
    plan.sources[0].reader = bad.clone();
    for item in &mut plan.items {
        item.tags = levels(&[(HOSTILE, HOSTILE)]);
    }
    for analysis in &mut plan.analyses {
        analysis.by = vec![bad.clone()];
        analysis.cluster = Cluster::Tag(bad.clone());
        analysis.only = levels(&[(HOSTILE, HOSTILE)]);
    }
    results.amendments[0].reason = bad.clone();
    results.programs = vec![HOSTILE.into()];
    results.served = vec![(bad.clone(), bad.clone(), 1)];
    results.by_subject[0].subject = bad.clone();
    results.missing[0].example = Some(bad.clone());
    results.warnings = vec![HOSTILE.into()];
    for finding in results.estimates.iter_mut().flat_map(|e| &mut e.findings) {
        finding.quantity.of = bad.clone();
        finding.quantity.at = vec![(bad.clone(), bad.clone())];
        finding.method = bad.clone();
        finding.warnings = vec![bad.clone()];
    }
    for tested in &mut results.tested {
        tested.hypothesis.id = bad.clone();
        tested.hypothesis.family = bad.clone();
        tested.hypothesis.contrast[0].at = levels(&[(HOSTILE, HOSTILE)]);
    }
    results.tested[1].verdict = Err(bad.clone());
    for t in &mut results.transcripts {
        t.subject = bad.clone();
        t.item = bad.clone();
        t.tags = vec![(bad.clone(), bad.clone())];
        t.turns.iter_mut().for_each(|turn| turn.text = bad.clone());
        t.reasoning = Some(bad.clone());
        t.outcome = bad.clone();
        t.verdicts = vec![(bad.clone(), bad.clone(), Some(bad.clone()))];
    }
    // One label among others, so that there are filters with hostile names and levels.
    results.transcripts[0].tags[0].1 = "plain".into();
    results.plan = Arc::new(plan);
    results
}
