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
}

fn host(text: &str) -> Result<IpAddr, String> {
    match text {
        "localhost" => Ok(IpAddr::from([127, 0, 0, 1])),
        other => other.parse().map_err(|_| "write an address, such as 127.0.0.1, 0.0.0.0 or ::1".to_owned()),
    }
}
