//! `plumb sae` on a tiny model folder: a training from a text to a page about a latent, stopped and gone on with.

use std::path::Path;

use crate::support::{Ended, Folder, ended};

fn tiny(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/lm/arch").join(name);
    path.canonicalize().unwrap().display().to_string()
}

fn folder() -> Folder {
    let folder = Folder::new();
    let mut text = String::new();
    for line in 0..400 {
        text.push_str(&format!(
            "line {line} of a text about plumb lines, weight {} and string {}\n",
            line * 7 % 31,
            line % 5
        ));
    }
    folder.write("text.txt", &text);
    let chats: Vec<_> =
        (0..30).map(|at| serde_json::json!({ "ask": format!("what is {at}?"), "say": "a number" })).collect();
    folder.write("chats.json", &serde_json::to_string(&chats).unwrap());
    let recipe = format!(
        "name = 'tiny'\nmodel = '{}'\nsite = 'resid_post.0'\nseed = 1\n[activations]\nrows = 3000\nunseen = 0.3\nmax_tokens = 64\n\
         shard = 500\nprecision = 'f32'\n[[source]]\nkind = 'text'\npath = 'text.txt'\n[[source]]\nkind = 'chats'\npath = 'chats.json'\n\
         prompt = 'ask'\nreply = 'say'\n[train]\nkind = 'topk'\nlatents = 48\nk = 6\nbatch = 64\nrows = 20000\n",
        tiny("qwen2")
    );
    folder.write("recipe.toml", &recipe);
    folder
}

fn plumb(folder: &Folder, args: &[&str]) -> Ended {
    let mut command = folder.command(args);
    ended(command.env("PLUMB_CACHE", folder.path().join("cache")).output().unwrap())
}

fn ok(folder: &Folder, args: &[&str]) -> String {
    let ended = plumb(folder, args);
    assert_eq!(ended.code, Some(0), "plumb {args:?}\n{}\n{}", ended.out, ended.err);
    ended.out
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_training_from_text_to_a_page() {
    let folder = folder();
    ok(&folder, &["sae", "train", "recipe.toml", "--capture-only"]);
    let made = json(&ok(&folder, &["sae", "train", "recipe.toml", "--json"]));
    assert_eq!((made["latents"].as_u64(), made["complete"].as_bool()), (Some(48), Some(true)));
    let explained = made["unseen"]["explained_variance"].as_f64().unwrap();
    assert!(explained > 0.3 && explained < 1.0, "{made}");
    assert!(made["unseen"]["l0"].as_f64().unwrap() <= 6.0);
    // The same command again finds everything done, and the result is the same.
    let again = json(&ok(&folder, &["sae", "train", "recipe.toml", "--json"]));
    assert_eq!(again["digest"], made["digest"]);
    assert_eq!(ok(&folder, &["sae", "show"]).trim(), "tiny");

    let found = json(&ok(
        &folder,
        &["sae", "eval", "tiny", "--splice-tokens", "200", "--html", "eval.html", "--json"],
    ));
    assert!((found["measured"]["explained_variance"].as_f64().unwrap() - explained).abs() < 1e-9, "{found}");
    assert!(found["spliced"]["tokens"].as_u64().unwrap() > 50, "{found}");
    assert!(found["classes"]["control"].is_object() || found["classes"]["template"].is_object(), "{found}");
    assert!(folder.read("eval.html").contains("Neighbouring layers"));

    let active = (0..48).find_map(|latent| {
        let latent = latent.to_string();
        let shown = json(&ok(
            &folder,
            &["sae", "features", "tiny", "--latent", &latent, "--html", "page.html", "--json"],
        ));
        (shown["active"].as_u64().unwrap() > 3).then_some(shown)
    });
    let shown = active.unwrap();
    assert!(
        !shown["contexts"].as_array().unwrap().is_empty()
            && shown["promoted"].as_array().unwrap().len() == 10
    );
    assert!(folder.read("page.html").contains("Top contexts"));
}

#[test]
fn what_is_wrong_is_said() {
    let folder = folder();
    let recipe = folder.read("recipe.toml");
    for (from, to, said) in [
        ("k = 6", "k = 60", "train.k"),
        ("seed = 1", "seeed = 1", "seeed"),
        ("resid_post.0", "resid_post.99", "99"),
        ("text.txt", "none.txt", "none.txt"),
    ] {
        folder.write("wrong.toml", &recipe.replacen(from, to, 1));
        let ended = plumb(&folder, &["sae", "train", "wrong.toml"]);
        assert_eq!(ended.code, Some(2), "{to}\n{}", ended.err);
        assert!(ended.err.contains(said), "{to}\n{}", ended.err);
    }
    let ended = plumb(&folder, &["sae", "eval", "nothing"]);
    assert!(ended.code == Some(2) && ended.err.contains("plumb sae train"), "{}", ended.err);
    // An autoencoder of another width, and one of another tool whose model is not known.
    let other = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/sae/saelens-topk");
    let other = other.canonicalize().unwrap().display().to_string();
    let ended = plumb(&folder, &["sae", "eval", &other, "--model", &tiny("qwen2"), "--in", "text.txt"]);
    assert!(ended.code != Some(0) && ended.err.contains("12"), "{}", ended.err);
    ok(&folder, &["sae", "show", &other, "--sparsify", "layers.1"]);
    assert!(ok(&folder, &["sae", "show", "./layers.1"]).contains("TopK with k = 5"));
}

#[test]
fn a_training_killed_at_any_moment_goes_on_to_the_same_autoencoder() {
    let folder = folder();
    let recipe = folder.read("recipe.toml").replace("rows = 20000", "rows = 400000");
    folder.write("recipe.toml", &recipe);
    ok(&folder, &["sae", "train", "recipe.toml", "--capture-only"]);
    let training = folder.path().join("cache/saes/tiny/training");
    let note = training.join("training.json");
    for kill in 0..4_u64 {
        let mut command = folder.command(&["sae", "train", "recipe.toml", "--checkpoint", "0"]);
        command.env("PLUMB_CACHE", folder.path().join("cache")).stderr(std::process::Stdio::null());
        let before = std::fs::read(&note).ok();
        let mut running = command.spawn().unwrap();
        while std::fs::read(&note).ok() == before {
            assert!(running.try_wait().unwrap().is_none(), "it ended before kill {kill}");
        }
        // Somewhere in what follows: between two checkpoints, or in the middle of one.
        std::thread::sleep(std::time::Duration::from_millis(3 + 7 * kill));
        running.kill().unwrap();
        running.wait().unwrap();
    }
    let killed = json(&ok(&folder, &["sae", "train", "recipe.toml", "--json"]));
    let whole = json(&ok(&folder, &["sae", "train", "recipe.toml", "--json", "--fresh"]));
    assert_eq!(killed["digest"], whole["digest"]);
}
