//! WHEP: a viewer by plain HTTP (draft-ietf-wish-whep, RFC 9725). `/whep` and `/whep/NAME` take an
//! offer and answer it; `/whep/session/ID` is the session that begins so.
//!
//! Owns HTTP's part: methods, media types, sizes, statuses and headers. What is sent, and whether
//! a PATCH fits its session, the daemon says.

use super::client::Client;
use super::door::Visit;
use super::grant::Grant;
use super::io::within;
use super::reply::{self, Answer, Refusal};
use super::settings::Settings;
use super::{Event, WhepAction, WhepOutcome, WhepReply, api, cors, door};
use crate::core::ids::SourceName;
use crate::core::mistake_kind::kind_of;
use crate::core::protocol::IceServer;
use crate::core::sdp::{CheckedOffer, MAX_TEXT};
use crate::core::whep::{Fragment, IfMatch, MAX_FRAGMENT, PatchRefusal};
use crate::telemetry::metrics::{At, metrics};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, StatusCode};

/// Where it all is.
const ENDPOINT: &str = "/whep";
/// What stands before a session's id.
const SESSION: &str = "/whep/session/";
const SDP: &str = "application/sdp";
const FRAGMENT: &str = "application/trickle-ice-sdpfrag";
const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");
const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");
/// A full daemon, and one that stops, may be asked again after so many seconds.
const RETRY_S: u32 = 5;

/// What a path names.
enum Resource {
    Endpoint(Option<SourceName>),
    Session(String),
}

/// Whether a path is one of those here.
pub(crate) fn is_here(path: &str) -> bool {
    path.strip_prefix(ENDPOINT).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Answers a request. Whatever the answer is, a page that may read it can.
pub(crate) async fn answer(client: &Client, settings: &Settings, request: Request<Incoming>) -> Answer {
    let headers = request.headers().clone();
    let mut answer = match route(client, settings, request).await {
        Ok(answer) => answer,
        Err(refusal) => refusal.into_problem(),
    };
    cors::admit(settings, &headers, answer.headers_mut());
    answer
}

async fn route(client: &Client, settings: &Settings, request: Request<Incoming>) -> Result<Answer, Refusal> {
    let path = request.uri().path();
    let resource = resource(path).ok_or_else(|| Refusal::not_found(path))?;
    let allow = match resource {
        Resource::Endpoint(_) => "GET, HEAD, OPTIONS, POST",
        Resource::Session(_) => "DELETE, GET, HEAD, OPTIONS, PATCH",
    };
    // A browser's question whether it may ask; it comes without any secret.
    if request.method() == Method::OPTIONS {
        return Ok(options(&resource, allow));
    }
    cors::check(client, settings, request.headers())?;
    let visit = if request.method() == Method::POST { Visit::Comes } else { Visit::Asks };
    let grant = door::entry(client, settings, request.headers(), visit).await.grant()?;
    match (resource, request.method()) {
        (Resource::Endpoint(source), &Method::POST) => create(client, grant, source, request).await,
        // So that a player can tell what this address is (draft-ietf-wish-whep, "URL Discoverability").
        (Resource::Endpoint(_), &Method::GET | &Method::HEAD) => {
            let mut answer = reply::empty(StatusCode::OK);
            answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(SDP));
            Ok(answer)
        }
        (Resource::Session(session), &Method::PATCH) => patch(client, grant, session, request).await,
        (Resource::Session(session), &Method::DELETE) => {
            done(ask(client, grant, WhepAction::Delete { session }).await?, StatusCode::OK)
        }
        (Resource::Session(session), &Method::GET | &Method::HEAD) => {
            done(ask(client, grant, WhepAction::Look { session }).await?, StatusCode::NO_CONTENT)
        }
        _ => Err(Refusal::method(allow)),
    }
}

fn resource(path: &str) -> Option<Resource> {
    if let Some(id) = path.strip_prefix(SESSION) {
        let good = (1..=64).contains(&id.len());
        let good = good && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        return good.then(|| Resource::Session(id.to_owned()));
    }
    match path.strip_prefix(ENDPOINT)?.strip_prefix('/') {
        None | Some("") => Some(Resource::Endpoint(None)),
        Some(name) => Some(Resource::Endpoint(Some(SourceName::new(name).ok()?))),
    }
}

