//! Files of autoencoders: what is written is read again, and what is not known is named with a way out.

use plumb_lm::sae::file::{write_saelens, write_sparsify};
use plumb_lm::sae::{Activation, Parts, Provenance, Rescale, Sae};

use crate::support;

fn sae(activation: Activation) -> Sae {
    let (width, latents) = (6, 10);
    let mut next = support::noise(2);
    let mut numbers = |count: usize| -> Vec<f32> { (0..count).map(|_| next()).collect() };
    let parts = Parts {
        width,
        encoder: numbers(latents * width),
        encoder_bias: numbers(latents),
        decoder: numbers(latents * width),
        decoder_bias: numbers(width),
        centred: true,
        activation,
        rescale: Rescale::None,
    };
    let mut provenance = Provenance::default();
    provenance.model = Some("tiny".to_owned());
    provenance.model_digest = Some("abc".to_owned());
    provenance.hook = Some("blocks.1.hook_resid_post".to_owned());
    Sae::new(parts, provenance).unwrap()
}

#[test]
fn what_is_written_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let threshold = (0..10).map(|latent| latent as f32 / 8.0).collect();
    for activation in [Activation::Relu, Activation::TopK { k: 3 }, Activation::JumpRelu { threshold }] {
        let sae = sae(activation.clone());
        write_saelens(&sae, folder.path()).unwrap();
        let read = Sae::open(folder.path()).unwrap();
        assert_eq!(read.digest(), sae.digest(), "{activation:?}");
        assert_eq!(read.parts(), sae.parts());
        assert_eq!(read.provenance().model.as_deref(), Some("tiny"));
        assert_eq!(read.provenance().model_digest.as_deref(), Some("abc"));
        assert_eq!(read.provenance().hook.as_deref(), Some("blocks.1.hook_resid_post"));
        let other = folder.path().join("layers.1");
        match &activation {
            Activation::TopK { .. } => {
                write_sparsify(&sae, &other).unwrap();
                let read = Sae::open(&other).unwrap();
                assert_eq!(read.digest(), sae.digest());
                assert_eq!(read.provenance().hook.as_deref(), Some("layers.1"));
            }
            _ => assert!(write_sparsify(&sae, &other).unwrap_err().to_string().contains("TopK")),
        }
    }
}

#[test]
fn what_is_not_known_is_named_with_a_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let empty = Sae::open(folder.path()).unwrap_err();
    assert!(empty.is_corrupt() && empty.to_string().contains("cfg.json"), "{empty}");
    assert!(Sae::open(&folder.path().join("nothing")).unwrap_err().is_io());
    std::fs::write(folder.path().join("ae.pt"), b"PK").unwrap();
    for path in [folder.path().to_owned(), folder.path().join("ae.pt")] {
        let error = Sae::open(&path).unwrap_err();
        assert!(error.is_unsupported() && error.to_string().contains("save_model"), "{error}");
    }
    std::fs::remove_file(folder.path().join("ae.pt")).unwrap();
    write_saelens(&sae(Activation::Relu), folder.path()).unwrap();
    let cfg = folder.path().join("cfg.json");
    let text = std::fs::read_to_string(&cfg).unwrap();
    for (from, to, said) in [
        ("\"standard\"", "\"gated\"", "gated"),
        ("\"d_in\": 6", "\"d_in\": 7", "7"),
        ("\"none\"", "\"covariance_whitening\"", "covariance_whitening"),
        ("\"standard\"", "\"skip_transcoder\"", "transcoder"),
    ] {
        std::fs::write(&cfg, text.replacen(from, to, 1)).unwrap();
        let error = Sae::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
        // What SAELens itself saved is not mended by saving it with SAELens.
        assert!(!error.contains("save_model"), "{error}");
    }
}
