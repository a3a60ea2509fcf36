//! What may be said: names, texts, and what is passed on unread.

use super::Refusal;
use crate::core::protocol::{ErrorCode, SignalBody};

/// The longest name, in characters.
const MAX_NAME: usize = 40;
/// The longest title of a room, in characters.
const MAX_TITLE: usize = 80;
/// The longest text, in characters.
const MAX_TEXT: usize = 4000;
/// The longest name of a message or of a peer connection, in characters.
const MAX_ID: usize = 36;
/// The longest session description, in bytes.
pub(super) const MAX_SDP: usize = 48 * 1024;
/// The longest candidate, in bytes.
pub(super) const MAX_CANDIDATE: usize = 1024;
/// The longest of what else stands in a candidate, in bytes. ICE's own limit (RFC 8839 section 5.4).
const MAX_FRAGMENT: usize = 256;

/// Turns the direction of what follows, beyond the text that it stands in (Unicode's annex 9).
fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Marks of direction, and what has no width.
fn is_unseen(c: char) -> bool {
    turns(c) || matches!(c, '\u{061c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// What takes no room by itself, or shows nothing: a name is more than that.
fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '\u{00ad}' | '\u{034f}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200c}' | '\u{200d}'
        )
        || matches!(c, '\u{2061}'..='\u{2064}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}')
}

/// Ends a line, or is no text at all.
fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

fn line(text: &str, longest: usize, what: &str) -> Result<String, Refusal> {
    let line: String = text.chars().filter(|c| !is_unseen(*c)).collect();
    let line = line.trim();
    let fits =
        line.chars().count() <= longest && !line.chars().any(is_control) && !line.chars().all(is_blank);
    let bad =
        || Refusal::new(ErrorCode::BadName, format!("{what} has 1 to {longest} characters on one line."));
    fits.then(|| line.to_owned()).ok_or_else(bad)
}

/// A name as it is shown.
pub(super) fn name(text: &str) -> Result<String, Refusal> {
    line(text, MAX_NAME, "A name")
}

/// A room's title as it is shown.
pub(super) fn title(text: &str) -> Result<String, Refusal> {
    line(text, MAX_TITLE, "A title")
}

/// A text as it is told to all.
pub(super) fn text(text: &str) -> Result<String, Refusal> {
    let text: String = text.chars().filter(|c| !turns(*c)).collect();
    let is_text = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
    let fits = text.chars().count() <= MAX_TEXT
        && text.chars().all(is_text)
        && !text.chars().all(|c| is_blank(c) || is_unseen(c));
    let bad = || {
        let message = format!("A text has 1 to {MAX_TEXT} characters, and none that control something.");
        Refusal::new(ErrorCode::BadText, message)
    };
    fits.then_some(text).ok_or_else(bad)
}

/// What a sender calls a message.
pub(super) fn message_id(id: String) -> Result<String, Refusal> {
    let fits = (1..=MAX_ID).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let bad = || {
        let message = format!("A message's id is 1 to {MAX_ID} of A-Z, a-z, 0-9 and '-'.");
        Refusal::new(ErrorCode::BadText, message)
    };
    fits.then_some(id).ok_or_else(bad)
}

/// Sizes only: what stands in it concerns the two browsers.
pub(super) fn check_signal(body: &SignalBody) -> Result<(), Refusal> {
    let fits = |text: &Option<String>| text.as_ref().is_none_or(|text| text.len() <= MAX_FRAGMENT);
    let (session, is_sound) = match body {
        SignalBody::Description { sdp, session, .. } => (session, sdp.len() <= MAX_SDP),
        SignalBody::Candidate { candidate, sdp_mid, username_fragment, session, .. } => {
            (session, candidate.len() <= MAX_CANDIDATE && fits(sdp_mid) && fits(username_fragment))
        }
        SignalBody::Bye { session } => (session, true),
    };
    if is_sound && (1..=MAX_ID).contains(&session.chars().count()) {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::BadText, "A signal is larger than may be, or names no session."))
}

/// The name with a capital letter, for people.
pub(super) fn capitalized(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::protocol::DescriptionType;

    #[test]
    fn names_are_shown_as_they_stand_but_for_what_is_not_seen() {
        for (given, shown) in [
            ("Ana", "Ana"),
            ("  Ana García ", "Ana García"),
            ("<b>Ana</b> & \"co\"", "<b>Ana</b> & \"co\""),
            ("\u{202e}anA\u{202c}", "anA"),
            ("\u{feff}A\u{200b}na\u{2067}", "Ana"),
            ("علي", "علي"),
            ("👩\u{200d}🔬", "👩\u{200d}🔬"),
        ] {
            assert_eq!(name(given).unwrap(), shown, "{given:?}");
        }
        let long = "ñ".repeat(MAX_NAME);
        assert_eq!(name(&long).unwrap(), long);
        let too_long = format!("{long}x");
        for bad in
            ["", "  ", "\u{200b}\u{202e}", "a\nb", "a\u{0}", "a\u{2028}b", "\u{3164}\u{200d}", &too_long]
        {
            assert_eq!(name(bad).unwrap_err().code, ErrorCode::BadName, "{bad:?}");
        }
    }

    #[test]
    fn texts_are_plain_and_bounded() {
        for good in ["a", "two\nlines\twith a tab", "<script>alert(1)</script>", "ש\u{200f}"] {
            assert_eq!(text(good).unwrap(), good);
        }
        assert_eq!(text("a\u{202e}b\u{2066}").unwrap(), "ab");
        assert!(text(&"ñ".repeat(MAX_TEXT)).is_ok());
        for bad in ["", " \n", "\u{202e}", "a\u{0}b", "a\rb", "\u{1b}[2J", &"x".repeat(MAX_TEXT + 1)] {
            assert_eq!(text(bad).unwrap_err().code, ErrorCode::BadText, "{bad:?}");
        }
        for good in ["a", "2f1c0c52-0d5c-4a3a-9a55-6d6f0a6f7a10"] {
            assert!(message_id(good.into()).is_ok());
        }
        for bad in ["", "a b", "ñ", &"a".repeat(MAX_ID + 1)] {
            assert!(message_id(bad.into()).is_err(), "{bad}");
        }
    }

    #[test]
    fn signals_are_bounded() {
        let description = |length, session: &str| SignalBody::Description {
            description_type: DescriptionType::Offer,
            sdp: "x".repeat(length),
            session: session.into(),
        };
        let candidate = |length, mid: Option<usize>| SignalBody::Candidate {
            candidate: "x".repeat(length),
            sdp_mid: mid.map(|length| "x".repeat(length)),
            sdp_mline_index: None,
            username_fragment: None,
            session: "s".into(),
        };
        for good in [
            description(MAX_SDP, "s"),
            description(0, &"ñ".repeat(MAX_ID)),
            candidate(MAX_CANDIDATE, None),
            candidate(0, Some(MAX_FRAGMENT)),
            SignalBody::Bye { session: "s".into() },
        ] {
            assert!(check_signal(&good).is_ok());
        }
        for bad in [
            description(MAX_SDP + 1, "s"),
            description(1, ""),
            description(1, &"s".repeat(MAX_ID + 1)),
            candidate(MAX_CANDIDATE + 1, None),
            candidate(1, Some(MAX_FRAGMENT + 1)),
            SignalBody::Bye { session: String::new() },
        ] {
            assert_eq!(check_signal(&bad).unwrap_err().code, ErrorCode::BadText);
        }
    }
}
