//! WebSocket <-> events.

use crate::support::*;
use async_tungstenite::tungstenite::Message;
use async_tungstenite::tungstenite::protocol::frame::{CloseFrame, coding::CloseCode};
use futures_lite::{AsyncReadExt, AsyncWriteExt, StreamExt};
use smol::Timer;
use std::time::{Duration, Instant};
use vitrina::core::protocol::{
    ByeReason, ClientMessage, ErrorCode, FrameHead, FrameKind, MAX_CAMERA, MAX_MESSAGE, ServerMessage,
};
use vitrina::web::{Deadlines, Event, OUTBOX_CAPACITY};

const SHORT: Duration = Duration::from_millis(200);
/// Well under the deadlines that are not shortened, well over what a busy machine needs.
const LONG: Duration = Duration::from_secs(8);

fn open_server() -> (tempfile::TempDir, Running) {
    let state = tempfile::tempdir().unwrap();
    let running = start(&open(config(state.path())));
    (state, running)
}

fn open_server_with(deadlines: Deadlines) -> (tempfile::TempDir, Running) {
    let state = tempfile::tempdir().unwrap();
    let running = start_with(&open(config(state.path())), deadlines, 64);
    (state, running)
}

fn bye() -> ServerMessage {
    ServerMessage::Bye { reason: ByeReason::Left, message: "until then".into(), retry_ms: None }
}

