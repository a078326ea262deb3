//! The listener and its connections, and the handle that tests hold.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::config::Config;
use crate::hash::Key;
use crate::service::{Recorded, State};
use crate::tally::{Seen, Stats, Tally};

/// Connections that may wait to be accepted: a client may open thousands at once.
const BACKLOG: u32 = 4096;

/// A server in this process, on threads and a runtime of its own, so that synchronous and
/// asynchronous tests use it alike. Dropping it closes every connection.
pub struct Server {
    addr: SocketAddr,
    state: Arc<State>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a server; it answers when this returns.
    ///
    /// # Errors
    /// A configuration that does not make sense, or a port that is taken.
    pub fn start(config: Config) -> io::Result<Server> {
        config.check().map_err(|why| io::Error::new(io::ErrorKind::InvalidInput, why))?;
        let state = new_state(config);
        let (stop, stopped) = oneshot::channel();
        let (told, address) = mpsc::channel();
        let in_thread = Arc::clone(&state);
        let thread = std::thread::Builder::new().name("mock-server".to_owned()).spawn(move || {
            let started = runtime(&in_thread.config).and_then(|runtime| {
                let listener = listen(&runtime, in_thread.config.port)?;
                Ok((listener.local_addr()?, listener, runtime))
            });
            match started {
                Err(error) => drop(told.send(Err(error))),
                Ok((addr, listener, runtime)) => {
                    drop(told.send(Ok(addr)));
                    runtime.block_on(async {
                        tokio::select! {
                            () = accept(&listener, &in_thread) => {}
                            _ = stopped => {}
                        }
                    });
                    runtime.shutdown_background();
                }
            }
        })?;
        let gone = |_| io::Error::other("the server's thread ended before it listened");
        let addr = address.recv().map_err(gone)??;
        Ok(Server { addr, state, stop: Some(stop), thread: Some(thread) })
    }

    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What a client of the OpenAI-compatible kind calls its base URL: `http://127.0.0.1:PORT/v1`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.addr)
    }

    #[must_use]
    pub fn stats(&self) -> Stats {
        self.state.tally.stats()
    }

    /// How often one prompt was asked and answered.
    #[must_use]
    pub fn seen(&self, key: Key) -> Seen {
        self.state.tally.seen(key)
    }

    /// The first requests, whole, as many as `Config::keep_requests`.
    #[must_use]
    pub fn recorded(&self) -> Vec<Recorded> {
        self.state.recorded.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets all counts to nothing and forgets the prompts.
    pub fn reset(&self) {
        self.state.tally.reset();
    }

    /// Stops and waits until the port is free.
    pub fn shutdown(self) {}
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

/// Runs a server on this thread until the process ends; `ready` learns the address.
///
/// # Errors
/// As [`Server::start`], and when the listener breaks.
pub fn serve_forever(config: Config, ready: impl FnOnce(SocketAddr)) -> io::Result<()> {
    config.check().map_err(|why| io::Error::new(io::ErrorKind::InvalidInput, why))?;
    let state = new_state(config);
    let runtime = runtime(&state.config)?;
    let listener = listen(&runtime, state.config.port)?;
    ready(listener.local_addr()?);
    runtime.block_on(accept(&listener, &state));
    Ok(())
}

fn new_state(config: Config) -> Arc<State> {
    let track = config.track_prompts;
    Arc::new(State { config, tally: Arc::new(Tally::new(track)), recorded: Mutex::default() })
}

fn runtime(config: &Config) -> io::Result<Runtime> {
    let mut builder = if config.threads == 1 {
        tokio::runtime::Builder::new_current_thread()
    } else {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(config.threads);
        builder
    };
    builder.enable_all().build()
}

fn listen(runtime: &Runtime, port: u16) -> io::Result<TcpListener> {
    let _inside = runtime.enter();
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    socket.listen(BACKLOG)
}

async fn accept(listener: &TcpListener, state: &Arc<State>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                state.tally.connected();
                tokio::spawn(converse(stream, Arc::clone(state)));
            }
            // Out of file descriptors, or a client that left: neither is cured by trying harder.
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
        }
    }
}

async fn converse(stream: TcpStream, state: Arc<State>) {
    let _slower = stream.set_nodelay(true);
    let service = service_fn(move |request| Arc::clone(&state).handle(request));
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    if (&mut connection).await.is_err() {
        // The service fails only to have the connection reset; a client that broke off does not
        // mind. Zero linger turns the close into an RST.
        let _already_gone = connection.into_parts().io.into_inner().set_zero_linger();
    }
}
