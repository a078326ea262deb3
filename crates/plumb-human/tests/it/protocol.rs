//! Assignment, order and a person's way, for all seeds: conditions fill exactly, designs are balanced, nothing is taken twice.

use std::collections::BTreeMap;

use plumb_human::protocol::assign::{Allocation, Rule, commitment};
use plumb_human::protocol::order::{self, Order, williams};
use plumb_human::protocol::person::{Course, End, Entry, Event, Input, Person, Screen, Slot, Taken, step};
use proptest::prelude::*;

fn seed() -> impl Strategy<Value = [u8; 32]> {
    prop::array::uniform32(any::<u8>())
}

fn exact() -> impl Strategy<Value = Rule> {
    prop_oneof![
        Just(Rule::LeastFilled),
        prop::collection::vec(1_usize..5, 0..4).prop_map(Rule::Block),
        Just(Rule::Simple),
    ]
}

proptest! {
    #[test]
    fn two_hundred_people_fill_five_arms_of_forty(seed in seed(), rule in exact(), strata in 1_usize..4) {
        let mut allocation = Allocation::new(rule, &[Some(40); 5], seed);
        for n in 0..200 {
            prop_assert!(allocation.assign(&(n % strata).to_string()).is_some());
        }
        prop_assert!(allocation.arms().iter().all(|arm| arm.held() == 40));
        prop_assert_eq!(allocation.assign("0"), None);
    }

    #[test]
    fn places_of_those_who_leave_are_filled_again(
        seed in seed(), rule in exact(), leaves in prop::collection::vec(any::<bool>(), 60),
    ) {
        let mut allocation = Allocation::new(rule, &[Some(7), Some(4), Some(9)], seed);
        let mut gone = 0;
        for leave in leaves {
            if let Some(arm) = allocation.assign("all") && leave {
                prop_assert!(allocation.leave(arm, "all"));
                gone += 1;
            }
        }
        while let Some(arm) = allocation.assign("all") {
            prop_assert!(allocation.complete(arm));
        }
        let held: Vec<usize> = allocation.arms().iter().map(|arm| arm.held()).collect();
        prop_assert_eq!(held, [7, 4, 9]);
        prop_assert_eq!(allocation.arms().iter().map(|arm| arm.gone).sum::<usize>(), gone);
    }

    #[test]
    fn arms_differ_by_no_more_than_their_rule_allows(seed in seed(), n in 1_usize..150) {
        for (rule, bound) in [(Rule::Block(vec![1, 2, 3]), 3), (Rule::LeastFilled, 2)] {
            let mut allocation = Allocation::new(rule, &[None; 5], seed);
            for _ in 0..n {
                allocation.assign("").unwrap();
            }
            let held = || allocation.arms().iter().map(|arm| arm.held());
            prop_assert!(held().max().unwrap() - held().min().unwrap() <= bound);
        }
    }

    #[test]
    fn a_sequence_has_each_item_once_and_keeps_fixed_positions(seed in seed(), nth in any::<u64>(), items in 3_usize..14) {
        use order::Rule::{AsListed, LatinSquare, Shuffle, Williams};
        for rule in [AsListed, Shuffle, LatinSquare, Williams] {
            let order = Order { items, rule, fixed: vec![(0, items - 1), (1, 0)], turn: vec![] };
            let sequence = order.sequence(nth, seed);
            let mut sorted = sequence.clone();
            sorted.sort_unstable();
            prop_assert_eq!(sorted, (0..items).collect::<Vec<_>>());
            prop_assert_eq!((sequence[items - 1], sequence[0]), (0, 1));
        }
    }
}

#[test]
fn unequal_places_are_dealt_in_proportion_from_the_first_person_to_the_last() {
    const STUDIES: u32 = 4_000;
    for rule in [Rule::Block(vec![1, 2]), Rule::Block(vec![2, 3]), Rule::LeastFilled, Rule::Simple] {
        let mut small = [0_u32; 40];
        for n in 0..STUDIES {
            let mut seed = [7; 32];
            seed[..4].copy_from_slice(&n.to_le_bytes());
            let mut allocation =
                Allocation::new(rule.clone(), &[Some(10), Some(30)], seed).in_shares(vec![10, 30]);
            for at in &mut small {
                *at += u32::from(allocation.assign("") == Some(0));
            }
            assert_eq!(allocation.assign(""), None);
            assert!(allocation.arms().iter().map(|arm| arm.held()).eq([10, 30]));
        }
        // Blocks have the proportion at every place; the other rules about it in every stretch.
        let each = if matches!(rule, Rule::Block(_)) { 1 } else { 10 };
        for (stretch, people) in small.chunks(each).enumerate() {
            let n = f64::from(STUDIES) * each as f64;
            let share = f64::from(people.iter().sum::<u32>()) / n;
            let bound = if each == 1 { 4.5 * (0.25 * 0.75 / n).sqrt() } else { 0.03 };
            assert!((share - 0.25).abs() < bound, "{rule:?}, stretch {stretch}: {share}");
        }
    }
}

