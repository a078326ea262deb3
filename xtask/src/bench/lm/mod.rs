//! The engine's evaluation workload beside llama.cpp's and PyTorch's.
//!
//! `cargo xtask bench lm` takes each model in the cache, as it is and with other types of weights, and runs ours
//! (`plumb-lm/examples/workload/`), llama.cpp's and PyTorch's (`oracles/*/workload.py`) one after the other, some rounds of all, so
//! that what else the machine does meets all of them; the medians count. Before any time is printed the values are
//! compared ([`values`]). A model with one type of weights takes a minute or two, so that pieces can be measured alone.
//!
//! Start with [`run`]; what is printed is in [`table`].

mod table;
mod values;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::pairs;
use crate::Problem;
use crate::measured::load;
pub(super) use values::close;

const ORACLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../oracles");

#[derive(clap::Args)]
pub struct Args {
    /// Names of models in the cache, or GGUF files; without any, all models in the cache
    models: Vec<PathBuf>,
    /// A Python with torch, transformers, gguf and accelerate [default: $PLUMB_TORCH_PYTHON; without it PyTorch is left out]
    #[arg(long, value_name = "PYTHON")]
    torch: Option<PathBuf>,
    /// A Python with llama-cpp-python [default: $PLUMB_LLAMA_PYTHON; without it llama.cpp is left out, and so are weights of other
    /// types, which it writes]
    #[arg(long, value_name = "PYTHON")]
    llama: Option<PathBuf>,
    /// Types of weights
    #[arg(long, value_delimiter = ',', default_value = "file,f32,f16,q8-0,q4-0")]
    weights: Vec<Weights>,
    /// Rounds of all
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Prefill and decoding of one and of sixteen alone, so that many rounds take little time
    #[arg(long)]
    speed: bool,
    /// The example `workload` of plumb-lm, built already [default: cargo builds it]
    #[arg(long)]
    workload: Option<PathBuf>,
}

/// How a file's weights are stored.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Weights {
    /// As the file has them
    File,
    F32,
    F16,
    Q8_0,
    Q4_0,
}

impl Weights {
    /// What llama.cpp calls the type.
    fn name(self) -> Option<&'static str> {
        match self {
            Self::File => None,
            Self::F32 => Some("F32"),
            Self::F16 => Some("F16"),
            Self::Q8_0 => Some("Q8_0"),
            Self::Q4_0 => Some("Q4_0"),
        }
    }
}

/// All rounds of one model with one type of weights.
struct Rounds {
    weights: Weights,
    ours: Vec<Value>,
    llama: Vec<Value>,
    torch: Vec<Value>,
}

pub fn run(args: &Args) -> Result<(), Problem> {
    let given = |flag: &Option<PathBuf>, variable: &str| {
        flag.clone().or_else(|| std::env::var_os(variable).map(PathBuf::from))
    };
    let (torch, llama) = (given(&args.torch, "PLUMB_TORCH_PYTHON"), given(&args.llama, "PLUMB_LLAMA_PYTHON"));
    for model in &models(&args.models)? {
        for &weights in &args.weights {
            let file = match (weights.name(), &llama) {
                (None, _) => model.clone(),
                (Some(name), Some(python)) => requantised(model, name, python)?,
                (Some(name), None) => {
                    println!("{}: no {name} without --llama, which writes it", model.display());
                    continue;
                }
            };
            let before = load();
            let mut rounds = Rounds { weights, ours: Vec::new(), llama: Vec::new(), torch: Vec::new() };
            for round in 1..=args.rounds.max(1) {
                eprintln!("{}: round {round} …", file.display());
                one(&file, args, (llama.as_deref(), torch.as_deref()), &mut rounds)?;
            }
            let edited = match args.speed {
                true => Value::Null,
                false => said(example(args).arg(&file).arg("edits"), None)?,
            };
            table::print(&file, &rounds, &before);
            pairs::print(&edited["edited"]);
            println!();
        }
    }
    Ok(())
}

