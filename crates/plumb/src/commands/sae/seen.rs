//! How active a latent is in each token of some documents: in rows that were kept in training, or in texts that are read now.

use crate::exit::Problem;
use plumb_lm::sae::Sae;
use plumb_lm::sae::measure::{counting, rows_of};
use plumb_lm::sae::store::Rows;
use plumb_lm::{Class, Labelled, Model, Site, TokenId};
use std::collections::HashMap;

/// A document.
pub struct Seen {
    pub tokens: Vec<TokenId>,
    /// For each token how active the latent is, and what the token is a part of; nothing where no row is known. The first token
    /// and attention sinks count as 0, since they would fill every list.
    pub active: Vec<Option<(f32, Class)>>,
}

impl Seen {
    fn of(tokens: &[TokenId]) -> Seen {
        Seen { tokens: tokens.to_vec(), active: vec![None; tokens.len()] }
    }
}

/// In the first `most` rows that were kept.
pub fn kept(sae: &Sae, latent: usize, rows: &Rows, most: usize) -> Vec<Seen> {
    let documents: HashMap<usize, &[TokenId]> = rows.documents().into_iter().collect();
    let (mut seen, mut places) = (Vec::new(), HashMap::new());
    let count = rows.len().min(most);
    for start in (0..count).step_by(512) {
        let numbers: Vec<usize> = (start..count.min(start + 512)).collect();
        let codes = sae.encode(&rows.gather(&numbers));
        for (row, number) in numbers.into_iter().enumerate() {
            let place = rows.place(number);
            let at = *places.entry(place.document).or_insert_with(|| {
                seen.push(Seen::of(documents.get(&place.document).copied().unwrap_or_default()));
                seen.len() - 1
            });
            let value = if rows.is_kept(number) { codes.get(row, latent) } else { 0.0 };
            if let Some(active) = seen[at].active.get_mut(place.position) {
                *active = Some((value, place.class));
            }
        }
    }
    seen
}

/// In the first `most` tokens of texts, as the model computes them.
pub fn read(
    sae: &Sae,
    latent: usize,
    (model, site): (&Model, Site),
    documents: &[Labelled],
    most: usize,
) -> Result<Vec<Seen>, Problem> {
    let (mut seen, mut left) = (Vec::new(), most);
    for document in documents {
        let take = document.tokens.len().min(left);
        if take < 2 {
            continue;
        }
        let mut one = Seen::of(&document.tokens[..take]);
        let rows = rows_of(model, &[site], &one.tokens)?.remove(0);
        let codes = sae.encode(&rows);
        for (at, counts) in counting(&rows, sae.width()).into_iter().enumerate() {
            let value = if counts { codes.get(at, latent) } else { 0.0 };
            one.active[at] = Some((value, document.classes[at]));
        }
        left -= take;
        seen.push(one);
    }
    Ok(seen)
}
