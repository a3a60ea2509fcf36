//! The certificate with which the daemon does its DTLS handshakes: one for the process's life.
//!
//! ECDSA on P-256, which every WebRTC implementation has to take (RFC 8827 section 6.5): GStreamer
//! makes one with RSA, which some (aiortc, str0m) refuse. Owns the way past webrtcbin, which has no
//! property for it: the decoder inside takes it, and webrtcbin then writes a wrong fingerprint.
//!
//! Invariant: no SDP leaves with the fingerprint that webrtcbin wrote.

use super::MediaError;
use crate::core::sdp::{Fingerprint, HashFunction, SdpError, with_fingerprint};
use gstreamer as gst;
use gstreamer::prelude::*;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use std::sync::OnceLock;

#[derive(Debug)]
pub(super) struct Certificate {
    /// The certificate and its key.
    pem: String,
    fingerprint: Fingerprint,
}

impl Certificate {
    /// That of the process, made at the first call.
    ///
    /// # Errors
    /// [`MediaError::Gst`] when the system has no random numbers.
    pub(super) fn of_process() -> Result<&'static Self, MediaError> {
        static MADE: OnceLock<Certificate> = OnceLock::new();
        if let Some(made) = MADE.get() {
            return Ok(made);
        }
        let made = Self::make().map_err(MediaError::gst("making a DTLS certificate"))?;
        Ok(MADE.get_or_init(|| made))
    }

    fn make() -> Result<Self, rcgen::Error> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = CertificateParams::new(Vec::new())?.self_signed(&key)?;
        let digest = ring::digest::digest(&ring::digest::SHA256, certificate.der());
        let fingerprint =
            Fingerprint::new(HashFunction::Sha256, digest.as_ref()).ok_or(rcgen::Error::RingUnspecified)?;
        Ok(Self { pem: certificate.pem() + &key.serialize_pem(), fingerprint })
    }

    /// Has `webrtc` use it, for every transport that it makes from now on.
    pub(super) fn give_to(&'static self, webrtc: &gst::Element) {
        webrtc.connect("deep-element-added", false, |values| {
            let element = values.get(2).and_then(|value| value.get::<gst::Element>().ok())?;
            if element.factory().is_some_and(|factory| factory.name() == "dtlsdec") {
                element.set_property("pem", &self.pem);
            }
            None
        });
    }

    /// What names it.
    pub(super) fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// A description of webrtcbin's with the right fingerprint in it.
    ///
    /// # Errors
    /// When webrtcbin wrote none.
    pub(super) fn name_in(&self, sdp: &str) -> Result<String, SdpError> {
        with_fingerprint(sdp, &self.fingerprint)
    }
}
