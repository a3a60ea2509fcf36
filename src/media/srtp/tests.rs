//! Against the vectors of RFC 3711, against libsrtp's own, and against libsrtp itself, which
//! GStreamer's `srtpdec` wraps.

use super::element::Encoder;
use super::keys::{MasterKey, keystream, salt_block};
use super::session::{MOST_ADDED, Session, SrtpError, Tag};
use aes::Aes128;
use aes::cipher::KeyInit as _;
use gstreamer as gst;
use gstreamer::prelude::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

const MASTER: &str = "E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6";

fn master() -> MasterKey {
    MasterKey::new(&hex(MASTER)).unwrap()
}

fn session() -> Session {
    Session::new(&master(), Tag::Bits80, Tag::Bits80)
}

/// A packet with nothing but the least header.
fn packet(ssrc: u32, sequence: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, 96];
    packet.extend(sequence.to_be_bytes());
    packet.extend([0; 4]);
    packet.extend(ssrc.to_be_bytes());
    packet.extend(payload);
    packet
}

fn protect_rtp(session: &mut Session, packet: &[u8]) -> Result<Vec<u8>, SrtpError> {
    let mut bytes = [packet, &[0; MOST_ADDED]].concat();
    let len = session.protect_rtp(&mut bytes, packet.len())?;
    bytes.truncate(len);
    Ok(bytes)
}

fn protect_rtcp(session: &mut Session, packet: &[u8]) -> Result<Vec<u8>, SrtpError> {
    let mut bytes = [packet, &[0; MOST_ADDED]].concat();
    let len = session.protect_rtcp(&mut bytes, packet.len())?;
    bytes.truncate(len);
    Ok(bytes)
}

// ---- vectors ----------------------------------------------------------------------------------

#[test]
fn the_keystream_is_that_of_rfc_3711_appendix_b_2() {
    let aes = Aes128::new_from_slice(&hex("2B7E151628AED2A6ABF7158809CF4F3C")).unwrap();
    let salt: [u8; 14] = hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD").try_into().unwrap();
    let mut stream = vec![0; 0xff02 * 16];
    keystream(&aes, salt_block(&salt), &mut stream);
    for (block, expected) in [
        (0, "E03EAD0935C95E80E166B16DD92B4EB4"),
        (1, "D23513162B02D0F72A43A2FE4A5F97AB"),
        (2, "41E95B3BB0A2E8DD477901E4FCA894C0"),
        (0xfeff, "EC8CDF7398607CB0F2D21675EA9EA1E4"),
        (0xff00, "362B7C3C6773516318A077D7FC5073AE"),
        (0xff01, "6A2CC3787889374FBEB4C81B17BA6C44"),
    ] {
        assert_eq!(stream[block * 16..][..16], hex(expected), "block {block:x}");
    }
}

#[test]
fn the_derived_keys_are_those_of_rfc_3711_appendix_b_3() {
    let master = master();
    assert_eq!(master.derive::<16>(0).to_vec(), hex("C61E7A93744F39EE10734AFE3FF7A087"));
    assert_eq!(master.derive::<14>(2).to_vec(), hex("30CBBC08863D8C85D49DB34A9AE1"));
    let authentication = "CEBE321F6FF7716B6FD4AB49AF256A15 6D38BAA48F0A0ACF3C34E2359E6CDBCE
        E049646C43D9327AD175578EF7227098 6371C10C9A369AC2F94A8C5FBCDDDC25
        6D6E919A48B610EF17C2041E47403576 6B68642C59BBFC2F34DB60DBDFB2";
    assert_eq!(master.derive::<94>(1).to_vec(), hex(authentication));
}

#[test]
fn whole_packets_are_those_of_libsrtps_own_test() {
    let mut session = session();
    let plain = hex("800f1234decafbadcafebabe abababababababababababababababab");
    let expected = "800f1234decafbadcafebabe 4e55dc4ce79978d88ca4d215949d2402 b78d6acc99ea179b8dbb";
    assert_eq!(protect_rtp(&mut session, &plain).unwrap(), hex(expected));

    // libsrtp counts reports from 1.
    session.move_report_to(0xcafe_babe, 1);
    let plain = hex("81c8000bcafebabe abababababababababababababababab");
    let expected = "81c8000bcafebabe 7128035be487b9bdbef89041f977a5a8 80000001 993e08cd54d6c1230798";
    assert_eq!(protect_rtcp(&mut session, &plain).unwrap(), hex(expected));
}

