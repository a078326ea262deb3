//! Steered subjects: what is changed, and the laws that hold whatever is.

use crate::support::{Items, Shelf, ask, chat, open, registry};
use futures_util::future::join_all;
use plumb_lm::tiny;
use plumb_local::steer::ControlVector;
use plumb_study::items::Prompt;
use plumb_study::party::{Outcome, Reply, Responder};
use plumb_study::{Answer, Draft, Inputs, Plan, Registry, Result, freeze};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Control vectors by name, beside the items.
struct Vectors;

fn vector(layer: usize, width: usize) -> ControlVector {
    let values = (0..width).map(|at| ((at * 7 + 3) % 11) as f32 - 5.0).collect();
    ControlVector {
        model: String::new(),
        layers: BTreeMap::from([(layer, values)]),
        norms: BTreeMap::from([(layer, 2.0)]),
        thresholds: BTreeMap::from([(layer, 0.5)]),
    }
}

impl Inputs for Vectors {
    fn read(&self, path: &str) -> Result<Vec<u8>> {
        Ok(match path {
            "v.gguf" => vector(1, tiny::WIDTH as usize).write(),
            "deep.gguf" => vector(9, tiny::WIDTH as usize).write(),
            "wide.gguf" => vector(1, 7).write(),
            "none.gguf" => b"GGUF".to_vec(),
            _ => return Items.read(path),
        })
    }

    fn expand(&self, path: &str) -> Result<Vec<String>> {
        Ok(vec![path.to_owned()])
    }
}

pub fn plan(registry: &Registry, steers: &[&str]) -> Result<Plan> {
    let mut text = "name = \"t\"\nseed = 5\n[[items]]\nreader = \"csv\"\npath = \"i.csv\"\n".to_owned();
    for (n, steer) in steers.iter().enumerate() {
        text += &format!("[[subject]]\nid = \"s{n}\"\nkind = \"local\"\nmodel = \"tiny\"\n{steer}\n");
    }
    Ok(freeze(Draft::parse(&text, "t.toml")?, registry, &Vectors)?.plan)
}

pub fn responders(steers: &[&str]) -> Vec<Arc<dyn Responder>> {
    let registry = registry(&Shelf::new());
    let plan = plan(&registry, steers).unwrap();
    (0..steers.len()).map(|subject| open(&registry, &plan, subject).unwrap()).collect()
}

fn steer(keys: &str) -> String {
    format!("steer = {{ vector = \"v.gguf\", {keys} }}")
}

/// Numbers that tell any change: scores of options after a context.
pub fn scored() -> Prompt {
    Prompt::Choose {
        context: "some context ".into(),
        options: ["one", "two", "three"].map(Into::into).to_vec(),
    }
}

fn numbers(reply: &Reply) -> Vec<u64> {
    match &reply.outcome {
        Outcome::Answered { answer: Answer::Options(scores), .. } => {
            scores.iter().map(|s| s.logprob.to_bits()).collect()
        }
        other => panic!("options, not {other:?}"),
    }
}

pub async fn scores(responder: &Arc<dyn Responder>) -> Vec<u64> {
    numbers(&responder.respond(&ask(scored())).await.unwrap())
}

#[tokio::test]
async fn no_strength_is_bit_identical_to_no_steering_and_a_strength_is_not() {
    let all = responders(&[
        "",
        &steer("strength = 0"),
        &steer("strength = 12"),
        &steer("strength = 0, unit = \"norm\""),
    ]);
    let base = scores(&all[0]).await;
    assert_eq!(scores(&all[1]).await, base);
    assert_eq!(scores(&all[3]).await, base);
    let strong = scores(&all[2]).await;
    assert_ne!(strong, base);
    assert_eq!(scores(&all[1]).await, base, "12, then 0, is as if there never was 12");
    assert_eq!(scores(&all[0]).await, base);
    assert_eq!(scores(&all[2]).await, strong);
}

#[tokio::test]
async fn every_position_and_mode_changes_something_of_its_own() {
    let steers: Vec<String> = ["all", "prompt", "generated", "last"]
        .map(|span| steer(&format!("strength = 3, positions = \"{span}\"")))
        .into_iter()
        .chain([
            steer("mode = \"ablate\""),
            steer("mode = \"set\", strength = 3"),
            steer("strength = 3, unit = \"norm\""),
            steer("strength = 3, first = true"),
            steer("strength = 3, keep_norm = true"),
            steer("strength = 3, positions = [1, \"answer\"]"),
            steer("strength = 3, positions = \"answer\""),
        ])
        .collect();
    let all = responders(&[&[""], steers.iter().map(String::as_str).collect::<Vec<_>>().as_slice()].concat());
    let mut seen = Vec::new();
    for responder in &all {
        let found = scores(responder).await;
        assert!(!seen.contains(&found), "{}", seen.len());
        seen.push(found);
    }
    let text = responders(&[&steer("strength = 3, positions = \"text\"")]);
    assert_eq!(scores(&text[0]).await, seen[2], "what is no chat is text, all of the prompt");
}

