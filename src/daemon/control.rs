//! What programs on the machine ask by the control socket, answered.

use super::Daemon;
use crate::control::Asked;
use crate::core::control::{Answer, Request};
use std::time::Instant;

impl Daemon {
    pub(super) fn answer(&mut self, now: Instant, Asked { request, reply }: Asked) {
        match request {
            Request::Status => reply.send(Answer::Status(Box::new(self.status(now)))),
            Request::Reload => {
                tracing::info!("reload asked for by the control socket");
                self.reload(Some(reply));
            }
        }
    }
}