// ---- indices ----------------------------------------------------------------------------------

#[test]
fn no_packet_is_sent_twice_nor_one_that_is_too_old() {
    let mut session = session();
    let mut send = |sequence| protect_rtp(&mut session, &packet(7, sequence, b"x")).map(|_| ());
    let used = |sequence| Err(SrtpError::Used { ssrc: 7, sequence });
    assert_eq!(send(1000), Ok(()));
    assert_eq!(send(1000), used(1000));
    assert_eq!(send(1200), Ok(()));
    assert_eq!(send(1000), used(1000));
    assert_eq!(send(1072), used(1072));
    assert_eq!(send(1073), Ok(()));
    assert_eq!(send(1073), used(1073));
    assert_eq!(send(1199), Ok(()));
    // Before the first packet of all there is no index.
    assert_eq!(send(65_000), used(65_000));
}

#[test]
fn another_number_of_the_same_text_is_another_cipher_text() {
    let mut session = session();
    let mut seen = BTreeSet::new();
    for ssrc in [1, 2] {
        for sequence in (0..=u16::MAX).chain(0..10) {
            let bytes = protect_rtp(&mut session, &packet(ssrc, sequence, &[0; 16])).unwrap();
            assert!(seen.insert(bytes[12..28].to_vec()), "{ssrc} {sequence}");
        }
    }
}

#[test]
fn a_key_is_used_up_after_2_to_the_48_packets() {
    let mut session = session();
    session.move_to(7, (1 << 48) - 2);
    assert!(protect_rtp(&mut session, &packet(7, 0xffff, b"x")).is_ok());
    for sequence in [0, 1, 0] {
        assert!(protect_rtp(&mut session, &packet(7, sequence, b"x")).is_err(), "{sequence}");
    }
    assert_eq!(protect_rtp(&mut session, &packet(7, 5, b"x")), Err(SrtpError::KeyUsedUp(7)));
    assert!(protect_rtp(&mut session, &packet(8, 0, b"x")).is_ok());
}

#[test]
fn a_key_is_used_up_after_2_to_the_31_reports() {
    let mut session = session();
    session.move_report_to(7, (1 << 31) - 1);
    let report = hex("81c8000100000007");
    let last = protect_rtcp(&mut session, &report).unwrap();
    assert_eq!(last[8..12], hex("ffffffff"));
    for _ in 0..2 {
        assert_eq!(protect_rtcp(&mut session, &report), Err(SrtpError::KeyUsedUp(7)));
    }
}

#[test]
fn what_is_no_packet_is_refused_and_left_alone() {
    let mut session = session();
    for bytes in [&b""[..], b"\x80", &[0x80; 11], &[0x00; 40], &[0x9f; 40]] {
        assert!(protect_rtp(&mut session, bytes).is_err(), "{bytes:x?}");
    }
    for bytes in [&b""[..], &[0x80; 7]] {
        assert!(protect_rtcp(&mut session, bytes).is_err(), "{bytes:x?}");
    }
    let mut short = packet(7, 1, b"text");
    let (before, len) = (short.clone(), short.len());
    assert_eq!(session.protect_rtp(&mut short, len), Err(SrtpError::Room));
    assert_eq!(session.protect_rtp(&mut short, len + 1), Err(SrtpError::Room));
    assert_eq!(session.protect_rtcp(&mut short, len), Err(SrtpError::Room));
    assert_eq!(short, before);
    assert_eq!(MasterKey::new(&[0; 29]), Err(SrtpError::KeyLength(29)));
    assert_eq!(MasterKey::new(&[0; 31]), Err(SrtpError::KeyLength(31)));
    assert_eq!(MasterKey::new(&[0; 3]), Err(SrtpError::KeyLength(3)));
}

