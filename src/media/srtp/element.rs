//! The element that stands in for GStreamer's `srtpenc`: what of it `dtlssrtpenc` (1.22 to 1.28)
//! and `rtspsrc` use, around [`Session`].
//!
//! A pad `rtp_sink_N` or `rtcp_sink_N` comes with a pad `rtp_src_N` or `rtcp_src_N`. Buffer lists go
//! on whole. Each packet is copied, once and with room for its tag: for pictures webrtcbin keeps the
//! packet itself, to send it again, so nothing could be encrypted where it is.
//!
//! Invariant: nothing leaves unprotected. Without a key packets are dropped; with one that is not for
//! [`Session`] the element fails, and GStreamer's takes the next viewer.
//!
//! Invariant: a session lives as long as its key, over flushes and changes of state, and the same key
//! set again does not begin a new one: its packets' indices are never used twice.

use super::keys::MasterKey;
use super::session::{MOST_ADDED, Session, SrtpError, Tag};
use glib::subclass::prelude::*;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer::subclass::prelude::*;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use zeroize::Zeroizing;

/// Ciphers, numbered and named as GStreamer's `GstSrtpCipherType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[repr(i32)]
#[enum_type(name = "VitrinaSrtpCipher")]
enum Cipher {
    #[enum_value(nick = "null")]
    Null = 0,
    #[default]
    #[enum_value(nick = "aes-128-icm")]
    Aes128Icm = 1,
    #[enum_value(nick = "aes-256-icm")]
    Aes256Icm = 2,
    #[enum_value(nick = "aes-128-gcm")]
    Aes128Gcm = 3,
    #[enum_value(nick = "aes-256-gcm")]
    Aes256Gcm = 4,
}

/// Tags, numbered and named as GStreamer's `GstSrtpAuthType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[repr(i32)]
#[enum_type(name = "VitrinaSrtpAuth")]
enum Auth {
    #[enum_value(nick = "null")]
    Null = 0,
    #[enum_value(nick = "hmac-sha1-32")]
    HmacSha132 = 1,
    #[default]
    #[enum_value(nick = "hmac-sha1-80")]
    HmacSha180 = 2,
}

impl Auth {
    fn tag(self) -> Option<Tag> {
        match self {
            Self::Null => None,
            Self::HmacSha132 => Some(Tag::Bits32),
            Self::HmacSha180 => Some(Tag::Bits80),
        }
    }
}

/// Whether GStreamer's element has the ciphers and tags that are known here, and no others: their
/// numbers come from another element, and a number that is not known would pass for the default.
pub(super) fn has_known_values(original: &gst::Element) -> bool {
    let same = |property: &str, ours: glib::Type| {
        let of = |kind: glib::Type| {
            let class = glib::EnumClass::with_type(kind)?;
            let values = class.values().iter().map(|value| (value.value(), value.nick().to_owned()));
            Some(values.collect::<Vec<_>>())
        };
        let theirs = original.find_property(property).and_then(|property| of(property.value_type()));
        theirs.is_some() && theirs == of(ours)
    };
    same("rtp-cipher", Cipher::static_type())
        && same("rtcp-cipher", Cipher::static_type())
        && same("rtp-auth", Auth::static_type())
        && same("rtcp-auth", Auth::static_type())
}

glib::wrapper! {
    /// See the module.
    pub struct Encoder(ObjectSubclass<imp::Encoder>) @extends gst::Element, gst::Object;
}

/// What a pad carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rtp,
    Rtcp,
}

impl Kind {
    /// The beginning of the names of its pads.
    fn name(self) -> &'static str {
        match self {
            Self::Rtp => "rtp",
            Self::Rtcp => "rtcp",
        }
    }
}

/// The templates of a kind: what comes in, what goes out.
struct Templates {
    sink: gst::PadTemplate,
    src: gst::PadTemplate,
}

impl Templates {
    fn new(kind: Kind) -> Option<Self> {
        let template = |way, direction, presence, caps: String| {
            let name = format!("{}_{way}_%u", kind.name());
            gst::PadTemplate::new(&name, direction, presence, &gst::Caps::new_empty_simple(caps)).ok()
        };
        let name = kind.name();
        Some(Self {
            sink: template(
                "sink",
                gst::PadDirection::Sink,
                gst::PadPresence::Request,
                format!("application/x-{name}"),
            )?,
            src: template(
                "src",
                gst::PadDirection::Src,
                gst::PadPresence::Sometimes,
                format!("application/x-s{name}"),
            )?,
        })
    }