/// Ten people in each of two arms of ten; then the one takes twenty and the other forty.
#[test]
fn places_that_become_unequal_are_dealt_by_what_is_open_then() {
    const STUDIES: u32 = 4_000;
    for rule in [Rule::Block(vec![1, 2]), Rule::LeastFilled, Rule::Simple] {
        let mut first = [0_u32; 40];
        for n in 0..STUDIES {
            let mut seed = [9; 32];
            seed[..4].copy_from_slice(&n.to_le_bytes());
            let mut allocation = Allocation::new(rule.clone(), &[Some(10), Some(10)], seed);
            while allocation.assign("").is_some() {}
            allocation.set_places(&[Some(20), Some(40)], true);
            for at in &mut first {
                *at += u32::from(allocation.assign("") == Some(0));
            }
            assert_eq!(allocation.assign(""), None);
            assert!(allocation.arms().iter().map(|arm| arm.held()).eq([20, 40]));
            // An arm that is full takes somebody again when one leaves.
            assert!(allocation.leave(0, "") && allocation.assign("") == Some(0));
        }
        for (stretch, people) in first.chunks(10).enumerate() {
            let share = f64::from(people.iter().sum::<u32>()) / (f64::from(STUDIES) * 10.0);
            assert!((share - 0.25).abs() < 0.03, "{rule:?}, stretch {stretch}: {share}");
        }
    }
}

proptest! {
    #[test]
    fn shares_are_filled_exactly_whoever_leaves(
        seed in seed(), rule in exact(), leaves in prop::collection::vec(any::<bool>(), 60), strata in 1_usize..4,
    ) {
        let mut allocation = Allocation::new(rule, &[Some(7), Some(4), Some(9)], seed).in_shares(vec![7, 4, 9]);
        for (n, leave) in leaves.into_iter().enumerate() {
            let stratum = (n % strata).to_string();
            if let Some(arm) = allocation.assign(&stratum) && leave {
                prop_assert!(allocation.leave(arm, &stratum));
            }
        }
        while let Some(arm) = allocation.assign("0") {
            prop_assert!(allocation.complete(arm));
        }
        prop_assert!(allocation.arms().iter().map(|arm| arm.held()).eq([7, 4, 9]));
    }
}

/// Arms as they were drawn before there were shares: journals of then are read again by the same draws.
#[test]
fn what_was_dealt_equally_is_dealt_so_again() {
    for (rule, wanted) in [
        (Rule::Simple, "22001001221122211222"),
        (Rule::Block(vec![1, 2]), "20110120211121212222"),
        (Rule::LeastFilled, "12002210101122112222"),
    ] {
        let mut allocation = Allocation::new(rule.clone(), &[Some(3), Some(6), Some(9)], [3; 32]);
        let mut arms = String::new();
        for n in 0..20 {
            let Some(arm) = allocation.assign("") else { break };
            arms += &arm.to_string();
            if n % 7 == 3 {
                allocation.leave(arm, "");
            }
        }
        assert_eq!(arms, wanted, "{rule:?}");
    }
}

#[test]
fn a_williams_design_is_balanced_for_first_order_carry_over() {
    for n in 2..=11 {
        let rows = williams(n);
        assert_eq!(rows.len(), if n % 2 == 0 { n } else { 2 * n });
        let (mut follows, mut places) = (BTreeMap::new(), BTreeMap::new());
        for row in &rows {
            row.windows(2).for_each(|pair| *follows.entry((pair[0], pair[1])).or_insert(0) += 1);
            row.iter().enumerate().for_each(|cell| *places.entry(cell).or_insert(0) += 1);
        }
        let each = rows.len() / n;
        assert_eq!(follows.len(), n * (n - 1), "{n}");
        assert!(follows.values().all(|&count| count == each), "{n}");
        assert_eq!(places.len(), n * n, "{n}");
        assert!(places.values().all(|&count| count == each), "{n}");
    }
}

#[test]
fn items_that_turn_swap_from_person_to_person() {
    let order =
        Order { items: 8, rule: order::Rule::Shuffle, fixed: vec![(5, 5), (6, 6), (7, 7)], turn: vec![5, 7] };
    assert_eq!(order.sequence(0, [1; 32])[5..], [5, 6, 7]);
    assert_eq!(order.sequence(1, [1; 32])[5..], [7, 6, 5]);
    assert_ne!(order.sequence(0, [1; 32])[..5], order.sequence(0, [2; 32])[..5]);
}

#[test]
fn rows_and_turns_are_crossed() {
    for rule in [order::Rule::AsListed, order::Rule::LatinSquare, order::Rule::Williams] {
        for items in 3..8 {
            let order = Order { items, rule, fixed: vec![(0, 0), (1, items - 1)], turn: vec![0, 1] };
            let rows = order.rows().unwrap();
            let each: std::collections::BTreeSet<Vec<usize>> =
                (0..rows as u64).map(|nth| order.sequence(nth, [0; 32])).collect();
            assert_eq!(each.len(), rows, "{order:?}: every row is another");
            assert_eq!(order.sequence(rows as u64, [0; 32]), order.sequence(0, [0; 32]));
        }
    }
}

