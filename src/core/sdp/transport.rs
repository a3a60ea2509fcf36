//! What ties a client's description to packets: one ICE and DTLS transport for all m-lines (RFC 9143).

use super::error::{Excerpt, MlineFault, SdpError};
use super::fingerprint::Fingerprint;
use super::text::{Attributes, Section};
use crate::core::ice::{is_password, is_ufrag};
use std::fmt;

/// The most fingerprints in one answer. aiortc writes three.
const MAX_FINGERPRINTS: usize = 8;

/// Who begins the DTLS handshake (RFC 5763 section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Setup {
    /// Of an offer: whoever answers may choose.
    ActPass,
    /// The client does.
    Active,
    /// The daemon does.
    Passive,
}

impl Setup {
    const ALL: [Self; 3] = [Self::ActPass, Self::Active, Self::Passive];

    /// As it is written.
    const fn name(self) -> &'static str {
        match self {
            Self::ActPass => "actpass",
            Self::Active => "active",
            Self::Passive => "passive",
        }
    }
}

/// What ties a client's description to packets: one transport for all m-lines.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Transport {
    pub ufrag: String,
    password: String,
    pub setup: Setup,
    /// Sorted, each once; never empty.
    pub fingerprints: Vec<Fingerprint>,
}

impl Transport {
    /// The transport of the bundle, as its first accepted m-line (`tagged`) has it. The others
    /// say the same or nothing.
    pub fn shared<'a>(
        session: &Attributes<'a>,
        (tagged, section): (usize, &Section<'a>),
        accepted: &[(usize, &Section<'a>)],
    ) -> Result<Self, SdpError> {
        let transport = PartOfTransport::read(session, section)
            .and_then(PartOfTransport::whole)
            .map_err(|fault| SdpError::Mline { mline: tagged, fault })?;
        for &(mline, section) in accepted {
            PartOfTransport::read(session, section)
                .and_then(|part| part.agrees_with(&transport))
                .map_err(|fault| SdpError::Mline { mline, fault })?;
        }
        if transport.setup == Setup::ActPass {
            let fault = MlineFault::Setup(Excerpt::of(transport.setup.name()));
            return Err(SdpError::Mline { mline: tagged, fault });
        }
        Ok(transport)
    }

    /// That of one m-line. In an offer the others may have transports of their own, for a peer
    /// that cannot bundle (RFC 9143 section 7.2.1).
    pub fn of_offered<'a>(session: &Attributes<'a>, section: &Section<'a>) -> Result<Self, MlineFault> {
        PartOfTransport::read(session, section)?.whole()
    }

    pub fn password(&self) -> &str {
        &self.password
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let setup = self.setup.name();
        write!(f, "a=setup:{setup}\r\na=ice-ufrag:{}\r\na=ice-pwd:{}\r\n", self.ufrag, self.password)?;
        self.fingerprints.iter().try_for_each(|fingerprint| write!(f, "a=fingerprint:{fingerprint}\r\n"))
    }
}

/// The password is a secret.
impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ufrag, password: _, setup, fingerprints } = self;
        f.debug_struct("Transport")
            .field("ufrag", ufrag)
            .field("setup", setup)
            .field("fingerprints", fingerprints)
            .finish_non_exhaustive()
    }
}

/// What one section says of the transport; what it leaves out is `None`.
struct PartOfTransport<'a> {
    ufrag: Option<&'a str>,
    password: Option<&'a str>,
    setup: Option<Setup>,
    fingerprints: Option<Vec<Fingerprint>>,
    multiplexed: bool,
}

impl<'a> PartOfTransport<'a> {
    fn read(session: &Attributes<'a>, section: &Section<'a>) -> Result<Self, MlineFault> {
        let media = &section.attributes;
        let one = |name| match media.one(name) {
            Ok(None) => session.one(name),
            found => found,
        };
        let ufrag = one("ice-ufrag")?;
        if let Some(ufrag) = ufrag
            && !is_ufrag(ufrag)
        {
            return Err(MlineFault::Ufrag(Excerpt::of(ufrag)));
        }
        let password = one("ice-pwd")?;
        if let Some(password) = password
            && !is_password(password)
        {
            return Err(MlineFault::Password);
        }
        let setup = match one("setup")? {
            None => None,
            Some(name) => {
                let setup = Setup::ALL.into_iter().find(|setup| setup.name() == name);
                Some(setup.ok_or_else(|| MlineFault::Setup(Excerpt::of(name)))?)
            }
        };
        let level = if media.has("fingerprint") { media } else { session };
        let mut fingerprints = Vec::new();
        for value in level.all("fingerprint") {
            fingerprints.extend(Fingerprint::parse(value)?);
        }
        fingerprints.sort();
        fingerprints.dedup();
        let fingerprints = match fingerprints.len() {
            0 if !level.has("fingerprint") => None,
            0 => return Err(MlineFault::NoGoodFingerprint),
            1..=MAX_FINGERPRINTS => Some(fingerprints),
            _ => return Err(MlineFault::TooManyFingerprints(MAX_FINGERPRINTS)),
        };
        let multiplexed = media.has("rtcp-mux");
        Ok(Self { ufrag, password, setup, fingerprints, multiplexed })
    }

    /// Whole, as the bundle's first m-line has to be.
    fn whole(self) -> Result<Transport, MlineFault> {
        let missing = MlineFault::Missing;
        let transport = Transport {
            fingerprints: self.fingerprints.ok_or(missing("fingerprint"))?,
            setup: self.setup.ok_or(missing("setup"))?,
            ufrag: self.ufrag.ok_or(missing("ice-ufrag"))?.to_owned(),
            password: self.password.ok_or(missing("ice-pwd"))?.to_owned(),
        };
        if self.multiplexed { Ok(transport) } else { Err(missing("rtcp-mux")) }
    }

    /// Whether what it says is what `transport` says.
    fn agrees_with(&self, transport: &Transport) -> Result<(), MlineFault> {
        let differs = |name| Err(MlineFault::Differs(name));
        if self.ufrag.is_some_and(|ufrag| ufrag != transport.ufrag) {
            return differs("ice-ufrag");
        }
        if self.password.is_some_and(|password| password != transport.password) {
            return differs("ice-pwd");
        }
        if self.setup.is_some_and(|setup| setup != transport.setup) {
            return differs("setup");
        }
        if self.fingerprints.as_ref().is_some_and(|list| *list != transport.fingerprints) {
            return differs("fingerprint");
        }
        Ok(())
    }
}
