//! `[room]`: whether viewers can meet, and what they may there.

use super::keys;
use super::load::repeated;
use super::reader::{Read, Section, Wrong, quoted};
use super::values;
use crate::core::ids::RoomName;
use crate::core::room::{MAIN, MAX_ROOMS, Settings, Talk};
use toml::de::DeValue;

/// `[room]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// All that the rooms themselves have to know.
    pub settings: Settings,
    /// `history_file`: whether what was said is kept over a restart.
    pub history_file: bool,
}

/// Reads `[room]`; `None` where it does not stand: there are no rooms.
pub(super) fn read(root: &Section<'_>) -> Option<Room> {
    if !root.has("room") {
        return None;
    }
    let section = root.table("room", &keys::ROOM);
    let names = section.list("names", "names of rooms", name).unwrap_or_default();
    if names.len() >= MAX_ROOMS {
        let most = MAX_ROOMS - 1;
        section.wrong("names", &format!("at most {most} rooms"), &names.len().to_string());
    }
    if names.iter().any(|name| name.as_str() == MAIN) {
        section.wrong("names", "names of further rooms", &format!("{}, which is always there", quoted(MAIN)));
    }
    if let Some(twice) = repeated(&names) {
        section.wrong("names", "each name once", &format!("{twice} twice"));
    }
    let talk = values::word(&[("everybody", Talk::Everybody), ("participants", Talk::Participants)]);
    let people = section.get("people", values::count(2..=200)).unwrap_or(32);
    let calls = section.get("calls", values::count(0..=32));
    if let Some(got) = calls.filter(|got| *got > people) {
        section.wrong("calls", &format!("at most {people}, the people in a room"), &got.to_string());
    }
    let settings = Settings {
        title: section.get("title", values::text("a title", 80)).unwrap_or_else(|| "Room".to_owned()),
        names,
        talk: section.get("talk", talk).unwrap_or(Talk::Everybody),
        people,
        calls: calls.unwrap_or(8.min(people)),
        history: section.get("history", values::count(0..=5000)).unwrap_or(200),
        files_mib: section.get("files_mib", values::integer("MiB", 0..=1_048_576)).unwrap_or(4096),
    };
    let history_file = section.get("history_file", values::boolean).unwrap_or(false);
    Some(Room { settings, history_file })
}

fn name(value: &DeValue<'_>) -> Read<RoomName> {
    values::source_name(value).map(RoomName::from).map_err(|_| Wrong::expected(values::SOURCE_NAME))
}
