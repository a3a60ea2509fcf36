//! What is asked over the signalling and is not the session's own affair: this knows who may, and when.

use super::Session;
use super::events::{AdminRequest, Effect};
use crate::core::protocol::{ClientMessage, ErrorCode};
use crate::core::room::Request;

impl Session {
    pub(super) fn administer(&mut self, request: AdminRequest, effects: &mut Vec<Effect>) {
        if !self.is_greeted() {
            self.out_of_order("what admins ask comes after welcome", effects);
        } else if self.is_admin {
            effects.push(Effect::Administer(request));
        } else {
            self.mistake(ErrorCode::Forbidden, "That is for admins.".into(), effects);
        }
    }

    /// What follows is the rooms' own affair: this knows who may ask and when.
    pub(super) fn room(&mut self, message: ClientMessage, effects: &mut Vec<Effect>) {
        let Some(request) = Request::of(message) else { return };
        if !self.is_greeted() {
            self.out_of_order("the room comes after welcome", effects);
        } else if request.is_for_admins() && !self.is_admin {
            self.mistake(ErrorCode::Forbidden, "That is for admins.".into(), effects);
        } else {
            effects.push(Effect::Room(request));
        }
    }
}
