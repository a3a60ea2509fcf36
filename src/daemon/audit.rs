//! What the daemon tells the audit log of its viewers.

use super::viewer::Guest;
use crate::core::audit::{AddressForm, TARGET};
use crate::core::ids::{RoomName, SourceName, ViewerId};
use crate::core::protocol::ByeReason;
use crate::core::room::Note;
use serde::Serialize;
use std::time::Duration;

/// Somebody has come. `viewers`: how many there are with them.
pub(super) fn came(
    form: AddressForm,
    viewer: ViewerId,
    guest: &Guest,
    viewers: usize,
    message: &'static str,
) {
    let (principal, from) = (guest.principal(), form.show(guest.address.ip()));
    let (who, role) = (&principal.who, principal.role);
    tracing::info!(target: TARGET, event = "came", %viewer, %who, %role, from, viewers, "{message}");
}

/// They watch these.
pub(super) fn watches(viewer: ViewerId, sources: &[SourceName]) {
    let sources = sources.iter().map(SourceName::as_str).collect::<Vec<_>>().join(",");
    tracing::info!(target: TARGET, event = "watches", %viewer, sources, "viewer watches");
}

/// They have gone.
pub(super) fn left(viewer: ViewerId, guest: &Guest, after: Duration, viewers: usize) {
    let (who, after_s) = (&guest.principal().who, after.as_secs());
    tracing::info!(target: TARGET, event = "left", %viewer, %who, after_s, viewers, "viewer left");
}

/// The daemon has ended it.
pub(super) fn shown_out(viewer: ViewerId, guest: &Guest, reason: ByeReason) {
    let who = &guest.principal().who;
    let reason = word(&reason);
    tracing::info!(target: TARGET, event = "shown_out", %viewer, %who, reason, "viewer is shown out");
}

/// A limit keeps somebody out.
pub(super) fn refused(form: AddressForm, guest: &Guest, why: &str) {
    let (who, from) = (&guest.principal().who, form.show(guest.address.ip()));
    tracing::info!(target: TARGET, event = "refused", %who, from, why, "viewer is refused");
}

/// Something about who is in which room.
pub(super) fn room(note: &Note) {
    match note {
        Note::Entered { viewer, who, room, participant, again } => {
            tracing::info!(target: TARGET, event = "entered", %viewer, %who, %room, %participant, again, "viewer enters a room");
        }
        Note::Left { who, room, participant, reason } => {
            let reason = word(reason);
            tracing::info!(target: TARGET, event = "exited", %who, %room, %participant, reason, "participant is gone");
        }
        Note::Refused { viewer, who, room, code } => {
            let (room, code) = (room.as_ref().map(RoomName::as_str), word(code));
            tracing::info!(target: TARGET, event = "room_refused", %viewer, %who, room, code, "viewer is not let into a room or its call");
        }
        Note::Made { who, room } => {
            tracing::info!(target: TARGET, event = "admin", did = "make_room", by = %who, %room, "room made");
        }
        Note::Closed { who, room } => {
            tracing::info!(target: TARGET, event = "admin", did = "close_room", by = %who, %room, "room closed");
        }
    }
}

/// As it stands on the wire.
pub(super) fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).unwrap_or_default().as_str().unwrap_or_default().to_owned()
}
