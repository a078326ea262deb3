//! Logits that nobody wants are not computed, nor is what leads to them alone; those that somebody wants are the same.

use plumb_lm::{Cache, Edit, Edits, Input, Model, Operation, Positions, Site, Taps, TokenId, Want};

use crate::families::{everywhere, folder};

const TOKENS: [TokenId; 11] = [5, 9, 31, 7, 7, 12, 3, 40, 22, 17, 8];

/// Logits of each of the same tokens' inputs, in passes over `size` inputs at a time.
fn wanted(
    model: &Model,
    (caches, edits): (&mut [Cache], &[&Edits]),
    (tokens, wants): (&[TokenId], &[Want]),
    size: usize,
) -> Vec<Vec<f32>> {
    let mut inputs: Vec<Input<'_>> = Vec::new();
    for ((cache, edits), want) in caches.iter_mut().zip(edits).zip(wants) {
        inputs.push(Input { cache, tokens, want: *want, edits });
    }
    let mut all = Vec::new();
    for inputs in inputs.chunks_mut(size) {
        let logits = model.forward(inputs, &mut Taps::none()).unwrap();
        all.extend((0..inputs.len()).map(|input| logits.rows(input).flatten().copied().collect()));
    }
    all
}

#[test]
fn what_nobody_wants_of_the_last_layer_changes_nothing() {
    for (name, device) in everywhere() {
        let model = Model::open_on(&folder(name), device).unwrap();
        let (last, vocab) = (model.config().layers - 1, model.config().vocab);
        let (next, prompt) = TOKENS.split_last().unwrap();
        // The edits first differ in the last layer.
        let half = |site| Edit { site, positions: Positions::From(1), operation: Operation::Scale(0.5) };
        let half = |site| Edits::new(vec![half(site)]);
        let edits = [Edits::NONE, half(Site::Heads(last)), half(Site::ResidPost(last))];
        let middle = prompt.len() / 2;
        let wants = [(Want::Nothing, 0), (Want::Last, 1), (Want::From(middle), prompt.len() - middle)];
        let each: Vec<_> = edits.iter().flat_map(|edits| wants.map(|want| (edits, want))).collect();
        let of_each: Vec<&Edits> = each.iter().map(|(edits, _)| *edits).collect();
        let of_prompt: Vec<Want> = each.iter().map(|(_, (want, _))| *want).collect();
        let of_next = vec![Want::Last; each.len()];
        let caches = || -> Vec<Cache> { each.iter().map(|_| model.cache_for(TOKENS.len())).collect() };
        let everything = vec![Want::From(0); each.len()];
        let whole = wanted(&model, (&mut caches(), &of_each), (&TOKENS, &everything), 1);
        for size in [1, 2, each.len()] {
            let mut caches = caches();
            let first = wanted(&model, (&mut caches, &of_each), (prompt, &of_prompt), size);
            let then = wanted(&model, (&mut caches, &of_each), (&[*next], &of_next), size);
            for (input, (edits, (want, rows))) in each.iter().enumerate() {
                let (before, after) = whole[input].split_at(prompt.len() * vocab);
                let expected = &before[before.len() - rows * vocab..];
                assert_eq!(first[input], expected, "{name}, {edits:?}, {want:?}, {size} a pass");
                assert_eq!(then[input], after, "{name}, {edits:?}, after {want:?}, {size} a pass");
            }
        }
    }
}
