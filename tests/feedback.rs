//! What a viewer says of its link: every packet has a number, over all tracks, and the feedback on
//! the numbers is heard. The peer is webrtcbin, which sends transport-wide feedback.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/peer.rs"]
mod peer;
#[path = "support/rig.rs"]
mod rig;

use rig::{LIMIT, Rig, until};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use vitrina::core::protocol::{Codec, MediaKind};
use vitrina::core::rtp::{PLAYOUT_DELAY_URI, RtpHeader, TRANSPORT_SEQUENCE_URI};
use vitrina::core::units::Bitrate;
use vitrina::media::encoder::EncodeSettings;
use vitrina::media::rendition::Rendition;
use vitrina::media::{Format, RenditionId};

/// The element of that id in a packet's extension of the one-byte form.
fn element(packet: &[u8], id: u8) -> Option<&[u8]> {
    let header = RtpHeader::parse(packet).ok()?;
    assert_eq!(header.extension_profile, Some(0xbede));
    let mut elements = &packet[16 + 4 * usize::from(header.csrc_count)..header.header_len];
    while let Some((&first, rest)) = elements.split_first() {
        let len = usize::from(first & 0x0f) + 1;
        match first >> 4 {
            0 => elements = rest,
            found if found == id => return Some(&rest[..len]),
            _ => elements = &rest[len..],
        }
    }
    None
}

/// The transport-wide number in a packet.
fn number(packet: &[u8]) -> Option<u16> {
    element(packet, 2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
}

#[test]
fn packets_are_numbered_over_all_tracks_and_the_feedback_is_heard() {
    let rig = Rig::start();
    let (video, audio) = (rig.fanout(Codec::Vp8), rig.fanout(Codec::Opus));
    let (encoder, _) = rig.encode(Codec::Vp8, 1, &video);
    let id = RenditionId { source: rig.source.clone(), codec: Codec::Opus, rung: 0 };
    let settings = EncodeSettings::whole(Format::Audio, Bitrate::from_kbps(64), Duration::from_secs(1));
    let tap = rig.taps.of(MediaKind::Audio);
    let opus = rig.encoders.of(Codec::Opus);
    let _sound = Rendition::start(&id, 1, opus, &settings, tap, &audio, &rig.events, || {}).unwrap();
    let (viewer, peer) = rig.connect(1, &[(Codec::Vp8, None), (Codec::Opus, None)]);
    let offer = peer.offer_text();
    assert_eq!(offer.matches(&format!("a=extmap:2 {TRANSPORT_SEQUENCE_URI}\r\n")).count(), 2, "{offer}");
    let at_once = format!("a=extmap:3 {PLAYOUT_DELAY_URI}\r\n");
    assert_eq!(offer.matches(&at_once).count(), 1, "for the picture alone: {offer}");
    for (fanout, track) in [&video, &audio].into_iter().zip(viewer.tracks()) {
        track.send_capture_time(1);
        track.number_packets(2);
        track.show_at_once(3);
        fanout.subscribe(Arc::clone(track));
    }
    rig.show(&encoder, &peer, 40);
    peer.wait_sound(40, LIMIT);
    let link = viewer.link();
    until(|| link.counts().2 > 3);

    // Retransmissions repeat a number; in a machine without a hurry there are none.
    let packets = peer.packets();
    let mut numbers: Vec<u16> = packets.iter().map(|packet| number(packet).unwrap()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let expected: Vec<u16> = (0..).take(numbers.len()).collect();
    assert_eq!(numbers, expected, "no number is left out");
    let mut tracks = BTreeMap::<u32, u32>::new();
    for packet in &packets {
        *tracks.entry(RtpHeader::parse(packet).unwrap().ssrc).or_default() += 1;
    }
    assert!(tracks.len() >= 2, "{tracks:?}");
    // That pictures are to be shown at once is said where they begin.
    let told: Vec<_> =
        packets.iter().filter_map(|packet| element(packet, 3).map(|value| (packet, value))).collect();
    assert!((1..10).contains(&told.len()), "{} of {} packets", told.len(), packets.len());
    for (packet, value) in told {
        let payload = &packet[RtpHeader::parse(packet).unwrap().header_len..];
        assert_eq!(value, [0; 3]);
        assert!(vitrina::core::vp8::begins_keyframe(payload), "{payload:?}");
    }
    let (sent, reports, feedback) = link.counts();
    assert!(sent >= numbers.len() as u64, "{sent} numbered, {} came", numbers.len());
    // The session hears the reports, and asks for keyframes as before.
    assert!(reports > feedback, "{reports} packets of RTCP, {feedback} of feedback");
}

#[test]
fn a_viewer_that_gives_no_feedback_is_sent_plain_packets() {
    let rig = Rig::start();
    let video = rig.fanout(Codec::H264);
    let (encoder, profile) = rig.encode(Codec::H264, 1, &video);
    let (viewer, peer) = rig.connect(1, &[(Codec::H264, profile.as_deref())]);
    video.subscribe(Arc::clone(&viewer.tracks()[0]));
    rig.show(&encoder, &peer, 20);
    assert!(peer.packets().iter().all(|packet| packet[0] & 0x10 == 0));
    let (sent, _, feedback) = viewer.link().counts();
    assert!(sent >= 20, "counted all the same, for the reports: {sent}");
    assert_eq!(feedback, 0);
}
