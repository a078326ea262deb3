//! The GGUF reader against damaged files: an error with the byte offset, never a panic.

use plumb_lm::gguf::{Builder, Gguf, TensorType};
use plumb_lm::{Error, Model};
use proptest::prelude::*;

use crate::support;

fn small() -> Builder {
    Builder::new()
        .string("general.architecture", "llama")
        .u32("llama.block_count", 3)
        .f32("llama.attention.layer_norm_rms_epsilon", 1e-5)
        .boolean("tokenizer.ggml.add_bos_token", true)
        .strings("tokenizer.ggml.tokens", &["a", "bc", ""])
        .i32s("tokenizer.ggml.token_type", &[1, -3, 2])
        .tensor_f32("one", &[4, 2], &[1.0; 8])
        .tensor("two", &[32], TensorType::Q8_0, vec![7; 34])
        .tensor_f32("three", &[1], &[3.0])
}

/// The offset that an error names.
fn offset(error: &Error) -> Option<usize> {
    let text = error.to_string();
    let (_, rest) = text.split_once("byte ")?;
    rest.split(':').next()?.parse().ok()
}

fn fault(bytes: &[u8]) -> (usize, String) {
    let error = Gguf::parse(bytes).unwrap_err();
    assert!(error.is_corrupt() || error.is_unsupported(), "{error}");
    let offset = offset(&error).unwrap_or_else(|| panic!("no offset: {error}"));
    assert!(offset <= bytes.len(), "{error}");
    (offset, error.to_string())
}

/// Where `needle` first stands.
fn find(bytes: &[u8], needle: &[u8]) -> usize {
    bytes.windows(needle.len()).position(|window| window == needle).unwrap()
}

fn patched(mut bytes: Vec<u8>, at: usize, new: &[u8]) -> Vec<u8> {
    bytes[at..at + new.len()].copy_from_slice(new);
    bytes
}

#[test]
fn what_was_written_is_read() {
    let bytes = small().finish();
    let gguf = Gguf::parse(&bytes).unwrap();
    assert_eq!(gguf.string("general.architecture").unwrap(), Some("llama"));
    assert_eq!(gguf.unsigned("llama.block_count").unwrap(), Some(3));
    assert_eq!(gguf.boolean("tokenizer.ggml.add_bos_token").unwrap(), Some(true));
    assert_eq!(gguf.float("llama.attention.layer_norm_rms_epsilon").unwrap(), Some(f64::from(1e-5_f32)));
    let (count, tokens) = gguf.strings("tokenizer.ggml.tokens").unwrap().unwrap();
    assert_eq!((count, tokens.collect::<Vec<_>>()), (3, vec!["a", "bc", ""]));
    let (_, kinds) = gguf.integers("tokenizer.ggml.token_type").unwrap().unwrap();
    assert_eq!(kinds.collect::<Vec<_>>(), [1, -3, 2]);
    assert_eq!(gguf.string("absent").unwrap(), None);
    assert_eq!(gguf.keys().count(), 6);
    let tensors = gguf.tensors();
    assert_eq!((tensors[0].row_len(), tensors[0].rows(), tensors[0].row_bytes()), (4, 2, 16));
    assert_eq!((tensors[1].name, tensors[1].kind, tensors[1].data), ("two", TensorType::Q8_0, &[7; 34][..]));
    assert_eq!(tensors[2].data, 3.0_f32.to_le_bytes());
}

#[test]
fn a_value_of_another_type_is_an_error_with_its_place() {
    let bytes = small().finish();
    let gguf = Gguf::parse(&bytes).unwrap();
    let place = gguf.offset("general.architecture");
    for error in [
        gguf.unsigned("general.architecture").unwrap_err(),
        gguf.float("general.architecture").unwrap_err(),
        gguf.boolean("general.architecture").unwrap_err(),
        gguf.strings("general.architecture").map(drop).unwrap_err(),
    ] {
        assert_eq!(offset(&error), place, "{error}");
    }
    assert!(gguf.string("llama.block_count").is_err());
    assert!(gguf.integers("tokenizer.ggml.tokens").map(drop).unwrap_err().to_string().contains("integers"));
    assert!(gguf.strings("tokenizer.ggml.token_type").is_err());
}

