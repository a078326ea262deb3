//! `plumb serve`: local models for any client that speaks OpenAI's protocol, until Ctrl-C.

use crate::cli::Serve;
use crate::compose::{World, now, variable};
use crate::exit::{Exit, Problem, note, say};
use crate::strangers::measured;
use plumb_clients::secrets::{Keyring, Need};
use plumb_lm::{KvType, Model};
use plumb_local::Models as _;
use plumb_local::steer::{Offered, Saes as _};
use plumb_web::{Config, Limits, Outside, Served};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{Signal, SignalKind, signal};

pub fn run(args: &Serve, world: &World) -> Result<Exit, Problem> {
    let token = match &args.token {
        Some(name) => {
            let need = Need { name: name.clone(), by: "plumb serve --token".to_owned() };
            Some(
                Keyring::new(variable)
                    .with_file(&world.folders.secrets())?
                    .require(&[need])?
                    .remove(0)
                    .expose()
                    .to_owned(),
            )
        }
        None => None,
    };
    if token.is_none() && !args.host.is_loopback() {
        return Err(Problem::usage(format!(
            "--host {}: other machines are served only with a token",
            args.host
        ))
        .help("add --token NAME, the name of a secret; clients send its value as their API key"));
    }
    let models = args.models.iter().map(|name| load(name, world)).collect::<Result<Vec<_>, _>>()?;
    for (at, served) in models.iter().enumerate() {
        if models[..at].iter().any(|before| before.name == served.name) {
            return Err(Problem::usage(format!("two models are called \"{}\"", served.name))
                .help("a path is served under its file's name without the ending; rename one of the files"));
        }
    }
    strangers(args, &models, world)?;
    let outside = Outside { clock: now, random };
    let config = Config { models, token, steering: offered(args, world)?, limits: limits(args), outside };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Problem::new(format!("the server cannot start: {error}")))?;
    let done = runtime.block_on(serve(SocketAddr::new(args.host, args.port), config));
    // What is still running after the time of grace is not waited for.
    runtime.shutdown_background();
    done
}

/// What requests may steer by.
fn offered(args: &Serve, world: &World) -> Result<Offered, Problem> {
    let mut offered = Offered::default();
    for word in &args.vector {
        let (name, file) = word.split_once('=').ok_or_else(|| {
            Problem::usage(format!("--vector {word}: expected NAME=FILE, such as refusal=refusal.gguf"))
        })?;
        offered.vector(name, std::fs::read(file).map_err(Problem::io(Path::new(file)))?)?;
    }
    for name in &args.sae {
        offered.sae(name, world.saes.find(name)?)?;
    }
    Ok(offered)
}

/// Says of which offered autoencoders and models neither was made for the other.
fn strangers(args: &Serve, models: &[Served], world: &World) -> Result<(), Problem> {
    for sae in &args.sae {
        let found = world.saes.find(sae)?.sae;
        for (name, served) in args.models.iter().zip(models) {
            let digest = world.models.identify(name)?.sha256;
            if let Some(told) = measured(&found, &served.model, (&served.name, &digest), (&[], ""))? {
                note(format_args!("warning: the autoencoder {sae}: {told}"));
            }
        }
    }
    Ok(())
}

fn limits(args: &Serve) -> Limits {
    let mib = |count: u32| (count as usize).saturating_mul(1 << 20);
    Limits {
        body: mib(args.body),
        queue: args.queue as usize,
        time: Duration::from_secs(args.time.into()),
        at_once: args.at_once as usize,
        kv: if args.kv_bf16 { KvType::Bf16 } else { KvType::F32 },
        kv_bytes: mib(args.kv_memory),
        ..Limits::default()
    }
}

async fn serve(address: SocketAddr, config: Config) -> Result<Exit, Problem> {
    let (listener, address) = listen(address).await?;
    let end = ending()?;
    say(format_args!("http://{address}/v1"));
    for served in &config.models {
        note(format_args!("serving {}", served.name));
    }
    match plumb_web::serve(listener, config, end).await {
        Ok(()) => Ok(Exit::Done),
        Err(error) if error.is_usage() => Err(Problem::usage(error.to_string())),
        Err(error) => Err(Problem::new(error.to_string())),
    }
}

/// Connections that may wait to be accepted: of a class that is sent a link, all come in the same second, and whoever the
/// system turns away tries again only a second later.
const BACKLOG: u32 = 4096;

/// Takes an address, and says which it is where the system chose the port.
pub async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Problem> {
    let taken = |error| {
        Problem::new(format!("{address}: {error}"))
            .help("another port may be free: --port 0 takes any that is")
    };
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.map_err(taken)?;
    socket.set_reuseaddr(true).map_err(taken)?;
    socket.bind(address).map_err(taken)?;
    let listener = socket.listen(BACKLOG).map_err(taken)?;
    let address = listener.local_addr().map_err(taken)?;
    Ok((listener, address))
}

/// Resolves when the user or the system ends the program.
pub fn ending() -> Result<impl Future<Output = ()> + Send + 'static, Problem> {
    let catch = |kind| {
        signal(kind).map_err(|error| Problem::new(format!("signals of the system cannot be caught: {error}")))
    };
    Ok(ended(catch(SignalKind::interrupt())?, catch(SignalKind::terminate())?))
}

async fn ended(mut interrupt: Signal, mut terminate: Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    note("ending: what was begun may finish for some seconds");
}

/// A model under the name that requests use: as it was typed, or of a path its last part without `.gguf`.
fn load(name: &str, world: &World) -> Result<Served, Problem> {
    let path = world.models.file(name)?;
    let model = Arc::new(Model::open(&path)?);
    let last = if path == Path::new(name) { path.file_name() } else { None };
    let name = last.map_or_else(|| name.to_owned(), |last| last.to_string_lossy().into_owned());
    let name = name.strip_suffix(".gguf").unwrap_or(&name).to_owned();
    Ok(Served { name, model })
}

/// Bits from the operating system; without any, from the time, which is enough for names and seeds.
fn random() -> u64 {
    getrandom::u64().unwrap_or_else(|_| {
        now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.subsec_nanos().into())
    })
}