#[test]
fn keys_do_not_show() {
    let shown = format!("{:?} {:?}", master(), session());
    assert_eq!(shown, "MasterKey(..) Session { ssrcs: 0, .. }");
}

// ---- the element, and libsrtp -----------------------------------------------------------------

/// Our element, and behind it, where asked for, `srtpdec`.
struct Chain {
    encoder: gst::Element,
    decoder: Option<gst::Element>,
    out: Arc<Mutex<Vec<Vec<u8>>>>,
    /// Pads belong to nobody else.
    _ends: Vec<gst::Pad>,
}

/// A pad that takes down what comes.
fn collector(out: &Arc<Mutex<Vec<Vec<u8>>>>) -> gst::Pad {
    let (one, many) = (Arc::clone(out), Arc::clone(out));
    let bytes = |buffer: &gst::BufferRef| buffer.map_readable().unwrap().to_vec();
    let pad = gst::Pad::builder(gst::PadDirection::Sink)
        .chain_function(move |_, _, buffer| {
            one.lock().unwrap().push(bytes(&buffer));
            Ok(gst::FlowSuccess::Ok)
        })
        .chain_list_function(move |_, _, list| {
            many.lock().unwrap().extend(list.iter().map(bytes));
            Ok(gst::FlowSuccess::Ok)
        })
        .build();
    pad.set_active(true).unwrap();
    pad
}

/// A pad that hands on copies, one by one: `srtpdec` of 1.22 decrypts a copy and pushes the original
/// where somebody else has the buffer too, as a list has.
fn splitter(target: gst::Pad) -> gst::Pad {
    let (singly, events) = (target.clone(), target.clone());
    let pad = gst::Pad::builder(gst::PadDirection::Sink)
        .chain_function(move |_, _, buffer| singly.chain(buffer))
        .chain_list_function(move |_, _, list| {
            list.iter().try_fold(gst::FlowSuccess::Ok, |_, buffer| target.chain(buffer.copy_deep().unwrap()))
        })
        .event_function(move |_, _, event| events.send_event(event))
        .build();
    pad.set_active(true).unwrap();
    pad
}

impl Chain {
    fn new(decode: bool, cipher: &str, auth: &str) -> Self {
        crate::media::init().unwrap();
        let encoder = glib::Object::new::<Encoder>().upcast::<gst::Element>();
        let out = Arc::new(Mutex::new(Vec::new()));
        for property in ["rtp-cipher", "rtcp-cipher"] {
            encoder.set_property_from_str(property, cipher);
        }
        for property in ["rtp-auth", "rtcp-auth"] {
            encoder.set_property_from_str(property, auth);
        }
        let decoder = decode.then(|| {
            let decoder = gst::ElementFactory::make("srtpdec").build().unwrap();
            let caps = gst::Caps::builder("application/x-srtp")
                .field("srtp-key", gst::Buffer::from_slice(hex(MASTER)))
                .field("srtp-cipher", cipher)
                .field("srtcp-cipher", cipher)
                .field("srtp-auth", auth)
                .field("srtcp-auth", auth)
                .build();
            decoder.connect("request-key", false, move |_| Some(caps.to_value()));
            decoder
        });
        let mut ends = Vec::new();
        for kind in ["rtp", "rtcp"] {
            let sink = encoder.request_pad_simple(&format!("{kind}_sink_0")).unwrap();
            let src = encoder.static_pad(&format!("{kind}_src_0")).unwrap();
            let collector = collector(&out);
            if let Some(decoder) = &decoder {
                let splitter = splitter(decoder.static_pad(&format!("{kind}_sink")).unwrap());
                src.link(&splitter).unwrap();
                decoder.static_pad(&format!("{kind}_src")).unwrap().link(&collector).unwrap();
                ends.push(splitter);
            } else {
                src.link(&collector).unwrap();
            }
            ends.extend([collector, sink]);
        }
        let chain = Self { encoder, decoder, out, _ends: ends };
        for element in chain.decoder.iter().chain([&chain.encoder]) {
            element.set_state(gst::State::Playing).unwrap();
        }
        for kind in ["rtp", "rtcp"] {
            let sink = chain.sink(kind);
            assert!(sink.send_event(gst::event::StreamStart::new(kind)));
            let caps = gst::Caps::new_empty_simple(format!("application/x-{kind}"));
            assert!(sink.send_event(gst::event::Caps::new(&caps)));
            let segment = gst::FormattedSegment::<gst::ClockTime>::new();
            assert!(sink.send_event(gst::event::Segment::new(&segment)));
        }
        chain
    }

