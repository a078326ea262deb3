//! A rating study as a server drives it: many at once, a fifth of them gone without a word, their places given out again. Every
//! item has its number of ratings by people who completed, whatever the seed.

use std::collections::BTreeMap;

use plumb_human::collect::{Collection, Identity, Newcomer};
use plumb_human::outline;
use plumb_human::protocol::person::{End, Input, Screen, Slot};
use plumb_human::simulate::{Actor, Simulator, seeds};
use plumb_study::Digest;
use plumb_study::people::PersonIx;

use crate::{example, example_with};

/// How many are under way at once, and for how many rounds of pages a person who left still holds a place.
const AT_ONCE: usize = 15;
const HELD_FOR: usize = 40;

/// Somebody under way: answers page by page, or left in a round.
struct Comer<'a> {
    who: PersonIx,
    actor: Actor<'a>,
    left: Option<usize>,
}

fn come(collection: &mut Collection, n: usize) -> PersonIx {
    let newcomer = Newcomer {
        link: Digest::of(n.to_string().as_bytes()),
        salt: [0; 32],
        nonce: n.to_string(),
        identity: Identity::default(),
    };
    let (who, _) = collection.arrive(newcomer, 0);
    collection.take(who, &Input::Agree, None).unwrap();
    who
}

/// One page: answered, or the person leaves, or the time of one who left is over. False where nothing more comes of the person.
fn page(collection: &mut Collection, comer: &mut Comer<'_>, round: usize) -> bool {
    if let Some(left) = comer.left {
        let over = round - left >= HELD_FOR;
        if over {
            collection.take(comer.who, &Input::TimedOut, None).unwrap();
        }
        return !over;
    }
    let due = collection.due(comer.who).unwrap();
    match comer.actor.answers(&due).unwrap() {
        Some(values) => {
            let screen = collection.person(comer.who).unwrap().due();
            collection.take(comer.who, &Input::Answer { screen, values }, None).unwrap();
            !matches!(collection.screen(comer.who), Some(Screen::End(_)))
        }
        None => {
            comer.left = Some(round);
            true
        }
    }
}

#[test]
fn every_item_has_its_ratings_by_those_who_complete_though_a_fifth_leaves() {
    let study = example("code-value");
    let simulator = Simulator::new(&study).unwrap();
    let (mut assigned, mut completed) = (0, 0);
    for seed in 0..12_u8 {
        let mut collection = Collection::new(example("code-value"), [seed; 32]).unwrap();
        let mut seeds = seeds(seed.into()).enumerate();
        let mut under_way: Vec<Comer<'_>> = Vec::new();
        for round in 0.. {
            while under_way.len() < AT_ONCE && collection.has_room() {
                let (n, seed) = seeds.next().unwrap();
                let who = come(&mut collection, n);
                under_way.push(Comer { who, actor: simulator.actor(seed, false), left: None });
            }
            under_way.retain_mut(|comer| page(&mut collection, comer, round));
            if under_way.is_empty() && !collection.has_room() {
                break;
            }
        }
        let mut ratings: BTreeMap<(String, String), usize> = BTreeMap::new();
        let all = (0..collection.arrived() as u32).filter_map(|who| collection.person(PersonIx(who)));
        let (mut here, all): (usize, Vec<_>) = (0, all.collect());
        for person in &all {
            assigned += usize::from(person.arm().is_some());
            if person.end() != Some(End::Completed) {
                continue;
            }
            here += 1;
            for (slot, _) in person.answers() {
                if let Slot::Trial { block, item, repetition: 0, .. } = slot
                    && block == "rating"
                {
                    *ratings.entry((person.arm().unwrap().to_owned(), item.clone())).or_insert(0) += 1;
                }
            }
        }
        assert_eq!((here, ratings.len()), (49, 80), "seed {seed}: forty items in two conditions");
        assert!(ratings.values().all(|n| *n >= 8), "seed {seed}: {ratings:?}");
        completed += here;
    }
    assert!(assigned - completed > assigned / 6, "{assigned} assigned, {completed} completed");
}

/// Forty-nine people of whom nobody knows who comes where are too few for three items of a problem with eight raters each.
#[test]
fn a_check_says_where_people_who_meet_one_item_of_each_problem_are_too_few() {
    let told = |places: &str| -> Vec<String> {
        let places = |text: String| text.replace("places = { HIDDEN = 25, SHOWN = 24 }", places);
        let warnings = outline(&example_with("code-value", places), None).warnings;
        warnings.into_iter().filter(|w| w.contains("of which a person meets one")).collect()
    };
    for (places, few) in [
        ("places = { HIDDEN = 25, SHOWN = 24 }", false),
        ("places = { HIDDEN = 26, SHOWN = 23 }", true),
        ("people = 48", false),
        ("people = 49", true),
        ("people = 51", false),
    ] {
        let warnings = told(places);
        assert_eq!(!warnings.is_empty(), few, "{places}: {warnings:?}");
        assert!(warnings.iter().all(|w| w.contains("3 items") && w.contains("24 people")), "{warnings:?}");
    }
}
