//! Whether the host of a network camera takes a connection.
//!
//! Knows the schemes of RTSP alone: other streams may come by a proxy, or without a connection. Says
//! nothing to whoever answers.

use super::platform;
use std::io;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

/// How long each address of the host may take to answer.
const WITHIN: Duration = Duration::from_secs(1);

/// Whether somebody takes connections where `uri` leads; `None` where that says nothing. Blocks for
/// at most [`platform::DEADLINE`].
pub(super) fn answers(uri: &str) -> Option<Result<(), io::Error>> {
    let (host, port) = host_of(uri)?;
    let asked = platform::within("the network camera", move || Ok(connect(&host, port)));
    Some(asked.unwrap_or_else(|silent| Err(io::Error::new(io::ErrorKind::TimedOut, silent))))
}

fn connect(host: &str, port: u16) -> Result<(), io::Error> {
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, WITHIN) {
            Ok(_) => return Ok(()),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// RFC 7826 section 4.2 has the schemes' ports; `rtspu`, `rtspt` and `rtsph` are GStreamer's words for a
/// choice of transport.
fn host_of(uri: &str) -> Option<(String, u16)> {
    let (scheme, rest) = uri.split_once("://")?;
    let usual = match scheme.to_ascii_lowercase().as_str() {
        "rtsp" | "rtspt" | "rtspu" | "rtsph" => 554,
        "rtsps" | "rtspst" | "rtspsu" | "rtspsh" => 322,
        _ => return None,
    };
    let authority = rest.split(['/', '?', '#']).next()?;
    let place = authority.rsplit('@').next()?;
    let (host, port) = match place.strip_prefix('[') {
        // IPv6 (RFC 3986 section 3.2.2).
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            (host, port.strip_prefix(':'))
        }
        None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
    };
    let port = port.filter(|port| !port.is_empty()).map_or(Some(usual), |port| port.parse().ok())?;
    (!host.is_empty()).then(|| (host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_camera_that_listens_answers_and_one_that_has_gone_does_not() {
        let camera = TcpListener::bind("127.0.0.1:0").unwrap();
        let uri = format!("rtsp://me:secret@{}/stream?x=1", camera.local_addr().unwrap());
        assert!(answers(&uri).unwrap().is_ok());
        drop(camera);
        let error = answers(&uri).unwrap().unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[test]
    fn only_rtsp_tells() {
        for (uri, expected) in [
            ("rtsp://camera/a", Some(("camera", 554))),
            ("rtsps://camera:99/a", Some(("camera", 99))),
            ("rtspt://[::1]/a", Some(("::1", 554))),
            ("https://camera/a.m3u8", None),
            ("file:///film.mkv", None),
            ("rtsp://u:p@q@camera:8554?x", Some(("camera", 8554))),
            ("RTSP://camera:/a", Some(("camera", 554))),
            ("rtsp://camera:99999/a", None),
            ("rtsp://", None),
            ("rtsp:", None),
            ("nonsense", None),
        ] {
            let found = host_of(uri);
            assert_eq!(found.as_ref().map(|(host, port)| (&**host, *port)), expected, "{uri}");
        }
    }
}