    fn set_key(&self) {
        self.encoder.set_property("key", gst::Buffer::from_slice(hex(MASTER)));
    }

    fn sink(&self, kind: &str) -> gst::Pad {
        self.encoder.static_pad(&format!("{kind}_sink_0")).unwrap()
    }

    fn push(&self, kind: &str, packet: Vec<u8>) -> Result<gst::FlowSuccess, gst::FlowError> {
        self.sink(kind).chain(gst::Buffer::from_slice(packet))
    }

    fn push_list(&self, packets: &[Vec<u8>]) -> Result<gst::FlowSuccess, gst::FlowError> {
        let buffers = packets.iter().cloned().map(gst::Buffer::from_slice);
        self.sink("rtp").chain_list(buffers.collect())
    }

    fn taken(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut *self.out.lock().unwrap())
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        for element in self.decoder.iter().chain([&self.encoder]) {
            element.set_state(gst::State::Null).unwrap();
        }
    }
}

/// What may be sent: a packet of one of four SSRCs, some numbers on or back.
fn some_packet() -> impl Strategy<Value = (usize, i32, Vec<u8>)> {
    let extension = proptest::option::of((any::<u16>(), proptest::collection::vec(any::<u32>(), 0..6)));
    let sources = proptest::collection::vec(any::<u32>(), 0..=15);
    let payload = proptest::collection::vec(any::<u8>(), 0..1400);
    let step = prop_oneof![8 => 1..=1i32, 1 => 2..3000i32, 1 => -160..=0i32];
    (0..4usize, step, any::<bool>(), 0..64u8, any::<u32>(), sources, extension, payload, 0..30u8).prop_map(
        |(ssrc, step, marker, payload_type, timestamp, sources, extension, payload, padding)| {
            let flags = 0x80 | u8::from(padding > 0) << 5 | u8::from(extension.is_some()) << 4;
            let mut packet = vec![flags | u8::try_from(sources.len()).unwrap()];
            packet.push(u8::from(marker) << 7 | payload_type);
            packet.extend([0, 0]);
            packet.extend(timestamp.to_be_bytes());
            packet.extend([0, 0, 0, u8::try_from(ssrc).unwrap()]);
            packet.extend(sources.iter().flat_map(|source| source.to_be_bytes()));
            if let Some((profile, words)) = extension {
                packet.extend(profile.to_be_bytes());
                packet.extend(u16::try_from(words.len()).unwrap().to_be_bytes());
                packet.extend(words.iter().flat_map(|word| word.to_be_bytes()));
            }
            packet.extend(payload);
            if padding > 0 {
                packet.extend(vec![0; usize::from(padding) - 1]);
                packet.push(padding);
            }
            (ssrc, step, packet)
        },
    )
}

/// A sender report with whatever in it.
fn some_report() -> impl Strategy<Value = Vec<u8>> {
    (0..4u8, proptest::collection::vec(any::<u32>(), 5..30)).prop_map(|(ssrc, words)| {
        let mut report = vec![0x80, 200];
        report.extend(u16::try_from(words.len() + 1).unwrap().to_be_bytes());
        report.extend([0, 0, 0, ssrc]);
        report.extend(words.iter().flat_map(|word| word.to_be_bytes()));
        report
    })
}

