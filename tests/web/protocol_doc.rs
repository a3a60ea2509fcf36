//! docs/protocol.md and the program say the same.

use crate::support::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeSet;
use vitrina::core::principal::Role;
use vitrina::core::protocol::{
    ByeReason, ClientMessage, DescriptionType, ErrorCode, FailureCause, LeftReason, MAX_MESSAGE, MediaKind,
    PausedBy, RoomOverReason, ServerMessage, SourceKindName, VERSION,
};
use vitrina::web::OUTBOX_CAPACITY;

const DOC: &str = include_str!("../../docs/protocol.md");

/// The JSON blocks of one label: ```` ```json LABEL ````.
fn blocks(label: &str) -> Vec<Value> {
    let start = format!("\n```json {label}\n");
    DOC.split(&start)
        .skip(1)
        .map(|rest| rest.split("\n```").next().unwrap())
        .map(|text| serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}")))
        .collect()
}

/// Reads each block as `T` and writes it again: nothing may be missing, misspelt or too much.
fn messages<T: Serialize + DeserializeOwned>(label: &str) -> Vec<T> {
    let blocks = blocks(label);
    assert!(!blocks.is_empty());
    blocks
        .into_iter()
        .map(|block| {
            let message: T =
                serde_json::from_value(block.clone()).unwrap_or_else(|error| panic!("{error}: {block}"));
            assert_eq!(serde_json::to_value(&message).unwrap(), block);
            message
        })
        .collect()
}

/// Number of variants, and which one this is. Another variant does not compile until it is here.
fn client_variant(message: &ClientMessage) -> (usize, usize) {
    let index = match message {
        ClientMessage::Hello { .. } => 0,
        ClientMessage::Join { .. } => 1,
        ClientMessage::Select { .. } => 2,
        ClientMessage::Answer { .. } => 3,
        ClientMessage::Candidate { .. } => 4,
        ClientMessage::Ping { .. } => 5,
        ClientMessage::Leave => 6,
        ClientMessage::Choose { .. } => 7,
        ClientMessage::WatchViewers { .. } => 8,
        ClientMessage::EndViewer { .. } => 9,
        ClientMessage::Pause { .. } => 10,
        ClientMessage::Resume { .. } => 11,
        ClientMessage::Restart => 12,
        ClientMessage::Invite(_) => 13,
        ClientMessage::Invitations => 14,
        ClientMessage::Revoke { .. } => 15,
        ClientMessage::Enter(_) => 16,
        ClientMessage::Exit => 17,
        ClientMessage::Rename { .. } => 18,
        ClientMessage::Say(_) => 19,
        ClientMessage::CatchUp { .. } => 20,
        ClientMessage::Point(_) => 21,
        ClientMessage::Presence(_) => 22,
        ClientMessage::Signal { .. } => 23,
        ClientMessage::MakeRoom { .. } => 24,
        ClientMessage::CloseRoom { .. } => 25,
        ClientMessage::Pictures { .. } => 26,
        ClientMessage::Seen { .. } => 27,
    };
    (28, index)
}

fn server_variant(message: &ServerMessage) -> (usize, usize) {
    let index = match message {
        ServerMessage::Welcome { .. } => 0,
        ServerMessage::Offer { .. } => 1,
        ServerMessage::Candidate { .. } => 2,
        ServerMessage::Source { .. } => 3,
        ServerMessage::Pong { .. } => 4,
        ServerMessage::Error { .. } => 5,
        ServerMessage::Bye { .. } => 6,
        ServerMessage::Rendition { .. } => 7,
        ServerMessage::IceServers { .. } => 8,
        ServerMessage::Viewers { .. } => 9,
        ServerMessage::Invitation { .. } => 10,
        ServerMessage::Invitations { .. } => 11,
        ServerMessage::Room(_) => 12,
        ServerMessage::Arrived { .. } => 13,
        ServerMessage::Changed { .. } => 14,
        ServerMessage::Left { .. } => 15,
        ServerMessage::Said(_) => 16,
        ServerMessage::History { .. } => 17,
        ServerMessage::Pointed { .. } => 18,
        ServerMessage::Signal { .. } => 19,
        ServerMessage::Rooms { .. } => 20,
        ServerMessage::RoomOver { .. } => 21,
        ServerMessage::Sources { .. } => 22,
    };
    (23, index)
}

