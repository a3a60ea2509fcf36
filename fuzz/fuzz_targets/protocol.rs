//! What a client may send over the WebSocket, as text, down to the candidate that the ICE agent
//! would see.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vitrina_fuzz::core::candidate::Candidate;
use vitrina_fuzz::core::protocol::ClientMessage;

fuzz_target!(|text: &str| {
    let Ok(message) = serde_json::from_str::<ClientMessage>(text) else { return };
    // What is taken means one thing only: written again and read again, it is the same.
    let again = serde_json::to_string(&message).expect("a message is JSON");
    assert_eq!(serde_json::from_str::<ClientMessage>(&again).expect("it was read before"), message);

    if let ClientMessage::Candidate { candidate, .. } = message
        && let Ok(candidate) = Candidate::parse(&candidate)
    {
        let written = candidate.to_string();
        assert_eq!(Candidate::parse(&written).as_ref(), Ok(&candidate), "{written}");
    }
});
