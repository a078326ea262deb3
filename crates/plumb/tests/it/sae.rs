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

    // The same texts read anew have the latent as active as the rows that were kept of them.
    let latent = shown["latent"].to_string();
    let said = |role: &str, content: String| serde_json::json!({ "role": role, "content": content });
    let chat = |at: u32| {
        let turns = [said("user", format!("what is {at}?")), said("assistant", "a number".into())];
        format!("{}\n", serde_json::json!({ "messages": turns }))
    };
    folder.write("texts.jsonl", &(0..30).map(chat).collect::<String>());
    let read = json(&ok(
        &folder,
        &["sae", "features", "tiny", "--latent", &latent, "--in", "texts.jsonl", "--top", "400", "--json"],
    ));
    let tops = |of: &serde_json::Value| -> Vec<(String, f64)> {
        let words = |one: &serde_json::Value| -> String {
            one["tokens"]
                .as_array()
                .unwrap()
                .iter()
                .map(|token| token[0].as_str().unwrap().to_owned())
                .collect()
        };
        let all = of["contexts"].as_array().unwrap();
        all.iter().map(|one| (words(one), one["activation"].as_f64().unwrap())).collect()
    };
    let (kept, read) = (tops(&shown), tops(&read));
    let same = |(words, value): &&(String, f64)| {
        read.iter().any(|(other, again)| other == words && (value - again).abs() < 1e-4 * value)
    };
    assert!(kept.iter().filter(same).count() > 0, "{kept:?}\n{read:?}");
}

#[test]
fn what_is_wrong_is_said() {
    let folder = folder();
    let recipe = folder.read("recipe.toml");
    for (from, to, said) in [
        ("k = 6", "k = 60", "train.k"),
        ("kind = 'topk'\nlatents = 48", "kind = 'relu'\nlatents = 0", "train.latents"),
        ("latents = 48", "latents = 40000000000", "train.latents"),
        ("latents = 48", "latents = 4194304\nrevive = -1.0", "train.revive"),
        ("name = 'tiny'", "name = 'two words'", "letters, digits"),
        ("seed = 1", "seeed = 1", "seeed"),
        ("resid_post.0", "resid_post.99", "99"),
        ("text.txt", "none.txt", "none.txt"),
    ] {
        folder.write("wrong.toml", &recipe.replacen(from, to, 1));
        let ended = plumb(&folder, &["sae", "train", "wrong.toml"]);
        assert_eq!(ended.code, Some(2), "{to}\n{}", ended.err);
        assert!(ended.err.contains(said), "{to}\n{}", ended.err);
    }
    let ended = plumb(&folder, &["sae", "eval", "nothing", "--tokens", "0"]);
    assert!(ended.code == Some(2) && ended.err.contains("from 1 on"), "{}", ended.err);
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
fn a_checkpoint_belongs_to_its_activations() {
    let folder = folder();
    let train = |args: &[&str]| plumb(&folder, &[&["sae", "train", "recipe.toml"], args].concat());
    let recipe = folder.read("recipe.toml").replace("rows = 20000", "rows = 640");
    let write = |site: &str, name: &str, rows: &str| {
        let text = recipe.replace("resid_post.0", site).replace("rows = 3000", rows);
        folder
            .write("recipe.toml", &text.replace("[activations]", &format!("[activations]\nname = '{name}'")));
    };
    write("resid_post.0", "first", "rows = 1000");
    assert_eq!(train(&[]).code, Some(0));
    let made = folder.read("cache/saes/tiny/cfg.json");
    for (site, name, rows, said) in [
        ("resid_post.1", "second", "rows = 1000", "at resid_post.0, not at resid_post.1"),
        ("resid_post.0", "third", "rows = 2000", "other documents or with other settings of [activations]"),
    ] {
        write(site, name, rows);
        let ended = train(&[]);
        assert!(ended.code == Some(2) && ended.err.contains(said), "{}", ended.err);
        assert!(ended.err.contains("--fresh"), "{}", ended.err);
        assert_eq!(folder.read("cache/saes/tiny/cfg.json"), made, "nothing is written");
    }
    // Trained on what there was of a store, of which there is more now.
    write("resid_post.0", "first", "rows = 1000");
    let store = folder.read("cache/activations/first/store.json");
    let mut half: serde_json::Value = serde_json::from_str(&store).unwrap();
    let shards = half["shards"].as_array_mut().unwrap();
    assert!(shards.len() > 1, "{store}");
    shards.truncate(1);
    folder.write("cache/activations/first/store.json", &half.to_string());
    assert_eq!(train(&["--as-is", "--fresh"]).code, Some(0));
    folder.write("cache/activations/first/store.json", &store);
    let ended = train(&[]);
    assert!(ended.code == Some(2) && ended.err.contains(" rows, not "), "{}", ended.err);
    assert_eq!(train(&["--fresh"]).code, Some(0));
    assert_eq!(folder.read("cache/saes/tiny/cfg.json"), made);
}

#[test]
fn what_bears_its_name_does_not_hide_it_and_another_revision_is_told_with_its_fvu() {
    let folder = folder();
    folder.write("recipe.toml", &folder.read("recipe.toml").replace("rows = 20000", "rows = 6400"));
    ok(&folder, &["sae", "train", "recipe.toml"]);
    std::fs::create_dir(folder.path().join("tiny")).unwrap();
    folder.write("tiny/cfg.json", "{}");
    assert!(ok(&folder, &["sae", "show", "tiny"]).contains("48 latents"));
    // Longer than the model's context: cut, not an error.
    folder.write("long.txt", &"plumb lines of lead ".repeat(400));
    ok(&folder, &["sae", "eval", "tiny", "--in", "long.txt", "--tokens", "300", "--splice-tokens", "0"]);

    let model = folder.path().join("revised");
    std::fs::create_dir(&model).unwrap();
    for entry in std::fs::read_dir(tiny("qwen2")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::copy(&path, model.join(path.file_name().unwrap())).unwrap();
        }
    }
    let config = std::fs::read_to_string(model.join("config.json")).unwrap();
    std::fs::write(model.join("config.json"), format!("{config}\n")).unwrap();
    let plan = |model: &str| {
        folder.write("items.csv", "prompt\nwhat is a plumb line of brass?\nand what is one of lead?\n");
        folder.write(
            "plan.toml",
            &format!(
                "name = 'p'\nseed = 1\n[[items]]\nreader = 'csv'\npath = 'items.csv'\n[[subject]]\nid = 's'\nkind = 'local'\n\
                 model = '{model}'\nsampling = {{ max_tokens = 4 }}\nsteer = {{ sae = 'tiny', latent = 3, clamp = 2, unit = 'norm' }}\n\
                 [[judge]]\nid = 'said'\nkind = 'match'\ncontains = 'a'\n"
            ),
        );
    };
    plan("revised");
    for args in [&["plan", "plan.toml"][..], &["run", "plan.toml"]] {
        let ended = plumb(&folder, args);
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        let all = ended.out + &ended.err;
        assert!(
            all.contains("the autoencoder tiny: it was trained on") && all.contains("FVU here is "),
            "{all}"
        );
        assert!(all.contains("tokens of the plan's prompts"), "{all}");
    }
    assert!(ok(&folder, &["plan", "plan.toml"]).contains("steered: tiny:3 clamp 2 norm (all)"));
    plan(&tiny("qwen2"));
    assert!(!ok(&folder, &["plan", "plan.toml"]).contains("FVU"));

    // What was kept is the other revision's; texts are read by the one that is named.
    let ended = plumb(&folder, &["sae", "features", "tiny", "--latent", "3", "--model", "revised"]);
    assert_eq!(ended.code, Some(2), "{}", ended.err);
    assert!(
        ended.err.contains("are not those of revised") && ended.err.contains("--in FILE"),
        "{}",
        ended.err
    );
    let shown =
        ["sae", "features", "tiny", "--latent", "3", "--model", "revised", "--in", "text.txt", "--json"];
    assert_eq!(json(&ok(&folder, &[&shown[..], &["--tokens", "500"]].concat()))["tokens"], 500);
}

