//! A compound of RTCP from a viewer, once by itself and once as feedback on packets that were sent.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::time::{Duration, Instant};
use vitrina_fuzz::core::congestion::{Choice, Congestion, Picture};
use vitrina_fuzz::core::rtcp::{MAX_STATUSES, Packet, packets};
use vitrina_fuzz::core::units::Bitrate;

fuzz_target!(|bytes: &[u8]| {
    let mut malformed = 0;
    for packet in packets(bytes) {
        match packet {
            Ok(Packet::TransportFeedback(feedback)) => {
                assert!(feedback.count() <= MAX_STATUSES);
                let statuses = feedback.statuses();
                assert_eq!(statuses.count(), usize::from(feedback.count()), "what was checked is there");
            }
            Ok(Packet::Report(blocks)) => assert!(blocks.count() <= 31),
            Ok(_) => {}
            Err(_) => malformed += 1,
        }
    }
    let start = Instant::now();
    let mut congestion = Congestion::new(start);
    for millis in 0..200 {
        congestion.sent(start + Duration::from_millis(millis / 10 * 33), 1200);
    }
    for seconds in 0..3 {
        let now = start + Duration::from_millis(500 + seconds * 1000);
        let refused = congestion.rtcp(now, 0x8765_4321 << 30, bytes).is_err();
        assert_eq!(refused, malformed > 0);
        let estimate = congestion.estimate(now);
        assert!((0.0..=1.0).contains(&estimate.loss));
        let _waiting = congestion.queue(now);
        let rungs = [2500, 750, 250].map(Bitrate::from_kbps);
        let picture = Picture { rungs: &rungs, choice: Choice::Automatic, rung: 1 };
        let decision = congestion.decide(now, &[picture], Bitrate::from_kbps(71));
        assert!(decision.changes.iter().all(|change| change.picture == 0 && change.rung < rungs.len()));
    }
});
