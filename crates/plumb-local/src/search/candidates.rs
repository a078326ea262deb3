//! Latents that may have to do with refusal, by four rules.

use plumb_lm::sae::Sae;
use plumb_lm::{Edits, Input, Message, Model, Role, Site, Special, Taps, Want};
use plumb_stats::compare::mann_whitney;
use plumb_stats::multiplicity::benjamini_hochberg;
use plumb_study::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Tokens of a reply that are looked at; shorter ones are left out, so that all are of one length.
const REPLY: usize = 8;
/// Tokens of a forced refusal in which a latent has to be active.
const TWICE: usize = 2;
/// The share of false discoveries that is put up with.
const FALSE: f64 = 0.05;

/// A prompt with what was replied.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply {
    /// The prompt's turns.
    pub prompt: Vec<Message>,
    /// What the model wrote.
    pub text: String,
    /// Whether that refuses.
    pub refused: bool,
    /// Whether the prompt ought to be refused.
    pub harmful: bool,
}

/// A latent that may be the one, and what speaks for it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// Its number.
    pub latent: usize,
    /// Tokens of the forced refusal in which it is active.
    pub tokens: usize,
    /// How often it is more active where harmful prompts were refused than where they were complied with (AUROC).
    pub auroc: Option<f64>,
    /// Two-sided, Benjamini and Hochberg over all latents that were active.
    pub q: Option<f64>,
    /// Cosine of what it writes with the difference in means, harmful less harmless, at the prompt's last token.
    pub cosine: f64,
    /// Change of the log-odds of beginning like a refusal under a small clamp, where it was computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<f64>,
}

/// Rows at the site: of the last token of the prompt, and of the reply's tokens.
struct Read {
    last: Vec<f32>,
    reply: Vec<f32>,
}

/// Reads a prompt and the first `most` tokens of a reply.
fn read(model: &Model, site: Site, prompt: &[Message], reply: &str, most: usize) -> Result<Read> {
    let fault = |error: plumb_lm::Error| Error::plan(error.to_string());
    let mut tokens = model.encode_chat(prompt, None).map_err(fault)?;
    let given = tokens.len();
    tokens.extend(model.tokenizer().encode(reply, Special::Text).map_err(fault)?.into_iter().take(most));
    let mut found = Read { last: Vec::new(), reply: Vec::new() };
    let mut sink = |_: Site, _: usize, position: usize, row: &[f32]| {
        if position + 1 == given {
            found.last.extend_from_slice(row);
        } else if position >= given {
            found.reply.extend_from_slice(row);
        }
    };
    let mut cache = model.cache_for(tokens.len());
    for tokens in tokens.chunks(256) {
        let input = Input { cache: &mut cache, tokens, want: Want::Nothing, edits: &Edits::NONE };
        model.forward(&mut [input], &mut Taps::new(&[site], &mut sink)).map_err(fault)?;
    }
    Ok(found)
}

/// In how many tokens of a refusal, forced after a prompt, each latent is active; those of at least two tokens.
///
/// # Errors
/// A prompt that the model cannot read.
pub fn archetype(
    model: &Model,
    sae: &Sae,
    site: Site,
    (prompt, refusal): (&str, &str),
) -> Result<BTreeMap<usize, usize>> {
    let rows = read(model, site, &[Message::new(Role::User, prompt)], refusal, usize::MAX)?;
    let codes = sae.encode(&rows.reply);
    let mut counts = BTreeMap::new();
    for row in 0..codes.len() {
        codes.row(row).for_each(|(latent, _)| *counts.entry(latent).or_insert(0) += 1);
    }
    counts.retain(|_, count| *count >= TWICE);
    Ok(counts)
}

/// What replies show of all latents.
#[derive(Clone, PartialEq, Debug)]
pub struct Contrast {
    /// By latent, of those that were active somewhere: AUROC and q.
    pub told: BTreeMap<usize, (f64, f64)>,
    /// By latent: cosine with the difference in means.
    pub cosine: Vec<f64>,
    /// Harmful prompts with long enough replies: refused, complied with.
    pub counts: (usize, usize),
}

