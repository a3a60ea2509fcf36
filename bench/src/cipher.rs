//! Which cipher a server has chosen for SRTP: what it costs differs by half, so that a table has to tell.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use std::sync::atomic::{AtomicU8, Ordering};
use str0m::crypto::{
    CryptoProvider, Sha1HmacProvider, SrtpProvider, SupportedAeadAes128Gcm, SupportedAeadAes256Gcm, SupportedAes128CmSha1_80,
    from_feature_flags,
};

/// The last one that was set up; 0 before any.
static CHOSEN: AtomicU8 = AtomicU8::new(0);

const NAMES: [&str; 4] = ["", "AES-CM-128 with SHA-1", "AES-GCM-128", "AES-GCM-256"];

/// OpenSSL's ciphers, with a note of which was asked for.
#[derive(Debug)]
struct Noting(&'static dyn SrtpProvider);

impl SrtpProvider for Noting {
    fn aes_128_cm_sha1_80(&self) -> &'static dyn SupportedAes128CmSha1_80 {
        CHOSEN.store(1, Ordering::Relaxed);
        self.0.aes_128_cm_sha1_80()
    }

    fn aead_aes_128_gcm(&self) -> &'static dyn SupportedAeadAes128Gcm {
        CHOSEN.store(2, Ordering::Relaxed);
        self.0.aead_aes_128_gcm()
    }

    fn aead_aes_256_gcm(&self) -> &'static dyn SupportedAeadAes256Gcm {
        CHOSEN.store(3, Ordering::Relaxed);
        self.0.aead_aes_256_gcm()
    }

    fn srtp_aes_128_ecb_round(&self, key: &[u8], input: &[u8], output: &mut [u8]) {
        self.0.srtp_aes_128_ecb_round(key, input, output);
    }

    fn srtp_aes_256_ecb_round(&self, key: &[u8], input: &[u8], output: &mut [u8]) {
        self.0.srtp_aes_256_ecb_round(key, input, output);
    }
}

/// str0m's own looks OpenSSL's algorithm up again for each packet, which costs more than all the rest of a
/// viewer here, and takes the processor from the server that is measured.
#[derive(Debug)]
struct Authentication;

impl Sha1HmacProvider for Authentication {
    fn sha1_hmac(&self, key: &[u8], payloads: &[&[u8]]) -> [u8; 20] {
        // HMAC takes a key of any length (RFC 2104 section 2).
        let Ok(mut hmac) = Hmac::<Sha1>::new_from_slice(key) else { return [0; 20] };
        payloads.iter().for_each(|part| hmac.update(part));
        hmac.finalize().into_bytes().into()
    }
}

/// What viewers are made with.
pub fn provider() -> CryptoProvider {
    let openssl = from_feature_flags();
    // Once for each swarm, of which a run has a few dozen.
    let noting: &'static Noting = Box::leak(Box::new(Noting(openssl.srtp_provider)));
    CryptoProvider { srtp_provider: noting, sha1_hmac_provider: &Authentication, ..openssl }
}

/// The cipher that the last viewer was given.
pub fn chosen() -> &'static str {
    NAMES.get(usize::from(CHOSEN.load(Ordering::Relaxed))).copied().unwrap_or_default()
}
