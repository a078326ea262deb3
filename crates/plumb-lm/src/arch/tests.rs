use super::*;

fn read(json: &str) -> Result<Config, Fault> {
    Config::from_json(&serde_json::from_str(json).unwrap())
}

const PHI: &str = r#""model_type": "phi3", "vocab_size": 96, "hidden_size": 32, "intermediate_size": 44,
    "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 64,
    "original_max_position_embeddings": 16, "sliding_window": 9, "rms_norm_eps": 1e-5"#;

#[test]
fn both_spellings_of_rotary_settings_are_read() {
    let old = format!(
        r#"{{{PHI}, "rope_theta": 1000.0, "partial_rotary_factor": 0.5,
            "rope_scaling": {{"type": "su", "short_factor": [1.0, 1.25], "long_factor": [1.5, 4.0]}}}}"#
    );
    let new = format!(
        r#"{{{PHI}, "rope_parameters": {{"rope_type": "longrope", "rope_theta": 1000.0, "partial_rotary_factor": 0.5,
            "short_factor": [1.0, 1.25], "long_factor": [1.5, 4.0]}}}}"#
    );
    let (old, new) = (read(&old).unwrap(), read(&new).unwrap());
    assert_eq!(old, new);
    assert_eq!(new.short_context(), Some(16));
    assert_eq!(new.rotaries[0].frequencies.len(), 2);
}

#[test]
fn gemma_3_of_both_spellings_has_two_bases_and_windows() {
    let sizes = r#""model_type": "gemma3_text", "vocab_size": 96, "hidden_size": 32, "intermediate_size": 44,
        "num_hidden_layers": 7, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 12,
        "max_position_embeddings": 64, "sliding_window": 5, "query_pre_attn_scalar": 12"#;
    let old = format!(
        r#"{{{sizes}, "rope_theta": 1e6, "rope_local_base_freq": 1e4, "sliding_window_pattern": 6,
            "rope_scaling": {{"rope_type": "linear", "factor": 8.0}}}}"#
    );
    let new = format!(
        r#"{{{sizes}, "rope_parameters": {{"full_attention": {{"rope_type": "linear", "factor": 8.0, "rope_theta": 1e6}},
            "sliding_attention": {{"rope_type": "default", "rope_theta": 1e4}}}}}}"#
    );
    let config = read(&old).unwrap();
    assert_eq!(config, read(&new).unwrap());
    let windows: Vec<Option<usize>> = config.kinds.iter().map(|kind| kind.window).collect();
    assert_eq!(windows, [Some(5), Some(5), Some(5), Some(5), Some(5), None, Some(5)]);
    assert_eq!((config.kinds[5].rotary, config.kinds[6].rotary), (Some(0), Some(1)));
}

#[test]
fn what_is_not_known_is_refused_by_key() {
    for (more, said) in [
        (r#""rope_scaling": {"rope_type": "dynamic", "factor": 2.0}"#, "rope_scaling.rope_type = dynamic"),
        (r#""hidden_act": "relu""#, "hidden_act = relu"),
        (r#""quantization_config": {"bits": 4}"#, "quantization_config"),
        (r#""layer_types": ["chunked_attention", "full_attention", "full_attention"]"#, "chunked_attention"),
    ] {
        let error = read(&format!("{{{PHI}, {more}}}")).unwrap_err();
        assert!(error.is_unsupported() && error.to_string().contains(said), "{error}");
    }
    for (more, said) in [
        (
            r#""rope_scaling": {"rope_type": "longrope", "short_factor": [1.0], "long_factor": [1.0]}"#,
            "4 numbers above 0",
        ),
        (r#""head_dim": 0"#, "head_dim = 0"),
        (r#""rope_theta": "x""#, "rope_theta"),
        (r#""partial_rotary_factor": 0.4"#, "even, at most 8"),
    ] {
        let error = read(&format!("{{{PHI}, {more}}}")).unwrap_err();
        assert!(!error.is_unsupported() && error.to_string().contains(said), "{error}");
    }
    let error = read(r#"{"model_type": "mamba"}"#).unwrap_err().to_string();
    assert!(error.contains("\"mamba\" is not supported") && error.contains("phi3"), "{error}");
    assert!(read("{}").unwrap_err().to_string().contains("model_type is missing"));
}
