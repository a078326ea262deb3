//! Subjects that are steered by latents of an autoencoder.

use crate::steering::{plan, responders, scored, scores};
use crate::support::{Shelf, Tiny, ask, chat, open, registry};
use futures_util::future::join_all;
use plumb_local::steer::{Saes as _, Steer};
use plumb_study::items::{Prompt, Role, Turn};

fn steer(keys: &str) -> String {
    format!("steer = {{ sae = \"sae\", {keys} }}")
}

/// A latent that is often active.
fn lively() -> usize {
    let units = Tiny.find("sae").unwrap().units.unwrap();
    (0..units.active.len()).max_by_key(|latent| units.active[*latent]).unwrap()
}

#[tokio::test]
async fn what_changes_nothing_is_bit_identical_and_twelve_then_nothing_is_as_if_never() {
    let j = lively();
    let all = responders(&[
        "",
        &steer(&format!("latent = {j}, scale = 1")),
        &steer(&format!("latent = {j}, add = 0")),
        &steer(&format!("latent = {j}, clamp = 12")),
        &steer(&format!("latent = {j}, ablate = true")),
    ]);
    let base = scores(&all[0]).await;
    assert_eq!(scores(&all[1]).await, base);
    assert_eq!(scores(&all[2]).await, base);
    let strong = scores(&all[3]).await;
    assert_ne!(strong, base);
    assert_ne!(scores(&all[4]).await, base);
    assert_eq!(scores(&all[0]).await, base);
    assert_eq!(scores(&all[3]).await, strong);
}

#[tokio::test]
async fn every_key_changes_something_of_its_own() {
    let j = lively();
    let mut steers = vec![
        String::new(),
        steer("rest = \"dropped\""),
        steer(&format!("latents = [{j}, {}], clamp = 3", (j + 1) % 40)),
    ];
    for keys in [
        "clamp = 3",
        "add = 3",
        "scale = 3",
        "clamp = 3, unit = \"p99\"",
        "clamp = 3, unit = \"norm\"",
        "clamp = 3, keep_norm = true",
        "clamp = 3, rest = \"dropped\"",
        "clamp = 3, positions = \"last\"",
        "clamp = 3, positions = \"prompt\"",
        "clamp = 3, first = true",
    ] {
        steers.push(steer(&format!("latent = {j}, {keys}")));
    }
    let all = responders(&steers.iter().map(String::as_str).collect::<Vec<_>>());
    let mut seen = Vec::new();
    for responder in &all {
        let found = scores(responder).await;
        assert!(!seen.contains(&found), "{}", steers[seen.len()]);
        seen.push(found);
    }
}

#[tokio::test]
async fn steered_and_plain_at_once_get_what_each_gets_alone() {
    let j = lively();
    let steers: Vec<String> = (0..5)
        .map(|n| match n {
            0 => String::new(),
            n => steer(&format!("latent = {}, clamp = {n}", (j + n / 3) % 40)),
        })
        .collect();
    let all = responders(&steers.iter().map(String::as_str).collect::<Vec<_>>());
    let asks: Vec<_> = (0..40)
        .map(|n| (n % all.len(), ask(if n % 2 == 0 { chat(&"word ".repeat(n / 10)) } else { scored() })))
        .collect();
    let mut alone = Vec::new();
    for (who, question) in &asks {
        alone.push(all[*who].respond(question).await.unwrap());
    }
    let together = join_all(asks.iter().map(|(who, question)| all[*who].respond(question))).await;
    assert_eq!(together.into_iter().map(Result::unwrap).collect::<Vec<_>>(), alone);
}

#[test]
fn units_are_the_latents_own() {
    let found = Tiny.find("sae").unwrap();
    let units = found.units.clone().unwrap();
    let j = lively();
    let parse = |word: &str| match Steer::parse(word, |_| unreachable!(), &Tiny).unwrap() {
        Steer::Latents(latents) => latents,
        other => panic!("{other:?}"),
    };
    let p99 = parse(&format!("sae:{j}=2p99"));
    assert_eq!(p99.latents[0].per, f64::from(units.p99[j]));
    assert_eq!(p99.latents[0].active, units.active[j]);
    let length = |row: &[f32]| row.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
    let written = length(&parse(&format!("sae:{j}=1norm")).written(&found));
    assert!((written - f64::from(units.median_norm)).abs() < 1e-4 * written, "{written}");
    assert_eq!(
        parse(&format!("sae:{j}=2p99@last")).words(),
        format!("sae:{j} clamp 2 p99 (last, p99 {:.4} over n = {})", units.p99[j], units.active[j])
    );
}

