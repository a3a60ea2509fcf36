//! What a client may send over the WebSocket, as text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vitrina_fuzz::core::protocol::ClientMessage;

fuzz_target!(|text: &str| {
    // What is taken means one thing only: written again and read again, it is the same.
    if let Ok(message) = serde_json::from_str::<ClientMessage>(text) {
        let again = serde_json::to_string(&message).expect("a message is JSON");
        assert_eq!(serde_json::from_str::<ClientMessage>(&again).expect("it was read before"), message);
    }
});