#[tokio::test]
async fn the_last_token_of_the_prompt_is_steered() {
    // Options of one token are scored by the last token of the context alone.
    let all = responders(&[
        "",
        &steer("strength = 40, positions = \"last\""),
        &steer("strength = 40, positions = \"generated\""),
        &steer("strength = 40, positions = \"last\", keep_norm = true"),
        &steer("strength = 40, positions = \"-1\""),
        &steer("strength = 40, positions = \"answer+99\""),
    ]);
    let prompt =
        Prompt::Choose { context: "some context".into(), options: ["x", "y", "z"].map(Into::into).to_vec() };
    let mut seen = Vec::new();
    for responder in &all {
        seen.push(numbers(&responder.respond(&ask(prompt.clone())).await.unwrap()));
    }
    assert_ne!(seen[0], seen[1]);
    assert_eq!(seen[1], seen[2]);
    assert!(seen[3] != seen[0] && seen[3] != seen[1], "with its norm kept it is another change");
    assert_eq!(seen[4], seen[1]);
    assert_eq!(seen[5], seen[0], "no token of an answer was read yet, and the prompt has no token 99");
}

#[tokio::test]
async fn steered_and_plain_at_once_get_what_each_gets_alone() {
    let steers: Vec<String> = (0..6)
        .map(|n| {
            if n == 0 {
                String::new()
            } else {
                steer(&format!("strength = {n}, positions = \"{}\"", ["all", "prompt", "generated"][n % 3]))
            }
        })
        .collect();
    let all = responders(&steers.iter().map(String::as_str).collect::<Vec<_>>());
    let asks: Vec<_> = (0..60)
        .map(|n| {
            let mut question = ask(match n % 3 {
                0 => chat(&"word ".repeat(n / 12)),
                1 => Prompt::Completion(format!("text {}", n / 6).into()),
                _ => scored(),
            });
            question.seed = 3;
            (n % all.len(), question)
        })
        .collect();
    let mut alone = Vec::new();
    for (who, question) in &asks {
        alone.push(all[*who].respond(question).await.unwrap());
    }
    let together = join_all(asks.iter().map(|(who, question)| all[*who].respond(question))).await;
    assert_eq!(together.into_iter().map(std::result::Result::unwrap).collect::<Vec<_>>(), alone);
}

#[test]
fn steering_is_part_of_a_subjects_identity() {
    let registry = registry(&Shelf::new());
    let digests: Vec<_> = [
        "",
        &steer("strength = 1"),
        &steer("strength = 2"),
        &steer("positions = \"last\""),
        &steer("mode = \"ablate\""),
    ]
    .iter()
    .map(|steer| plan(&registry, &[steer]).unwrap().subjects[0].party.digest())
    .collect();
    assert!((1..digests.len()).all(|at| !digests[..at].contains(&digests[at])));
}

#[test]
fn what_does_not_fit_is_told() {
    let registry = registry(&Shelf::new());
    for (steer, words) in [
        ("steer = { vector = \"v.gguf\", mode = \"ablate\", strength = 1 }", "it has no strength"),
        ("steer = { vector = \"v.gguf\", mode = \"set\" }", "`strength` is missing"),
        ("steer = { vector = \"v.gguf\", strenght = 1 }", "unknown key `strenght`"),
        ("steer = { vector = \"none.gguf\" }", "none.gguf"),
        ("steer = { strength = 1 }", "`vector` is missing, the file of a direction"),
    ] {
        let error = plan(&registry, &[steer]).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
    for (name, words) in [
        ("deep", "a direction for layer 9, 24 wide; the model has 3 layers, 24 wide"),
        ("wide", "layer 1, 7 wide"),
    ] {
        let frozen = plan(&registry, &[&format!("steer = {{ vector = \"{name}.gguf\" }}")]).unwrap();
        let error = open(&registry, &frozen, 0).err().unwrap();
        assert!(error.to_string().contains(words), "{error}");
    }
}
