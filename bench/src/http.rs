//! As much of HTTP/1.1 as signalling takes: one request on one connection, over TCP or TLS.
//! Whose certificate it is does not matter: the server was started by this program, on loopback.

use anyhow::{Context, Result, bail};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// How long a server may take for anything.
const DEADLINE: Duration = Duration::from_secs(20);

/// An address that requests go to.
#[derive(Debug, Clone, PartialEq)]
pub struct Url {
    tls: bool,
    host: String,
    port: u16,
    path: String,
}

impl Url {
    /// Reads `http://HOST:PORT/PATH` or the same with https.
    ///
    /// # Errors
    /// It is no such address.
    pub fn parse(text: &str) -> Result<Url> {
        let bad = || format!("'{text}' is no address");
        let (scheme, rest) = text.split_once("://").with_context(bad)?;
        let tls = match scheme {
            "http" => false,
            "https" => true,
            _ => bail!("'{text}' is neither http nor https"),
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().with_context(bad)?),
            None => (authority, if tls { 443 } else { 80 }),
        };
        let path = if path.is_empty() { "/" } else { path };
        Ok(Url { tls, host: host.into(), port, path: path.into() })
    }

    /// The address that a Location header names, from here.
    ///
    /// # Errors
    /// It is none.
    pub fn join(&self, location: &str) -> Result<Url> {
        if location.contains("://") {
            return Url::parse(location);
        }
        let path = if location.starts_with('/') {
            location.to_string()
        } else {
            let folder = self.path.rfind('/').map_or(0, |at| at + 1);
            format!("{}{location}", self.path.get(..folder).unwrap_or("/"))
        };
        Ok(Url { path, ..self.clone() })
    }
}

/// An answer.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: String,
}

impl Response {
    /// A header's value, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// Sends one request and waits for its answer.
///
/// # Errors
/// No connection, no answer within 20 s, or none that is HTTP.
pub fn request(method: &str, url: &Url, headers: &[(&str, &str)], body: &str) -> Result<Response> {
    let at = || format!("{method} {}:{}{}", url.host, url.port, url.path);
    let tcp = TcpStream::connect((url.host.as_str(), url.port)).with_context(at)?;
    tcp.set_read_timeout(Some(DEADLINE))?;
    tcp.set_write_timeout(Some(DEADLINE))?;
    tcp.set_nodelay(true)?;
    let mut text =
        format!("{method} {} HTTP/1.1\r\nHost: {}:{}\r\nConnection: close\r\n", url.path, url.host, url.port);
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    text += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
    let answer = if url.tls {
        use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode};
        let mut connector = SslConnector::builder(SslMethod::tls_client())?;
        connector.set_verify(SslVerifyMode::NONE);
        let tls = connector.build().configure()?.verify_hostname(false).connect(&url.host, tcp);
        exchange(tls.map_err(|error| anyhow::anyhow!("{}: {error}", at()))?, &text)
    } else {
        exchange(tcp, &text)
    };
    answer.with_context(at)
}

fn exchange(mut stream: impl Read + Write, request: &str) -> Result<Response> {
    stream.write_all(request.as_bytes())?;
    let mut bytes = Vec::new();
    let mut part = [0; 8192];
    loop {
        let read = stream.read(&mut part);
        let ended = matches!(read, Ok(0) | Err(_));
        bytes.extend_from_slice(part.get(..*read.as_ref().unwrap_or(&0)).unwrap_or_default());
        // Not all servers close when asked to.
        if let Some(response) = parse(&bytes, ended)? {
            return Ok(response);
        }
        if ended {
            read?;
            bail!("the answer ends early");
        }
    }
}

/// The answer in `bytes`; None while there is more to come.
fn parse(bytes: &[u8], ended: bool) -> Result<Option<Response>> {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, rest)) = text.split_once("\r\n\r\n") else { return Ok(None) };
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
    let status = status.context("the answer is not HTTP")?;
    if status == 100 {
        return parse(rest.as_bytes(), ended);
    }
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_string(), value.trim().to_string()))
        .collect();
    let mut response = Response { status, headers, body: String::new() };
    if response.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        let mut rest = rest;
        loop {
            let Some((size, after)) = rest.split_once("\r\n") else { return Ok(None) };
            let size = usize::from_str_radix(size.split(';').next().unwrap_or("").trim(), 16)?;
            if size == 0 {
                return Ok(Some(response));
            }
            let (Some(chunk), Some(next)) = (after.get(..size), after.get(size + 2..)) else {
                return Ok(None);
            };
            response.body += chunk;
            rest = next;
        }
    }
    let length = response.header("content-length").and_then(|value| value.parse::<usize>().ok());
    let length = if matches!(status, 204 | 304) { Some(0) } else { length };
    match length {
        Some(length) if rest.len() >= length => {
            response.body = rest.get(..length).unwrap_or(rest).to_string()
        }
        None if ended => response.body = rest.to_string(),
        _ => return Ok(None),
    }
    Ok(Some(response))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_followed_from_where_it_was_told() {
        let url = Url::parse("http://127.0.0.1:8080/whep/camera").unwrap();
        assert_eq!(url.join("/r/1").unwrap(), Url::parse("http://127.0.0.1:8080/r/1").unwrap());
        assert_eq!(url.join("1").unwrap(), Url::parse("http://127.0.0.1:8080/whep/1").unwrap());
        assert_eq!(url.join("https://other/x").unwrap(), Url::parse("https://other:443/x").unwrap());
        assert!(Url::parse("ftp://a/b").is_err() && Url::parse("a").is_err());
    }

    #[test]
    fn answers_are_read_whole_and_not_before() {
        let plain = "HTTP/1.1 201 Created\r\nLocation: /r\r\nContent-Length: 4\r\n\r\nv=0\n";
        for end in 0..plain.len() {
            assert!(parse(&plain.as_bytes()[..end], false).unwrap().is_none());
        }
        let response = parse(plain.as_bytes(), false).unwrap().unwrap();
        assert_eq!(
            (response.status, response.header("location"), response.body.as_str()),
            (201, Some("/r"), "v=0\n")
        );
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        assert_eq!(parse(chunked.as_bytes(), false).unwrap().unwrap().body, "abcde");
        assert_eq!(parse(b"HTTP/1.1 200 OK\r\n\r\nall", true).unwrap().unwrap().body, "all");
        assert!(parse(b"SSH-2.0\r\n\r\n", false).is_err());
    }
}