#[test]
fn what_does_not_fit_is_told() {
    let registry = registry(&Shelf::new());
    for (steer, words) in [
        (
            "steer = { sae = \"sae\", latent = 40, clamp = 1 }",
            "there is no latent 40; it has 40 latents of rows of 24",
        ),
        ("steer = { sae = \"sae\", clamp = 1 }", "`latent` is missing"),
        ("steer = { sae = \"sae\", latent = 1 }", "it must be said once"),
        ("steer = { sae = \"sae\", latent = 1, clamp = 1, add = 2 }", "it must be said once"),
        ("steer = { sae = \"sae\", latents = [1, 1], clamp = 1 }", "1"),
        ("steer = { sae = \"none\", latent = 1, clamp = 1 }", "there is no autoencoder none"),
        ("steer = { sae = \"bare\", latent = 1, clamp = 1, unit = \"p99\" }", "was not measured"),
        ("steer = { sae = \"bare\", latent = 1, clamp = 1, unit = \"norm\" }", "was not measured"),
        (
            "steer = { sae = \"sae\", latent = 1, scale = 1, unit = \"p99\" }",
            "`unit` means nothing for `scale`",
        ),
        (
            "steer = { sae = \"sae\", latent = 1, ablate = true, unit = \"p99\" }",
            "`unit` means nothing for `ablate`",
        ),
        ("steer = { sae = \"sae\", vector = \"v.gguf\" }", "a subject is steered by one"),
        ("steer = { sae = \"sae\", latent = 1, clamp = 1, strenght = 2 }", "unknown key `strenght`"),
    ] {
        let error = plan(&registry, &[steer]).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
    for (name, words) in [("deep", ["9", ""]), ("wide", ["25", "24"])] {
        let steer = format!("steer = {{ sae = \"{name}\", latent = 1, clamp = 1 }}");
        let error = open(&registry, &plan(&registry, &[&steer]).unwrap(), 0).err().unwrap();
        assert!(words.iter().all(|word| error.to_string().contains(word)), "{error}");
    }
}

#[test]
fn an_autoencoder_that_moved_is_not_the_one_of_the_plan() {
    let registry = registry(&Shelf::new());
    let gated =
        "steer = { sae = \"sae\", latent = 1, clamp = 1, gate = { sae = \"sae\", latent = 2, above = 1 } }";
    let frozen = plan(&registry, &[gated]).unwrap();
    assert!(open(&registry, &frozen, 0).is_ok());
    for key in ["steer", "gate"] {
        let moved = |hook: serde_json::Value| {
            let mut plan = frozen.clone();
            plan.subjects[0].party.settings[key]["hook"] = hook;
            open(&registry, &plan, 0).err().map(|error| error.to_string())
        };
        let error = moved("blocks.0.hook_resid_post".into()).unwrap();
        assert!(error.contains("stands at resid_post.1 by its files, but stood at resid_post.0"), "{error}");
        assert_eq!(moved("layers.1".into()), None, "the same place by another name");
        assert_eq!(moved(serde_json::Value::Null), None, "a plan of an earlier version does not say");
    }
}

#[tokio::test]
async fn a_latent_of_the_prompt_opens_the_gate_and_a_bound_that_is_not_reached_shuts_it() {
    let j = lively();
    let gated = |latent: usize, above: &str| {
        steer(&format!(
            "latent = {j}, clamp = 12, gate = {{ sae = \"sae\", latent = {latent}, above = {above} }}"
        ))
    };
    let mut steers = vec![
        String::new(),
        steer(&format!("latent = {j}, clamp = 12")),
        gated(j, "1000000"),
        gated(j, "1000000, unit = \"p99\""),
    ];
    steers.extend((0..40).map(|latent| gated(latent, "0")));
    let all = responders(&steers.iter().map(String::as_str).collect::<Vec<_>>());
    let (base, steered) = (scores(&all[0]).await, scores(&all[1]).await);
    assert_ne!(base, steered);
    assert_eq!(scores(&all[2]).await, base);
    assert_eq!(scores(&all[3]).await, base);
    let mut open = 0;
    for responder in &all[4..] {
        let found = scores(responder).await;
        assert!(found == base || found == steered);
        open += usize::from(found == steered);
    }
    assert!((1..40).contains(&open), "some latents are active in the prompt, others not: {open}");
    let registry = registry(&Shelf::new());
    for (gate, words) in [
        ("{ sae = \"sae\", latent = 40, above = 1 }", "there is no latent 40"),
        ("{ sae = \"sae\", latent = 1 }", "`above` is missing"),
        ("{ sae = \"sae\", latent = 1, above = 1, run = \"x\" }", "either `sae` or `run`"),
        ("{ run = \"x\", of = \"guard.unsafe\" }", "no run can be read here"),
        ("7", "`gate` must be a vector's file, or a table"),
    ] {
        let steer = steer(&format!("latent = {j}, clamp = 12, gate = {gate}"));
        let error = plan(&registry, &[&steer]).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn a_gate_decides_a_conversation_by_its_first_prompt() {
    let j = lively();
    let mut steers = vec![String::new(), steer(&format!("latent = {j}, clamp = 40"))];
    steers.extend((0..40).map(|latent| {
        steer(&format!("latent = {j}, clamp = 40, gate = {{ sae = \"sae\", latent = {latent}, above = 0 }}"))
    }));
    let all = responders(&steers.iter().map(String::as_str).collect::<Vec<_>>());
    let turn = |role, text: &str| Turn { role, text: text.into() };
    let later = Prompt::Chat(vec![
        turn(Role::User, "ab"),
        turn(Role::Assistant, "so"),
        turn(Role::User, "and now WHAT of 42 other things?"),
    ]);
    let mut opened = [Vec::new(), Vec::new()];
    for (opened, prompt) in opened.iter_mut().zip([chat("ab"), later]) {
        let base = all[0].respond(&ask(prompt.clone())).await.unwrap();
        let steered = all[1].respond(&ask(prompt.clone())).await.unwrap();
        assert_ne!(base, steered);
        for responder in &all[2..] {
            let found = responder.respond(&ask(prompt.clone())).await.unwrap();
            assert!(found == base || found == steered);
            opened.push(found == steered);
        }
    }
    assert_eq!(opened[0], opened[1], "what is asked later decides nothing");
    assert!(opened[0].contains(&true) && opened[0].contains(&false));
}
