//! Answers: their shapes, and the headers that every one of them carries.

use crate::telemetry::metrics::{At, metrics};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde::Serialize;
use std::time::Duration;

/// What the server answers with.
pub(crate) type Answer = Response<Full<Bytes>>;

/// A request that is refused: what kind of mistake it is and a sentence for a person.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), headers: Vec::new() }
    }

    pub(crate) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The connection ends after it: what remains of the request is not worth reading.
    pub(crate) fn closing(self) -> Self {
        self.with(header::CONNECTION, HeaderValue::from_static("close"))
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn not_found(path: &str) -> Self {
        let shown: String = path.chars().take(100).collect();
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("There is nothing at {shown}."))
    }

    pub(crate) fn method(allow: &'static str) -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            format!("Only {allow} can be used here."),
        )
        .with(header::ALLOW, HeaderValue::from_static(allow))
    }

    pub(crate) fn throttled(retry_after: Duration) -> Self {
        // Rounded up: who comes back then is let in.
        let seconds = retry_after.as_secs() + u64::from(retry_after.subsec_nanos() > 0);
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "throttled",
            format!("Too many wrong attempts. Try again in {seconds} s."),
        )
        .with(header::RETRY_AFTER, seconds.into())
    }

    /// For people and for command lines.
    pub(crate) fn into_text(self) -> Answer {
        let body = format!("{}\n", self.message);
        self.into_answer("text/plain; charset=utf-8", body)
    }

    /// For `/api`.
    pub(crate) fn into_json(self) -> Answer {
        let body = serde_json::json!({ "error": { "code": self.code, "message": self.message } });
        self.into_answer("application/json", body.to_string())
    }

    /// For WHEP: problem details (RFC 9457), as its specification asks for.
    pub(crate) fn into_problem(self) -> Answer {
        let (status, code) = (self.status.as_u16(), self.code);
        let body = serde_json::json!({ "status": status, "title": code, "detail": self.message });
        self.into_answer("application/problem+json", body.to_string())
    }

    fn into_answer(self, content_type: &'static str, body: String) -> Answer {
        metrics().refused(At::Http, self.code);
        let mut answer = Answer::new(Full::from(body));
        *answer.status_mut() = self.status;
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for (name, value) in self.headers {
            headers.insert(name, value);
        }
        answer
    }
}

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Answer {
    let mut answer = Answer::new(Full::default());
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// 200 with JSON.
pub(crate) fn json(value: &impl Serialize) -> Answer {
    // Only types of this crate come here, and those serialize.
    let body = serde_json::to_string(value).unwrap_or_default();
    let mut answer = Answer::new(Full::from(body));
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// What no answer goes without. The page needs nothing from elsewhere, is framed by nobody, and
/// uses of the browser's devices what a call needs.
const SECURITY_HEADERS: [(HeaderName, &str); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("permissions-policy"),
        "autoplay=(self), fullscreen=(self), picture-in-picture=(self), screen-wake-lock=(self), \
         camera=(self), display-capture=(self), microphone=(self), speaker-selection=(self), \
         geolocation=(), midi=(), payment=(), usb=()",
    ),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Puts the security headers on an answer. `own_socket` is the page's WebSocket origin
/// (`wss://HOST`): browsers from before CSP level 3 do not take `'self'` for it. An IPv6 address is no
/// source there (CSP level 3 section 2.3.1), and browsers say so aloud.
pub(crate) fn harden(headers: &mut HeaderMap, own_socket: Option<&str>, strict_transport: bool) {
    for (name, value) in SECURITY_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let own_socket = own_socket.filter(|origin| !origin.contains('['));
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
         media-src 'self' blob:; font-src 'self'; manifest-src 'self'; connect-src 'self'{}{}; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        if own_socket.is_some() { " " } else { "" },
        own_socket.unwrap_or_default(),
    );
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    if strict_transport {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
}