#[test]
fn a_commitment_is_the_sha_256_of_the_seed() {
    // As sha256sum of GNU coreutils prints it for 32 zero bytes.
    assert_eq!(commitment(&[0; 32]), "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925");
}

/// Takes an input as a server would: what follows is recorded, then applied.
fn take(course: &Course, journal: &mut Vec<Event>, input: &Input) -> bool {
    match step(course, &Person::replay(journal.iter()), input) {
        Taken::Events(events) => {
            journal.extend(events);
            true
        }
        Taken::Stale => false,
    }
}

fn answer(screen: usize, id: &str, value: &str) -> Input {
    Input::Answer { screen, values: vec![(id.into(), value.into())] }
}

fn trials(items: &[&str]) -> Vec<Slot> {
    let slot = |item: &&str| Slot::Trial {
        block: "main".into(),
        item: (*item).into(),
        step: "estimate".into(),
        repetition: 0,
        turn: 0,
    };
    items.iter().map(slot).collect()
}

/// A page of instructions, then a check that may be answered twice.
fn course() -> Course {
    let page = |id: &str, key: Vec<(String, String)>| Entry { page: id.into(), key, tries: 2 };
    Course { pages: vec![page("read", vec![]), page("check", vec![("q".into(), "b".into())])] }
}

#[test]
fn a_page_sent_twice_is_taken_once() {
    let course = course();
    let assign = Input::Assign { arm: "A".into(), sequence: trials(&["1", "2"]) };
    let mut journal = Vec::new();
    assert!(!take(&course, &mut journal, &assign), "nobody is assigned before consent");
    for (input, screen) in [
        (Input::Agree, Screen::Entry(0)),
        (answer(1, "", ""), Screen::Entry(1)),
        (answer(2, "q", "a"), Screen::Entry(1)),
        (answer(3, "q", "b"), Screen::Assigning),
        (assign, Screen::Slot(0)),
        (answer(4, "final", "1.2"), Screen::Slot(1)),
        (answer(5, "final", "1.3"), Screen::End(End::Completed)),
    ] {
        assert!(take(&course, &mut journal, &input), "{input:?}");
        assert_eq!(Person::replay(journal.iter()).screen(&course), screen);
        assert!(!take(&course, &mut journal, &input), "{input:?} again");
        assert_eq!(Person::replay(journal.iter()).screen(&course), screen);
    }
    assert_eq!(journal.iter().filter(|e| matches!(e, Event::Answered { .. })).count(), 4);
    assert_eq!(journal.iter().filter(|e| matches!(e, Event::Missed { .. })).count(), 1);
    assert!(!take(&course, &mut journal, &Input::Withdraw), "what has ended stays so");
    let stored = serde_json::to_string(&journal).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Event>>(&stored).unwrap(), journal, "events are stored whole");
}

#[test]
fn each_way_out_has_its_own_end() {
    let agreed = [Input::Agree, answer(1, "", "")];
    for (inputs, end) in [
        (vec![Input::Decline], End::Declined),
        (vec![answer(2, "q", "a"), answer(3, "q", "c")], End::ScreenedOut),
        (vec![answer(2, "q", "b"), Input::Full], End::Full),
        (vec![Input::Withdraw], End::Withdrawn),
        (vec![Input::TimedOut], End::TimedOut),
        (vec![Input::Returned], End::Returned),
        (vec![answer(2, "q", "b"), Input::Assign { arm: "A".into(), sequence: vec![] }], End::Completed),
    ] {
        let (course, mut journal) = (course(), Vec::new());
        let before: &[Input] = if end == End::Declined { &[] } else { &agreed };
        assert!(before.iter().chain(&inputs).all(|input| take(&course, &mut journal, input)), "{end:?}");
        assert_eq!(Person::replay(journal.iter()).screen(&course), Screen::End(end));
    }
}

/// Of the rest of a block and the place that opened again, each card is as likely to be the next as any other.
#[test]
fn a_place_that_opens_again_is_shuffled_among_the_cards_not_dealt() {
    let (mut expected, mut variance, mut found) = (0.0, 0.0, 0.0);
    for n in 0..4_000_u32 {
        let mut seed = [0; 32];
        seed[..4].copy_from_slice(&n.to_le_bytes());
        let mut allocation = Allocation::new(Rule::Block(vec![3]), &[None; 2], seed);
        let dealt: Vec<usize> = (0..4).map(|_| allocation.assign("").unwrap()).collect();
        assert!(allocation.leave(dealt[0], ""));
        // Two of the six cards are left, and the first person's is back.
        let same = 3 - dealt.iter().filter(|arm| **arm == dealt[0]).count() + 1;
        let p = same as f64 / 3.0;
        (expected, variance) = (expected + p, variance + p * (1.0 - p));
        let next: Vec<usize> = (0..3).map(|_| allocation.assign("").unwrap()).collect();
        assert_eq!(next.iter().filter(|arm| **arm == dealt[0]).count(), same, "the block stays whole");
        found += f64::from(next[0] == dealt[0]);
    }
    // Were the card put on top, the next person would always get the condition of whoever left.
    assert!((found - expected).abs() < 4.0 * variance.sqrt(), "{found} of 4000, {expected} expected");
}
