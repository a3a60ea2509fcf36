//! A client's answer to the daemon's offer, as text. What webrtcbin is given is what
//! `CheckedAnswer` writes, so that has to stand the same check.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use vitrina_fuzz::core::sdp::{CheckedAnswer, OfferSummary};

static OFFERS: LazyLock<[OfferSummary; 2]> = LazyLock::new(|| {
    let offers = [
        include_str!("../../tests/golden/sdp/offer-h264.sdp"),
        include_str!("../../tests/golden/sdp/offer-vp8.sdp"),
    ];
    offers.map(|offer| OfferSummary::parse(offer).expect("the daemon's own offers are taken"))
});

fuzz_target!(|text: &str| {
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
