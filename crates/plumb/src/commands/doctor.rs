//! `plumb doctor`: what this machine can do, so that a person need not find out in the middle of a run.

use crate::cli::Doctor;
use crate::compose::{World, variable};
use crate::exit::{Exit, Problem, say};
use crate::show;
use plumb_clients::models::Status;
use std::path::Path;

/// One finding.
struct Found {
    what: &'static str,
    /// `ok`, `note` (something is missing that not everyone needs) or `problem`.
    state: &'static str,
    text: String,
}

pub fn run(args: &Doctor, world: &World) -> Result<Exit, Problem> {
    let mut found = vec![machine(), processor(), memory(), accelerator()];
    found.push(folder("cache", &world.folders.cache));
    found.extend(models(world));
    found.push(python());
    found.push(secrets(world));
    found.push(isolation());
    let troubled = |p: &Problem| Found { what: "settings", state: "problem", text: p.message.clone() };
    found.extend(world.troubles().iter().map(troubled));
    if args.json {
        let list: Vec<_> = found
            .iter()
            .map(|f| serde_json::json!({ "what": f.what, "state": f.state, "text": f.text }))
            .collect();
        say(serde_json::Value::Array(list));
    } else {
        for f in &found {
            let mark = match f.state {
                "ok" => "✓",
                "note" => "·",
                _ => "✗",
            };
            say(format_args!("{mark} {:<12} {}", f.what, f.text));
        }
    }
    let problems = found.iter().any(|f| f.state == "problem");
    Ok(if problems { Exit::Error } else { Exit::Done })
}

fn ok(what: &'static str, text: impl Into<String>) -> Found {
    Found { what, state: "ok", text: text.into() }
}

fn beside(what: &'static str, text: impl Into<String>) -> Found {
    Found { what, state: "note", text: text.into() }
}

fn machine() -> Found {
    let text =
        format!("plumb {} on {} {}", env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH);
    ok("program", text)
}

fn processor() -> Found {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    #[cfg(target_arch = "x86_64")]
    let extensions = [
        ("AVX-512", std::arch::is_x86_feature_detected!("avx512f")),
        ("AVX2", std::arch::is_x86_feature_detected!("avx2")),
        ("FMA", std::arch::is_x86_feature_detected!("fma")),
    ];
    #[cfg(not(target_arch = "x86_64"))]
    let extensions: [(&str, bool); 0] = [];
    let names: Vec<&str> = extensions.iter().filter(|(_, has)| *has).map(|(name, _)| *name).collect();
    ok("processor", format!("{cores} cores {}", names.join(" ")).trim_end().to_owned())
}

fn memory() -> Found {
    match crate::memory::free() {
        Some(free) if free < 1 << 30 => {
            beside("memory", format!("{} free: too little for the larger local model", show::bytes(free)))
        }
        Some(free) => ok("memory", format!("{} free", show::bytes(free))),
        None => beside("memory", "cannot be told on this system"),
    }
}

fn accelerator() -> Found {
    let there = Path::new("/dev/nvidia0").exists() || Path::new("/dev/kfd").exists();
    beside(
        "accelerator",
        if there {
            "there is one; local models run on the processor"
        } else {
            "none; local models run on the processor"
        },
    )
}

fn folder(what: &'static str, path: &Path) -> Found {
    let shown = path.display();
    let probe = path.join(".doctor");
    let writable = std::fs::create_dir_all(path).and_then(|()| std::fs::write(&probe, "")).is_ok();
    let _ = std::fs::remove_file(&probe);
    if writable {
        ok(what, format!("{shown}"))
    } else {
        Found {
            what,
            state: "problem",
            text: format!("{shown} cannot be written; set PLUMB_CACHE to another folder"),
        }
    }
}

fn models(world: &World) -> Vec<Found> {
    let tell = |entry: &plumb_clients::models::Entry| match world.models.store.status(entry) {
        Status::Ready(_) => ok("model", format!("{} is here", entry.name)),
        Status::Unverified(_) => ok("model", format!("{} is here and is verified at first use", entry.name)),
        Status::Partial => beside("model", format!("{} is partly fetched; the next use goes on", entry.name)),
        Status::Absent => beside(
            "model",
            format!(
                "{} ({}) is fetched at first use, or now: plumb models fetch {}",
                entry.name,
                show::bytes(entry.bytes),
                entry.name
            ),
        ),
    };
    world.models.known.entries().map(|(entry, _)| tell(entry)).collect()
}

#[expect(clippy::disallowed_methods, reason = "the doctor asks programs for their version")]
fn python() -> Found {
    let asked = std::process::Command::new("python3").args(["-m", "pip", "--version"]).output();
    match asked {
        Ok(out) if out.status.success() => {
            let text = String::from_utf8_lossy(&out.stdout);
            ok("python", text.split(" from ").next().unwrap_or_default().trim().to_owned())
        }
        Ok(_) => beside("python", "python3 without pip: models that come as packages cannot be fetched"),
        Err(_) => beside("python", "no python3: models that come as packages cannot be fetched"),
    }
}

fn secrets(world: &World) -> Found {
    let file = world.folders.secrets();
    let set: Vec<&str> =
        ["OPENAI_API_KEY", "ANTHROPIC_API_KEY"].into_iter().filter(|name| variable(name).is_some()).collect();
    let mut text = match set.as_slice() {
        [] => "none of OPENAI_API_KEY, ANTHROPIC_API_KEY is set".to_owned(),
        set => format!("{} set", set.join(", ")),
    };
    text.push_str(if file.is_file() { "; secrets file " } else { "; no secrets file " });
    text.push_str(&file.display().to_string());
    beside("secrets", text)
}

/// The level of the sandbox for generated code, found out by running a sample in it.
fn isolation() -> Found {
    use plumb_code::sandbox::{Isolation, Limits, Options, Sandbox};
    let open = |isolation| {
        Sandbox::open(&Options {
            isolation,
            interpreter: "python3".into(),
            limits: Limits::default(),
            workers: 1,
            rerun: false,
        })
    };
    match open(Isolation::Full) {
        Ok(sandbox) => ok("isolation", sandbox.described()),
        Err(full) => match open(Isolation::Filtered) {
            Ok(sandbox) => {
                let text = format!("{}; full isolation is refused: {full}", sandbox.described());
                beside("isolation", text)
            }
            Err(filtered) => {
                beside("isolation", format!("none, so no generated code can be run: {full}; {filtered}"))
            }
        },
    }
}