fn options(resource: &Resource, allow: &'static str) -> Answer {
    let mut answer = reply::empty(StatusCode::OK);
    let headers = answer.headers_mut();
    headers.insert(header::ALLOW, HeaderValue::from_static(allow));
    let (name, value) = match resource {
        Resource::Endpoint(_) => (ACCEPT_POST, SDP),
        Resource::Session(_) => (ACCEPT_PATCH, FRAGMENT),
    };
    headers.insert(name, HeaderValue::from_static(value));
    answer
}

async fn create(
    client: &Client,
    grant: Grant,
    source: Option<SourceName>,
    request: Request<Incoming>,
) -> Result<Answer, Refusal> {
    let text = body(client, request, SDP, ACCEPT_POST, MAX_TEXT).await?;
    if text.trim().is_empty() {
        return Err(bad("The body is empty: the client makes the offer here."));
    }
    let offer = CheckedOffer::check(&text).map_err(|error| {
        metrics().refused(At::Sdp, error.kind());
        bad(format!("The offer cannot be used: {error}."))
    })?;
    let viewer = client.next_viewer();
    let action = WhepAction::Create { viewer, source, offer: Box::new(offer) };
    let outcome = ask(client, grant, action).await?;
    let WhepOutcome::Created { session, etag, sdp, ice_servers } = outcome else {
        return Err(refusal(outcome));
    };
    let mut answer = Answer::new(Full::from(Bytes::from(sdp)));
    *answer.status_mut() = StatusCode::CREATED;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(SDP));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(ACCEPT_PATCH, HeaderValue::from_static(FRAGMENT));
    let values = [(header::LOCATION, format!("{SESSION}{session}")), (header::ETAG, etag)];
    let links = ice_servers.iter().flat_map(links).map(|link| (header::LINK, link));
    for (name, value) in values.into_iter().chain(links) {
        // Checked by the configuration; a login that no header can carry is left out.
        if let Ok(mut value) = HeaderValue::try_from(value) {
            value.set_sensitive(name == header::LINK);
            headers.append(name, value);
        }
    }
    Ok(answer)
}

async fn patch(
    client: &Client,
    grant: Grant,
    session: String,
    request: Request<Incoming>,
) -> Result<Answer, Refusal> {
    let condition = IfMatch::parse(text_of(request.headers(), &header::IF_MATCH));
    let text = body(client, request, FRAGMENT, ACCEPT_PATCH, MAX_FRAGMENT).await?;
    let fragment = Fragment::parse(&text).map_err(|error| {
        metrics().refused(At::Candidate, format!("fragment_{}", kind_of(&error)));
        bad(format!("The fragment cannot be used: {error}."))
    })?;
    let action = WhepAction::Patch { session, condition, fragment: Box::new(fragment) };
    match ask(client, grant, action).await? {
        WhepOutcome::Restarted { etag, fragment } => Ok(restarted(&etag, fragment)),
        other => done(other, StatusCode::NO_CONTENT),
    }
}

fn restarted(etag: &str, fragment: String) -> Answer {
    let mut answer = Answer::new(Full::from(Bytes::from(fragment)));
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(FRAGMENT));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(etag) = HeaderValue::try_from(etag) {
        headers.insert(header::ETAG, etag);
    }
    answer
}

/// The body, of the media type that belongs here.
async fn body(
    client: &Client,
    request: Request<Incoming>,
    media_type: &'static str,
    accept: HeaderName,
    limit: usize,
) -> Result<String, Refusal> {
    let given = text_of(request.headers(), &header::CONTENT_TYPE).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case(media_type) {
        let message = format!("The body has to be {media_type}, and Content-Type has to say so.");
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        let refusal = Refusal::new(status, "unsupported_media_type", message);
        return Err(refusal.with(accept, HeaderValue::from_static(media_type)).closing());
    }
    let body = api::read_body(client, request, limit).await?;
    String::from_utf8(body.to_vec()).map_err(|_| bad("The body has to be UTF-8."))
}

fn text_of<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or_default())
}

/// Asks the daemon, and waits for what it says.
async fn ask(client: &Client, grant: Grant, action: WhepAction) -> Result<WhepOutcome, Refusal> {
    let (reply, outcome) = WhepReply::new();
    let peer = client.peer;
    let asked = async {
        client.events().send(Event::Whep { action, grant, peer, reply }).await.ok()?;
        outcome.recv().await.ok()
    };
    // Dropping the other end tells the daemon that nobody waits any more.
    let outcome = within(client.deadlines().answer, asked).await.flatten();
    outcome.ok_or_else(|| unavailable("unavailable", "The daemon does not answer. Try again."))
}

