//! `GET /ws`: from HTTP to WebSocket (RFC 6455 section 4.2).

use super::client::Client;
use super::door::{self, Visit};
use super::reply::{self, Answer, Refusal};
use super::settings::Settings;
use async_tungstenite::tungstenite::handshake::derive_accept_key;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, StatusCode, Version};

/// The WebSocket subprotocol; a client need not name it.
const SUBPROTOCOL: &str = "vitrina.v1";

/// Checks the request and answers `101`; the connection is then the signalling's.
pub(crate) async fn answer(
    client: &Client,
    settings: &Settings,
    mut request: Request<Incoming>,
) -> Result<Answer, Refusal> {
    if request.method() != Method::GET {
        return Err(Refusal::method("GET"));
    }
    door::check_origin(client, settings, request.headers())?;
    let grant = door::entry(client, settings, request.headers(), Visit::Comes).await.grant()?;
    let key = check(request.version(), request.headers())?;
    let accept = derive_accept_key(key.as_bytes());

    let mut answer = reply::empty(StatusCode::SWITCHING_PROTOCOLS);
    let headers = answer.headers_mut();
    headers.remove(header::CACHE_CONTROL);
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::try_from(accept) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    if has_item(request.headers(), &header::SEC_WEBSOCKET_PROTOCOL, |item| item == SUBPROTOCOL) {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    }
    client.hand_over(hyper::upgrade::on(&mut request), grant);
    Ok(answer)
}

/// The opening handshake's demands; gives the key.
fn check(version: Version, headers: &HeaderMap) -> Result<&str, Refusal> {
    let bad = |message: &str| Refusal::new(StatusCode::BAD_REQUEST, "bad_request", message);
    let is_websocket = version == Version::HTTP_11
        && has_item(headers, &header::UPGRADE, |item| item.eq_ignore_ascii_case("websocket"))
        && has_item(headers, &header::CONNECTION, |item| item.eq_ignore_ascii_case("upgrade"));
    let upgrade_required = |message: &str| {
        Refusal::new(StatusCode::UPGRADE_REQUIRED, "upgrade_required", message)
            .with(header::UPGRADE, HeaderValue::from_static("websocket"))
            .with(header::CONNECTION, HeaderValue::from_static("upgrade"))
            .with(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"))
    };
    if !is_websocket {
        return Err(upgrade_required("This is a WebSocket; docs/protocol.md says how to speak to it."));
    }
    if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(upgrade_required("Only version 13 of the WebSocket protocol is spoken here."));
    }
    let key = headers
        .get(header::SEC_WEBSOCKET_KEY)
        .and_then(|key| key.to_str().ok())
        .ok_or_else(|| bad("Sec-WebSocket-Key is missing."))?;
    match STANDARD.decode(key) {
        Ok(bytes) if bytes.len() == 16 => Ok(key),
        _ => Err(bad("Sec-WebSocket-Key has to be 16 bytes in base64.")),
    }
}

/// Whether a comma-separated header has an item.
fn has_item(headers: &HeaderMap, name: &HeaderName, is_it: impl Fn(&str) -> bool) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.split(',').map(str::trim).any(&is_it))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(change: &[(HeaderName, Option<&'static str>)]) -> Result<(), u16> {
        let mut headers = HeaderMap::new();
        headers.insert(header::UPGRADE, HeaderValue::from_static("WebSocket"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("keep-alive, Upgrade"));
        headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        headers.insert(header::SEC_WEBSOCKET_KEY, HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ=="));
        for (name, value) in change {
            match value {
                Some(value) => headers.insert(name, HeaderValue::from_static(value)),
                None => headers.remove(name),
            };
        }
        check(Version::HTTP_11, &headers).map(|_| ()).map_err(|r| r.into_text().status().as_u16())
    }

    #[test]
    fn handshakes_are_checked_as_rfc_6455_says() {
        assert_eq!(status(&[]), Ok(()));
        assert_eq!(status(&[(header::UPGRADE, None)]), Err(426));
        assert_eq!(status(&[(header::UPGRADE, Some("h2c"))]), Err(426));
        assert_eq!(status(&[(header::CONNECTION, Some("close"))]), Err(426));
        assert_eq!(status(&[(header::SEC_WEBSOCKET_VERSION, Some("8"))]), Err(426));
        assert_eq!(status(&[(header::SEC_WEBSOCKET_KEY, None)]), Err(400));
        assert_eq!(status(&[(header::SEC_WEBSOCKET_KEY, Some("c2hvcnQ="))]), Err(400));
        assert_eq!(status(&[(header::SEC_WEBSOCKET_KEY, Some("?"))]), Err(400));
        assert!(check(Version::HTTP_10, &HeaderMap::new()).is_err());
    }
}
