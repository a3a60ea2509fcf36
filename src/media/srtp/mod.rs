//! SRTP for the viewers, in place of GStreamer's own (RFC 3711).
//!
//! webrtcbin's `dtlssrtpenc` makes its `srtpenc` by the factory's name. [`install`] puts an element
//! of ours under that name, for this process: Debian builds libsrtp on NSS, which makes contexts for
//! every packet and was a third of what a viewer costs. [`session`] is the transform (no GStreamer in
//! it), [`keys`] where its keys come from, [`element`] the element around it.
//!
//! GStreamer 1.22 to 1.28 offers one DTLS-SRTP profile, `SRTP_AES128_CM_SHA1_80`, and would take
//! `SRTP_AES128_CM_SHA1_32`: those two are here. Whatever else somebody asks of `srtpenc` (a later
//! GStreamer, an RTSP camera with keys of its own) is GStreamer's to do: the element that meets it
//! fails, and from then on `srtpenc` is GStreamer's again, so that the viewer's or the capture's
//! next try works.

mod element;
pub mod keys;
pub mod session;
#[cfg(test)]
mod tests;

use super::MediaError;
use gstreamer as gst;
use gstreamer::prelude::*;
use std::sync::OnceLock;

/// The name that `dtlssrtpenc` asks for.
const FACTORY: &str = "srtpenc";

/// The type of GStreamer's own element, once ours has taken its place.
static ORIGINAL: OnceLock<glib::Type> = OnceLock::new();

/// Has this process's DTLS-SRTP encrypted here. Has to come after [`super::init`]; what was made
/// before goes on as it was. May be called again.
///
/// False: GStreamer's element stays, as it is not there or not the one that is known here.
///
/// # Errors
/// [`MediaError::Gst`] when GStreamer does not take the element.
pub fn install() -> Result<bool, MediaError> {
    let Some(original) = gst::ElementFactory::find(FACTORY) else { return Ok(false) };
    if original.name() != FACTORY || is_ours() {
        return Ok(is_ours());
    }
    // Made once, so that its plugin is loaded, which would put it back, and so that its types are
    // there: dtlssrtpenc ends the process without them.
    let Ok(made) = original.create().build() else { return Ok(false) };
    if !element::has_known_values(&made) {
        tracing::warn!("GStreamer's srtpenc is another than expected and stays; viewers cost more");
        return Ok(false);
    }
    ORIGINAL.get_or_init(|| made.type_());
    gst::Element::register(None, FACTORY, gst::Rank::NONE, element::Encoder::static_type())
        .map_err(MediaError::gst("putting SRTP in place"))?;
    Ok(is_ours())
}

fn is_ours() -> bool {
    gst::ElementFactory::find(FACTORY)
        .is_some_and(|factory| factory.element_type() == element::Encoder::static_type())
}

/// Gives the name back to GStreamer's element.
fn give_back() {
    let Some(original) = ORIGINAL.get() else { return };
    if let Err(error) = gst::Element::register(None, FACTORY, gst::Rank::NONE, *original) {
        tracing::error!(%error, "GStreamer's srtpenc does not come back");
    }
}