fn one(
    file: &Path,
    args: &Args,
    (llama, torch): (Option<&Path>, Option<&Path>),
    rounds: &mut Rounds,
) -> Result<(), Problem> {
    let ours = said(example(args).arg(file).args(args.speed.then_some("speed")), None)?;
    let peer = |python: &Path, which: &str| {
        let script = Path::new(ORACLES).join(which).join("workload.py");
        let piece = (args.speed && which == "transformers").then_some("speed");
        said(Command::new(python).arg(script).arg(file).args(piece), Some(&ours.to_string()))
    };
    if let Some(python) = llama {
        let llama = peer(python, "llama_cpp")?;
        values::like_llama(&ours, &llama, rounds.weights == Weights::F32)?;
        rounds.llama.push(llama);
    }
    if let Some(python) = torch {
        let torch = peer(python, "transformers")?;
        values::like_torch(&ours, &torch)?;
        rounds.torch.push(torch);
    }
    rounds.ours.push(ours);
    Ok(())
}

fn example(args: &Args) -> Command {
    match &args.workload {
        Some(built) => Command::new(built),
        None => workload(),
    }
}

/// The example of plumb-lm that both benches of the engine run, with cargo.
pub(super) fn workload() -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(["run", "-q", "--release", "-p", "plumb-lm", "--example", "workload", "--"]);
    command
}

/// Where `plumb` keeps what it fetched (docs/models.md).
fn cache() -> Result<PathBuf, Problem> {
    let set =
        |variable: &str| std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    let under = |base: PathBuf| base.join("plumbline");
    set("PLUMB_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(under))
        .or_else(|| set("HOME").map(|home| under(home.join(".cache"))))
        .ok_or_else(|| "no folder for a cache: set PLUMB_CACHE".into())
}

/// The files of these models, by name or path; of all in the cache if none is named.
pub(super) fn models(named: &[PathBuf]) -> Result<Vec<PathBuf>, Problem> {
    let models = cache()?.join("models");
    if !named.is_empty() {
        return named.iter().map(|name| file(&models, name)).collect();
    }
    let failed = |error| format!("{}: {error}", models.display());
    let mut found = Vec::new();
    for folder in std::fs::read_dir(&models).map_err(failed)? {
        found.extend(inside(&folder.map_err(failed)?.path()));
    }
    match found.is_empty() {
        true => {
            Err(format!("no model in {}: `plumb models fetch` brings one, or name a file", models.display()))
        }
        false => {
            // The small ones first.
            found.sort_by_key(|file| file.metadata().map(|file| file.len()).unwrap_or(u64::MAX));
            Ok(found)
        }
    }
}

/// The file of a model that is named by path, or as in the cache's folder `models`.
fn file(models: &Path, name: &Path) -> Result<PathBuf, Problem> {
    if name.exists() {
        return Ok(name.to_owned());
    }
    inside(&models.join(name)).into_iter().next().ok_or_else(|| {
        let (name, models) = (name.display(), models.display());
        format!(
            "{name} is neither a file nor a model in {models}: `plumb models fetch {name}` brings a known one"
        )
    })
}

/// GGUF files of a folder; none of one that is not there.
fn inside(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).into_iter().flatten().filter_map(|file| Some(file.ok()?.path()));
    files.filter(|file| file.extension().is_some_and(|ending| ending == "gguf")).collect()
}

/// The model with weights of another type, written once by llama.cpp into the cache's folder `bench`.
fn requantised(model: &Path, kind: &str, python: &Path) -> Result<PathBuf, Problem> {
    let folder = cache()?.join("bench");
    let name = model.file_stem().unwrap_or_default().to_string_lossy();
    let file = folder.join(format!("{name}-as-{kind}.gguf"));
    if file.exists() {
        return Ok(file);
    }
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let script = Path::new(ORACLES).join("llama_cpp/requantise.py");
    let output = Command::new(python).arg(script).arg(model).arg(&file).arg(kind).output();
    let output = output.map_err(|error| format!("{}: {error}", python.display()))?;
    match output.status.success() {
        true => Ok(file),
        false => Err(format!("{kind} of {name}: {}", String::from_utf8_lossy(&output.stderr))),
    }
}

/// What a program writes as its last line, which is JSON.
pub(super) fn said(command: &mut Command, input: Option<&str>) -> Result<Value, Problem> {
    let name = format!("{command:?}");
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().map_err(|error| format!("{name}: {error}"))?;
    if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
        stdin.write_all(input.as_bytes()).map_err(|error| format!("{name}: {error}"))?;
    }
    let output = child.wait_with_output().map_err(|error| format!("{name}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.lines().last().unwrap_or_default())
        .map_err(|error| format!("{name} said `{text}`: {error}"))
}
