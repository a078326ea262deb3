//! A browser without a screen: a kept connection, pages, and what stands in their forms. Simulated people use it at a study's
//! server (`plumb human simulate --http`), and so do the crowds of the benches.
//!
//! Why not [`crate::transport`]: thousands of these run beside the server that they ask, so each request must cost little,
//! and nothing of TLS, redirects or content codings is wanted. It speaks plain HTTP/1.1 to servers on this machine or behind a
//! tunnel. Start with [`Browser::ask`]. Not here: what to enter.

use std::io;
use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A connection that is kept from request to request.
#[derive(Debug)]
pub struct Browser {
    address: SocketAddr,
    cookie: String,
    stream: Option<TcpStream>,
    request: Vec<u8>,
    /// Room for responses, used again once a page is gone.
    room: BytesMut,
}

/// What a server answered.
#[derive(Debug)]
pub struct Page {
    /// The response's code.
    pub status: u16,
    /// Where it sends the browser: a path of the same server; empty where nowhere.
    pub location: String,
    bytes: Bytes,
    begins: usize,
}

impl Page {
    /// The body; empty where it is no text.
    pub fn body(&self) -> &str {
        self.bytes.get(self.begins..).and_then(|body| std::str::from_utf8(body).ok()).unwrap_or_default()
    }

    /// A line of the head by its name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.bytes[..self.begins], name)
    }

    /// The page's form, if it has one: names and values of its hidden fields, and the names of the others.
    pub fn form(&self) -> Option<Form<'_>> {
        let (_, form) = self.body().split_once("<form")?;
        let (tag, _) = form.split_once('>')?;
        let action = attribute(tag, "action=\"");
        let (mut hidden, mut fields): (Vec<_>, Vec<&str>) = (Vec::new(), Vec::new());
        let mut rest = form;
        while let Some(at) = rest.find(" name=\"") {
            let (before, after) = (&rest[..at], &rest[at + 7..]);
            let Some((name, after)) = after.split_once('"') else { break };
            if before.ends_with("type=\"hidden\"") {
                let value = after.split_once('>').and_then(|(tag, _)| attribute(tag, "value=\""));
                hidden.push((name, value.unwrap_or_default().replace("&#38;", "&")));
            } else if fields.last() != Some(&name) {
                fields.push(name);
            }
            rest = after;
        }
        Some(Form { action, hidden, fields })
    }
}

/// What a page asks for.
#[derive(Debug)]
pub struct Form<'a> {
    /// Where it goes, if it says so.
    pub action: Option<&'a str>,
    /// What goes back as it came.
    pub hidden: Vec<(&'a str, String)>,
    /// Fields to be filled in, and buttons.
    pub fields: Vec<&'a str>,
}

impl Form<'_> {
    /// The value of a hidden field.
    pub fn hidden(&self, name: &str) -> Option<&str> {
        self.hidden.iter().find(|(own, _)| *own == name).map(|(_, value)| value.as_str())
    }

    /// The form filled in, as it is sent: what goes back, and these values.
    pub fn filled<'v>(&self, values: impl IntoIterator<Item = (&'v str, &'v str)>) -> String {
        let mut sent = String::with_capacity(256);
        self.hidden.iter().for_each(|(name, value)| pair(name, value, &mut sent));
        values.into_iter().for_each(|(name, value)| pair(name, value, &mut sent));
        sent
    }
}

impl Browser {
    /// At a server, with no connection yet.
    pub fn new(address: SocketAddr) -> Browser {
        Browser { address, cookie: String::new(), stream: None, request: Vec::new(), room: BytesMut::new() }
    }

    /// The same with a cookie that goes along with every request, as `name=value`.
    #[must_use]
    pub fn with_cookie(self, cookie: &str) -> Browser {
        Browser { cookie: format!("Cookie: {cookie}\r\n"), ..self }
    }

    /// One request with a form, or none.
    ///
    /// # Errors
    /// Nobody listens, the connection broke twice, or what came back is no response.
    pub async fn ask(&mut self, method: &str, path: &str, form: Option<&str>) -> io::Result<Page> {
        self.request.clear();
        self.put(method, path, form);
        let kept = self.stream.is_some();
        let page = self.exchange().await;
        // A kept connection may have been closed meanwhile; the request was then not taken.
        if page.is_err() && kept { self.exchange().await } else { page }
    }

    fn put(&mut self, method: &str, path: &str, form: Option<&str>) {
        for part in [method, " ", path, " HTTP/1.1\r\nHost: crowd\r\n", &self.cookie] {
            self.request.extend_from_slice(part.as_bytes());
        }
        if let Some(form) = form {
            let head = format!(
                "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
                form.len()
            );
            self.request.extend_from_slice(head.as_bytes());
            self.request.extend_from_slice(form.as_bytes());
        } else {
            self.request.extend_from_slice(b"\r\n");
        }
    }