#[test]
fn every_truncation_is_found() {
    let bytes = small().finish();
    for end in 0..bytes.len() {
        fault(&bytes[..end]);
    }
}

#[test]
fn huge_counts_are_refused_where_they_stand() {
    let bytes = small().finish();
    let array = find(&bytes, b"tokenizer.ggml.token_type") + 25 + 4 + 4;
    let value = find(&bytes, b"general.architecture") + 20 + 4;
    for huge in [u64::MAX, u64::MAX / 2, 1 << 40, 1 << 20] {
        for at in [8, 16, 24, value, array] {
            let (offset, text) = fault(&patched(bytes.clone(), at, &huge.to_le_bytes()));
            assert!((at..=at + 8).contains(&offset), "{at}: {text}");
        }
    }
    let shape = find(&bytes, b"one") + 3 + 4;
    for huge in [u64::MAX, 1 << 62, 0] {
        let (offset, text) = fault(&patched(bytes.clone(), shape, &huge.to_le_bytes()));
        assert!(offset == shape && text.contains("impossible shape"), "{text}");
    }
    fault(&patched(bytes.clone(), shape, &(1_u64 << 40).to_le_bytes()));
}

#[test]
fn tensors_that_overlap_or_leave_the_file_are_refused() {
    let bytes = small().finish();
    let place = |name: &[u8], dimensions: usize| find(&bytes, name) + name.len() + 4 + 8 * dimensions + 4;
    let (one, two) = (place(b"one", 2), place(b"two", 1));
    let (at, text) = fault(&patched(bytes.clone(), two, &0_u64.to_le_bytes()));
    assert!(text.contains("overlaps") && at <= two, "{text}");
    let (_, text) = fault(&patched(bytes.clone(), one, &(1_u64 << 32).to_le_bytes()));
    assert!(text.contains("\"one\" needs 32 bytes, the file has 0 there"), "{text}");
    fault(&patched(bytes.clone(), one, &(u64::MAX - 31).to_le_bytes()));
    let (at, text) = fault(&patched(bytes.clone(), two, &33_u64.to_le_bytes()));
    assert!(at == two && text.contains("multiple of the alignment 32"), "{text}");
    let (_, text) = fault(&small().tensor_f32("one", &[1], &[0.0]).finish());
    assert!(text.contains("appears twice"), "{text}");
}

#[test]
fn wrong_types_and_headers_are_refused() {
    let bytes = small().finish();
    assert_eq!(fault(b"GGML....").0, 0);
    assert_eq!(fault(&patched(bytes.clone(), 4, &1_u32.to_le_bytes())).0, 4);
    let kind = find(&bytes, b"llama.block_count") + 17;
    assert_eq!(fault(&patched(bytes.clone(), kind, &13_u32.to_le_bytes())).0, kind);
    let flag = find(&bytes, b"tokenizer.ggml.add_bos_token") + 28 + 4;
    assert_eq!(fault(&patched(bytes.clone(), flag, &[2])).0, flag);
    let inner = find(&bytes, b"tokenizer.ggml.token_type") + 25 + 4;
    assert_eq!(fault(&patched(bytes.clone(), inner, &9_u32.to_le_bytes())).0, inner, "an array of arrays");
    let tensor = find(&bytes, b"two") + 3;
    assert_eq!(fault(&patched(bytes.clone(), tensor, &5_u32.to_le_bytes())).0, tensor, "five dimensions");
    let error = Gguf::parse(&patched(bytes.clone(), tensor + 12, &4_u32.to_le_bytes())).unwrap_err();
    assert!(error.is_unsupported() && error.to_string().contains("Q4_K"), "a removed tensor type: {error}");
    assert!(
        fault(&patched(bytes.clone(), tensor + 4, &31_u64.to_le_bytes())).1.contains("multiple of the 32")
    );
    assert!(fault(&small().u32("general.alignment", 3).finish()).1.contains("power of two"));
    assert!(fault(&small().u32("llama.block_count", 3).finish()).1.contains("appears twice"));
    let name = find(&bytes, b"three");
    assert!(fault(&patched(bytes, name, &[0xFF])).1.contains("not UTF-8"));
}