    fn of(kind: Kind) -> Option<&'static Self> {
        static RTP: LazyLock<Option<Templates>> = LazyLock::new(|| Templates::new(Kind::Rtp));
        static RTCP: LazyLock<Option<Templates>> = LazyLock::new(|| Templates::new(Kind::Rtcp));
        match kind {
            Kind::Rtp => RTP.as_ref(),
            Kind::Rtcp => RTCP.as_ref(),
        }
    }
}

/// What has been asked for, and what protects.
#[derive(Default)]
struct State {
    rtp_cipher: Cipher,
    rtcp_cipher: Cipher,
    rtp_auth: Auth,
    rtcp_auth: Auth,
    /// The master key and salt.
    key: Option<Zeroizing<Vec<u8>>>,
    /// Of that key; made for the first packet.
    session: Option<Session>,
}

impl State {
    /// The same key again changes nothing.
    fn set_key(&mut self, key: Option<Zeroizing<Vec<u8>>>) {
        if self.key != key {
            self.key = key;
            self.session = None;
        }
    }

    /// The session; none without a key. The error: what was asked for that is not here.
    fn session(&mut self) -> Result<Option<&mut Session>, String> {
        if self.session.is_none() {
            let Some(key) = &self.key else { return Ok(None) };
            let known = [self.rtp_cipher, self.rtcp_cipher] == [Cipher::Aes128Icm; 2];
            let (true, Some(rtp), Some(rtcp)) = (known, self.rtp_auth.tag(), self.rtcp_auth.tag()) else {
                return Err(format!(
                    "{:?} with {:?}, {:?} with {:?}",
                    self.rtp_cipher, self.rtp_auth, self.rtcp_cipher, self.rtcp_auth
                ));
            };
            let master = MasterKey::new(key).map_err(|error| error.to_string())?;
            self.session = Some(Session::new(&master, rtp, rtcp));
        }
        Ok(self.session.as_mut())
    }
}

/// A copy of a packet, protected. None: there is no memory for it.
fn protect(
    session: &mut Session,
    kind: Kind,
    packet: &gst::BufferRef,
) -> Result<Option<gst::Buffer>, SrtpError> {
    let len = packet.size();
    let Ok(mut buffer) = gst::Buffer::with_size(len + MOST_ADDED) else { return Ok(None) };
    let Some(target) = buffer.get_mut() else { return Ok(None) };
    let protected = {
        let Ok(mut map) = target.map_writable() else { return Ok(None) };
        let Some(room) = map.get_mut(..len) else { return Ok(None) };
        if packet.copy_to_slice(0, room).is_err() {
            return Ok(None);
        }
        match kind {
            Kind::Rtp => session.protect_rtp(&mut map, len)?,
            Kind::Rtcp => session.protect_rtcp(&mut map, len)?,
        }
    };
    target.set_size(protected.min(len + MOST_ADDED));
    // Times and flags; without them it would go out all the same.
    let _ = packet.copy_into(target, gst::BufferCopyFlags::FLAGS | gst::BufferCopyFlags::TIMESTAMPS, ..);
    Ok(Some(buffer))
}

mod imp {
    use super::*;

    #[derive(Default)]
    pub struct Encoder {
        state: Mutex<State>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Encoder {
        const NAME: &'static str = "VitrinaSrtpEncoder";
        type Type = super::Encoder;
        type ParentType = gst::Element;
    }

    impl Encoder {
        fn state(&self) -> MutexGuard<'_, State> {
            self.state.lock().unwrap_or_else(PoisonError::into_inner)
        }

        /// Runs `protect` with the session, or says why nothing can be sent. The lock ends with it.
        fn protected<T>(
            &self,
            protect: impl FnOnce(&mut Session) -> Result<T, SrtpError>,
        ) -> Result<Option<T>, gst::FlowError> {
            let mut state = self.state();
            let error = match state.session() {
                Ok(None) => return Ok(None),
                Ok(Some(session)) => match protect(session) {
                    Ok(done) => return Ok(Some(done)),
                    Err(error) => error.to_string(),
                },
                Err(asked) => {
                    tracing::warn!(asked, "SRTP here does not have that; GStreamer's does it from now on");
                    super::super::give_back();
                    format!("no SRTP here with {asked}")
                }
            };
            drop(state);
            gst::element_imp_error!(self, gst::LibraryError::Settings, ["{}", error]);
            Err(gst::FlowError::Error)
        }

