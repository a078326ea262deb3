//! What a plan keeps of a subject: every default, and no secret.

use super::{outside, plan, registry};

fn settings(lines: &str) -> String {
    plan(&registry(outside()), lines).unwrap().subjects[0].party.settings.to_string()
}

#[test]
fn every_default_is_explicit() {
    assert_eq!(
        settings("kind = \"openai\"\nmodel = \"m\"\n"),
        r#"{"base_url":"https://api.openai.com/v1","secret":"OPENAI_API_KEY","headers":{},"model":"m","api":"chat","max_tokens_field":"max_tokens","send_seed":true,"think_tags":true,"extra":{}}"#
    );
    assert_eq!(
        settings(
            "kind = \"openai\"\nmodel = \"m\"\nbase_url = \"http://localhost:8000/v1/\"\napi = \"completions\"\n\
             headers = { X-Key = \"${TEST_KEY}\" }\norganisation = \"o\"\nextra = { a = [1, { b = 0.5 }] }\n"
        ),
        r#"{"base_url":"http://localhost:8000/v1","secret":null,"headers":{"openai-organization":"o","x-key":"${TEST_KEY}"},"model":"m","api":"completions","max_tokens_field":"max_tokens","send_seed":true,"think_tags":false,"extra":{"a":[1,{"b":0.5}]}}"#
    );
    assert_eq!(
        settings("kind = \"anthropic\"\nmodel = \"m\"\n"),
        r#"{"base_url":"https://api.anthropic.com/v1","secret":"ANTHROPIC_API_KEY","headers":{},"model":"m","version":"2023-06-01","max_tokens_default":1024,"extra":{}}"#
    );
}

#[test]
fn mistakes_are_named() {
    for (lines, says) in [
        ("kind = \"openai\"\n", "`model` is missing"),
        ("kind = \"openai\"\nmodel = \"m\"\napi = \"chatt\"\n", "it must be one of chat, completions"),
        ("kind = \"openai\"\nmodel = \"m\"\napi_key = \"x\"\n", "unknown key `api_key`"),
        (
            "kind = \"openai\"\nmodel = \"m\"\nextra = { stream = true }\n",
            "`extra.stream` would change how answers come",
        ),
        ("kind = \"openai\"\nmodel = \"m\"\nextra = { d = 2026-11-01 }\n", "`extra.d` holds a date"),
        (
            "kind = \"openai\"\nmodel = \"m\"\napi = \"completions\"\nthink_tags = true\n",
            "`think_tags` applies to",
        ),
        ("kind = \"anthropic\"\nmodel = \"m\"\nversion = \"a\\nb\"\n", "`version` is not a version"),
    ] {
        let error = plan(&registry(outside()), lines).unwrap_err().to_string();
        assert!(error.contains(says), "{lines}{error}");
    }
}

#[test]
fn subjects_of_one_endpoint_share_a_queue() {
    let plan = |lines: &str| plan(&registry(outside()), lines).unwrap();
    let engine = |lines: &str| plan(lines).subjects[0].party.engine.clone();
    let small = engine("kind = \"openai\"\nmodel = \"small\"\n");
    assert_eq!(small, engine("kind = \"openai\"\nmodel = \"large\"\napi = \"completions\"\n"));
    assert_ne!(small, engine("kind = \"openai\"\nmodel = \"small\"\nsecret = \"OTHER_KEY\"\n"));
}

/// A prompt that the server's way of asking does not have is an error of the plan.
#[test]
fn what_cannot_be_asked_is_said_before_anything_runs() {
    let chat =
        "kind = \"openai\"\nmodel = \"m\"\n# \"completions\" in a comment makes the item a completion\n";
    let error = plan(&registry(outside()), chat).unwrap_err().to_string();
    assert!(error.contains("is a text to complete, which subject \"s\" cannot be asked"), "{error}");
}
