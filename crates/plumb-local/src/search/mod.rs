//! Which latents of an autoencoder make a model refuse: candidates, a screen without generating, and a winner.
//!
//! Three stages, all of them in the record. [`candidates`] come from replies that are known: latents active while a refusal is
//! written after one archetypal prompt (the procedure of O'Brien et al., 2411.11296), latents that tell refused from complied
//! *among harmful prompts* ([`contrast`](candidates::contrast); harmful against harmless would find the topic), latents that
//! write along the difference in means, and latents that make a refusal likelier under a small clamp. [`screen`] clamps each and reads how much likelier a reply that begins like a refusal
//! becomes, which takes a prefill and no generation. The best are generated for by an ordinary sweep, random latents and
//! random directions beside them, and [`decide`] takes the winner.
//!
//! Start with [`Search`]. Not here: reading runs, running plans (the binary), what a clamp computes (`plumb-lm`).

pub mod candidates;
mod decide;
mod openers;
mod record;
pub mod screen;
mod settings;

pub use candidates::{Candidate, Reply};
pub use decide::{Decision, RULE, Rise, decide};
pub use openers::Openers;
pub use record::{Record, section};
pub use settings::{Prompts, Search};

use crate::splitmix::SplitMix;

/// A seeded choice without repetition of `count` numbers, in the order in which they are drawn (Fisher and Yates).
pub fn drawn(mut from: Vec<usize>, count: usize, seed: u64) -> Vec<usize> {
    let mut stream = SplitMix::new(seed);
    for at in 0..count.min(from.len()) {
        let other = at + stream.below(from.len() - at);
        from.swap(at, other);
    }
    from.truncate(count);
    from
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_repeats_nothing_and_is_the_seeds_own() {
        let all: Vec<usize> = (0..50).collect();
        let one = drawn(all.clone(), 20, 3);
        let mut sorted = one.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), 20);
        assert_eq!(drawn(all.clone(), 20, 3), one);
        assert_ne!(drawn(all.clone(), 20, 4), one);
        assert_eq!(drawn(all, 60, 3).len(), 50);
    }
}
