//! Loading: what a file must hold, and what an error says of one that does not.

use plumb_lm::gguf::{Builder, TensorType};
use plumb_lm::{Architecture, Edits, Error, Input, Model, Outline, Taps, Want};

use crate::families;
use crate::support::{self, LAYERS, QWEN, SMOLLM, WIDTH};

fn refused(file: Builder) -> Error {
    Model::from_bytes(&file.finish()).unwrap_err()
}

#[test]
fn shapes_of_the_tiny_models() {
    for (name, architecture) in [("llama", Architecture::Llama), ("qwen2", Architecture::Qwen2)] {
        let model = support::tiny(name);
        let config = model.config();
        assert_eq!(config.architecture, architecture);
        assert_eq!((config.layers, config.width, config.group()), (LAYERS as usize, WIDTH as usize, 2));
        assert_eq!((config.context, config.vocab, config.tied), (96, model.tokenizer().len(), true));
        assert_eq!(config.biases.qkv, name == "qwen2");
        assert_eq!(model.name(), Some("Tiny"));
        assert!(model.can_chat());
    }
}

#[test]
fn shapes_of_the_real_models() {
    for (which, layers, width, vocab, biased) in
        [(SMOLLM, 30, 576, 49152, false), (QWEN, 24, 896, 151_936, true)]
    {
        let Some(model) = support::cached(which, "shapes_of_the_real_models") else { continue };
        let config = model.config();
        assert_eq!(
            (config.layers, config.width, config.vocab, config.biases.qkv),
            (layers, width, vocab, biased)
        );
        assert!(model.can_chat());
        assert_eq!(model.tokenizer().begin_if_added(), None);
    }
}

#[test]
fn a_file_must_hold_exactly_the_weights_of_its_configuration() {
    let tiny = || support::tiny_file("llama");
    let error = refused(tiny().without_tensor("blk.1.ffn_up.weight"));
    assert!(
        error.is_corrupt() && error.to_string().contains("\"blk.1.ffn_up.weight\" is missing"),
        "{error}"
    );
    let error = refused(tiny().tensor_f32("blk.0.attn_sinks.weight", &[4], &[0.0; 4]));
    assert!(error.is_unsupported() && error.to_string().contains("attn_sinks"), "{error}");
    let name = "blk.2.attn_norm.weight";
    let error =
        refused(tiny().without_tensor(name).tensor_f32(name, &[WIDTH - 1], &[1.0; WIDTH as usize - 1]));
    assert!(error.is_corrupt() && error.to_string().contains("has shape [23], expected [24]"), "{error}");
    let error = refused(tiny().without_tensor(name).tensor_f32(name, &[WIDTH], &[f32::NAN; WIDTH as usize]));
    assert!(error.is_corrupt() && error.to_string().contains("not finite"), "{error}");
    let name = "blk.0.attn_q.weight";
    let mut values = vec![0.5; (WIDTH * WIDTH) as usize];
    values[5 * WIDTH as usize + 3] = f32::INFINITY;
    let error = refused(tiny().without_tensor(name).tensor_f32(name, &[WIDTH, WIDTH], &values));
    assert!(error.to_string().ends_with("not finite, in row 5"), "{error}");
}

#[test]
fn an_output_head_of_its_own() {
    let tied = support::tiny("llama");
    let vocab = tied.config().vocab as u64;
    let head = vec![0.25; (WIDTH * vocab) as usize];
    let file = support::tiny_file("llama").tensor_f32("output.weight", &[WIDTH, vocab], &head);
    let model = Model::from_bytes(&file.finish()).unwrap();
    assert!(!model.config().tied);
    let mut cache = model.cache();
    let input = Input { cache: &mut cache, tokens: &[1, 2], want: Want::Last, edits: &Edits::NONE };
    let logits = model.forward(&mut [input], &mut Taps::none()).unwrap();
    let row = logits.last(0).unwrap();
    assert!(row.iter().all(|logit| *logit == row[0]), "all outputs are alike");
}

#[test]
fn half_precision_weights_are_close_to_full_ones() {
    let logits = |file: Builder| {
        let model = Model::from_bytes(&file.finish()).unwrap();
        let mut cache = model.cache();
        let input = Input { cache: &mut cache, tokens: &[65, 66, 67], want: Want::Last, edits: &Edits::NONE };
        model.forward(&mut [input], &mut Taps::none()).unwrap().last(0).unwrap().to_vec()
    };
    let name = "blk.0.ffn_down.weight";
    let mut next = support::noise(77);
    let values: Vec<f32> = (0..40 * WIDTH).map(|_| next()).collect();
    let full = support::tiny_file("llama").without_tensor(name).tensor_f32(name, &[40, WIDTH], &values);
    let data = values.iter().flat_map(|value| ((value.to_bits() >> 16) as u16).to_le_bytes()).collect();
    let half =
        support::tiny_file("llama").without_tensor(name).tensor(name, &[40, WIDTH], TensorType::BF16, data);
    let (full, half) = (logits(full), logits(half));
    assert_ne!(full, half);
    let worst = full.iter().zip(&half).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst < 0.5, "{worst}");
}