    async fn exchange(&mut self) -> io::Result<Page> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(self.address).await?;
                stream.set_nodelay(true)?;
                stream
            }
        };
        stream.write_all(&self.request).await?;
        let page = read(&mut stream, &mut self.room).await?;
        self.stream = Some(stream);
        Ok(page)
    }
}

async fn read(stream: &mut TcpStream, room: &mut BytesMut) -> io::Result<Page> {
    room.clear();
    room.reserve(8192);
    let begins = until(stream, room, 0, b"\r\n\r\n").await? + 4;
    let head = Head::of(&room[..begins])?;
    let location = head.location.map(path_of).unwrap_or_default().to_owned();
    let Head { status, length, in_chunks, .. } = head;
    let ends = begins + length.unwrap_or(0);
    // Of bodies in chunks only empty ones are understood: redirects of some servers have them.
    if length.is_none() && in_chunks && until(stream, room, begins, b"0\r\n\r\n").await? != begins {
        return Err(broken("a body in chunks"));
    }
    while room.len() < ends {
        if stream.read_buf(room).await? == 0 {
            return Err(broken("closed before the end"));
        }
    }
    if length.is_none() {
        room.truncate(begins);
    }
    Ok(Page { status, location, bytes: room.split().freeze(), begins })
}

/// What a response's head says, as far as it is wanted, read in one pass.
struct Head<'a> {
    status: u16,
    location: Option<&'a str>,
    length: Option<usize>,
    in_chunks: bool,
}

impl<'a> Head<'a> {
    fn of(head: &'a [u8]) -> io::Result<Head<'a>> {
        let status = head.get(9..12).and_then(|code| std::str::from_utf8(code).ok()?.parse().ok());
        let status = status.ok_or_else(|| broken("no status"))?;
        let mut found = Head { status, location: None, length: None, in_chunks: false };
        for line in head.split(|byte| *byte == b'\n') {
            match line.first().map(u8::to_ascii_lowercase) {
                Some(b'l') => found.location = found.location.or(named(line, "location")),
                Some(b'c') => {
                    let length = named(line, "content-length").and_then(|text| text.parse().ok());
                    found.length = found.length.or(length);
                }
                Some(b't') => found.in_chunks |= named(line, "transfer-encoding").is_some(),
                _ => {}
            }
        }
        Ok(found)
    }
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

/// A line of a head by its name.
fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    head.split(|byte| *byte == b'\n').find_map(|line| named(line, name))
}

/// What a line says, if it has this name.
fn named<'a>(line: &'a [u8], name: &str) -> Option<&'a str> {
    let (key, value) = line.split_at_checked(name.len())?;
    let value = value.strip_prefix(b":").filter(|_| key.eq_ignore_ascii_case(name.as_bytes()))?;
    std::str::from_utf8(value).ok().map(str::trim)
}

/// Reads until these bytes come at or after `from`, and says where.
async fn until(stream: &mut TcpStream, bytes: &mut BytesMut, from: usize, what: &[u8]) -> io::Result<usize> {
    loop {
        let rest = bytes.get(from..).unwrap_or_default();
        let here = |window: &[u8]| window[0] == what[0] && window == what;
        if let Some(at) = rest.windows(what.len()).position(here) {
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

fn attribute<'a>(tag: &'a str, begins: &str) -> Option<&'a str> {
    Some(tag.split_once(begins)?.1.split_once('"')?.0)
}

fn pair(name: &str, value: &str, sent: &mut String) {
    if !sent.is_empty() {
        sent.push('&');
    }
    escape(name, sent);
    sent.push('=');
    escape(value, sent);
}

/// Percent-encoded, as in a form.
fn escape(text: &str, to: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            to.push(char::from(byte));
        } else {
            to.push('%');
            to.push(char::from(DIGITS[usize::from(byte >> 4)]));
            to.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(body: &str) -> Page {
        let head = "HTTP/1.1 200 OK\r\nX-One: a: b\r\n\r\n";
        let (bytes, begins) = (format!("{head}{body}").into(), head.len());
        Page { status: 200, location: String::new(), bytes, begins }
    }

    #[test]
    fn a_form_is_read_and_filled_in() {
        let page = page(
            "<p name=\"no\"><form method=\"post\" action=\"/p/1\"><input type=\"hidden\" name=\"page.query\" value=\"a=1&#38;b=2\">\
             <input type=\"text\" id=\"f-x\" name=\"x\"><input type=\"radio\" name=\"y\" value=\"1\"><input type=\"radio\" name=\"y\" value=\"2\"></form>",
        );
        let form = page.form().unwrap();
        assert_eq!((form.action, form.fields.as_slice()), (Some("/p/1"), ["x", "y"].as_slice()));
        assert_eq!(form.hidden("page.query"), Some("a=1&b=2"));
        assert_eq!(form.filled([("x", "é 1"), ("y", "2")]), "page.query=a%3D1%26b%3D2&x=%C3%A9%201&y=2");
        assert_eq!(page.header("x-ONE"), Some("a: b"));
        assert!(super::tests::page("<p>over</p>").form().is_none());
    }
}
