//! One browser of the crowd: a kept connection, pages, and what stands in their forms.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A connection that is kept from request to request.
pub struct Client {
    address: SocketAddr,
    stream: Option<TcpStream>,
}

/// What a server answered.
pub struct Page {
    pub status: u16,
    /// Where it sends the browser: a path of the same server; empty where nowhere.
    pub location: String,
    pub body: String,
}

impl Client {
    pub fn new(address: SocketAddr) -> Client {
        Client { address, stream: None }
    }

    /// One request with a form, or none.
    pub async fn ask(&mut self, method: &str, path: &str, form: Option<&str>) -> io::Result<Page> {
        let form = form.unwrap_or("");
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: crowd\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        );
        let kept = self.stream.is_some();
        let page = self.exchange(&request).await;
        // A kept connection may have been closed meanwhile; the request was then not taken.
        if page.is_err() && kept { self.exchange(&request).await } else { page }
    }

    async fn exchange(&mut self, request: &str) -> io::Result<Page> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => TcpStream::connect(self.address).await?,
        };
        stream.write_all(request.as_bytes()).await?;
        let page = read(&mut stream).await?;
        self.stream = Some(stream);
        Ok(page)
    }
}

async fn read(stream: &mut TcpStream) -> io::Result<Page> {
    let mut bytes = Vec::with_capacity(8192);
    let head = until(stream, &mut bytes, 0, b"\r\n\r\n").await?;
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let header = |name: &str| {
        text.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    };
    let begins = head + 4;
    let ends = match header("content-length").and_then(|v| v.parse::<usize>().ok()) {
        Some(length) => begins + length,
        // Of bodies in chunks only empty ones are understood: redirects of some servers have them.
        None if header("transfer-encoding").is_some() => {
            if until(stream, &mut bytes, begins, b"0\r\n\r\n").await? != begins {
                return Err(broken("a body in chunks"));
            }
            begins
        }
        None => begins,
    };
    while bytes.len() < ends {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(broken("closed before the end"));
        }
    }
    let location = header("location").unwrap_or_default();
    Ok(Page {
        status: text.split(' ').nth(1).and_then(|s| s.parse().ok()).ok_or_else(|| broken("no status"))?,
        location: path_of(&location).to_owned(),
        body: String::from_utf8_lossy(&bytes[begins..ends]).into_owned(),
    })
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

/// Reads until these bytes come at or after `from`, and says where.
async fn until(stream: &mut TcpStream, bytes: &mut Vec<u8>, from: usize, what: &[u8]) -> io::Result<usize> {
    loop {
        let rest = bytes.get(from..).unwrap_or_default();
        if let Some(at) = rest.windows(what.len()).position(|window| window == what) {
            return Ok(from + at);
        }
        if stream.read_buf(bytes).await? == 0 {
            return Err(broken("closed before the end"));
        }
    }
}

/// The path of an address, which may name scheme and host.
fn path_of(location: &str) -> &str {
    match location.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => location,
    }
}

/// Hidden fields of a page.
pub fn hidden(body: &str) -> impl Iterator<Item = (&str, String)> {
    body.split("<input type=\"hidden\" name=\"").skip(1).filter_map(|tag| {
        let (name, rest) = tag.split_once('"')?;
        let (_, rest) = rest.split_once("value=\"")?;
        Some((name, rest.split_once('"')?.0.replace("&#38;", "&")))
    })
}

/// Percent-encoded, as in a form.
pub fn escaped(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    text.bytes()
        .map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect::<String>()
}