fn done(outcome: WhepOutcome, status: StatusCode) -> Result<Answer, Refusal> {
    match outcome {
        WhepOutcome::Done => Ok(reply::empty(status)),
        other => Err(refusal(other)),
    }
}

fn refusal(outcome: WhepOutcome) -> Refusal {
    let unprocessable = |code, message: &str| Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, code, message);
    match outcome {
        WhepOutcome::NoSource(name) => Refusal::new(
            StatusCode::NOT_FOUND,
            "unknown_source",
            match name {
                Some(name) => format!("There is no source '{name}' here."),
                None => "There is no source here.".to_owned(),
            },
        ),
        WhepOutcome::NothingToSend => unprocessable(
            "no_codec",
            "Nothing here can be sent in what is offered: pictures are in H.264 (packetization-mode 1) \
             or VP8, sound is in Opus with two channels.",
        ),
        WhepOutcome::Full { message } => unavailable("full", message),
        WhepOutcome::Ended { message } => unavailable("ended", message),
        WhepOutcome::Revoked => door::wrong("revoked", "What let you in does not hold any more."),
        WhepOutcome::NoSession => Refusal::new(
            StatusCode::NOT_FOUND,
            "unknown_session",
            "There is no such session: it has ended, or there never was one.",
        ),
        WhepOutcome::PatchRefused(refused) => {
            let (status, code) = match refused {
                PatchRefusal::NoTag => (StatusCode::PRECONDITION_REQUIRED, "no_tag"),
                PatchRefusal::OtherTag => (StatusCode::PRECONDITION_FAILED, "other_tag"),
                PatchRefusal::Credentials => (StatusCode::UNPROCESSABLE_ENTITY, "other_credentials"),
                PatchRefusal::TooManyCandidates => (StatusCode::UNPROCESSABLE_ENTITY, "too_many_candidates"),
            };
            Refusal::new(status, code, refused.to_string())
        }
        // The daemon answers what it is asked.
        WhepOutcome::Done | WhepOutcome::Created { .. } | WhepOutcome::Restarted { .. } => {
            Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "The daemon is at fault.")
        }
    }
}

fn bad(message: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "bad_request", message)
}

fn unavailable(code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, code, message).with(header::RETRY_AFTER, RETRY_S.into())
}

/// A server's `Link`s (RFC 9725 section 4.6).
fn links(server: &IceServer) -> Vec<String> {
    let login = match (&server.username, &server.credential) {
        (Some(username), Some(credential)) => format!(
            "; username={}; credential={}; credential-type=\"password\"",
            quoted(username),
            quoted(credential)
        ),
        _ => String::new(),
    };
    let link = |url: &String| {
        let login = if url.starts_with("turn") { &*login } else { "" };
        format!("<{url}>; rel=\"ice-server\"{login}")
    };
    server.urls.iter().map(link).collect()
}

/// A `quoted-string` (RFC 9110 section 5.6.4).
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_everything_one_source_or_a_session() {
        let kind = |path| match resource(path) {
            None => "nothing".to_owned(),
            Some(Resource::Endpoint(None)) => "everything".to_owned(),
            Some(Resource::Endpoint(Some(name))) => format!("source {name}"),
            Some(Resource::Session(id)) => format!("session {id}"),
        };
        assert_eq!(kind("/whep"), "everything");
        assert_eq!(kind("/whep/"), "everything");
        assert_eq!(kind("/whep/screen"), "source screen");
        assert_eq!(kind("/whep/session"), "source session");
        assert_eq!(kind("/whep/session/aB-_9"), "session aB-_9");
        for nothing in
            ["/whep/session/", "/whep/session/a/b", "/whep/Screen", "/whep/a/b", "/whep/session/%41"]
        {
            assert_eq!(kind(nothing), "nothing", "{nothing}");
        }
        assert!(is_here("/whep") && is_here("/whep/x") && !is_here("/whepper"));
    }

    #[test]
    fn ice_servers_are_told_as_links_of_their_own() {
        let server = IceServer {
            urls: vec!["stun:stun.example.org".into(), "turn:turn.example.org?transport=udp".into()],
            username: Some("a\"b".into()),
            credential: Some("c\\d".into()),
        };
        assert_eq!(
            links(&server),
            [
                "<stun:stun.example.org>; rel=\"ice-server\"",
                "<turn:turn.example.org?transport=udp>; rel=\"ice-server\"; username=\"a\\\"b\"; \
                 credential=\"c\\\\d\"; credential-type=\"password\"",
            ]
        );
    }
}
