//! `cargo xtask bench mock`: how much the mock endpoint can serve.
//!
//! The client is as thin as one can be: prepared bytes out, headers skipped by their length in. Its
//! own work is what limits the rate on two cores, so the server's CPU time a request is the figure
//! to look at: its inverse is what one core could serve.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Instant;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::endpoint::asked_once;
use crate::Problem;
use crate::measured;
use crate::mock_process::MockProcess;
use crate::workload;

#[derive(clap::Args)]
pub struct Args {
    #[arg(long, default_value_t = 400_000)]
    requests: u32,
    #[arg(long, default_value_t = 64)]
    connections: u32,
}

pub fn run(args: &Args) -> Result<(), Problem> {
    let mock = MockProcess::start(&[])?;
    let load = measured::load();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .map_err(|error| format!("a runtime: {error}"))?;
    let started = Instant::now();
    runtime.block_on(drive(mock.addr, args)).map_err(|error| format!("a request: {error}"))?;
    let wall = started.elapsed();
    let cpu = mock.cpu()?;
    asked_once(&mock.stats()?, u64::from(args.requests))?;
    let requests = f64::from(args.requests);
    println!(
        "{} requests over {} connections kept alive, load average {load} at the start; each counted once",
        args.requests, args.connections
    );
    println!(
        "{:.0} requests/s; {:.2} µs of the server's CPU a request, so about {:.0} requests/s on a core of its own",
        requests / wall.as_secs_f64(),
        cpu.as_secs_f64() * 1e6 / requests,
        requests / cpu.as_secs_f64()
    );
    Ok(())
}

async fn drive(addr: SocketAddr, args: &Args) -> io::Result<()> {
    let next = Arc::new(AtomicU32::new(0));
    let total = args.requests;
    let tasks: Vec<_> = (0..args.connections.max(1))
        .map(|_| tokio::spawn(converse(addr, Arc::clone(&next), total)))
        .collect();
    for task in tasks {
        task.await.map_err(io::Error::other)??;
    }
    Ok(())
}

async fn converse(addr: SocketAddr, next: Arc<AtomicU32>, total: u32) -> io::Result<()> {
    let mut stream = TcpStream::connect(addr).await?;
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 16 << 10];
    loop {
        let n = next.fetch_add(1, Relaxed);
        if n >= total {
            return Ok(());
        }
        stream.write_all(request(n).as_bytes()).await?;
        let mut filled = 0;
        while !is_whole(&buffer[..filled])? {
            match stream.read(&mut buffer[filled..]).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                more => filled += more,
            }
        }
    }
}

fn request(n: u32) -> String {
    let body = format!(
        r#"{{"model":"mock-0","messages":[{{"role":"user","content":"{}"}}],"temperature":0.0,"max_tokens":8}}"#,
        workload::prompt(n)
    );
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: mock\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Whether a response with a length header is there to its last byte. Anything but a 200 is an error.
fn is_whole(bytes: &[u8]) -> io::Result<bool> {
    let Some(head) = bytes.windows(4).position(|end| end == b"\r\n\r\n") else { return Ok(false) };
    let text = String::from_utf8_lossy(&bytes[..head]);
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
    match length.and_then(|length| length.parse::<usize>().ok()) {
        Some(length) if text.starts_with("HTTP/1.1 200") => Ok(bytes.len() >= head + 4 + length),
        _ => Err(io::Error::other(format!("an unexpected response: {text}"))),
    }
}
