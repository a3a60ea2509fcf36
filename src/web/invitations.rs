//! Invitations in the state folder: the signed tokens of their links, their uses counted and kept
//! over restarts.

use super::accounts::stamp_of;
use super::error::Error;
use super::grant::Pass;
use super::session::unix_s;
use super::state;
use crate::core::invitation::{self, Invitation, NotMade, Over, Wanted};
use crate::core::principal::InvitationId;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// What the token of an invitation begins with; no viewing token is made with it.
const PREFIX: &str = "inv-";

/// See the module.
pub(crate) struct Invitations {
    all: Mutex<invitation::Invitations>,
    signing: hmac::Key,
    path: PathBuf,
    /// Held while the file is written, so that an older text never takes a newer one's place.
    writing: Mutex<()>,
}

/// What a token comes to.
pub(crate) enum Token {
    /// It is no token of an invitation, by its form.
    None,
    /// It has the form, and is signed for nothing that there is.
    Wrong,
    /// It is that of this one.
    Of(InvitationId),
}

impl Invitations {
    /// Reads what is in the state folder; makes the key.
    pub(crate) fn load(state_dir: &Path) -> Result<Self, Error> {
        let key_path = state_dir.join("invitation_key");
        let key = state::read_or_make(&key_path, || Ok(state::random_bytes()?.to_vec()))?;
        if key.len() != 32 {
            return Err(Error::SessionKey { path: key_path });
        }
        let path = state_dir.join("invitations.json");
        let kept: Vec<Invitation> = match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| Error::State {
                action: "understand",
                path: path.clone(),
                source: error.into(),
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(source) => return Err(Error::State { action: "read", path, source }),
        };
        Ok(Self {
            all: Mutex::new(invitation::Invitations::new(kept)),
            signing: hmac::Key::new(hmac::HMAC_SHA256, &key),
            path,
            writing: Mutex::default(),
        })
    }

    /// Makes one; with the token of its link. Blocks on the file.
    pub(crate) fn make(&self, wanted: Wanted) -> Result<Result<(Invitation, String), NotMade>, Error> {
        let id = u64::from_be_bytes(state::random()?);
        // Digits and letters, of which there are 36.
        let digit = |n: u32| char::from_digit((id.wrapping_shr(n * 6) % 36) as u32, 36).unwrap_or('0');
        let id: String = (0..8).map(digit).collect();
        let Ok(id) = InvitationId::new(id) else { return Err(Error::Random) };
        let made = match self.all().make(unix_s(SystemTime::now()), id, wanted) {
            Ok(made) => made,
            Err(refused) => return Ok(Err(refused)),
        };
        if let Err(error) = self.write() {
            self.all().revoke(&made.invitation);
            return Err(error);
        }
        let tag = hmac::sign(&self.signing, made.signed_text().as_bytes());
        let token = format!("{PREFIX}{}-{}", made.invitation, URL_SAFE_NO_PAD.encode(tag));
        Ok(Ok((made, token)))
    }

    /// All, the last one made first.
    pub(crate) fn list(&self) -> Vec<Invitation> {
        self.all().list()
    }

    /// Takes one back: at once here, and for a later start once the file is written. Blocks on it.
    pub(crate) fn revoke(&self, id: &InvitationId) -> Result<bool, Error> {
        let revoked = self.all().revoke(id);
        if revoked {
            self.write()?;
        }
        Ok(revoked)
    }

    /// Who comes by one, while it holds.
    pub(crate) fn pass(&self, id: &InvitationId, now: SystemTime) -> Option<Pass> {
        let all = self.all();
        let one = all.holding(unix_s(now), id)?;
        let principal = Arc::new(one.principal());
        Some(Pass { principal, stamp: stamp_of(one.signed_text().as_bytes()), until_s: Some(one.expires_s) })
    }

    /// What a token is. Compares in constant time.
    pub(crate) fn token(&self, token: &[u8]) -> Token {
        let Some(rest) = str::from_utf8(token).ok().and_then(|text| text.strip_prefix(PREFIX)) else {
            return Token::None;
        };
        let parts = rest
            .split_once('-')
            .and_then(|(id, tag)| Some((InvitationId::new(id).ok()?, URL_SAFE_NO_PAD.decode(tag).ok()?)));
        let Some((id, tag)) = parts else { return Token::None };
        let text = self.all().get(&id).map(Invitation::signed_text).unwrap_or_default();
        match hmac::verify(&self.signing, text.as_bytes(), &tag) {
            Ok(()) if !text.is_empty() => Token::Of(id),
            Ok(()) | Err(_) => Token::Wrong,
        }
    }

    /// Lets somebody in: counted, and kept before they are.
    pub(crate) async fn redeem(self: &Arc<Self>, id: &InvitationId) -> Result<Result<(), Over>, Error> {
        if let Err(over) = self.all().redeem(unix_s(SystemTime::now()), id) {
            return Ok(Err(over));
        }
        let invitations = Arc::clone(self);
        smol::unblock(move || invitations.write()).await.map(Ok)
    }

    fn write(&self) -> Result<(), Error> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let text = serde_json::to_vec(&self.all().list()).unwrap_or_default();
        state::write_private(&self.path, &text)
    }

    fn all(&self) -> MutexGuard<'_, invitation::Invitations> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