fn assert_all_shown<T>(messages: &[T], variant: impl Fn(&T) -> (usize, usize)) {
    let shown: BTreeSet<usize> = messages.iter().map(|message| variant(message).1).collect();
    assert_eq!(shown.len(), variant(&messages[0]).0, "a message has no example");
}

#[test]
fn every_message_is_shown_as_the_program_reads_and_writes_it() {
    assert_all_shown(&messages::<ClientMessage>("client"), client_variant);
    assert_all_shown(&messages::<ServerMessage>("server"), server_variant);
}

#[test]
fn every_json_block_is_looked_at() {
    let looked_at: usize = ["client", "server", "session", "login", "refusal", "problem"]
        .iter()
        .map(|label| blocks(label).len())
        .sum();
    assert_eq!(DOC.matches("\n```json").count(), looked_at);
}

/// The words of an enum, each as its table or text shows it.
fn assert_words<T: Serialize>(all: &[T]) {
    for one in all {
        let word = serde_json::to_value(one).unwrap();
        let word = format!("`{}`", word.as_str().unwrap());
        assert!(DOC.contains(&word), "{word} is not explained");
    }
}

#[test]
fn every_word_is_explained() {
    // Exhaustive: a new variant does not compile until it is listed.
    let known = |code: ErrorCode| match code {
        ErrorCode::BadMessage
        | ErrorCode::BadVersion
        | ErrorCode::OutOfOrder
        | ErrorCode::UnknownSource
        | ErrorCode::UnknownRung
        | ErrorCode::UnknownViewer
        | ErrorCode::BadInvitation
        | ErrorCode::Forbidden
        | ErrorCode::NoCodec
        | ErrorCode::BadSdp
        | ErrorCode::BadCandidate
        | ErrorCode::ConnectionFailed
        | ErrorCode::TooFast
        | ErrorCode::UnknownRoom
        | ErrorCode::RoomFull
        | ErrorCode::BadName
        | ErrorCode::NotInRoom
        | ErrorCode::MayNotTalk
        | ErrorCode::CallFull
        | ErrorCode::UnknownParticipant
        | ErrorCode::BadText
        | ErrorCode::Internal => code,
    };
    assert_words(
        &[
            ErrorCode::BadMessage,
            ErrorCode::BadVersion,
            ErrorCode::OutOfOrder,
            ErrorCode::UnknownSource,
            ErrorCode::UnknownRung,
            ErrorCode::UnknownViewer,
            ErrorCode::BadInvitation,
            ErrorCode::Forbidden,
            ErrorCode::NoCodec,
            ErrorCode::BadSdp,
            ErrorCode::BadCandidate,
            ErrorCode::ConnectionFailed,
            ErrorCode::TooFast,
            ErrorCode::UnknownRoom,
            ErrorCode::RoomFull,
            ErrorCode::BadName,
            ErrorCode::NotInRoom,
            ErrorCode::MayNotTalk,
            ErrorCode::CallFull,
            ErrorCode::UnknownParticipant,
            ErrorCode::BadText,
            ErrorCode::Internal,
        ]
        .map(known),
    );
    let known = |reason: ByeReason| match reason {
        ByeReason::Shutdown
        | ByeReason::Reload
        | ByeReason::Left
        | ByeReason::Revoked
        | ByeReason::Ended
        | ByeReason::Full
        | ByeReason::Timeout
        | ByeReason::ConnectionFailed
        | ByeReason::BadFingerprint
        | ByeReason::ProtocolError
        | ByeReason::TooSlow
        | ByeReason::Internal => reason,
    };
    assert_words(
        &[
            ByeReason::Shutdown,
            ByeReason::Reload,
            ByeReason::Left,
            ByeReason::Revoked,
            ByeReason::Ended,
            ByeReason::Full,
            ByeReason::Timeout,
            ByeReason::ConnectionFailed,
            ByeReason::BadFingerprint,
            ByeReason::ProtocolError,
            ByeReason::TooSlow,
            ByeReason::Internal,
        ]
        .map(known),
    );
    let known = |cause: FailureCause| match cause {
        FailureCause::NotFound
        | FailureCause::Busy
        | FailureCause::Permission
        | FailureCause::Lost
        | FailureCause::Stalled
        | FailureCause::Encoder
        | FailureCause::Other => cause,
    };
    assert_words(&FailureCause::ALL.map(known));
    let known = |by: PausedBy| match by {
        PausedBy::Machine | PausedBy::Admin => by,
    };
    assert_words(&[PausedBy::Machine, PausedBy::Admin].map(known));
    let known = |kind: SourceKindName| match kind {
        SourceKindName::Screen
        | SourceKindName::Camera
        | SourceKindName::Audio
        | SourceKindName::Test
        | SourceKindName::Uri
        | SourceKindName::Launch => kind,
    };
    assert_words(
        &[
            SourceKindName::Screen,
            SourceKindName::Camera,
            SourceKindName::Audio,
            SourceKindName::Test,
            SourceKindName::Uri,
            SourceKindName::Launch,
        ]
        .map(known),
    );
    assert_words(&[MediaKind::Video, MediaKind::Audio]);
    let known = |reason: LeftReason| match reason {
        LeftReason::Left | LeftReason::Lost | LeftReason::Ended => reason,
    };
    assert_words(&[LeftReason::Left, LeftReason::Lost, LeftReason::Ended].map(known));
    let known = |reason: RoomOverReason| match reason {
        RoomOverReason::Closed | RoomOverReason::TakenOver => reason,
    };
    assert_words(&[RoomOverReason::Closed, RoomOverReason::TakenOver].map(known));
    let known = |kind: DescriptionType| match kind {
        DescriptionType::Offer | DescriptionType::Answer | DescriptionType::Rollback => kind,
    };
    assert_words(&[DescriptionType::Offer, DescriptionType::Answer, DescriptionType::Rollback].map(known));
}

