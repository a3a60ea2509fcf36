//! A WHEP server for tests: it answers with a str0m peer of its own and sends frames that look like H.264, 30 a second.

use crate::codec::tests::SPS_720;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};
use str0m::bwe::Bitrate;
use str0m::change::SdpOffer;
use str0m::crypto::from_feature_flags;
use str0m::media::Mid;
use str0m::net::{Protocol, Receive};
use str0m::rtp::{AbsCaptureTime, Extension, ExtensionMap, ExtensionValues, RtpWrite};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};

/// A frame is three packets of this size, a keyframe has its parameter sets in one more: 720 kbit/s.
const PACKET: usize = 1000;

/// Serves until the test's process ends; each viewer until it has left.
pub struct Fake {
    pub url: String,
    /// Who has said farewell.
    pub left: Arc<AtomicUsize>,
    /// Estimates of links made from viewers' feedback.
    pub estimates: Arc<AtomicUsize>,
}

impl Fake {
    pub fn start() -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/whep", listener.local_addr().unwrap());
        let left = Arc::new(AtomicUsize::new(0));
        let estimates = Arc::new(AtomicUsize::new(0));
        let counters = (Arc::clone(&left), Arc::clone(&estimates));
        thread::spawn(move || {
            for stream in listener.incoming() {
                serve(stream.unwrap(), &counters.0, &counters.1);
            }
        });
        Fake { url, left, estimates }
    }
}

fn serve(mut stream: TcpStream, left: &AtomicUsize, estimates: &Arc<AtomicUsize>) {
    let mut request = Vec::new();
    let mut part = [0; 4096];
    let (method, body) = loop {
        let length = stream.read(&mut part).unwrap();
        request.extend_from_slice(&part[..length]);
        let text = String::from_utf8(request.clone()).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap();
        if body.len() >= length.parse().unwrap() {
            break (text.split(' ').next().unwrap().to_string(), body.to_string());
        }
    };
    let answer = match method.as_str() {
        "POST" => {
            let answer = answer(&body, Arc::clone(estimates));
            format!(
                "HTTP/1.1 201 Created\r\nLocation: /whep/1\r\nContent-Length: {}\r\n\r\n{answer}",
                answer.len()
            )
        }
        "DELETE" => {
            left.fetch_add(1, Ordering::SeqCst);
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".into()
        }
        _ => "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n".into(),
    };
    stream.write_all(answer.as_bytes()).unwrap();
}

fn answer(offer: &str, estimates: Arc<AtomicUsize>) -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut extensions = ExtensionMap::empty();
    extensions.set(3, Extension::TransportSequenceNumber);
    extensions.set(4, Extension::RtpMid);
    extensions.set(5, Extension::AbsoluteCaptureTime);
    let mut rtc = RtcConfig::new()
        .set_crypto_provider(Arc::new(from_feature_flags()))
        .set_extension_map(extensions)
        .set_rtp_mode(true)
        .enable_bwe(Some(Bitrate::mbps(2)))
        .build(Instant::now());
    rtc.add_local_candidate(Candidate::host(socket.local_addr().unwrap(), "udp").unwrap());
    let answer = rtc.sdp_api().accept_offer(SdpOffer::from_sdp_string(offer).unwrap()).unwrap();
    thread::spawn(move || run(rtc, &socket, &estimates));
    answer.to_sdp_string()
}

