//! Stores of activations: what is in them, what counts once, and that a stopped one goes on.

use plumb_lm::sae::store::{Document, Fill, Manifest, Precision, Rows, Wanted, fill};
use plumb_lm::{Class, Edits, Input, Labelled, Model, Site, Taps, TokenId, Want};

use crate::support;

fn document(tokens: &[TokenId], unseen: bool) -> Document {
    let class = |at: usize| if at == 0 { Class::First } else { Class::Text };
    let classes = (0..tokens.len()).map(class).collect();
    Document { labelled: Labelled { tokens: tokens.to_vec(), classes }, unseen }
}

fn documents() -> Vec<Document> {
    let mut next = support::noise(8);
    let mut all = vec![document(&[7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 1, 2, 3], false)];
    // The same beginning, as chats have it.
    all.push(document(&[7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 4, 5], true));
    all.push(document(&[7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 4, 5], false));
    for index in 0..60 {
        let tokens: Vec<TokenId> = (0..9).map(|_| ((next() + 1.0) * 100.0) as TokenId).collect();
        all.push(document(&tokens, index % 10 == 0));
    }
    all
}

fn filled(
    model: &Model,
    folder: &std::path::Path,
    precision: Precision,
    stop: Option<usize>,
) -> Result<Manifest, plumb_lm::Error> {
    let what = Fill {
        model,
        name: "tiny",
        digest: "abc",
        sites: &[Site::ResidPost(0), Site::MlpOut(0)],
        precision,
        shard: 100,
        rows: 10_000,
        recipe: "these",
    };
    fill(&what, documents().into_iter().map(Ok), folder, &mut |rows| stop.is_none_or(|stop| rows < stop))
}

/// Rows of a document at a site, computed alone by the whole model.
fn alone(model: &Model, tokens: &[TokenId], site: Site) -> Vec<Vec<f32>> {
    let mut rows = Vec::new();
    let mut sink = |_: Site, _: usize, _: usize, row: &[f32]| rows.push(row.to_vec());
    let mut cache = model.cache();
    let input = Input { cache: &mut cache, tokens, want: Want::Nothing, edits: &Edits::NONE };
    model.forward(&mut [input], &mut Taps::new(&[site], &mut sink)).unwrap();
    rows
}

#[test]
fn a_store_holds_what_the_whole_model_computes_and_a_shared_prefix_once() {
    let model = support::tiny("qwen2");
    let short = Model::from_bytes(&support::tiny_file("qwen2").finish()).unwrap().shortened(1);
    assert_eq!(short.config().layers, 1);
    let folder = tempfile::tempdir().unwrap();
    let manifest = filled(&short, folder.path(), Precision::F32, None).unwrap();
    assert!(manifest.complete);
    let all = documents();
    for site in [Site::ResidPost(0), Site::MlpOut(0)] {
        let rows = Rows::open(folder.path(), site, Wanted::All).unwrap();
        assert_eq!(rows.len(), manifest.rows());
        for index in 0..rows.len() {
            let place = rows.place(index);
            let tokens = &all[place.document].labelled.tokens;
            assert_eq!(tokens[place.position], place.token);
            let expected = &alone(&model, tokens, site)[place.position];
            assert_eq!(&rows.gather(&[index]), expected, "{place:?}");
        }
        let of = |document| (0..rows.len()).filter(|index| rows.place(*index).document == document).count();
        assert_eq!((of(0), of(1), of(2)), (13, 2, 0), "ten shared tokens, then all twelve");
    }
    let seen = Rows::open(folder.path(), Site::ResidPost(0), Wanted::Seen).unwrap();
    let unseen = Rows::open(folder.path(), Site::ResidPost(0), Wanted::Unseen).unwrap();
    assert!(
        (0..seen.len())
            .all(|index| seen.place(index).position > 0 && !all[seen.place(index).document].unseen)
    );
    assert!((0..unseen.len()).all(|index| all[unseen.place(index).document].unseen));
    assert!(unseen.len() > 10 && seen.len() > 10 * unseen.len() / 2);
    let whole = unseen.documents();
    assert_eq!(
        whole[0],
        (1, all[1].labelled.tokens.as_slice()),
        "a shared prefix is in the document all the same"
    );
}

#[test]
fn a_stopped_store_goes_on_and_is_the_same() {
    let model = support::tiny("qwen2");
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let whole = filled(&model, folders[0].path(), Precision::Bf16, None).unwrap();
    let part = filled(&model, folders[1].path(), Precision::Bf16, Some(100)).unwrap();
    assert!(!part.complete && part.rows() < whole.rows());
    let again = filled(&model, folders[1].path(), Precision::Bf16, None).unwrap();
    assert!(again.complete && again.rows() == whole.rows());
    let read = |at: usize| {
        let rows = Rows::open(folders[at].path(), Site::ResidPost(0), Wanted::All).unwrap();
        let all: Vec<usize> = (0..rows.len()).collect();
        (all.iter().map(|index| rows.place(*index)).collect::<Vec<_>>(), rows.gather(&all))
    };
    assert_eq!(read(0), read(1));
    let error = filled(&model, folders[1].path(), Precision::F32, None).unwrap_err();
    assert!(error.to_string().contains("something else"), "{error}");
}