/// A change to a file's bytes.
#[derive(Debug, Clone)]
enum Damage {
    Cut(prop::sample::Index),
    Byte(prop::sample::Index, u8),
    Word(prop::sample::Index, u64),
    Insert(prop::sample::Index, Vec<u8>),
    Swap(prop::sample::Index, prop::sample::Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let word =
        prop_oneof![any::<u64>(), 0..64_u64, Just(u64::MAX), Just(1 << 63), Just(1 << 32), Just(0xFFFF_FFFF)];
    prop_oneof![
        1 => any::<prop::sample::Index>().prop_map(Damage::Cut),
        3 => (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(at, byte)| Damage::Byte(at, byte)),
        4 => (any::<prop::sample::Index>(), word).prop_map(|(at, word)| Damage::Word(at, word)),
        1 => (any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 1..40))
            .prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        1 => (any::<prop::sample::Index>(), any::<prop::sample::Index>()).prop_map(|(a, b)| Damage::Swap(a, b)),
    ]
}

/// Damages the first `reach` bytes, where the header is.
fn apply(bytes: &mut Vec<u8>, damage: &Damage, reach: usize) {
    let reach = reach.min(bytes.len());
    if reach == 0 {
        return;
    }
    match damage {
        Damage::Cut(at) => bytes.truncate(at.index(bytes.len())),
        Damage::Byte(at, byte) => bytes[at.index(reach)] = *byte,
        Damage::Word(at, word) => {
            let at = at.index(reach);
            for (slot, byte) in bytes[at..].iter_mut().zip(word.to_le_bytes()) {
                *slot = byte;
            }
        }
        Damage::Insert(at, new) => {
            let at = at.index(reach);
            bytes.splice(at..at, new.iter().copied());
        }
        Damage::Swap(a, b) => bytes.swap(a.index(reach), b.index(reach)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_files_never_panic_the_reader(changes in prop::collection::vec(damage(), 1..5)) {
        let mut bytes = small().finish();
        changes.iter().for_each(|change| apply(&mut bytes, change, usize::MAX));
        match Gguf::parse(&bytes) {
            // What is accepted can be read to its end.
            Ok(gguf) => {
                for key in gguf.keys() {
                    let _ = (gguf.string(key), gguf.unsigned(key), gguf.float(key), gguf.boolean(key));
                    let strings = gguf.strings(key).ok().flatten();
                    prop_assert!(strings.is_none_or(|(count, items)| items.count() == count));
                    let integers = gguf.integers(key).ok().flatten();
                    prop_assert!(integers.is_none_or(|(count, items)| items.count() == count));
                }
                let data: usize = gguf.tensors().iter().map(|tensor| tensor.data.len()).sum();
                prop_assert!(data <= bytes.len());
                for tensor in gguf.tensors() {
                    prop_assert_eq!(tensor.rows() * tensor.row_bytes(), tensor.data.len());
                }
            }
            Err(_) => { fault(&bytes); }
        }
    }

    #[test]
    fn any_bytes_after_a_good_beginning(rest in prop::collection::vec(any::<u8>(), 0..200), tensors in 0..3_u8, entries in 0..3_u8) {
        let mut bytes = b"GGUF\x03\0\0\0".to_vec();
        bytes.extend(u64::from(tensors).to_le_bytes());
        bytes.extend(u64::from(entries).to_le_bytes());
        bytes.extend(rest);
        if Gguf::parse(&bytes).is_err() {
            fault(&bytes);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_models_never_panic_the_loader(changes in prop::collection::vec(damage(), 1..3)) {
        let mut bytes = support::tiny_file("qwen2").finish();
        let header = find(&bytes, b"token_embd.weight") + 4000;
        changes.iter().for_each(|change| apply(&mut bytes, change, header));
        if let Err(error) = Model::from_bytes(&bytes) {
            prop_assert!(error.is_corrupt() || error.is_unsupported(), "{}", error);
        }
    }
}