        fn chain(
            &self,
            src: &gst::Pad,
            kind: Kind,
            packet: &gst::BufferRef,
        ) -> Result<gst::FlowSuccess, gst::FlowError> {
            match self.protected(|session| one(session, kind, packet))?.flatten() {
                Some(buffer) => src.push(buffer),
                None => Ok(gst::FlowSuccess::Ok),
            }
        }

        fn chain_list(
            &self,
            src: &gst::Pad,
            kind: Kind,
            packets: &gst::BufferListRef,
        ) -> Result<gst::FlowSuccess, gst::FlowError> {
            let list = self.protected(|session| {
                let mut list = gst::BufferList::new_sized(packets.len());
                if let Some(target) = list.get_mut() {
                    for packet in packets.iter() {
                        if let Some(buffer) = one(session, kind, packet)? {
                            target.add(buffer);
                        }
                    }
                }
                Ok(list)
            })?;
            match list {
                Some(list) if !list.is_empty() => src.push_list(list),
                _ => Ok(gst::FlowSuccess::Ok),
            }
        }

        /// The caps of the pad behind: without the key, which GStreamer's puts there, and a log may
        /// show.
        fn event(&self, sink: &gst::Pad, src: &gst::Pad, kind: Kind, event: gst::Event) -> bool {
            if let gst::EventView::Caps(caps) = event.view() {
                let mut caps = caps.caps_owned();
                if let Some(structure) = caps.make_mut().structure_mut(0) {
                    structure.set_name(format!("application/x-s{}", kind.name()));
                }
                return src.push_event(gst::event::Caps::new(&caps));
            }
            gst::Pad::event_default(sink, Some(&*self.obj()), event)
        }

        /// The pads of a kind, the one that was asked for first.
        fn make_pads(&self, kind: Kind, name: Option<&str>) -> Option<gst::Pad> {
            let templates = Templates::of(kind)?;
            let beginning = format!("{}_sink_", kind.name());
            let number = match name.and_then(|name| name.strip_prefix(&beginning)) {
                Some(number) => number.parse::<u32>().ok()?,
                None => {
                    (0..).find(|number| self.obj().static_pad(&format!("{beginning}{number}")).is_none())?
                }
            };
            let sink_name = format!("{beginning}{number}");
            let linked = sink_name.clone();
            let src = gst::Pad::builder_from_template(&templates.src)
                .name(format!("{}_src_{number}", kind.name()))
                .iterate_internal_links_function(move |_, parent| links(parent, &linked))
                .build();
            let linked = src.name();
            let targets = [src.clone(), src.clone(), src.clone()];
            let [chain, chain_list, event] = targets;
            let failed = || Err(gst::FlowError::Error);
            let sink = gst::Pad::builder_from_template(&templates.sink)
                .name(sink_name)
                .chain_function(move |_, parent, packet| {
                    Self::catch_panic_pad_function(parent, failed, |imp| imp.chain(&chain, kind, &packet))
                })
                .chain_list_function(move |_, parent, packets| {
                    Self::catch_panic_pad_function(parent, failed, |imp| {
                        imp.chain_list(&chain_list, kind, &packets)
                    })
                })
                .event_function(move |pad, parent, what| {
                    Self::catch_panic_pad_function(parent, || false, |imp| imp.event(pad, &event, kind, what))
                })
                .iterate_internal_links_function(move |_, parent| links(parent, &linked))
                .build();
            for pad in [&src, &sink] {
                pad.set_active(true).ok()?;
                self.obj().add_pad(pad).ok()?;
            }
            Some(sink)
        }
    }

    /// One packet; one that may not be sent is left out, and only a key that is used up is an error.
    fn one(
        session: &mut Session,
        kind: Kind,
        packet: &gst::BufferRef,
    ) -> Result<Option<gst::Buffer>, SrtpError> {
        match protect(session, kind, packet) {
            Err(error @ SrtpError::KeyUsedUp(_)) => Err(error),
            Err(error) => {
                tracing::debug!(%error, "a packet is not sent");
                Ok(None)
            }
            protected => protected,
        }
    }

