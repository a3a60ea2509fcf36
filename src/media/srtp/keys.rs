//! The keys of a session: the master key, and what is derived from it (RFC 3711 section 4.3).
//!
//! Everything secret here is wiped when it is dropped, and has no `Debug` that shows it.

use super::session::SrtpError;
use aes::Aes128;
use ctr::Ctr128BE;
use ctr::cipher::{InnerIvInit as _, KeyInit as _, StreamCipher as _, StreamCipherCoreWrapper};
use zeroize::Zeroizing;

/// Bytes of the master key of AES-128 counter mode.
pub const MASTER_KEY_LEN: usize = 16;
/// Bytes of the master salt.
pub const MASTER_SALT_LEN: usize = 14;

/// The label of the encryption key for RTP; the authentication key and the salt come next (RFC 3711
/// section 4.3.1).
pub(super) const LABEL_RTP: u8 = 0;
/// The same for RTCP (RFC 3711 section 4.3.2).
pub(super) const LABEL_RTCP: u8 = 3;

/// A master key with its salt.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey {
    key: Zeroizing<[u8; MASTER_KEY_LEN]>,
    salt: Zeroizing<[u8; MASTER_SALT_LEN]>,
}

impl MasterKey {
    /// From the key followed by the salt, as DTLS-SRTP exports them (RFC 5764 section 4.2).
    ///
    /// # Errors
    /// [`SrtpError::KeyLength`] when these are not 30 bytes.
    pub fn new(bytes: &[u8]) -> Result<Self, SrtpError> {
        let wrong = SrtpError::KeyLength(bytes.len());
        let (key, salt) = bytes.split_first_chunk().ok_or(wrong)?;
        let salt: &[u8; MASTER_SALT_LEN] = salt.try_into().map_err(|_| wrong)?;
        Ok(Self { key: Zeroizing::new(*key), salt: Zeroizing::new(*salt) })
    }

    /// The bytes that a label stands for: AES in counter mode over zeros (RFC 3711 section 4.3.3).
    /// The keys are derived once (a key derivation rate of 0), as DTLS-SRTP has it.
    pub(super) fn derive<const N: usize>(&self, label: u8) -> Zeroizing<[u8; N]> {
        let block = salt_block(&self.salt) ^ (u128::from(label) << 64);
        let mut out = Zeroizing::new([0; N]);
        keystream(&Aes128::new((&*self.key).into()), block, out.as_mut());
        out
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

/// A salt times 2^16, as it goes into a counter block (RFC 3711 section 4.1.1).
pub(super) fn salt_block(salt: &[u8; MASTER_SALT_LEN]) -> u128 {
    salt.iter().fold(0, |all, byte| all << 8 | u128::from(*byte)) << 16
}

/// Combines bytes with the keystream that begins at a counter block (RFC 3711 section 4.1.1).
pub(super) fn keystream(aes: &Aes128, block: u128, bytes: &mut [u8]) {
    let core = ctr::CtrCore::inner_iv_init(aes, &block.to_be_bytes().into());
    let mut cipher: Ctr128BE<&Aes128> = StreamCipherCoreWrapper::from_core(core);
    cipher.apply_keystream(bytes);
}
