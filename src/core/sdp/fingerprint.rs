//! Certificate fingerprints (RFC 8122): what ties the SDP to the DTLS handshake.

use super::error::{Excerpt, MlineFault, SdpError, SessionFault};
use super::text::Text;
use std::fmt::{self, Write};

/// The hash functions that are trusted here. Weaker ones in an answer are passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HashFunction {
    /// SHA-256: 32 bytes.
    Sha256,
    /// SHA-384: 48 bytes.
    Sha384,
    /// SHA-512: 64 bytes.
    Sha512,
}

impl HashFunction {
    pub(super) const ALL: [Self; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];

    /// The name in the SDP.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha-256",
            Self::Sha384 => "sha-384",
            Self::Sha512 => "sha-512",
        }
    }

    /// Bytes in a digest.
    #[must_use]
    pub const fn digest_len(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

/// The hash of a certificate in DER.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint {
    function: HashFunction,
    digest: Vec<u8>,
}

impl Fingerprint {
    /// From a digest; `None` when its length is not that of the function.
    #[must_use]
    pub fn new(function: HashFunction, digest: &[u8]) -> Option<Self> {
        (digest.len() == function.digest_len()).then(|| Self { function, digest: digest.to_vec() })
    }

    /// Which hash.
    #[must_use]
    pub fn function(&self) -> HashFunction {
        self.function
    }

    /// Its value.
    #[must_use]
    pub fn digest(&self) -> &[u8] {
        &self.digest
    }

    /// Reads the attribute's value. `Ok(None)`: a well-formed one of a function that is not
    /// trusted here (RFC 8122 section 5 has those passed over).
    pub(super) fn parse(value: &str) -> Result<Option<Self>, MlineFault> {
        let fault = || MlineFault::Fingerprint(Excerpt::of(value));
        let (name, digits) = value.split_once(' ').ok_or_else(fault)?;
        let digest: Vec<u8> = digits.split(':').map(hex_byte).collect::<Option<_>>().ok_or_else(fault)?;
        match HashFunction::ALL.into_iter().find(|f| f.name().eq_ignore_ascii_case(name)) {
            Some(function) => Self::new(function, &digest).map(Some).ok_or_else(fault),
            None if name.bytes().all(super::text::is_token) && !name.is_empty() => Ok(None),
            None => Err(fault()),
        }
    }

    /// Whether a certificate is the one that these fingerprints name: for each hash function
    /// among them, one of its fingerprints is the certificate's (RFC 8122 section 5). `hash`
    /// computes the certificate's digest.
    ///
    /// Never true for an empty list.
    #[must_use]
    pub fn name_certificate(list: &[Self], mut hash: impl FnMut(HashFunction) -> Vec<u8>) -> bool {
        let mut named = false;
        for function in HashFunction::ALL {
            let mut candidates = list.iter().filter(|f| f.function == function).peekable();
            if candidates.peek().is_some() {
                let digest = hash(function);
                if !candidates.any(|f| f.digest == digest) {
                    return false;
                }
                named = true;
            }
        }
        named
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.function.name())?;
        for (i, byte) in self.digest.iter().enumerate() {
            write!(f, "{}{byte:02X}", if i == 0 { ' ' } else { ':' })?;
        }
        Ok(())
    }
}

fn hex_byte(text: &str) -> Option<u8> {
    if text.len() == 2 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        u8::from_str_radix(text, 16).ok()
    } else {
        None
    }
}

/// The daemon's own description with another certificate's fingerprint in the place of each that
/// is there: webrtcbin hashes certificate and key together when it is given an
/// ECDSA PEM, and so writes a wrong one.
///
/// # Errors
/// When the text is not SDP or has no fingerprint.
pub fn with_fingerprint(sdp: &str, fingerprint: &Fingerprint) -> Result<String, SdpError> {
    const NAME: &str = "a=fingerprint:";
    Text::parse(sdp)?;
    if !sdp.lines().any(|line| line.starts_with(NAME)) {
        return Err(SessionFault::NoFingerprint.into());
    }
    let mut out = String::with_capacity(sdp.len() + 64);
    for line in sdp.lines() {
        // Writing to a String cannot fail.
        let _ = if line.starts_with(NAME) {
            write!(out, "{NAME}{fingerprint}\r\n")
        } else {
            write!(out, "{line}\r\n")
        };
    }
    Ok(out)
}