#[test]
fn the_numbers_are_the_program_s() {
    assert!(DOC.starts_with(&format!("# The protocol, version {VERSION}\n")));
    assert!(DOC.contains(&format!("| one message of the viewer | {MAX_MESSAGE} bytes |")));
    assert!(DOC.contains(&format!("| {OUTBOX_CAPACITY}, and 10 s for each |")));
}

#[test]
fn the_session_s_examples_are_what_the_server_takes_and_gives() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let running = start(&config(state.path()));
        let sessions = blocks("session");
        assert_eq!(sessions[0], running.get("/api/session").await.json());
        let logins = blocks("login");
        let wrong = running.log_in(&logins[0].to_string()).await;
        assert_eq!(blocks("refusal"), [wrong.json()]);

        let with_password = start(&password(config(state.path()), logins[1]["password"].as_str().unwrap()));
        assert_eq!(with_password.log_in(&logins[1].to_string()).await.status, 204);

        let (name, secret) = (logins[2]["name"].as_str().unwrap(), logins[2]["password"].as_str().unwrap());
        let named = start(&with_account(config(state.path()), account(name, secret, Role::Admin)));
        let cookie = named.log_in(&logins[2].to_string()).await.cookie();
        let head = format!("GET /api/session HTTP/1.1\r\nCookie: {cookie}");
        assert_eq!(sessions[1], named.request(&head, "").await.json());
        let unknown = named.log_in(&logins[3].to_string()).await;
        assert_eq!((unknown.status, &unknown.json()["error"]["code"]), (401, &"wrong_token".into()));
        assert_eq!((sessions.len(), logins.len()), (2, 4));
    });
}

#[test]
fn the_fragment_of_whep_is_one_and_every_refusal_is_in_the_table() {
    let fragment = DOC.split("```text fragment\n").nth(1).unwrap().split("```").next().unwrap();
    assert_eq!(vitrina::core::whep::Fragment::parse(fragment).unwrap().candidates().len(), 1);
    let [problem] = blocks("problem").try_into().unwrap();
    let keys: Vec<_> = problem.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["detail", "status", "title"]);
    // The codes as they stand in the program.
    let source = include_str!("../../src/web/whep.rs");
    let codes = source.split(|c: char| !(c.is_ascii_lowercase() || c == '_' || c == '"'));
    let codes: BTreeSet<_> = codes
        .filter_map(|word| word.strip_prefix('"')?.strip_suffix('"'))
        .filter(|word| word.contains('_') || ["full", "ended", "unavailable"].contains(word))
        .collect();
    assert!(codes.len() > 8, "{codes:?}");
    for code in codes {
        assert!(DOC.contains(&format!("`{code}`")), "{code}");
    }
}
