//! What the daemon tells the audit log of its viewers.

use super::viewer::Guest;
use crate::core::audit::{AddressForm, TARGET};
use crate::core::ids::{SourceName, ViewerId};
use crate::core::protocol::ByeReason;
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
    let reason = serde_json::to_value(reason).unwrap_or_default();
    let reason = reason.as_str().unwrap_or_default();
    tracing::info!(target: TARGET, event = "shown_out", %viewer, %who, reason, "viewer is shown out");
}

/// A limit keeps somebody out.
pub(super) fn refused(form: AddressForm, guest: &Guest, why: &str) {
    let (who, from) = (&guest.principal().who, form.show(guest.address.ip()));
    tracing::info!(target: TARGET, event = "refused", %who, from, why, "viewer is refused");
}
