//! A shelf of tiny models, a registry that knows it, and plans that name them.

use plumb_lm::sae::units::Collecting;
use plumb_lm::tiny;
use plumb_local::steer::{Found, Saes};
use plumb_local::{Identity, LocalKind, Models, has_chat_template};
use plumb_study::items::{Prompt, Role, Turn};
use plumb_study::party::{Ask, Responder, Sampling};
use plumb_study::plan::PartySpec;
use plumb_study::{Draft, Error, Inputs, Opening, Plan, Recordings, Registry, Result, freeze};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// Models by name: `tiny` (llama, chats; also called `same`), `other` (qwen2, chats), `plain` (no template), `damaged`,
/// `gone` (known, but without a file), `lying` (has no template, but claims one) and `unhashed`.
pub struct Shelf {
    folder: TempDir,
    /// How often a file was asked for.
    pub opened: AtomicUsize,
}

impl Shelf {
    pub fn new() -> Arc<Shelf> {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
        let whole = tiny::file(tiny::Family::Llama).finish();
        put("tiny.gguf", &whole);
        put("other.gguf", &tiny::file(tiny::Family::Qwen2).finish());
        put("plain.gguf", &tiny::file_with(tiny::Family::Llama, None).finish());
        put("damaged.gguf", &whole[..whole.len() - 7]);
        Arc::new(Shelf { folder, opened: AtomicUsize::new(0) })
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.gguf"))
    }

    fn named(&self, name: &str) -> Result<&'static str> {
        match name {
            "tiny" | "same" => Ok("tiny"),
            "other" => Ok("other"),
            "plain" | "lying" => Ok("plain"),
            "damaged" => Ok("damaged"),
            "gone" => Ok("gone"),
            "unhashed" => Ok("unhashed"),
            path if path.ends_with("/plain.gguf") => Ok("plain"),
            _ => Err(Error::plan(format!("there is no model \"{name}\"")).help("known: tiny, other, plain")),
        }
    }
}

impl Models for Shelf {
    fn identify(&self, name: &str) -> Result<Identity> {
        let file = self.named(name)?;
        let chat = match name.ends_with(".gguf") {
            true => has_chat_template(name.as_ref())?,
            false => name != "plain",
        };
        // Any digest will do, as long as each file has its own.
        let sha256 = match file {
            "unhashed" => "ABC".to_owned(),
            _ => format!("{:0>64}", file.bytes().map(|byte| format!("{byte:02x}")).collect::<String>()),
        };
        // The last digits of a name differ; the engine's name has the first.
        Ok(Identity { sha256: sha256.chars().rev().collect(), file: format!("{file}.gguf"), chat })
    }

    fn check(&self, name: &str, _sha256: &str) -> Result<()> {
        let file = self.file(self.named(name)?);
        match file.is_file() {
            true => Ok(()),
            false => Err(Error::party(format!("model \"{name}\" is not there")).help("fetch it")),
        }
    }

    fn path(&self, name: &str, sha256: &str) -> Result<PathBuf> {
        assert_eq!(sha256.len(), 64);
        self.opened.fetch_add(1, Ordering::SeqCst);
        Ok(self.file(self.named(name)?))
    }
}

pub struct Items;

impl Inputs for Items {
    fn read(&self, _path: &str) -> Result<Vec<u8>> {
        let rows = (0..24).map(|n| format!("i{n},prompt {}\n", "x".repeat(n)));
        Ok(std::iter::once("id,prompt\n".to_owned()).chain(rows).collect::<String>().into_bytes())
    }

    fn expand(&self, path: &str) -> Result<Vec<String>> {
        Ok(vec![path.to_owned()])
    }
}

pub fn registry(shelf: &Arc<Shelf>) -> Registry {
    let mut registry = Registry::new();
    registry.party("local", LocalKind::new(shelf.clone()).with_saes(Arc::new(Tiny)));
    registry
}

/// Autoencoders by name: `sae` of all tiny models' second block, with usual strengths; `bare` without; `deep` of a block that they do
/// not have; `wide` of longer rows.
pub struct Tiny;

impl Saes for Tiny {
    fn find(&self, name: &str) -> Result<Found> {
        let width = tiny::WIDTH as usize;
        let sae = match name {
            "sae" | "bare" => tiny::sae(width, "blocks.1.hook_resid_post"),
            "deep" => tiny::sae(width, "blocks.9.hook_resid_post"),
            "wide" => tiny::sae(width + 1, "blocks.1.hook_resid_post"),
            other => return Err(Error::plan(format!("there is no autoencoder {other}"))),
        };
        let sae = Arc::new(sae.unwrap());
        let mut collecting = Collecting::new(&sae);
        let rows: Vec<f32> =
            (0..100 * sae.width()).map(|at| ((at * 37 % 101) as f32 - 50.0) / 20.0).collect();
        collecting.add(&sae, &rows);
        let units = collecting.finish(&sae).map(Arc::new).filter(|_| name != "bare");
        Ok(Found { sae, units })
    }
}

/// A frozen plan over the items (chats, if all models can), with a subject for each model; `more` goes into each
/// subject's table.
pub fn plan(registry: &Registry, models: &[&str], more: &str) -> Result<Plan> {
    let mut text = "name = \"t\"\nseed = 5\n[[items]]\nreader = \"csv\"\npath = \"i.csv\"\n".to_owned();
    if models.iter().any(|model| model.contains("plain")) {
        text += "as = \"completion\"\n";
    }
    for (n, model) in models.iter().enumerate() {
        text += &format!("[[subject]]\nid = \"s{n}\"\nkind = \"local\"\nmodel = \"{model}\"\n{more}\n");
    }
    Ok(freeze(Draft::parse(&text, "t.toml")?, registry, &Items)?.plan)
}

pub fn spec(plan: &Plan, subject: usize) -> &PartySpec {
    &plan.subjects[subject].party
}

pub fn open(registry: &Registry, plan: &Plan, subject: usize) -> Result<Arc<dyn Responder>> {
    let opening =
        Opening { in_flight: 8, recordings: Arc::new(Recordings::new()), plan: Arc::new(plan.clone()) };
    registry.find_party("local")?.open(spec(plan, subject), &opening)
}

/// The subject of a plan with this model alone.
pub fn responder(shelf: &Arc<Shelf>, model: &str) -> Arc<dyn Responder> {
    let registry = registry(shelf);
    open(&registry, &plan(&registry, &[model], "").unwrap(), 0).unwrap()
}

pub fn chat(text: &str) -> Prompt {
    Prompt::Chat(vec![Turn { role: Role::User, text: text.into() }])
}

pub fn ask(prompt: Prompt) -> Ask {
    let sampling = Sampling { max_tokens: Some(12), ..Sampling::default() };
    Ask { prompt, sampling, seed: 1, trial: None, deadline: Duration::from_secs(120) }
}
