//! BLEU of one candidate against one reference (Papineni et al. 2002), as two libraries define it.
//!
//! Same name, different numbers: they split the text differently, treat orders without a match differently and cut
//! short texts differently. So there is no metric called `bleu` here; each says whose it is.

use super::Unscored;
use super::thirteen_a;
use super::tokens::{Numbers, Runs, matches, numbered, words};

/// Orders 1 to 4.
pub(super) const ORDERS: usize = 4;

/// exp(1 − r/c) for a candidate that is shorter than its reference, else 1; 0 for an empty one.
pub(super) fn brevity(reference: usize, candidate: usize) -> f64 {
    match candidate {
        0 => 0.0,
        c if c >= reference => 1.0,
        c => (1.0 - reference as f64 / c as f64).exp(),
    }
}

/// Matches and n-grams of one order.
#[derive(Clone, Copy)]
struct Order {
    matched: f64,
    of: f64,
}

fn order(reference: &[u32], candidate: &[u32], n: usize) -> Order {
    Order {
        matched: f64::from(matches(reference, candidate, n)),
        of: (candidate.len() + 1).saturating_sub(n) as f64,
    }
}

/// NLTK's `sentence_bleu` on words between white space, with one of its smoothing methods 0 to 7 (Chen and Cherry 2014)
/// at the library's parameters (ε = 0.1, α = 5, k = 5). 0 to about 1; methods 4 and 5 may exceed 1.
///
/// # Errors
/// Method 6 is undefined where no trigram matches (the library raises an error there).
pub(super) fn nltk(reference: &str, candidate: &str, method: u8) -> Result<f64, Unscored> {
    let (reference, candidate) = numbered(words(reference), words(candidate));
    // An order that is longer than the text has one n-gram, which does not match.
    let orders: Vec<Order> = (1..=ORDERS + 1)
        .map(|n| order(&reference, &candidate, n))
        .map(|o| Order { of: o.of.max(1.0), ..o })
        .collect();
    if orders[0].matched == 0.0 {
        return Ok(0.0);
    }
    let plain: Vec<f64> = orders.iter().map(|o| o.matched / o.of).collect();
    let length = candidate.len() as f64;
    let smoothed = match method {
        0 => floored(&plain),
        1 => replaced(&orders, |_, o| 0.1 / o.of),
        2 => {
            let more = orders[1..].iter().map(|o| (o.matched + 1.0) / (o.of + 1.0));
            std::iter::once(plain[0]).chain(more).collect()
        }
        3 => replaced(&orders, |nth, o| 0.5_f64.powi(nth) / o.of),
        4 => by_length(&orders, length),
        5 => neighbours(&plain[..ORDERS], plain[ORDERS]),
        6 => interpolated(&orders, &plain, candidate.len())?,
        _ => neighbours(&by_length(&orders, length), plain[ORDERS]),
    };
    // An order whose precision is still 0 is left out of the mean, as the library does.
    let mean: f64 = smoothed[..ORDERS].iter().filter(|p| **p > 0.0).map(|p| p.ln() / ORDERS as f64).sum();
    Ok(brevity(reference.len(), candidate.len()) * mean.exp())
}

/// Method 0: the smallest positive normal number in place of 0, so that the product is next to 0.
fn floored(precisions: &[f64]) -> Vec<f64> {
    precisions.iter().map(|p| if *p == 0.0 { f64::MIN_POSITIVE } else { *p }).collect()
}

/// Precisions of orders 1 to 4, those without a match replaced; `by` is told the how manieth it is, from 1.
fn replaced(orders: &[Order], by: impl Fn(i32, Order) -> f64) -> Vec<f64> {
    let mut nth = 0;
    let mut precision = |o: &Order| {
        if o.matched > 0.0 {
            return o.matched / o.of;
        }
        nth += 1;
        by(nth, *o)
    };
    orders[..ORDERS].iter().map(&mut precision).collect()
}

/// Method 4: as 3, but smaller the shorter the candidate is; a single word is not smoothed.
fn by_length(orders: &[Order], length: f64) -> Vec<f64> {
    replaced(orders, |nth, o| if length > 1.0 { length.ln() / (2.0_f64.powi(nth) * 5.0) / o.of } else { 0.0 })
}

/// Method 5: the mean of the (smoothed) order below, the order itself and the order above.
fn neighbours(precisions: &[f64], fifth: f64) -> Vec<f64> {
    let mut below = precisions[0] + 1.0;
    let above = precisions[1..].iter().chain([&fifth]);
    precisions
        .iter()
        .zip(above)
        .map(|(here, above)| {
            below = (below + here + above) / 3.0;
            below
        })
        .collect()
}

/// Method 6: trigrams and fourgrams are drawn towards what the two orders below let expect.
fn interpolated(orders: &[Order], plain: &[f64], length: usize) -> Result<Vec<f64>, Unscored> {
    if plain[2] == 0.0 {
        return Err(Unscored("no trigram matches, so smoothing method 6 is undefined"));
    }
    let mut precisions = plain[..ORDERS].to_vec();
    for n in 2..ORDERS {
        let (two_below, below) = (precisions[n - 2], precisions[n - 1]);
        let expected = if two_below == 0.0 { 0.0 } else { below * below / two_below };
        let grams = length.saturating_sub(n) as f64;
        precisions[n] = (orders[n].matched + 5.0 * expected) / (grams + 5.0);
    }
    Ok(precisions)
}

/// sacreBLEU's sentence score of each candidate at its defaults: tokenizer 13a, exponential smoothing, only orders that the
/// candidate is long enough for. 0 to 100 (and a last digit more for equal texts, as there).
pub(super) fn sacre_each(reference: &str, candidates: &[&str]) -> Vec<f64> {
    let spaced = thirteen_a::spaced(reference);
    let numbers = Numbers::of(words(&spaced));
    let runs: Vec<Runs> = (1..=ORDERS).map(|n| Runs::of(&numbers.reference, n)).collect();
    let score = |candidate: &&str| {
        let spaced = thirteen_a::spaced(candidate);
        let candidate = numbers.candidate(words(&spaced));
        let orders = runs.iter().zip(1..).map(|(runs, n)| Order {
            matched: f64::from(runs.matched(&candidate)),
            of: (candidate.len() + 1).saturating_sub(n) as f64,
        });
        let orders: Vec<Order> = orders.take_while(|o| o.of > 0.0).collect();
        sacre(&orders) * brevity(numbers.reference.len(), candidate.len())
    };
    candidates.iter().map(score).collect()
}

/// The geometric mean of the precisions, in percent; the first without a match counts as half a match, each further one as half of that.
fn sacre(orders: &[Order]) -> f64 {
    if orders.iter().all(|o| o.matched == 0.0) {
        return 0.0;
    }
    let mut smooth = 1.0;
    let mut sum = 0.0;
    for o in orders {
        let precision = if o.matched == 0.0 {
            smooth *= 2.0;
            100.0 / (smooth * o.of)
        } else {
            100.0 * o.matched / o.of
        };
        sum += precision.ln();
    }
    (sum / orders.len() as f64).exp()
}
