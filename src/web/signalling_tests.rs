//! A connection that is slow, or never idle.

use super::*;
use crate::core::principal::{Principal, Rights};
use smol::net::unix::UnixStream;

type Client = WebSocketStream<UnixStream>;

/// Runs a client against a connection, until it has ended. It is given the way to it.
fn with<T>(
    deadlines: &Deadlines,
    act: impl AsyncFnOnce(Client, UnixStream, &Outbox, &Receiver<Event>) -> T,
) -> T {
    smol::block_on(async {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (sender, events) = async_channel::bounded(16);
        let grant = Grant::of(Principal::anyone(Rights::All));
        let guest = Guest { grant, peer: SocketAddr::from(([127, 0, 0, 1], 1)) };
        let run = async {
            run(ours, Vec::new(), ViewerId(1), guest, &sender, deadlines).await;
            std::future::pending().await
        };
        let client = async {
            let Ok(Event::Opened { outbox, .. }) = events.recv().await else { panic!("not opened") };
            let raw = theirs.clone();
            let client = WebSocketStream::from_raw_socket(theirs, Role::Client, None).await;
            act(client, raw, &outbox, &events).await
        };
        run.or(client).await
    })
}

#[test]
fn who_always_has_something_to_read_is_pinged_too() {
    let deadlines = Deadlines { ping: Duration::from_millis(1), ..Deadlines::default() };
    with(&deadlines, async |mut client, _, outbox, _| {
        // More than the kernel takes: some wait whenever one is written.
        let put = |number| outbox.frames().put_picture((1, number), vec![0; 400 * 1024]);
        (0..4).for_each(put);
        for number in 4..500u32 {
            put(number);
            if let Message::Ping(_) = client.next().await.unwrap().unwrap() {
                return;
            }
        }
        panic!("no ping");
    });
}

#[test]
fn a_frame_that_takes_long_is_no_silence() {
    let silence = Duration::from_secs(1);
    let deadlines = Deadlines { silence, ping: Duration::from_secs(60), ..Deadlines::default() };
    with(&deadlines, async |_client, mut raw, _, events| {
        // Masked by zeroes (RFC 6455 section 5.3).
        let text = br#"{"type":"catch_up","since":7}"#;
        let mut frame = vec![0x81, 0x80 | u8::try_from(text.len()).unwrap(), 0, 0, 0, 0];
        frame.extend(text);
        for part in frame.chunks(frame.len().div_ceil(5)) {
            Timer::after(silence * 2 / 5).await;
            raw.write_all(part).await.unwrap();
        }
        let event = events.recv().await.unwrap();
        assert!(
            matches!(event, Event::Message { message: ClientMessage::CatchUp { since: 7 }, .. }),
            "{event:?}"
        );
        // And then nothing.
        assert!(matches!(events.recv().await.unwrap(), Event::Closed { .. }));
    });
}