#[test]
fn messages_go_both_ways_and_the_end_is_announced_last() {
    run(async {
        let (_state, running) = open_server();
        let mut socket = running.socket(&[]).await.unwrap();
        let outbox = running.opened().await;

        socket.send(Message::text(r#"{"type":"join"}"#)).await.unwrap();
        assert_eq!(running.message().await, ClientMessage::Join { sources: None, select: None, data: false });
        outbox.send(bye()).unwrap();
        assert_eq!(next_json(&mut socket).await["type"], "bye");

        socket.close(None).await.unwrap();
        running.closed().await;
        assert_eq!(close_code(&mut socket).await, None, "an echo without a code");
        assert!(outbox.send(bye()).is_err(), "it has gone");
        assert!(running.events.is_empty());
    });
}

#[test]
fn viewers_are_numbered_and_kept_apart() {
    run(async {
        let (_state, running) = open_server();
        let mut ids = Vec::new();
        let mut sockets = Vec::new();
        for _ in 0..3 {
            sockets.push(running.socket(&[]).await.unwrap());
            match running.event().await {
                Event::Opened { viewer, outbox, .. } => ids.push((viewer, outbox)),
                other => panic!("{other:?}"),
            }
        }
        assert!(ids[0].0 < ids[1].0 && ids[1].0 < ids[2].0);
        ids[1].1.send(ServerMessage::Pong { id: 7, time_ms: 0.5 }).unwrap();
        assert_eq!(next_json(&mut sockets[1]).await["id"], 7);
    });
}

#[test]
fn dropping_the_outbox_writes_what_is_queued_and_closes() {
    run(async {
        let (_state, running) = open_server();
        let mut socket = running.socket(&[]).await.unwrap();
        let outbox = running.opened().await;
        for id in 0..100 {
            outbox.send(ServerMessage::Pong { id, time_ms: 0.0 }).unwrap();
        }
        drop(outbox);
        for id in 0..100 {
            assert_eq!(next_json(&mut socket).await["id"], id);
        }
        assert_eq!(close_code(&mut socket).await, Some(1000));
        running.closed().await;
    });
}

#[test]
fn the_subprotocol_is_echoed_when_offered() {
    run(async {
        let (_state, running) = open_server();
        let upgrade = "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        for (offer, expected) in [
            ("Sec-WebSocket-Protocol: other, vitrina.v1\r\n", Some("vitrina.v1")),
            ("Sec-WebSocket-Protocol: other\r\n", None),
            ("", None),
        ] {
            let mut stream = running.tcp().await;
            let head = format!("{upgrade}Host: {}\r\n{offer}\r\n", running.addr());
            stream.write_all(head.as_bytes()).await.unwrap();
            let mut bytes = Vec::new();
            let mut byte = [0];
            while !bytes.ends_with(b"\r\n\r\n") {
                stream.read_exact(&mut byte).await.unwrap();
                bytes.push(byte[0]);
            }
            let answer = response(&bytes);
            assert_eq!(answer.status, 101);
            // The example of RFC 6455 section 1.3.
            assert_eq!(answer.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
            assert_eq!(answer.header("sec-websocket-protocol"), expected);
        }
    });
}

#[test]
fn a_frame_sent_together_with_the_upgrade_is_not_lost() {
    run(async {
        let (_state, running) = open_server();
        let mut stream = running.tcp().await;
        let mut bytes = format!("GET /ws HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", running.addr()).into_bytes();
        let text = br#"{"type":"leave"}"#;
        bytes.extend([0x81, 0x80 | text.len() as u8, 0, 0, 0, 0]);
        bytes.extend(text);
        stream.write_all(&bytes).await.unwrap();
        let _outbox = running.opened().await;
        assert_eq!(running.message().await, ClientMessage::Leave);
    });
}

#[test]
fn ping_is_answered_here_with_the_time() {
    run(async {
        let (_state, running) = open_server();
        let mut socket = running.socket(&[]).await.unwrap();
        let _outbox = running.opened().await;
        let before = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        socket.send(Message::text(r#"{"type":"ping","id":18446744073709551615}"#)).await.unwrap();
        let pong = next_json(&mut socket).await;
        assert_eq!(pong["type"], "pong");
        assert_eq!(pong["id"], u64::MAX);
        let time_ms = pong["time_ms"].as_f64().unwrap();
        assert!(
            time_ms >= before.as_secs_f64() * 1000.0 - 1.0 && time_ms < before.as_secs_f64() * 1000.0 + 30e3
        );
        assert!(running.events.is_empty());
    });
}

#[test]
fn what_is_no_message_is_reported_and_the_connection_goes_on() {
    run(async {
        let (_state, running) = open_server();
        let mut socket = running.socket(&[]).await.unwrap();
        let _outbox = running.opened().await;
        let long = format!(r#"{{"type":"{}"}}"#, "x".repeat(1000));
        for bad in [
            Message::text("nonsense"),
            Message::text(r#"{"type":"answer"}"#),
            Message::text(long),
            Message::text("[".repeat(10_000)),
            Message::binary(vec![1, 2, 3]),
        ] {
            socket.send(bad).await.unwrap();
            match running.event().await {
                Event::Malformed { code: ErrorCode::BadMessage, message, .. } => {
                    assert!(message.len() < 300 && message.ends_with('.'), "{message}");
                }
                other => panic!("{other:?}"),
            }
        }
        socket.send(Message::text(r#"{"type":"leave"}"#)).await.unwrap();
        assert_eq!(running.message().await, ClientMessage::Leave);
    });
}

#[test]
fn the_largest_message_passes_and_a_larger_one_ends_the_connection() {
    run(async {
        let (_state, running) = open_server();
        let mut socket = running.socket(&[]).await.unwrap();
        let outbox = running.opened().await;
        let frame = |size: usize| {
            let empty = r#"{"type":"answer","sdp":""}"#.len();
            Message::text(format!(r#"{{"type":"answer","sdp":"{}"}}"#, "x".repeat(size - empty)))
        };
        socket.send(frame(MAX_MESSAGE)).await.unwrap();
        assert!(matches!(running.message().await, ClientMessage::Answer { .. }));

        socket.send(frame(MAX_MESSAGE + 1)).await.unwrap();
        match running.event().await {
            Event::Malformed { code: ErrorCode::BadMessage, message, .. } => {
                assert!(message.contains("65536"), "{message}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(close_code(&mut socket).await, Some(1009));
        running.closed().await;
        drop(outbox);
    });
}

#[test]
fn who_is_still_sending_too_much_reads_the_close_frame_all_the_same() {
    run(async {
        let (_state, running) = open_server();
        let mut socket = running.socket(&[]).await.unwrap();
        let _outbox = running.opened().await;
        // More than the buffers of both sockets hold.
        socket.send(Message::text("x".repeat(20_000_000))).await.unwrap();
        assert!(matches!(running.event().await, Event::Malformed { .. }));
        assert_eq!(close_code(&mut socket).await, Some(1009));
    });
}

#[test]
fn frames_against_the_rfc_end_the_connection() {
    run(async {
        let (_state, running) = open_server();
        // Not masked; not UTF-8; a continuation of nothing.
        for (bytes, code) in [
            (&[0x81, 0x01, b'x'][..], 1002),
            (&[0x81, 0x81, 0, 0, 0, 0, 0xff][..], 1007),
            (&[0x80, 0x80, 0, 0, 0, 0][..], 1002),
        ] {
            let mut socket = running.socket(&[]).await.unwrap();
            let _outbox = running.opened().await;
            socket.get_mut().write_all(bytes).await.unwrap();
            assert!(matches!(running.event().await, Event::Malformed { .. }));
            assert_eq!(close_code(&mut socket).await, Some(code));
            running.closed().await;
        }
    });
}

#[test]
fn a_burst_of_candidates_passes_and_a_flood_is_slowed_and_reported_once() {
    run(async {
        const SENT: u32 = 425;
        let state = tempfile::tempdir().unwrap();
        // Room for all events: only the rate holds the client up.
        let running = start_with(&open(config(state.path())), Deadlines::default(), 1024);
        let mut socket = running.socket(&[]).await.unwrap();
        let _outbox = running.opened().await;
        let since = Instant::now();
        for mline in 0..SENT {
            let text = format!(r#"{{"type":"candidate","mline":{mline},"candidate":""}}"#);
            socket.send(Message::text(text)).await.unwrap();
        }
        let mut reports = 0;
        let mut next = 0;
        while next < SENT {
            match running.event().await {
                Event::Message { message: ClientMessage::Candidate { mline, .. }, .. } => {
                    assert_eq!(mline, next, "none is lost");
                    next += 1;
                }
                Event::Malformed { code: ErrorCode::TooFast, .. } => {
                    assert!(next >= 400, "{next}");
                    reports += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(reports, 1);
        assert!(since.elapsed() >= Duration::from_millis(50) * 25, "{:?}", since.elapsed());
    });
}

#[test]
fn a_client_that_answers_pings_stays_and_a_silent_one_goes() {
    run(async {
        let silence = Duration::from_secs(1);
        let deadlines = Deadlines { ping: silence / 20, silence, ..Deadlines::default() };
        let (_state, running) = open_server_with(deadlines);

        // Reads, and so answers pings, for longer than the deadline.
        let mut lively = running.socket(&[]).await.unwrap();
        let outbox = running.opened().await;
        let mut pings = 0;
        let end = Instant::now() + silence * 3 / 2;
        while Instant::now() < end {
            match lively.next().await {
                Some(Ok(Message::Ping(_))) => pings += 1,
                other => panic!("{other:?}"),
            }
        }
        assert!(pings >= 3, "{pings}");
        assert!(running.events.is_empty());
        drop((lively, outbox));
        running.closed().await;

        // Never reads.
        let _silent = running.socket(&[]).await.unwrap();
        let _outbox = running.opened().await;
        let since = Instant::now();
        running.closed().await;
        assert!(since.elapsed() >= silence / 2 && since.elapsed() < LONG, "{:?}", since.elapsed());
    });
}

#[test]
fn a_client_that_does_not_read_is_closed_and_its_outbox_says_so() {
    run(async {
        let deadlines = Deadlines { write: SHORT, ..Deadlines::default() };
        let (_state, running) = open_server_with(deadlines);
        let mut socket = running.socket(&[]).await.unwrap();
        let outbox = running.opened().await;
        let offer = ServerMessage::Offer { sdp: "x".repeat(100_000), tracks: vec![] };
        let mut sent = 0;
        while outbox.send(offer.clone()).is_ok() {
            sent += 1;
            assert!(sent < 100_000);
            if sent % 16 == 0 {
                smol::future::yield_now().await;
            }
        }
        assert!(sent >= OUTBOX_CAPACITY);
        running.closed().await;
        // What the kernel holds can still be read; then the connection is at its end.
        while let Some(Ok(_)) = socket.next().await {}
    });
}

#[test]
fn a_client_that_vanishes_is_announced_once() {
    run(async {
        let (_state, running) = open_server();
        for _ in 0..5 {
            let socket = running.socket(&[]).await.unwrap();
            let _outbox = running.opened().await;
            drop(socket);
            running.closed().await;
            assert!(running.events.is_empty());
        }
    });
}

#[test]
fn a_full_event_channel_holds_up_that_client_alone_and_loses_nothing() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let running = start_with(&open(config(state.path())), Deadlines::default(), 2);
        let mut socket = running.socket(&[]).await.unwrap();
        let outbox = running.opened().await;
        for mline in 0..50 {
            let text = format!(r#"{{"type":"candidate","mline":{mline},"candidate":""}}"#);
            socket.send(Message::text(text)).await.unwrap();
        }
        // The daemon does not listen; what it says arrives all the same, and the page is served.
        outbox.send(ServerMessage::Pong { id: 1, time_ms: 0.0 }).unwrap();
        assert_eq!(next_json(&mut socket).await["id"], 1);
        assert_eq!(running.get("/").await.status, 200);
        for expected in 0..50 {
            assert!(
                matches!(running.message().await, ClientMessage::Candidate { mline, .. } if mline == expected)
            );
        }
        drop(socket);
        running.closed().await;
    });
}

#[test]
fn when_nobody_listens_for_events_the_client_is_sent_away() {
    run(async {
        let (_state, running) = open_server();
        running.events.close();
        let mut socket = running.socket(&[]).await.unwrap();
        assert_eq!(close_code(&mut socket).await, Some(1001));
    });
}

#[test]
fn the_client_closing_handshake_is_answered_with_its_code() {
    run(async {
        let (_state, running) = open_server();
        let mut socket = running.socket(&[]).await.unwrap();
        let _outbox = running.opened().await;
        let frame = CloseFrame { code: CloseCode::Away, reason: "".into() };
        socket.close(Some(frame)).await.unwrap();
        assert_eq!(close_code(&mut socket).await, Some(1001));
        running.closed().await;
    });
}

#[test]
fn stop_waits_for_the_last_words() {
    run(async {
        let (_state, running) = open_server();
        let mut socket = running.socket(&[]).await.unwrap();
        let outbox = running.opened().await;
        let mut idle = running.tcp().await;
        idle.write_all(b"GET /").await.unwrap();

        outbox.send(bye()).unwrap();
        drop(outbox);
        running.server.stop();
        assert_eq!(next_json(&mut socket).await["type"], "bye");
        assert_eq!(close_code(&mut socket).await, Some(1000));
        running.closed().await;
        let since = Instant::now();
        running.task.await;
        assert!(since.elapsed() < Duration::from_secs(3));
        drop(running.server);
        assert!(read_to_end(&mut idle).await.is_empty());
    });
}

#[test]
fn idle_connections_do_not_hold_up_a_stop() {
    run(async {
        let deadlines = Deadlines { stop: 2 * LONG, head: 2 * LONG, ..Deadlines::default() };
        let (_state, running) = open_server_with(deadlines);
        let fresh = running.tcp().await;
        let mut kept_alive = running.tcp().await;
        let head = format!("HEAD / HTTP/1.1\r\nHost: {}\r\n\r\n", running.addr());
        kept_alive.write_all(head.as_bytes()).await.unwrap();
        kept_alive.read_exact(&mut [0; 12]).await.unwrap();

        let since = Instant::now();
        running.server.stop();
        running.task.await;
        assert!(since.elapsed() < LONG, "{:?}", since.elapsed());
        drop((fresh, kept_alive));
    });
}

#[test]
fn dropping_the_run_ends_every_connection() {
    run(async {
        let (_state, running) = open_server();
        let mut socket = running.socket(&[]).await.unwrap();
        let _outbox = running.opened().await;
        let mut idle = running.tcp().await;
        drop(running.task);
        assert!(!matches!(socket.next().await, Some(Ok(_))));
        assert!(matches!(running.events.recv().await, Ok(Event::Closed { .. })));
        drop(running.server);
        assert!(read_to_end(&mut idle).await.is_empty());
    });
}

#[test]
fn a_half_open_upgrade_does_not_reach_the_daemon() {
    run(async {
        let (_state, running) = open_server();
        let mut stream = running.tcp().await;
        stream.write_all(b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n").await.unwrap();
        drop(stream);
        // Another client comes after it, and its event is the first.
        let _socket = running.socket(&[]).await.unwrap();
        assert!(matches!(running.event().await, Event::Opened { .. }));
        Timer::after(Duration::ZERO).await;
        assert!(running.events.is_empty());
    });
}

/// A picture of a camera, 640 by 360, that nobody decodes, with so many bytes more.
fn picture(more: usize) -> Vec<u8> {
    let mut jpeg = vec![0xff, 0xd8, 0xff, 0xc0, 0, 11, 8, 1, 0x68, 2, 0x80, 1, 1, 0x11, 0];
    jpeg.resize(jpeg.len() + more, 7);
    jpeg.extend([0xff, 0xd9]);
    let head = FrameHead { kind: FrameKind::Participant, number: 1, time_us: 7, subject: 0 };
    head.before(&jpeg)
}

#[test]
fn pictures_of_a_camera_come_in_and_those_that_are_too_many_are_dropped() {
    run(async {
        let (_state, running) = open_server();
        let mut socket = running.socket(&[]).await.unwrap();
        let _outbox = running.opened().await;
        for _ in 0..100 {
            socket.send(Message::binary(picture(0))).await.unwrap();
        }
        socket.send(Message::text(r#"{"type":"leave"}"#)).await.unwrap();
        let mut pictures = 0;
        loop {
            match running.event().await {
                Event::Picture { time_us: 7, jpeg, .. } => {
                    assert_eq!(jpeg, picture(0)[17..]);
                    pictures += 1;
                }
                Event::Message { message: ClientMessage::Leave, .. } => break,
                other => panic!("{other:?}"),
            }
        }
        assert!((1..100).contains(&pictures), "{pictures} of 100");
    });
}

#[test]
fn a_picture_that_is_none_is_a_mistake_and_one_too_large_the_end() {
    run(async {
        let (_state, running) = open_server();
        let mut socket = running.socket(&[]).await.unwrap();
        let _outbox = running.opened().await;
        socket.send(Message::binary(picture(0)[..30].to_vec())).await.unwrap();
        assert!(matches!(running.event().await, Event::Malformed { code: ErrorCode::BadMessage, .. }));
        socket.send(Message::binary(picture(MAX_CAMERA))).await.unwrap();
        assert!(matches!(running.event().await, Event::Malformed { code: ErrorCode::BadMessage, .. }));
        assert_eq!(close_code(&mut socket).await, Some(1009));
    });
}

#[test]
fn a_message_goes_before_the_pictures_and_sounds_that_wait() {
    run(async {
        let (_state, running) = open_server();
        let mut socket = running.socket(&[]).await.unwrap();
        let outbox = running.opened().await;
        // More than a connection that nobody reads takes, so that the rest waits.
        let large = vec![1; 8 * 1024 * 1024];
        outbox.frames().put_picture((1, 0), large.clone());
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::binary(large.clone()));
        outbox.frames().put_picture((1, 0), large.clone());
        // Until it is being written.
        while outbox.frames().recall_picture((1, 0)) {
            outbox.frames().put_picture((1, 0), large.clone());
            Timer::after(Duration::from_millis(20)).await;
        }
        outbox.frames().put_picture((1, 1), vec![2]);
        outbox.frames().put_sound(vec![3]);
        outbox.send(ServerMessage::Pong { id: 5, time_ms: 0.0 }).unwrap();
        let mut came = Vec::new();
        while came.len() < 4 {
            came.push(match socket.next().await.unwrap().unwrap() {
                Message::Text(_) => 0,
                Message::Binary(frame) => frame[0],
                _ => continue,
            });
        }
        let place = |of: u8| came.iter().position(|each| *each == of).unwrap();
        assert!(place(0) == 1 && place(0) < place(3) && place(3) < place(2), "{came:?}");
    });
}
