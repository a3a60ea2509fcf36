//! `vitrina invite`: links that end by themselves, made, listed and taken back by the running daemon.

use super::control::{Error, ask};
use crate::core::control::{Answer, Request};
use crate::core::ids::SourceName;
use crate::core::invitation::{Invitation, Wanted};
use crate::core::principal::InvitationId;
use crate::web::qr;
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Has an invitation made, and shows its link, with a QR code of it for a terminal.
///
/// # Errors
/// [`Error`]
pub fn make(file: Option<&Path>, wanted: Wanted, terminal: bool) -> Result<String, Error> {
    let Answer::Invited { invitation, link } = ask(file, &Request::Invite(wanted))? else {
        return Err(Error::OtherAnswer);
    };
    let code = if terminal { qr::terminal(&link).ok() } else { None };
    let code = code.map(|code| format!("\n{code}\n")).unwrap_or_default();
    Ok(format!("{code}{}\n{link}\n", line(&invitation, SystemTime::now())))
}

/// Every invitation, a line for each.
///
/// # Errors
/// [`Error`]
pub fn list(file: Option<&Path>) -> Result<String, Error> {
    let Answer::Invitations { invitations } = ask(file, &Request::Invitations)? else {
        return Err(Error::OtherAnswer);
    };
    let now = SystemTime::now();
    let lines: String = invitations.iter().map(|invitation| line(invitation, now) + "\n").collect();
    Ok(if lines.is_empty() { "there is no invitation\n".to_owned() } else { lines })
}

/// Takes one back.
///
/// # Errors
/// [`Error`]
pub fn revoke(file: Option<&Path>, invitation: InvitationId) -> Result<String, Error> {
    match ask(file, &Request::Revoke { invitation })? {
        Answer::Revoked { invitation } => Ok(format!("{invitation} lets nobody in any more\n")),
        _ => Err(Error::OtherAnswer),
    }
}

/// An invitation on one line.
fn line(invitation: &Invitation, now: SystemTime) -> String {
    let mut line = format!("{}  {}", invitation.invitation, invitation.role);
    let sources = match &invitation.sources {
        Some(names) => names.iter().map(SourceName::as_str).collect::<Vec<_>>().join(", "),
        None => "every source".to_owned(),
    };
    // Writing to a string does not fail.
    let _ = write!(line, " of {sources}");
    let _ = match invitation.uses {
        Some(uses) => write!(line, ", used {} of {uses} times", invitation.used),
        None => write!(line, ", used {} times", invitation.used),
    };
    let end = UNIX_EPOCH + Duration::from_secs(invitation.expires_s);
    line.push_str(&match end.duration_since(now) {
        Ok(left) => format!(", for another {}", in_words(left)),
        Err(_) => ", expired".to_owned(),
    });
    if let Some(name) = &invitation.name {
        let _ = write!(line, ": {name}");
    }
    line
}

fn in_words(time: Duration) -> String {
    let minutes = time.as_secs().div_ceil(60);
    match minutes {
        0..=119 => format!("{minutes} min"),
        120..=2879 => format!("{} h", minutes / 60),
        _ => format!("{} days", minutes / 1440),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::principal::Role;

    #[test]
    fn an_invitation_is_told_on_one_line() {
        let mut invitation = Invitation {
            invitation: InvitationId::new("k3x9").unwrap(),
            name: Some("Ana".into()),
            role: Role::Viewer,
            sources: Some([SourceName::new("screen").unwrap()].into()),
            made_s: 1000,
            expires_s: 1000 + 7200,
            uses: Some(5),
            used: 1,
        };
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let told = "k3x9  viewer of screen, used 1 of 5 times, for another 2 h: Ana";
        assert_eq!(line(&invitation, at(1000)), told);
        (invitation.sources, invitation.uses, invitation.name) = (None, None, None);
        assert_eq!(
            line(&invitation, at(8141)),
            "k3x9  viewer of every source, used 1 times, for another 1 min"
        );
        assert_eq!(line(&invitation, at(9000)), "k3x9  viewer of every source, used 1 times, expired");
    }
}