#[test]
fn computations_that_are_not_known_are_refused_by_key() {
    for (file, key) in [
        (support::tiny_file("llama").string("llama.rope.scaling.type", "ntk"), "llama.rope.scaling.type"),
        (support::tiny_file("llama").u32("llama.expert_count", 8), "llama.expert_count"),
        (
            support::tiny_file("qwen2").u32("qwen2.attention.sliding_window", 64),
            "qwen2.attention.sliding_window",
        ),
        (support::tiny_file("llama").f32("llama.logit_scale", 0.5), "llama.logit_scale"),
        (support::tiny_file("llama").u32("split.count", 3), "split.count = 3"),
    ] {
        let error = refused(file);
        assert!(error.is_unsupported() && error.to_string().contains(key), "{error}");
    }
    let error = refused(Builder::new().string("general.architecture", "mamba"));
    assert!(
        error.is_unsupported()
            && error.to_string().contains(
                "\"mamba\" is not supported (llama, qwen2, qwen3, phi3, gemma2, gemma3, gpt2, gptneox are)"
            )
    );
    let error = refused(support::tiny_file("llama").f32("llama.rope.freq_base", -1.0));
    assert!(error.is_corrupt() && error.to_string().contains("above 0"), "{error}");
    let error = refused(support::tiny_file("llama").u32("llama.rope.dimension_count", 7));
    assert!(error.is_corrupt() && error.to_string().contains("even, at most 6"), "{error}");
    let error = refused(support::tiny_file("llama").u32("tokenizer.ggml.bos_token_id", 4000));
    assert!(error.is_corrupt() && error.to_string().contains("there are 260 tokens"), "{error}");
    let error = refused(Builder::new().u32("general.architecture", 1));
    assert!(error.is_corrupt() && error.to_string().contains("byte "), "{error}");
}

/// Names and shapes as whoever made the folder wrote them.
#[test]
fn errors_of_a_folder_have_its_own_names_and_shapes() {
    let folder = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(families::folder("qwen2")).unwrap() {
        let path = file.unwrap().path();
        std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    let listed = folder.path().join("generation_config.json");
    for wrong in ["\"<|im_end|>\"", "[1, -1]"] {
        std::fs::write(&listed, format!("{{\"eos_token_id\": {wrong}}}")).unwrap();
        let error = Model::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("eos_token_id") && error.contains("a token's number"), "{error}");
    }
    std::fs::remove_file(&listed).unwrap();
    let weights = folder.path().join("model.safetensors");
    let bytes = std::fs::read(&weights).unwrap();
    // In the header: another name of the same length, and a shape that is turned.
    let changed = |old: &str, new: &str| {
        let at = bytes.windows(old.len()).position(|window| window == old.as_bytes()).unwrap();
        let mut changed = bytes.clone();
        changed[at..at + new.len()].copy_from_slice(new.as_bytes());
        std::fs::write(&weights, changed).unwrap();
        Model::open(folder.path()).unwrap_err().to_string()
    };
    let error = changed("model.layers.1.mlp.up_proj.weight", "model.layers.1.mlp.up_Proj.weight");
    assert!(error.ends_with("tensor \"model.layers.1.mlp.up_proj.weight\" is missing"), "{error}");
    let header = String::from_utf8_lossy(&bytes);
    let (_, entry) = header.split_once("\"model.layers.1.mlp.down_proj.weight\":").unwrap();
    let entry = &entry[..entry.find('}').unwrap()];
    let error = changed(entry, &entry.replace("[32,44]", "[44,32]"));
    let expected = "\"model.layers.1.mlp.down_proj.weight\" has shape [44, 32], expected [32, 44]";
    assert!(error.ends_with(expected), "{error}");
}

/// What is told before loading is what loading takes, but for the lanes that fill up tiny matrices.
#[test]
fn the_memory_of_weights_is_known_from_the_headers() {
    for which in [SMOLLM, QWEN] {
        let Some(model) = support::cached(which, "the_memory_of_weights_is_known_from_the_headers") else {
            continue;
        };
        let outline = Outline::read(&support::cached_path(which).unwrap()).unwrap();
        let (told, taken) = (outline.weight_bytes() as f64, model.weight_bytes() as f64);
        assert!((told / taken - 1.0).abs() < 0.1, "{}: {told} {taken}", which.0);
    }
    for name in ["llama2", "llama3", "gpt2", "gpt-neox", "gemma2"] {
        let folder = families::folder(name);
        let taken = Model::open(&folder).unwrap().weight_bytes() as f64;
        let told = Outline::read(&folder).unwrap().weight_bytes() as f64;
        assert!((0.8..1.2).contains(&(told / taken)), "{name}: {told} {taken}");
    }
}

#[test]
fn errors_name_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    let error = Model::open(&path).unwrap_err();
    assert!(error.is_io() && error.to_string().contains("model.gguf"), "{error}");
    std::fs::write(&path, b"").unwrap();
    assert!(Model::open(&path).unwrap_err().to_string().contains("model.gguf"));
    let mut bytes = support::tiny_file("llama").finish();
    bytes.truncate(bytes.len() - 1);
    std::fs::write(&path, &bytes).unwrap();
    let error = Model::open(&path).unwrap_err();
    assert!(error.is_corrupt() && error.to_string().contains("model.gguf: byte "), "{error}");
    std::fs::write(&path, support::tiny_file("llama").finish()).unwrap();
    assert!(Model::open(&path).is_ok());
}
