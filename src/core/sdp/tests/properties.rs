//! Answers that went through a mangle: none does harm, and what is taken keeps the promises.

use super::*;
use proptest::prelude::*;

/// One change to a text.
#[derive(Debug, Clone)]
pub(super) enum Mangle {
    DropLine(usize),
    RepeatLine(usize),
    SwapLines(usize, usize),
    /// A line of another client's answer or of the offer.
    ForeignLine {
        at: usize,
        text: usize,
        line: usize,
    },
    Character {
        at: usize,
        with: char,
    },
    Number {
        at: usize,
        with: String,
    },
    CutAt(usize),
}

pub(super) fn mangle() -> impl Strategy<Value = Mangle> {
    let at = 0usize..10_000;
    let with = prop_oneof![
        Just('\r'),
        Just('\n'),
        Just('\0'),
        Just(' '),
        Just(':'),
        Just('='),
        Just('/'),
        Just('0'),
        Just('é'),
        any::<char>()
    ];
    prop_oneof![
        3 => at.clone().prop_map(Mangle::DropLine),
        3 => at.clone().prop_map(Mangle::RepeatLine),
        2 => (at.clone(), at.clone()).prop_map(|(a, b)| Mangle::SwapLines(a, b)),
        3 => (at.clone(), at.clone(), at.clone())
            .prop_map(|(at, text, line)| Mangle::ForeignLine { at, text, line }),
        3 => (at.clone(), with).prop_map(|(at, with)| Mangle::Character { at, with }),
        2 => (at.clone(), "[0-9]{1,6}").prop_map(|(at, with)| Mangle::Number { at, with }),
        1 => at.prop_map(Mangle::CutAt),
    ]
}

pub(super) fn apply(text: &str, mangle: &Mangle) -> String {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    let count = lines.len().max(1);
    match mangle {
        Mangle::DropLine(at) if !lines.is_empty() => {
            lines.remove(at % count);
        }
        Mangle::RepeatLine(at) if !lines.is_empty() => lines.insert(at % count, lines[at % count]),
        Mangle::SwapLines(a, b) if !lines.is_empty() => lines.swap(a % count, b % count),
        Mangle::ForeignLine { at, text, line } => {
            let golden = &GOLDENS[text % GOLDENS.len()];
            let text = if text % 2 == 0 { golden.answer } else { golden.offer };
            let foreign: Vec<&str> = text.split_inclusive('\n').collect();
            lines.insert(at % count, foreign[line % foreign.len()]);
        }
        Mangle::Character { at, with } => {
            let mut chars: Vec<char> = text.chars().collect();
            if !chars.is_empty() {
                let at = at % chars.len();
                chars[at] = *with;
            }
            return chars.into_iter().collect();
        }
        Mangle::Number { at, with } => {
            // The number that begins nearest after `at`.
            let from = at % text.len().max(1);
            let Some(start) = (from..text.len()).find(|i| text.as_bytes()[*i].is_ascii_digit()) else {
                return text.to_owned();
            };
            let end =
                (start..text.len()).find(|i| !text.as_bytes()[*i].is_ascii_digit()).unwrap_or(text.len());
            return format!("{}{with}{}", &text[..start], &text[end..]);
        }
        Mangle::CutAt(at) => return text.chars().take(at % text.chars().count().max(1)).collect(),
        Mangle::DropLine(_) | Mangle::RepeatLine(_) | Mangle::SwapLines(..) => {}
    }
    lines.concat()
}

