//! Pages of other sites: which of them may use WHEP, and the headers that let them (the Fetch
//! standard, section 3.2, "CORS protocol").
//!
//! Cookies are never let through: another site's page sends the token itself.

use super::client::Client;
use super::door;
use super::reply::Refusal;
use super::settings::Settings;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};

/// What a page may read of an answer, and send with a request.
const HEADERS: [(HeaderName, &str); 4] = [
    (header::ACCESS_CONTROL_EXPOSE_HEADERS, "Accept-Patch, ETag, Link, Location, Retry-After"),
    (header::ACCESS_CONTROL_ALLOW_METHODS, "DELETE, GET, HEAD, OPTIONS, PATCH, POST"),
    (header::ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Content-Type, If-Match"),
    (header::ACCESS_CONTROL_MAX_AGE, "600"),
];

/// Refuses what a page of another site sends that is not let in.
pub(crate) fn check(client: &Client, settings: &Settings, headers: &HeaderMap) -> Result<(), Refusal> {
    match allowed(settings, headers) {
        Some(_) => Ok(()),
        None => door::check_origin(client, settings, headers),
    }
}

/// Puts the headers on an answer to a page that is let in.
pub(crate) fn admit(settings: &Settings, request: &HeaderMap, answer: &mut HeaderMap) {
    // Caches have to keep the answers to one page from the other.
    answer.append(header::VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = allowed(settings, request) else { return };
    answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    for (name, value) in HEADERS {
        answer.insert(name, HeaderValue::from_static(value));
    }
}

/// What `Access-Control-Allow-Origin` says to this page, if it is let in.
fn allowed(settings: &Settings, headers: &HeaderMap) -> Option<HeaderValue> {
    let origin = headers.get(header::ORIGIN)?;
    if settings.whep_origins.iter().any(|allowed| allowed == "*") {
        return Some(HeaderValue::from_static("*"));
    }
    let text = origin.to_str().ok()?;
    settings.whep_origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(text)).then(|| origin.clone())
}