/// Refused against complied among harmful prompts, by each latent's mean activation over the prompt's last token and the
/// first tokens of the reply; and the difference in means. `done` is told replies.
///
/// # Errors
/// A prompt that the model cannot read, or replies of one kind only.
pub fn contrast(
    model: &Model,
    sae: &Sae,
    site: Site,
    replies: &[Reply],
    done: &mut dyn FnMut(usize),
) -> Result<Contrast> {
    let width = sae.width();
    let mut sums = [vec![0.0_f64; width], vec![0.0_f64; width]];
    let mut kinds = [0_usize; 2];
    let mut means: [Vec<BTreeMap<usize, f64>>; 2] = Default::default();
    for (at, reply) in replies.iter().enumerate() {
        let rows = read(model, site, &reply.prompt, &reply.text, REPLY)?;
        let kind = usize::from(reply.harmful);
        kinds[kind] += 1;
        sums[kind].iter_mut().zip(&rows.last).for_each(|(sum, x)| *sum += f64::from(*x));
        if reply.harmful && rows.reply.len() == REPLY * width {
            let all = [rows.last, rows.reply].concat();
            let codes = sae.encode(&all);
            let mut mean = BTreeMap::new();
            for row in 0..codes.len() {
                let part = |value: f32| f64::from(value) / codes.len() as f64;
                codes.row(row).for_each(|(latent, value)| *mean.entry(latent).or_insert(0.0) += part(value));
            }
            means[usize::from(reply.refused)].push(mean);
        }
        done(at + 1);
    }
    let [complied, refused] = &means;
    if complied.is_empty() || refused.is_empty() || kinds[0] == 0 {
        return Err(Error::plan(
            "the replies are of one kind only: expected refused and complied harmful prompts, and harmless ones",
        ));
    }
    let difference: Vec<f64> =
        (0..width).map(|k| sums[1][k] / kinds[1] as f64 - sums[0][k] / kinds[0] as f64).collect();
    let cosine = (0..sae.latents()).map(|latent| cosine(sae.direction(latent), &difference)).collect();
    Ok(Contrast { told: told(refused, complied)?, cosine, counts: (refused.len(), complied.len()) })
}

/// AUROC and q of every latent that is active in some reply.
fn told(
    refused: &[BTreeMap<usize, f64>],
    complied: &[BTreeMap<usize, f64>],
) -> Result<BTreeMap<usize, (f64, f64)>> {
    let mut active: Vec<usize> =
        refused.iter().chain(complied).flat_map(|mean| mean.keys().copied()).collect();
    active.sort_unstable();
    active.dedup();
    let of = |means: &[BTreeMap<usize, f64>], latent: usize| -> Vec<f64> {
        means.iter().map(|mean| mean.get(&latent).copied().unwrap_or(0.0)).collect()
    };
    let wrong = |error: plumb_stats::Error| Error::plan(error.to_string());
    let (mut areas, mut p) = (Vec::new(), Vec::new());
    for latent in &active {
        let test = mann_whitney(&of(refused, *latent), &of(complied, *latent)).map_err(wrong)?;
        areas.push(test.statistic / (refused.len() * complied.len()) as f64);
        p.push(test.p);
    }
    let q = benjamini_hochberg(&p).map_err(wrong)?;
    Ok(active.into_iter().zip(areas.into_iter().zip(q)).collect())
}

fn cosine(direction: &[f32], other: &[f64]) -> f64 {
    let (mut dot, mut a, mut b) = (0.0, 0.0, 0.0);
    for (x, y) in direction.iter().zip(other) {
        let x = f64::from(*x);
        dot += x * y;
        a += x * x;
        b += y * y;
    }
    if a > 0.0 && b > 0.0 { dot / (a * b).sqrt() } else { 0.0 }
}

/// Latents whose effect under a small clamp is worth computing: those that are active in the replies, at most `most`, that
/// differ most between refused and complied first.
pub fn worth_trying(contrast: &Contrast, alive: impl Fn(usize) -> bool, most: usize) -> Vec<usize> {
    let mut all: Vec<usize> = contrast.told.keys().copied().filter(|latent| alive(*latent)).collect();
    all.sort_by(|a, b| contrast.told[a].1.total_cmp(&contrast.told[b].1).then(a.cmp(b)));
    all.truncate(most);
    all
}

