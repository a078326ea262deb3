//! The stages of a search on a tiny model.

use crate::support::{Shelf, Tiny};
use plumb_lm::{Control, Generator, Limits, Message, Model, Role};
use plumb_local::search::{Openers, Reply, candidates, screen};
use plumb_local::steer::{Saes as _, Steer};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

fn model() -> Arc<Model> {
    Arc::new(Model::open(&Shelf::new().file("tiny")).unwrap())
}

#[test]
fn openers_are_beginnings_that_only_refusals_have() {
    let replies =
        [("I'm sorry", true), ("I'm sure", false), ("No way", true), ("No way!", true), ("Yes, do", false)];
    let openers = Openers::learn(&model(), replies.into_iter());
    // Tokens of the tiny model are bytes.
    assert_eq!(openers.texts, ["No "]);
    assert_eq!((openers.refused, openers.covered), (3, 2));
}

#[test]
fn margins_are_of_each_setting_and_an_idle_one_has_the_unsteered_ones() {
    let model = model();
    let generator = Generator::new(model.clone(), Limits { sequences: 8, ..Limits::default() });
    let openers = Openers { texts: vec!["No ".into(), "Sor".into()], refused: 2, covered: 2 };
    let prompts: Vec<Vec<Message>> = ["one", "two", "three"].map(screen::chat).to_vec();
    let fit =
        |word: &str| Some(Steer::parse(word, |_| unreachable!(), &Tiny).unwrap().fit(&model, &Tiny).unwrap());
    let settings = [None, fit("sae:3=x1"), fit("sae:3=9"), fit("sae:4=9")];
    let never = AtomicBool::new(false);
    let control = Control { cancel: &never, now: &Instant::now };
    let mut told = Vec::new();
    let margins =
        screen::margins(&generator, &openers, &prompts, &settings, control, &mut |done| told.push(done))
            .unwrap();
    assert_eq!(told, [2, 3]);
    assert!(margins.iter().all(|values| values.len() == 3 && values.iter().all(|x| x.is_finite())));
    assert_eq!(margins[0], margins[1]);
    assert!(margins[2] != margins[0] && margins[3] != margins[2]);
}

#[test]
fn candidates_are_found_in_replies() {
    let model = model();
    let found = Tiny.find("sae").unwrap();
    let site = found.sae.site(&model).unwrap();
    let forced =
        candidates::archetype(&model, &found.sae, site, ("do harm", "Sorry, I cannot do that.")).unwrap();
    assert!(!forced.is_empty() && forced.values().all(|count| (2..=24).contains(count)));
    let reply = |prompt: &str, text: &str, refused, harmful| Reply {
        prompt: vec![Message::new(Role::User, prompt)],
        text: text.into(),
        refused,
        harmful,
    };
    let mut replies = Vec::new();
    for at in 0..6 {
        replies.push(reply(&format!("bad {at}"), "Sorry, I cannot.", true, true));
        replies.push(reply(&format!("worse {at}"), "Take a long spoon.", false, true));
        replies.push(reply(&format!("good {at}"), "Of course, here.", false, false));
    }
    let contrast = candidates::contrast(&model, &found.sae, site, &replies, &mut |_| {}).unwrap();
    assert_eq!(contrast.counts, (6, 6));
    assert!(contrast.told.values().any(|(area, q)| *area > 0.9 && *q < 0.05));
    let gathered = candidates::gathered(&forced, &contrast, &BTreeMap::new(), |_| true, 12);
    assert!(gathered.len() <= 12 && gathered.iter().any(|candidate| candidate.tokens >= 2));
    let one_kind: Vec<Reply> = replies.into_iter().filter(|reply| reply.refused).collect();
    assert!(candidates::contrast(&model, &found.sae, site, &one_kind, &mut |_| {}).is_err());
}
