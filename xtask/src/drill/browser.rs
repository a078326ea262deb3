//! `cargo xtask drill browser`: reports and a study's pages in a browser, the study behind a proxy that does TLS.
//!
//! Needs node, Debian's chromium, and the packages of `xtask/browser` (`npm install --prefix target/browser`); the proxy is
//! Caddy, with the recipe as docs/run-a-study.md has it. Where one of them is missing it says so and does nothing, unless
//! `--require` is given.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::reports::Reports;
use crate::Problem;
use crate::measured::{self, Running};
use crate::plumb::Which;
use crate::serving::{Example, Study, checkout, free_port, takes_connections};

#[derive(clap::Args)]
pub struct Args {
    /// Fail where a program is missing, instead of doing nothing
    #[arg(long)]
    require: bool,
    /// Write a picture of every view into this folder
    #[arg(long, value_name = "DIR")]
    pictures: Option<PathBuf>,
    /// The browser
    #[arg(long, value_name = "FILE", default_value = "/usr/bin/chromium")]
    chromium: PathBuf,
    #[command(flatten)]
    which: Which,
}

const LIMIT: Duration = Duration::from_secs(900);
const PACKAGES: &str = "target/browser";

pub fn run(args: &Args) -> Result<(), Problem> {
    if let Some(missing) = missing(&args.chromium) {
        let message = format!("skipped: drill browser ({missing})");
        if args.require {
            return Err(message);
        }
        println!("{message}");
        return Ok(());
    }
    let reports = Reports::make(&args.which)?;
    let mut fields = Study::of(&args.which, Example::Fields, 10)?;
    fields.start()?;
    let mut preview = Study::of(&args.which, Example::Experiment1, 10)?;
    preview.start_with(&["--preview"])?;
    let mut first = Study::of(&args.which, Example::First, 80)?;
    let proxy = if has("caddy", "version") { Some(Proxy::start(first.address)?) } else { None };
    match &proxy {
        Some(proxy) => first.start_with(&["--public-url", &proxy.address])?,
        None if args.require => return Err("skipped: the proxy (there is no caddy)".to_owned()),
        None => first.start()?,
    }
    let local = |study: &Study| format!("http://{}", study.address);
    let first_address = proxy.as_ref().map_or_else(|| local(&first), |proxy| proxy.address.clone());
    let given = serde_json::json!({
        "chromium": args.chromium,
        "pictures": args.pictures.as_ref().map_or_else(PathBuf::new, |p| std::path::absolute(p).unwrap_or_default()),
        "reports": reports.pages,
        "fields": local(&fields),
        "preview": local(&preview),
        "first": first_address,
        "admin": format!("{first_address}/admin"),
        "token": first.token()?,
    });
    // Modules are looked for beside the program that loads them.
    let script = checkout(PACKAGES).join("pages.mjs");
    let from = checkout("xtask/browser/pages.mjs");
    std::fs::copy(&from, &script).map_err(|error| format!("{}: {error}", script.display()))?;
    let done = measured::run(Command::new("node").arg(&script).arg(given.to_string()), LIMIT)?;
    print!("{}", done.succeeded("the browser")?.stdout);
    fields.stop()?;
    first.stop()?;
    if let Some(proxy) = proxy {
        println!("the study by keyboard went through Caddy with the recipe of docs/run-a-study.md");
        proxy.stop()?;
    }
    Ok(())
}

fn has(program: &str, asks: &str) -> bool {
    Command::new(program).arg(asks).output().is_ok_and(|done| done.status.success())
}

fn missing(chromium: &Path) -> Option<String> {
    if !has("node", "--version") {
        return Some("there is no node".to_owned());
    }
    if !chromium.is_file() {
        return Some(format!("there is no {}", chromium.display()));
    }
    let packages = checkout(PACKAGES).join("node_modules/playwright-core");
    (!packages.is_dir()).then(|| {
        format!("there are no packages: cp xtask/browser/package.json {PACKAGES}/ && npm install --prefix {PACKAGES}")
    })
}

/// Caddy before a server, with a certificate of an authority of its own.
struct Proxy {
    running: Running,
    address: String,
    _folder: tempfile::TempDir,
}

impl Proxy {
    fn start(server: SocketAddr) -> Result<Proxy, Problem> {
        let page = checkout("docs/run-a-study.md");
        let docs = std::fs::read_to_string(&page).map_err(|e| format!("{}: {e}", page.display()))?;
        let recipe = docs.lines().skip_while(|line| !line.ends_with("study.example.org {"));
        let recipe: Vec<&str> = recipe.take_while(|line| line.starts_with("    ")).collect();
        if recipe.len() < 3 {
            return Err("docs/run-a-study.md has no recipe for Caddy".to_owned());
        }
        let port = free_port()?.port();
        let recipe = recipe
            .join("\n")
            .replace("study.example.org {", &format!("https://localhost:{port} {{\n tls internal"))
            .replace("127.0.0.1:8090", &server.to_string());
        let folder = tempfile::tempdir().map_err(|error| format!("a temporary folder: {error}"))?;
        let file = folder.path().join("Caddyfile");
        // Neither an admin port nor the system's store of certificates is touched.
        let options = "{\n admin off\n auto_https disable_redirects\n skip_install_trust\n}\n";
        std::fs::write(&file, format!("{options}{recipe}\n")).map_err(|error| error.to_string())?;
        let mut command = Command::new("caddy");
        command.args(["run", "--adapter", "caddyfile", "--config"]).arg(&file);
        for variable in ["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"] {
            command.env(variable, folder.path());
        }
        let mut running = Running::start(&mut command)?;
        if !takes_connections(&running, ("localhost", port)) {
            running.kill();
            return Err(format!("caddy did not start: {}", running.finish(LIMIT)?.last_words()));
        }
        Ok(Proxy { running, address: format!("https://localhost:{port}"), _folder: folder })
    }

    fn stop(mut self) -> Result<(), Problem> {
        self.running.kill();
        self.running.finish(LIMIT).map(drop)
    }
}