/// Sends through our element and libsrtp, in lists and singly, over a wrap of the numbers, and
/// compares with what went in.
fn libsrtp_reads(auth: &str, packets: &[(usize, i32, Vec<u8>)], reports: &[Vec<u8>], list: usize) {
    let chain = Chain::new(true, "aes-128-icm", auth);
    chain.set_key();
    let mut sent: BTreeMap<usize, BTreeSet<i32>> = BTreeMap::new();
    let (mut pending, mut expected) = (Vec::new(), Vec::new());
    for (ssrc, step, packet) in packets {
        let before = sent.entry(*ssrc).or_default();
        let number = before.last().map_or(65_400, |last| last + step);
        let newest = before.last().copied().unwrap_or(number).max(number);
        let mut packet = packet.clone();
        packet[2..4].copy_from_slice(&u16::try_from(number & 0xffff).unwrap().to_be_bytes());
        if newest - number < 128 && before.insert(number) {
            expected.push(packet.clone());
        }
        pending.push(packet);
        if pending.len() >= list {
            match pending.as_slice() {
                [one] => chain.push("rtp", one.clone()).unwrap(),
                many => chain.push_list(many).unwrap(),
            };
            pending.clear();
        }
    }
    chain.push_list(&pending).unwrap();
    assert_eq!(chain.taken(), expected);
    for report in reports {
        chain.push("rtcp", report.clone()).unwrap();
    }
    assert_eq!(chain.taken(), reports);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn libsrtp_reads_what_the_element_writes(
        auth in prop_oneof![Just("hmac-sha1-80"), Just("hmac-sha1-32")],
        packets in proptest::collection::vec(some_packet(), 1..300),
        reports in proptest::collection::vec(some_report(), 0..20),
        list in 1..20usize,
    ) {
        libsrtp_reads(auth, &packets, &reports, list);
    }

    #[test]
    fn nothing_that_is_pushed_ends_the_process(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        rest in 0..30usize,
    ) {
        let mut session = session();
        let len = bytes.len().saturating_sub(rest);
        let _ = session.protect_rtp(&mut bytes.clone(), len);
        let _ = session.protect_rtcp(&mut bytes.clone(), len);
    }
}

#[test]
fn without_a_key_nothing_leaves() {
    let chain = Chain::new(false, "aes-128-icm", "hmac-sha1-80");
    chain.push("rtp", packet(1, 1, b"secret")).unwrap();
    chain.push_list(&[packet(1, 2, b"secret"), packet(1, 3, b"secret")]).unwrap();
    chain.push("rtcp", hex("81c8000100000007")).unwrap();
    assert!(chain.taken().is_empty());
    chain.set_key();
    chain.push("rtp", packet(1, 4, b"secret")).unwrap();
    let taken = chain.taken();
    assert_eq!((taken.len(), taken[0].len()), (1, 12 + 6 + 10));
    assert!(!taken[0].windows(6).any(|bytes| bytes == b"secret"));
}

#[test]
fn a_list_stays_a_list_and_keeps_its_times() {
    crate::media::init().unwrap();
    let chain = Chain::new(false, "aes-128-icm", "hmac-sha1-80");
    chain.set_key();
    let (sender, received) = std::sync::mpsc::channel();
    let src = chain.encoder.static_pad("rtp_src_0").unwrap();
    src.add_probe(gst::PadProbeType::BUFFER_LIST, move |_, info| {
        if let Some(list) = info.buffer_list() {
            sender.send(list.iter().map(|buffer| buffer.pts()).collect::<Vec<_>>()).unwrap();
        }
        gst::PadProbeReturn::Ok
    });
    let mut list = gst::BufferList::new();
    for number in 0..5u16 {
        let mut buffer = gst::Buffer::from_slice(packet(1, number, b"text"));
        buffer.get_mut().unwrap().set_pts(gst::ClockTime::from_mseconds(number.into()));
        list.get_mut().unwrap().add(buffer);
    }
    chain.sink("rtp").chain_list(list).unwrap();
    let times: Vec<_> = (0..5).map(|time| Some(gst::ClockTime::from_mseconds(time))).collect();
    assert_eq!(received.try_recv().unwrap(), times);
    let caps = src.current_caps().unwrap();
    assert_eq!(caps.to_string(), "application/x-srtp");
}