fn run(mut rtc: Rtc, socket: &UdpSocket, estimates: &AtomicUsize) {
    let (mut video, mut sending) = (None, false);
    let (mut seq, mut frame) = (0, 0);
    let mut next = Instant::now();
    let end = Instant::now() + Duration::from_secs(30);
    let mut buffer = [0; 2000];
    while rtc.is_alive() && Instant::now() < end {
        let timeout = loop {
            match rtc.poll_output().unwrap() {
                Output::Timeout(at) => break at,
                Output::Transmit(transmit) => {
                    let _ = socket.send_to(&transmit.contents, transmit.destination);
                }
                Output::Event(Event::Connected) => (sending, next) = (true, Instant::now()),
                Output::Event(Event::MediaAdded(added)) if added.kind.is_video() => video = Some(added.mid),
                Output::Event(Event::EgressBitrateEstimate(_)) => {
                    estimates.fetch_add(1, Ordering::SeqCst);
                }
                Output::Event(_) => {}
            }
        };
        let now = Instant::now();
        if let Some(mid) = video.filter(|_| sending && now >= next) {
            send_frame(&mut rtc, mid, &mut seq, frame);
            frame += 1;
            next += Duration::from_micros(33_333);
            continue;
        }
        let due = if sending { timeout.min(next) } else { timeout };
        let wait =
            due.saturating_duration_since(now).clamp(Duration::from_millis(1), Duration::from_millis(50));
        socket.set_read_timeout(Some(wait)).unwrap();
        if let Ok((length, source)) = socket.recv_from(&mut buffer)
            && let Ok(contents) = buffer[..length].try_into()
        {
            let destination = socket.local_addr().unwrap();
            let receive = Receive { proto: Protocol::Udp, source, destination, contents };
            rtc.handle_input(Input::Receive(Instant::now(), receive)).unwrap();
        }
        rtc.handle_input(Input::Timeout(Instant::now())).unwrap();
    }
}

/// A keyframe every second.
fn send_frame(rtc: &mut Rtc, mid: Mid, seq: &mut u64, frame: u32) {
    let keyframe = frame.is_multiple_of(30);
    let unit = |kind: u8| [vec![kind], vec![0; PACKET - 1]].concat();
    let mut payloads = if keyframe { vec![SPS_720.to_vec()] } else { Vec::new() };
    payloads.extend((0..3).map(|_| unit(if keyframe { 0x65 } else { 0x41 })));
    let pt = rtc.media(mid).unwrap().remote_pts()[0];
    let last = payloads.len() - 1;
    for (at, payload) in payloads.into_iter().enumerate() {
        let captured = AbsCaptureTime {
            capture_time: SystemTime::now() - Duration::from_millis(40),
            clock_offset: None,
        };
        let extensions = ExtensionValues { abs_capture_time: Some(captured), ..ExtensionValues::default() };
        let packet = RtpWrite::new(pt, (*seq).into(), frame * 3000, Instant::now(), payload)
            .marker(at == last)
            .nackable(true)
            .ext_vals(extensions);
        rtc.direct_api().stream_tx_by_mid(mid, None).unwrap().write_rtp(packet);
        *seq += 1;
        rtc.handle_input(Input::Timeout(Instant::now())).unwrap();
    }
}

/// The whole way: offer, ICE, DTLS, frames, farewell.
mod tests {
    use super::Fake;
    use crate::http::Url;
    use crate::join::Target;
    use crate::link::Settings;
    use crate::measure::Watched;
    use crate::swarm::Swarm;
    use crate::viewer::Behaviour;
    use std::net::Ipv4Addr;
    use std::sync::atomic::Ordering;
    use std::time::{Duration, Instant};

    fn target(fake: &Fake) -> Target {
        Target::Whep { url: Url::parse(&fake.url).unwrap(), token: Some("secret".into()) }
    }

    fn all_see(swarm: &Swarm, viewers: &[usize]) -> bool {
        viewers.iter().all(|&index| swarm.viewer(index).is_some_and(|viewer| !viewer.frames.shown.is_empty()))
    }

    /// Waits until all see something, and then watches for `time`.
    fn watch(swarm: &mut Swarm, viewers: &[usize], time: Duration) -> (Instant, Instant) {
        let deadline = Instant::now() + Duration::from_secs(20);
        assert!(
            swarm.run_until(deadline, |swarm| all_see(swarm, viewers)).unwrap(),
            "{:?}",
            swarm.failures()
        );
        let from = Instant::now();
        swarm.run_for(time).unwrap();
        (from, Instant::now())
    }

