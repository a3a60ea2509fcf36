//! A client's SDP as text: its answer to the daemon's offer, its own offer, its fragments. What
//! webrtcbin is given is what `CheckedAnswer` and `Agreement` write, so that has to stand the same
//! check.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use vitrina_fuzz::core::ids::SourceName;
use vitrina_fuzz::core::protocol::MediaKind;
use vitrina_fuzz::core::sdp::{CheckedAnswer, CheckedOffer, OfferSummary, Sendable};
use vitrina_fuzz::core::whep::Fragment;

static OFFERS: LazyLock<[OfferSummary; 2]> = LazyLock::new(|| {
    let offers = [
        include_str!("../../tests/golden/sdp/offer-h264.sdp"),
        include_str!("../../tests/golden/sdp/offer-vp8.sdp"),
    ];
    offers.map(|offer| OfferSummary::parse(offer).expect("the daemon's own offers are taken"))
});

fn sendable(kind: MediaKind) -> Sendable {
    Sendable { source: SourceName::new("screen").expect("a name"), kind, profile: None }
}

fn offered(text: &str) {
    match CheckedOffer::check(text) {
        Ok(checked) => {
            let all = [sendable(MediaKind::Video), sendable(MediaKind::Audio), sendable(MediaKind::Video)];
            let Some(agreement) = checked.agree(&all) else { return };
            let written = agreement.to_offer();
            let served: Vec<_> = agreement.served().iter().map(|mline| sendable(mline.kind())).collect();
            let again = CheckedOffer::check(&written)
                .unwrap_or_else(|error| panic!("{error} in what was written anew:\n{written}"))
                .agree(&served)
                .expect("what was served is served again");
            assert_eq!(again.to_offer(), written, "written anew, it says the same");
            assert_eq!(again.fingerprints(), agreement.fingerprints());
            assert_eq!(again.credentials(), agreement.credentials());
        }
        Err(error) => assert!(!error.to_string().contains(char::is_control), "{error}"),
    }
}

fuzz_target!(|text: &str| {
    offered(text);
    if let Err(error) = Fragment::parse(text) {
        assert!(!error.to_string().contains(char::is_control), "{error}");
    }
    let _offer = OfferSummary::parse(text);
    for offer in OFFERS.iter() {
        match CheckedAnswer::check(text, offer) {
            Ok(checked) => {
                let written = checked.to_sdp();
                let again = CheckedAnswer::check(&written, offer)
                    .unwrap_or_else(|error| panic!("{error} in what was written anew:\n{written}"));
                assert_eq!(again.to_sdp(), written, "written anew, it says the same");
                assert_eq!(again.fingerprints(), checked.fingerprints());
                assert_eq!((again.setup(), again.ufrag()), (checked.setup(), checked.ufrag()));
            }
            // The sentence goes to the client and into the log.
            Err(error) => assert!(!error.to_string().contains(char::is_control), "{error}"),
        }
    }
});
