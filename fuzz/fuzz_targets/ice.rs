//! What arrives at the media port and in an ICE connection over TCP, before anybody is known.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vitrina_fuzz::core::ice::{Datagram, Frames, MAX_FRAME, is_framed, is_request, mapped_address, transaction};

fuzz_target!(|bytes: &[u8]| {
    let kind = Datagram::of(bytes);
    assert_eq!(kind == Datagram::Stun, bytes.first().is_some_and(|first| *first < 4));
    assert_eq!(transaction(bytes).is_some(), bytes.len() >= 20);
    if mapped_address(bytes).is_some() {
        assert!(kind == Datagram::Stun && !is_request(bytes), "an address stands in an answer alone");
    }
    let _ice = bytes.first().copied().map(is_framed);

    // The same datagrams come out, however the stream was cut: the first byte says where.
    let Some((cut, stream)) = bytes.split_first() else { return };
    let (mut whole, mut parts) = (Vec::new(), Vec::new());
    let taken = Frames::default().take(stream, |frame| whole.push(frame.to_vec()));
    let mut frames = Frames::default();
    let in_parts = stream
        .chunks(usize::from(*cut).max(1))
        .try_for_each(|part| frames.take(part, |frame| parts.push(frame.to_vec())));
    assert_eq!((taken, &whole), (in_parts, &parts));
    assert!(whole.iter().all(|frame| frame.len() <= MAX_FRAME));
    if taken.is_ok() {
        let mut again = Vec::new();
        whole.iter().for_each(|frame| Frames::put(&mut again, frame));
        assert!(stream.starts_with(&again), "put back, they are the stream");
    }
});