/// At most `most` candidates, in turn from the rules: active while a refusal is written (most tokens first), more active
/// where harmful prompts were refused (largest AUROC first, q at most .05), along the difference in means (largest cosine
/// first), and, where `effects` are known, making a refusal likelier under a small clamp (largest first). Dead latents are left
/// out by `alive`.
pub fn gathered(
    archetype: &BTreeMap<usize, usize>,
    contrast: &Contrast,
    effects: &BTreeMap<usize, f64>,
    alive: impl Fn(usize) -> bool,
    most: usize,
) -> Vec<Candidate> {
    let mut first: Vec<usize> = archetype.keys().copied().collect();
    first.sort_by_key(|latent| (std::cmp::Reverse(archetype[latent]), *latent));
    let mut second: Vec<usize> = contrast
        .told
        .iter()
        .filter(|(_, (auroc, q))| *auroc > 0.5 && *q <= FALSE)
        .map(|(latent, _)| *latent)
        .collect();
    second.sort_by(|a, b| contrast.told[b].0.total_cmp(&contrast.told[a].0).then(a.cmp(b)));
    let mut third: Vec<usize> =
        (0..contrast.cosine.len()).filter(|latent| contrast.cosine[*latent] > 0.0).collect();
    third.sort_by(|a, b| contrast.cosine[*b].total_cmp(&contrast.cosine[*a]).then(a.cmp(b)));
    let mut fourth: Vec<usize> =
        effects.iter().filter(|(_, effect)| **effect > 0.0).map(|(latent, _)| *latent).collect();
    fourth.sort_by(|a, b| effects[b].total_cmp(&effects[a]).then(a.cmp(b)));
    let rules = [&first, &second, &third, &fourth];
    let mut chosen: Vec<usize> = Vec::new();
    for rank in 0..rules.iter().map(|rule| rule.len()).max().unwrap_or(0) {
        for rule in rules {
            if let Some(latent) = rule.get(rank)
                && chosen.len() < most
                && alive(*latent)
                && !chosen.contains(latent)
            {
                chosen.push(*latent);
            }
        }
    }
    let candidate = |latent: usize| {
        let told = contrast.told.get(&latent);
        Candidate {
            latent,
            tokens: archetype.get(&latent).copied().unwrap_or(0),
            auroc: told.map(|told| told.0),
            q: told.map(|told| told.1),
            cosine: contrast.cosine[latent],
            effect: effects.get(&latent).copied(),
        }
    };
    chosen.into_iter().map(candidate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_come_from_the_rules_in_turn() {
        let archetype = BTreeMap::from([(3, 2), (4, 5)]);
        let contrast = Contrast {
            told: BTreeMap::from([(1, (0.9, 0.01)), (2, (0.95, 0.2)), (5, (0.1, 0.001))]),
            cosine: vec![0.0, 0.1, -0.5, 0.0, 0.3, 0.0, 0.2],
            counts: (5, 5),
        };
        let none = BTreeMap::new();
        let found = gathered(&archetype, &contrast, &none, |latent| latent != 6, 10);
        let latents: Vec<usize> = found.iter().map(|candidate| candidate.latent).collect();
        assert_eq!(latents, [4, 1, 3], "5 is active where the model complies, 2 is not sure, 6 is dead");
        assert_eq!(found[0].tokens, 5);
        assert_eq!(found[1].auroc, Some(0.9));
        assert_eq!(gathered(&archetype, &contrast, &none, |_| true, 2).len(), 2);
        let effects = BTreeMap::from([(5, 0.3), (2, 0.7), (1, -0.4)]);
        let found = gathered(&archetype, &contrast, &effects, |_| true, 10);
        let latents: Vec<usize> = found.iter().map(|candidate| candidate.latent).collect();
        assert_eq!(latents, [4, 1, 2, 3, 6, 5], "2 and 5 make a refusal likelier under a small clamp");
        assert_eq!(found[2].effect, Some(0.7));
        assert_eq!(worth_trying(&contrast, |_| true, 2), [5, 1]);
    }

    #[test]
    fn areas_are_those_of_pairs() {
        let of = |values: &[f64]| values.iter().map(|v| BTreeMap::from([(7, *v)])).collect::<Vec<_>>();
        let told = told(&of(&[2.0, 3.0, 1.0]), &of(&[0.0, 1.0])).unwrap();
        assert!((told[&7].0 - 5.5 / 6.0).abs() < 1e-12);
    }
}
