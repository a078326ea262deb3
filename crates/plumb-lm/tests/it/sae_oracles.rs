//! Latents and reconstructions against the libraries whose files they are (oracles/sae/formats.py, versions in
//! fixtures/sae/versions.json).

use std::path::{Path, PathBuf};

use plumb_lm::sae::{Activation, Sae};

const CLOSE: f32 = 1e-5;

#[derive(serde::Deserialize)]
struct Expected {
    x: Vec<Vec<f32>>,
    latents: Vec<Vec<f32>>,
    reconstruction: Vec<Vec<f32>>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/sae")
}

fn check(folder: &str, hook: Option<&str>) -> Sae {
    let folder = root().join(folder);
    let text = std::fs::read(folder.join("expected.json")).unwrap();
    let expected: Expected = serde_json::from_slice(&text).unwrap();
    let sae = Sae::open(&folder).unwrap();
    assert_eq!(sae.provenance().hook.as_deref(), hook, "{}", folder.display());
    let (again, codes) = sae.reconstruct(&expected.x.concat());
    let mut active = 0;
    for (row, latents) in expected.latents.iter().enumerate() {
        for (latent, value) in latents.iter().enumerate() {
            let found = codes.get(row, latent);
            assert!(
                (found - value).abs() < CLOSE,
                "{} row {row} latent {latent}: {found} {value}",
                folder.display()
            );
            active += usize::from(*value != 0.0);
        }
    }
    assert!(active > 0 && active == codes.active(), "{}: {active} {}", folder.display(), codes.active());
    for (found, value) in again.iter().zip(expected.reconstruction.concat()) {
        assert!((found - value).abs() < CLOSE, "{}: {found} {value}", folder.display());
    }
    sae
}

#[test]
fn saelens_of_version_6() {
    let hook = Some("blocks.1.hook_resid_post");
    for name in [
        "saelens-standard",
        "saelens-standard-plain-input",
        "saelens-standard-layer-norm",
        "saelens-topk",
        "saelens-topk-constant-norm",
        "saelens-topk-decoder-norm",
        "saelens-jumprelu",
    ] {
        check(name, hook);
    }
}

#[test]
fn saelens_before_version_6() {
    for name in ["saelens-old-topk", "saelens-old-standard", "saelens-old-jumprelu"] {
        let sae = check(name, Some("blocks.1.hook_resid_post"));
        // An old TopK taken for ReLU would have some twenty active latents instead of five.
        assert_eq!(matches!(sae.activation(), Activation::TopK { k: 5 }), name.ends_with("topk"));
    }
}

#[test]
fn sparsify_and_gemma_scope() {
    check("sparsify/layers.1", Some("layers.1"));
    check("tiny-pt-res/layer_1/width_40", Some("blocks.1.hook_resid_post"));
}