    #[test]
    fn viewers_join_count_what_they_are_sent_and_say_farewell() {
        let fake = Fake::start();
        let mut swarm = Swarm::new(Ipv4Addr::LOCALHOST.into()).unwrap();
        let viewers: Vec<usize> =
            (0..3).map(|_| swarm.join(&target(&fake), Behaviour::default(), true)).collect();
        let (from, to) = watch(&mut swarm, &viewers, Duration::from_secs(2));
        for &index in &viewers {
            let viewer = swarm.viewer(index).unwrap();
            let seen = Watched::between(viewer, from, to);
            assert!((25.0..35.0).contains(&seen.frames_per_s), "{seen:?}");
            assert!((650.0..900.0).contains(&seen.kbps), "{seen:?}");
            assert!(seen.latency_ms.iter().all(|ms| *ms >= 40.0) && !seen.latency_ms.is_empty(), "{seen:?}");
            assert_eq!(viewer.frames.shown[0].size, Some((1280, 720)));
            assert!(viewer.offered < viewer.answered && viewer.answered < viewer.connected.unwrap());
            assert_eq!((viewer.frames.missing, viewer.ended.as_ref()), (0, None));
        }
        swarm.leave_all().unwrap();
        assert_eq!(fake.left.load(Ordering::SeqCst), 3);
        assert_eq!(swarm.failures(), Vec::<String>::new());
    }

    #[test]
    fn what_is_lost_on_the_way_is_sent_again_when_asked_for() {
        let fake = Fake::start();
        let mut swarm = Swarm::new(Ipv4Addr::LOCALHOST.into()).unwrap();
        let lossy = Settings { loss: 0.05, ..Settings::default() };
        let index = swarm.join(&target(&fake), Behaviour { down: lossy, ..Behaviour::default() }, true);
        watch(&mut swarm, &[index], Duration::from_secs(3));
        let viewer = swarm.viewer(index).unwrap();
        let (_, lost) = viewer.link_losses();
        assert!(lost > 0 && viewer.frames.missing < lost, "{lost} lost, {} missing", viewer.frames.missing);
        swarm.leave_all().unwrap();
    }

    #[test]
    fn a_narrow_link_lets_through_no_more_than_its_rate() {
        let fake = Fake::start();
        let mut swarm = Swarm::new(Ipv4Addr::LOCALHOST.into()).unwrap();
        let index = swarm.join(&target(&fake), Behaviour::default(), true);
        watch(&mut swarm, &[index], Duration::ZERO);
        swarm
            .viewer_mut(index)
            .unwrap()
            .set_down(Settings { rate_bps: Some(300_000), ..Settings::default() });
        let (from, to) = watch(&mut swarm, &[index], Duration::from_secs(3));
        let viewer = swarm.viewer(index).unwrap();
        let seen = Watched::between(viewer, from, to);
        assert!(seen.kbps < 330.0 && viewer.link_losses().0 > 0, "{seen:?}");
        swarm.leave_all().unwrap();
    }

    #[test]
    fn feedback_for_congestion_control_is_given_unless_it_is_not_wanted() {
        for wanted in [true, false] {
            let fake = Fake::start();
            let mut swarm = Swarm::new(Ipv4Addr::LOCALHOST.into()).unwrap();
            let index = swarm.join(&target(&fake), Behaviour::default(), wanted);
            watch(&mut swarm, &[index], Duration::from_secs(2));
            assert_eq!(fake.estimates.load(Ordering::SeqCst) > 0, wanted);
            assert!(!crate::cipher::chosen().is_empty());
            swarm.leave_all().unwrap();
        }
    }

    #[test]
    fn a_server_that_says_no_is_told_as_a_failure() {
        let mut swarm = Swarm::new(Ipv4Addr::LOCALHOST.into()).unwrap();
        let nowhere = Target::Whep { url: Url::parse("http://127.0.0.1:1/whep").unwrap(), token: None };
        let index = swarm.join(&nowhere, Behaviour::default(), true);
        swarm.run_until(Instant::now() + Duration::from_secs(10), |swarm| swarm.joining() == 0).unwrap();
        assert!(swarm.viewer(index).is_none());
        assert!(swarm.failures()[0].starts_with("viewer 0: POST 127.0.0.1:1/whep"), "{:?}", swarm.failures());
    }
}
