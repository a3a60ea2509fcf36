//! How a viewer gets in: WHEP (draft-ietf-wish-whep), or Janus's own API where that is what a server speaks.
//!
//! Blocks; each join has a thread of its own for as long as it takes.

use crate::http::{self, Url};
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::net::{IpAddr, UdpSocket};
use std::sync::Arc;
use std::time::Instant;
use str0m::change::{SdpAnswer, SdpOffer};
use str0m::config::DtlsCert;
use str0m::crypto::CryptoProvider;
use str0m::media::{Direction, MediaKind};
use str0m::rtp::{Extension, ExtensionMap};
use str0m::{Candidate, Rtc, RtcConfig};

/// What a server is asked with.
#[derive(Debug, Clone)]
pub enum Target {
    /// Offers are posted to `url`.
    Whep { url: Url, token: Option<String> },
    /// Janus's HTTP interface, and the mountpoint's number.
    Janus { url: Url, mountpoint: u64 },
}

/// What a viewer offers.
#[derive(Clone)]
pub struct Offer {
    /// Where viewers receive.
    pub address: IpAddr,
    pub crypto: Arc<CryptoProvider>,
    /// One for all viewers: making it is not what is measured.
    pub certificate: DtlsCert,
    /// Whether there is feedback for congestion control (transport-wide sequence numbers).
    pub transport_cc: bool,
}

/// A viewer that has been let in, before ICE.
pub struct Joined {
    pub rtc: Rtc,
    pub socket: UdpSocket,
    /// When the offer was sent, or, to Janus, asked for.
    pub offered: Instant,
    /// When the answer was there.
    pub answered: Instant,
    pub leave: Leave,
}

/// How to leave again.
#[derive(Debug, Clone)]
pub struct Leave {
    method: &'static str,
    url: Option<Url>,
    token: Option<String>,
    body: String,
}

impl Leave {
    /// Tells the server. Blocks.
    ///
    /// # Errors
    /// The server has said no, or nothing.
    pub fn leave(&self) -> Result<()> {
        let Some(url) = &self.url else { return Ok(()) };
        let authorization = self.token.as_ref().map(|token| format!("Bearer {token}"));
        let headers: Vec<(&str, &str)> =
            authorization.iter().map(|value| ("Authorization", value.as_str())).collect();
        let response = http::request(self.method, url, &headers, &self.body)?;
        ensure!(response.status < 300, "leaving was answered with {}", response.status);
        Ok(())
    }
}

/// Joins. Blocks until the answer is there.
///
/// # Errors
/// The server has said no, or what cannot be understood.
pub fn join(target: &Target, offer: &Offer) -> Result<Joined> {
    let socket = UdpSocket::bind((offer.address, 0))?;
    let mut rtc = peer(offer);
    rtc.add_local_candidate(Candidate::host(socket.local_addr()?, "udp")?);
    match target {
        Target::Whep { url, token } => whep(rtc, socket, url, token.as_deref()),
        Target::Janus { url, mountpoint } => janus(rtc, socket, url, *mountpoint),
    }
}

fn peer(offer: &Offer) -> Rtc {
    let mut extensions = ExtensionMap::empty();
    extensions.set(2, Extension::AbsoluteSendTime);
    if offer.transport_cc {
        extensions.set(3, Extension::TransportSequenceNumber);
    }
    extensions.set(4, Extension::RtpMid);
    extensions.set(5, Extension::AbsoluteCaptureTime);
    RtcConfig::new()
        .set_crypto_provider(Arc::clone(&offer.crypto))
        .set_dtls_cert(offer.certificate.clone())
        .clear_codecs()
        .enable_opus(true, false)
        .enable_h264(true)
        .enable_vp8(true)
        .set_extension_map(extensions)
        .set_rtp_mode(true)
        .build(Instant::now())
}

fn whep(mut rtc: Rtc, socket: UdpSocket, url: &Url, token: Option<&str>) -> Result<Joined> {
    let mut changes = rtc.sdp_api();
    changes.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
    changes.add_media(MediaKind::Audio, Direction::RecvOnly, None, None, None);
    let (offer, pending) = changes.apply().context("there is nothing to offer")?;
    let authorization = token.map(|token| format!("Bearer {token}"));
    let mut headers = vec![("Content-Type", "application/sdp"), ("Accept", "application/sdp")];
    headers.extend(authorization.iter().map(|value| ("Authorization", value.as_str())));
    let offered = Instant::now();
    let response = http::request("POST", url, &headers, &offer.to_sdp_string())?;
    let answered = Instant::now();
    if response.status != 201 {
        bail!("the offer was answered with {}: {}", response.status, response.body.trim());
    }
    let answer = SdpAnswer::from_sdp_string(&response.body)
        .with_context(|| format!("the answer cannot be read:\n{}", response.body))?;
    rtc.sdp_api()
        .accept_answer(pending, answer)
        .with_context(|| format!("the answer cannot be taken:\n{}", response.body))?;
    let location = response.header("location").map(|location| url.join(location)).transpose()?;
    let leave = Leave { method: "DELETE", url: location, token: token.map(Into::into), body: String::new() };
    Ok(Joined { rtc, socket, offered, answered, leave })
}

/// Janus's streaming plugin offers: session, handle, `watch`, the offer as an event, `start` with the answer.
fn janus(mut rtc: Rtc, socket: UdpSocket, url: &Url, mountpoint: u64) -> Result<Joined> {
    let check = |said: Value| match said.pointer("/error").or(said.pointer("/plugindata/data/error")) {
        Some(error) => Err(anyhow::anyhow!("Janus says {error}")),
        None => Ok(said),
    };
    let say = |path: &str, message: &Value| -> Result<Value> {
        let response = http::request("POST", &url.join(path)?, &[], &message.to_string())?;
        check(serde_json::from_str(&response.body)?)
    };
    let number =
        |said: &Value| said.pointer("/data/id").and_then(Value::as_u64).context("Janus gave no number");
    let session = number(&say("/janus", &json!({"janus": "create", "transaction": "1"}))?)?;
    let session = format!("/janus/{session}");
    let attach = json!({"janus": "attach", "plugin": "janus.plugin.streaming", "transaction": "2"});
    let handle = format!("{session}/{}", number(&say(&session, &attach)?)?);
    let offered = Instant::now();
    let watch = json!({"request": "watch", "id": mountpoint});
    say(&handle, &json!({"janus": "message", "transaction": "3", "body": watch}))?;
    let events = url.join(&format!("{session}?maxev=1"))?;
    let offer = loop {
        let response = http::request("GET", &events, &[], "")?;
        let event = check(serde_json::from_str(&response.body)?)?;
        if let Some(sdp) = event.pointer("/jsep/sdp").and_then(Value::as_str) {
            break sdp.to_string();
        }
    };
    let offer =
        SdpOffer::from_sdp_string(&offer).with_context(|| format!("the offer cannot be read:\n{offer}"))?;
    let answer = rtc.sdp_api().accept_offer(offer)?;
    let answer = json!({"type": "answer", "sdp": answer.to_sdp_string()});
    let start = json!({"janus": "message", "transaction": "4", "body": {"request": "start"}, "jsep": answer});
    say(&handle, &start)?;
    let answered = Instant::now();
    let leave = Leave {
        method: "POST",
        url: Some(url.join(&session)?),
        token: None,
        body: json!({"janus": "destroy", "transaction": "5"}).to_string(),
    };
    Ok(Joined { rtc, socket, offered, answered, leave })
}