/// Every promise that a checked answer makes.
fn promises(checked: &CheckedAnswer, offer: &OfferSummary) -> Result<(), TestCaseError> {
    prop_assert_eq!(checked.mlines().len(), offer.mlines().len());
    for (answered, offered) in checked.mlines().iter().zip(offer.mlines()) {
        prop_assert_eq!(answered.mid(), &offered.mid);
        let AnsweredMline::Accepted(answered) = answered else { continue };
        prop_assert_eq!(answered.kind, offered.kind);
        prop_assert!(matches!(answered.direction, Direction::RecvOnly | Direction::Inactive));
        prop_assert!(answered.formats.iter().any(|format| !format.is_repair()));
        for format in &answered.formats {
            let ours = offered.format(format.payload_type).unwrap();
            prop_assert_eq!(&PayloadFormat { feedback: ours.feedback.clone(), ..format.clone() }, ours);
            prop_assert!(format.feedback.iter().all(|feedback| ours.feedback.contains(feedback)));
            if let Some(payload) = format.repeats() {
                prop_assert!(answered.formats.iter().any(|f| f.payload_type == payload));
            }
        }
    }
    prop_assert!(checked.accepted().any(|(index, _)| index == checked.transport_mline()));
    prop_assert!((1..=8).contains(&checked.fingerprints().len()));
    prop_assert!(checked.candidates().len() <= MAX_CANDIDATES);

    let sdp = checked.to_sdp();
    prop_assert!(sdp.len() <= MAX_TEXT);
    for line in sdp.strip_suffix("\r\n").unwrap().split("\r\n") {
        prop_assert!(line.bytes().all(|b| matches!(b, b' '..=b'~')), "{line:?}");
        if let Some(attribute) = line.strip_prefix("a=") {
            let name = attribute.split(':').next().unwrap();
            prop_assert!(KNOWN.contains(&name), "{name}");
        }
    }
    // Written anew, it is an answer to the same offer, and writing it once more changes nothing.
    let again = CheckedAnswer::check(&sdp, offer);
    prop_assert_eq!(again.map(|again| again.to_sdp()), Ok(sdp));
    Ok(())
}

/// Every attribute that webrtcbin may see.
pub(super) const KNOWN: &[&str] = &[
    "extmap",
    "fingerprint",
    "fmtp",
    "group",
    "ice-pwd",
    "ice-ufrag",
    "inactive",
    "mid",
    "recvonly",
    "rtcp-fb",
    "rtcp-mux",
    "rtcp-rsize",
    "rtpmap",
    "setup",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn mangled_answers_are_refused_or_keep_every_promise(
        golden in 0..GOLDENS.len(),
        mangles in prop::collection::vec(mangle(), 0..4),
    ) {
        let golden = &GOLDENS[golden];
        let offer = offer(golden.offer);
        let answer = mangles.iter().fold(golden.answer.to_owned(), |text, mangle| apply(&text, mangle));
        match CheckedAnswer::check(&answer, &offer) {
            Ok(checked) => promises(&checked, &offer)?,
            Err(error) => prop_assert!(error.to_string().len() < 1000),
        }
    }

    #[test]
    fn mangled_offers_do_no_harm(
        golden in 0..GOLDENS.len(),
        mangles in prop::collection::vec(mangle(), 0..4),
    ) {
        let golden = &GOLDENS[golden];
        let text = mangles.iter().fold(golden.offer.to_owned(), |text, mangle| apply(&text, mangle));
        if let Ok(offer) = OfferSummary::parse(&text) {
            prop_assert!(!offer.mlines().is_empty());
            let _ = CheckedAnswer::check(golden.answer, &offer);
        }
    }

    #[test]
    fn any_text_does_no_harm(text in any::<String>()) {
        prop_assert!(OfferSummary::parse(&text).is_err());
        prop_assert!(CheckedAnswer::check(&text, &offer(OFFER_H264)).is_err());
    }

    #[test]
    fn fingerprints_are_read_as_they_are_written(
        function in prop::sample::select(&HashFunction::ALL[..]),
        bytes in prop::collection::vec(any::<u8>(), 64),
        lowercase in any::<bool>(),
    ) {
        let fingerprint = Fingerprint::new(function, &bytes[..function.digest_len()]).unwrap();
        let text = fingerprint.to_string();
        let text = if lowercase { text.to_lowercase() } else { text };
        prop_assert_eq!(Fingerprint::parse(&text), Ok(Some(fingerprint)));
    }
}