#[test]
fn several_places_are_captured_in_one_pass_and_each_gets_an_autoencoder() {
    let folder = folder();
    let one = folder
        .read("recipe.toml")
        .replace("rows = 20000", "rows = 640")
        .replace("rows = 3000", "rows = 1000");
    folder.write("one.toml", &one);
    let alone = json(&ok(&folder, &["sae", "train", "one.toml", "--json"]));
    let both = one.replace("name = 'tiny'", "name = 'both'");
    folder
        .write("both.toml", &both.replace("site = 'resid_post.0'", "sites = ['resid_post.0', 'mlp_out.1']"));
    let told = ok(&folder, &["sae", "train", "both.toml", "--json"]);
    let made: Vec<serde_json::Value> = told.lines().map(json).collect();
    assert_eq!(made.len(), 2, "{told}");
    assert_eq!(made[0]["digest"], alone["digest"], "the same as of its place alone");
    assert_ne!(made[1]["digest"], alone["digest"]);
    assert_eq!(ok(&folder, &["sae", "show"]).trim(), "both-mlp_out-1\nboth-resid_post-0\ntiny");
    assert!(ok(&folder, &["sae", "show", "both-mlp_out-1"]).contains("blocks.1.hook_mlp_out"));
    ok(&folder, &["sae", "eval", "both-mlp_out-1", "--splice-tokens", "0"]);
    for (sites, said) in [
        ("sites = ['resid_post.0']\nsite = 'mlp_out.1'", "either site or sites"),
        ("sites = ['resid_post.0', 'model.layers.0']", "named twice"),
        ("", "either site or sites"),
    ] {
        folder.write("wrong.toml", &both.replace("site = 'resid_post.0'", sites));
        let ended = plumb(&folder, &["sae", "train", "wrong.toml"]);
        assert!(ended.code == Some(2) && ended.err.contains(said), "{sites}: {}", ended.err);
    }
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
