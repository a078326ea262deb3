//! `plumb serve`.

use clap::Args as ClapArgs;
use std::net::IpAddr;

#[derive(ClapArgs, Debug)]
pub struct Serve {
    /// Their names, or paths of model files
    #[arg(required = true, value_name = "MODEL")]
    pub models: Vec<String>,
    /// The port; 0 takes any that is free
    #[arg(long, value_name = "N", default_value_t = 8080)]
    pub port: u16,
    /// The address to listen at; any but this machine's own needs a token
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1", value_parser = host)]
    pub host: IpAddr,
    /// Name of the secret that clients must send as their API key
    #[arg(long, value_name = "NAME")]
    pub token: Option<String>,
    /// Let requests steer by a control vector; may be given several times
    #[arg(long, value_name = "NAME=FILE")]
    pub vector: Vec<String>,
    /// Let requests steer by latents of an autoencoder; may be given several times
    #[arg(long, value_name = "NAME")]
    pub sae: Vec<String>,
    /// Largest body of a request, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub body: u32,
    /// Most answers in flight or waiting
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..))]
    pub queue: u32,
    /// Longest time of a request in seconds, waiting included
    #[arg(long, value_name = "S", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..))]
    pub time: u32,
    /// Most answers that a model writes at once
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub at_once: u32,
    /// Memory for a model's keys and values, in MiB; answers without room wait
    #[arg(long, value_name = "MIB", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..))]
    pub kv_memory: u32,
    /// Keep keys and values as bfloat16: half the memory, a little less exact
    #[arg(long)]
    pub kv_bf16: bool,
}

fn host(text: &str) -> Result<IpAddr, String> {
    match text {
        "localhost" => Ok(IpAddr::from([127, 0, 0, 1])),
        other => other.parse().map_err(|_| "write an address, such as 127.0.0.1, 0.0.0.0 or ::1".to_owned()),
    }
}
