//! What WHEP takes beside an offer, and candidates as all clients send them: text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vitrina_fuzz::core::candidate::Candidate;
use vitrina_fuzz::core::sdp::MAX_CANDIDATES;
use vitrina_fuzz::core::whep::{Fragment, IfMatch};

fuzz_target!(|text: &str| {
    let _tag = IfMatch::parse(Some(text));
    match Candidate::parse(text) {
        Ok(candidate) => {
            let written = candidate.to_string();
            assert_eq!(Candidate::parse(&written).as_ref(), Ok(&candidate), "{written}");
        }
        Err(error) => assert!(!error.to_string().contains(char::is_control), "{error}"),
    }
    match Fragment::parse(text) {
        Ok(fragment) => {
            assert!(fragment.candidates().len() <= MAX_CANDIDATES);
            assert!(fragment.candidates().iter().all(|candidate| !candidate.is_mdns()));
        }
        Err(error) => assert!(!error.to_string().contains(char::is_control), "{error}"),
    }
});
