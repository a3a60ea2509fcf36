//! The page's files, built into the program.

use super::reply::{Answer, Refusal};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, StatusCode};
use rust_embed::RustEmbed;
use std::borrow::Cow;

#[derive(RustEmbed)]
#[folder = "src/web/page"]
struct Page;

/// The file at a path; `index.html` at `/`.
pub(crate) fn answer(method: &Method, path: &str, headers: &HeaderMap) -> Result<Answer, Refusal> {
    let name = match path.strip_prefix('/') {
        Some("") => "index.html",
        Some(name) => name,
        None => return Err(Refusal::not_found(path)),
    };
    let file = Page::get(name).ok_or_else(|| Refusal::not_found(path))?;
    if method != Method::GET && method != Method::HEAD {
        return Err(Refusal::method("GET, HEAD"));
    }

    let hash = file.metadata.sha256_hash();
    let etag: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let etag = format!("\"{etag}\"");
    let fresh = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| names_etag(value, &etag));

    let mut answer = if fresh {
        let mut answer = Answer::new(Full::default());
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
        answer
    } else {
        let body = match file.data {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => Bytes::from(bytes),
        };
        let mut answer = Answer::new(Full::new(body));
        if let Ok(value) = HeaderValue::try_from(content_type(file.metadata.mimetype())) {
            answer.headers_mut().insert(header::CONTENT_TYPE, value);
        }
        answer
    };
    // Asked for again each time, so that a page from before an update never meets the daemon
    // from after it; the entity tag makes that cheap.
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(etag) = HeaderValue::try_from(etag) {
        answer.headers_mut().insert(header::ETAG, etag);
    }
    Ok(answer)
}

/// All text of the page is UTF-8.
fn content_type(mime: &str) -> String {
    let is_text = mime.starts_with("text/") || mime == "application/manifest+json" || mime == "image/svg+xml";
    if is_text { format!("{mime}; charset=utf-8") } else { mime.to_owned() }
}

/// Whether `If-None-Match` names an entity tag (RFC 9110 section 13.1.2, weak comparison).
fn names_etag(header: &str, etag: &str) -> bool {
    header.split(',').map(str::trim).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_page_has_a_type_that_browsers_take() {
        for name in Page::iter() {
            let answer = answer(&Method::GET, &format!("/{name}"), &HeaderMap::new()).unwrap();
            let content_type = answer.headers()[header::CONTENT_TYPE].to_str().unwrap();
            assert_ne!(content_type, "application/octet-stream", "{name}");
            let expected = match name.rsplit_once('.').unwrap().1 {
                "html" => "text/html; charset=utf-8",
                "js" | "mjs" => "text/javascript; charset=utf-8",
                "css" => "text/css; charset=utf-8",
                "svg" => "image/svg+xml; charset=utf-8",
                _ => content_type,
            };
            assert_eq!(content_type, expected, "{name}");
        }
    }

    #[test]
    fn only_files_of_the_page_can_be_had() {
        for path in ["/Cargo.toml", "/../mod.rs", "//index.html", "/%69ndex.html", "", "index.html", "*"] {
            assert!(answer(&Method::GET, path, &HeaderMap::new()).is_err(), "{path}");
        }
    }

    #[test]
    fn entity_tags_are_found_in_lists() {
        for yes in ["\"a\"", "W/\"a\"", "\"b\", \"a\"", "*"] {
            assert!(names_etag(yes, "\"a\""), "{yes}");
        }
        for no in ["", "a", "\"b\"", "W/\"b\""] {
            assert!(!names_etag(no, "\"a\""), "{no}");
        }
    }
}