#[test]
fn a_session_outlives_a_restart_and_the_same_key_set_again() {
    let chain = Chain::new(false, "aes-128-icm", "hmac-sha1-80");
    chain.set_key();
    chain.push("rtp", packet(1, 5, b"one")).unwrap();
    chain.set_key();
    chain.push("rtp", packet(1, 5, b"two")).unwrap();
    chain.sink("rtp").send_event(gst::event::FlushStart::new());
    chain.sink("rtp").send_event(gst::event::FlushStop::new(true));
    chain.encoder.set_state(gst::State::Null).unwrap();
    chain.encoder.set_state(gst::State::Playing).unwrap();
    let segment = gst::FormattedSegment::<gst::ClockTime>::new();
    chain.sink("rtp").send_event(gst::event::StreamStart::new("again"));
    chain.sink("rtp").send_event(gst::event::Segment::new(&segment));
    chain.push("rtp", packet(1, 5, b"two")).unwrap();
    assert_eq!(chain.taken().len(), 1);
    chain.push("rtp", packet(1, 6, b"two")).unwrap();
    assert_eq!(chain.taken().len(), 1);
    // Another key begins anew.
    chain.encoder.set_property("key", gst::Buffer::from_slice([9; 30]));
    chain.push("rtp", packet(1, 5, b"two")).unwrap();
    assert_eq!(chain.taken().len(), 1);
}

#[test]
fn pads_come_in_pairs_and_go_in_pairs() {
    let chain = Chain::new(false, "aes-128-icm", "hmac-sha1-80");
    let template = chain.encoder.pad_template("rtp_sink_%u").unwrap();
    let sink = chain.encoder.request_pad(&template, None, None).unwrap();
    assert_eq!(sink.name(), "rtp_sink_1");
    let src = chain.encoder.static_pad("rtp_src_1").unwrap();
    assert_eq!(sink.iterate_internal_links().next().unwrap(), Some(src));
    chain.encoder.release_request_pad(&sink);
    assert!(chain.encoder.static_pad("rtp_src_1").is_none());
    assert!(chain.encoder.static_pad("rtp_sink_1").is_none());
    assert_eq!(chain.encoder.pads().len(), 4);
}

// One test for what is one name in the process.
#[test]
fn the_element_takes_the_place_of_gstreamers_and_gives_it_back() {
    crate::media::init().unwrap();
    let made = || gst::ElementFactory::make("srtpenc").build().unwrap().type_();
    let original = made();
    assert_ne!(original, Encoder::static_type());
    assert!(super::install().unwrap());
    assert!(super::install().unwrap());
    assert_eq!(made(), Encoder::static_type());

    // As DTLS has it, by name and with numbers.
    let bin = gst::ElementFactory::make("dtlssrtpenc").build().unwrap().downcast::<gst::Bin>().unwrap();
    let inner = bin.iterate_all_by_element_factory_name("srtpenc").next().unwrap().unwrap();
    assert_eq!(inner.type_(), Encoder::static_type());
    bin.set_property_from_str("srtp-cipher", "aes-256-gcm");
    bin.set_property_from_str("srtcp-auth", "hmac-sha1-32");
    let nick = |property: &str| {
        let value = inner.property_value(property);
        glib::EnumValue::from_value(&value).unwrap().1.nick().to_owned()
    };
    assert_eq!(nick("rtp-cipher"), "aes-256-gcm");
    assert_eq!(nick("rtcp-auth"), "hmac-sha1-32");
    // As rtspsrc has it, with a value of the other type.
    let theirs = glib::EnumClass::with_type(glib::Type::from_name("GstSrtpCipherType").unwrap()).unwrap();
    let value = theirs.to_value_by_nick("aes-128-icm").unwrap();
    let value = value.transform_with_type(inner.find_property("rtp-cipher").unwrap().value_type()).unwrap();
    inner.set_property_from_value("rtp-cipher", &value);
    assert_eq!(nick("rtp-cipher"), "aes-128-icm");

    // What is not here fails once; after that it is GStreamer's to do.
    for (cipher, auth) in [("aes-256-gcm", "null"), ("null", "hmac-sha1-80"), ("aes-128-icm", "null")] {
        assert!(super::install().unwrap());
        let chain = Chain::new(false, cipher, auth);
        chain.set_key();
        assert_eq!(chain.push("rtp", packet(1, 1, b"secret")), Err(gst::FlowError::Error), "{cipher}");
        assert!(chain.taken().is_empty());
        assert_eq!(made(), original, "{cipher}");
    }
}