    /// The pad on the other side.
    fn links(parent: Option<&gst::Object>, other: &str) -> gst::Iterator<gst::Pad> {
        let element = parent.and_then(|parent| parent.downcast_ref::<super::Encoder>());
        gst::Iterator::from_vec(element.and_then(|element| element.static_pad(other)).into_iter().collect())
    }

    impl ObjectImpl for Encoder {
        fn properties() -> &'static [glib::ParamSpec] {
            static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> = LazyLock::new(|| {
                let key = glib::ParamSpecBoxed::builder::<gst::Buffer>("key")
                    .nick("Key")
                    .blurb("Master key and salt")
                    .write_only();
                vec![
                    key.mutable_playing().build(),
                    glib::ParamSpecEnum::builder::<Cipher>("rtp-cipher").nick("RTP Cipher").build(),
                    glib::ParamSpecEnum::builder::<Cipher>("rtcp-cipher").nick("RTCP Cipher").build(),
                    glib::ParamSpecEnum::builder::<Auth>("rtp-auth").nick("RTP Authentication").build(),
                    glib::ParamSpecEnum::builder::<Auth>("rtcp-auth").nick("RTCP Authentication").build(),
                    glib::ParamSpecBoolean::builder("random-key")
                        .nick("Random key")
                        .blurb("Taken and not used: without a key nothing is sent")
                        .build(),
                ]
            });
            &PROPERTIES
        }

        fn set_property(&self, _id: usize, value: &glib::Value, property: &glib::ParamSpec) {
            let mut state = self.state();
            match property.name() {
                "key" => {
                    let buffer = value.get::<Option<gst::Buffer>>().ok().flatten();
                    let map = buffer.as_ref().and_then(|buffer| buffer.map_readable().ok());
                    state.set_key(map.map(|map| Zeroizing::new(map.to_vec())));
                }
                "rtp-cipher" => state.rtp_cipher = value.get().unwrap_or_default(),
                "rtcp-cipher" => state.rtcp_cipher = value.get().unwrap_or_default(),
                "rtp-auth" => state.rtp_auth = value.get().unwrap_or_default(),
                "rtcp-auth" => state.rtcp_auth = value.get().unwrap_or_default(),
                _ => {}
            }
        }

        fn property(&self, _id: usize, property: &glib::ParamSpec) -> glib::Value {
            let state = self.state();
            match property.name() {
                "rtp-cipher" => state.rtp_cipher.to_value(),
                "rtcp-cipher" => state.rtcp_cipher.to_value(),
                "rtp-auth" => state.rtp_auth.to_value(),
                "rtcp-auth" => state.rtcp_auth.to_value(),
                _ => false.to_value(),
            }
        }
    }

    impl GstObjectImpl for Encoder {}

    impl ElementImpl for Encoder {
        fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
            static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
                gst::subclass::ElementMetadata::new(
                    "SRTP encoder",
                    "Filter/Network/SRTP",
                    "Protects RTP and RTCP packets, in place of GStreamer's element",
                    "vitrina",
                )
            });
            Some(&METADATA)
        }

        fn pad_templates() -> &'static [gst::PadTemplate] {
            static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
                let kinds = [Kind::Rtp, Kind::Rtcp].into_iter().filter_map(Templates::of);
                kinds.flat_map(|of| [of.sink.clone(), of.src.clone()]).collect()
            });
            &TEMPLATES
        }

        fn request_new_pad(
            &self,
            template: &gst::PadTemplate,
            name: Option<&str>,
            _caps: Option<&gst::Caps>,
        ) -> Option<gst::Pad> {
            let kind = if template.name_template().starts_with("rtp_") { Kind::Rtp } else { Kind::Rtcp };
            self.make_pads(kind, name)
        }

        fn release_pad(&self, sink: &gst::Pad) {
            let src = self.obj().static_pad(&sink.name().replace("_sink_", "_src_"));
            for pad in src.iter().chain([sink]) {
                // Whether they are still there or not, they are gone then.
                let _ = pad.set_active(false);
                let _ = self.obj().remove_pad(pad);
            }
        }
    }
}
