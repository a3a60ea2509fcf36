//! One sender's SRTP and SRTCP: packets made secret and given a tag (RFC 3711).
//!
//! AES-128 in counter mode with HMAC-SHA1, as DTLS-SRTP's `SRTP_AES128_CM_SHA1_80` and `_32` have it
//! (RFC 5764 section 4.1.2). Allocates only for the first packet of an SSRC; reads no clock.
//!
//! Invariant: under one master key no index of an SSRC is used twice, or what is under the two
//! packets could be read. A packet whose index has been used, or is so old that this is no longer
//! known, is refused; so is everything after 2^48 packets or 2^31 reports of one SSRC, the most that
//! a key may protect (RFC 3711 section 9.2). It holds as long as a key goes into one session: a
//! session has no reset, and is dropped only with its key.

use super::keys::{LABEL_RTCP, LABEL_RTP, MASTER_SALT_LEN, MasterKey, keystream, salt_block};
use crate::core::rtp::{RtpError, RtpHeader};
use aes::Aes128;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// The most bytes by which a packet grows: SRTCP's index and the longer tag.
pub const MOST_ADDED: usize = 4 + 10;

/// How far a packet may be behind the newest of its SSRC.
const WINDOW: u64 = 128;
/// Of a packet's index (RFC 3711 section 3.3.1).
const LAST_RTP_INDEX: u64 = (1 << 48) - 1;
/// Of a report's index (RFC 3711 section 3.4).
const LAST_RTCP_INDEX: u32 = (1 << 31) - 1;
/// Says that the report is encrypted (RFC 3711 section 3.4).
const ENCRYPTED: u32 = 1 << 31;
/// What of a report stays readable: its first header (RFC 3711 section 3.4).
const RTCP_CLEAR: usize = 8;

/// Why a packet is not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SrtpError {
    /// Not a key with its salt.
    #[error("expected a master key and salt of 30 bytes, found {0}")]
    KeyLength(usize),
    /// Not RTP.
    #[error("not an RTP packet: {0}")]
    Rtp(#[from] RtpError),
    /// Not RTCP: no header.
    #[error("not an RTCP packet, it has {0} bytes")]
    Rtcp(usize),
    /// No room for the tag.
    #[error("the packet has no room for its tag")]
    Room,
    /// Sent before, or too old to know.
    #[error("the sequence number {sequence} of SSRC {ssrc} was used before, or is too old")]
    Used {
        /// Whose.
        ssrc: u32,
        /// Which.
        sequence: u16,
    },
    /// The key has protected as much as it may.
    #[error("the key of SSRC {0} is used up")]
    KeyUsedUp(u32),
}

/// How long a tag is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// Ten bytes: HMAC-SHA1-80.
    Bits80,
    /// Four bytes: HMAC-SHA1-32.
    Bits32,
}

impl Tag {
    /// How many bytes it has.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::Bits80 => 10,
            Self::Bits32 => 4,
        }
    }
}

/// What RTP or RTCP is protected with.
struct Keys {
    aes: Aes128,
    /// Keyed; a copy of it makes each tag.
    mac: Hmac<Sha1>,
    /// The salt in its place in a counter block.
    salt: Zeroizing<u128>,
    tag: Tag,
}

impl Keys {
    /// `label` is that of the first of the three (RFC 3711 section 4.3.2).
    fn new(master: &MasterKey, label: u8, tag: Tag) -> Self {
        let key = master.derive::<16>(label);
        let authentication = master.derive::<20>(label + 1);
        let salt = master.derive::<MASTER_SALT_LEN>(label + 2);
        // HMAC fills a key up to a block of the hash with zeros (RFC 2104 section 2).
        let mut block = Zeroizing::new([0; 64]);
        for (to, from) in block.iter_mut().zip(authentication.iter()) {
            *to = *from;
        }
        Self {
            aes: Aes128::new((&*key).into()),
            mac: Hmac::new((&*block).into()),
            salt: Zeroizing::new(salt_block(&salt)),
            tag,
        }
    }

    /// Encrypts (RFC 3711 section 4.1.1).
    fn encrypt(&self, ssrc: u32, index: u64, bytes: &mut [u8]) {
        let block = *self.salt ^ (u128::from(ssrc) << 64) ^ (u128::from(index) << 16);
        keystream(&self.aes, block, bytes);
    }

    /// Writes the tag over `bytes` and `more` to the beginning of `room` (RFC 3711 section 4.2).
    fn tag(&self, bytes: &[u8], more: &[u8], room: &mut [u8]) {
        let mut mac = self.mac.clone();
        mac.update(bytes);
        mac.update(more);
        for (to, from) in room.iter_mut().zip(mac.finalize().into_bytes().iter().take(self.tag.bytes())) {
            *to = *from;
        }
    }
}

/// Which packets of one SSRC have been sent.
#[derive(Debug)]
struct Sent {
    /// The newest index: the rollover counter and the sequence number.
    newest: u64,
    /// Bit n: the packet n before the newest was sent.
    window: u128,
}

impl Sent {
    /// The index of a packet with that sequence number (RFC 3711 section 3.3.1), noted as sent.
    /// None: it was sent before, or is too old to know.
    fn take(&mut self, sequence: u16) -> Option<u64> {
        let index = near(self.newest, sequence)?;
        if index > self.newest {
            let step = u32::try_from(index - self.newest).unwrap_or(u32::MAX);
            self.window = self.window.checked_shl(step).unwrap_or(0) | 1;
            self.newest = index;
            return Some(index);
        }
        let behind = self.newest - index;
        if behind >= WINDOW || self.window >> behind & 1 == 1 {
            return None;
        }
        self.window |= 1 << behind;
        Some(index)
    }
}

/// The index with that sequence number that is nearest to the newest; None: it would be before the
/// first.
fn near(newest: u64, sequence: u16) -> Option<u64> {
    let (rollovers, last, sequence) = (newest >> 16, newest & 0xffff, u64::from(sequence));
    let rollovers = if last < 0x8000 && sequence > last + 0x8000 {
        rollovers.checked_sub(1)?
    } else if last > sequence + 0x8000 {
        rollovers + 1
    } else {
        rollovers
    };
    Some(rollovers << 16 | sequence)
}

/// What one sender protects its packets with, until its key changes.
pub struct Session {
    rtp: Keys,
    rtcp: Keys,
    sent: BTreeMap<u32, Sent>,
    /// The index of the next report of each SSRC.
    reports: BTreeMap<u32, u32>,
}

impl Session {
    /// With a key that no session had before; the tags of RTP and of RTCP.
    #[must_use]
    pub fn new(master: &MasterKey, rtp: Tag, rtcp: Tag) -> Self {
        Self {
            rtp: Keys::new(master, LABEL_RTP, rtp),
            rtcp: Keys::new(master, LABEL_RTCP, rtcp),
            sent: BTreeMap::new(),
            reports: BTreeMap::new(),
        }
    }

    /// Protects an RTP packet, the first `len` bytes of `bytes`; behind it there have to be
    /// [`MOST_ADDED`]. Gives the bytes that it has then (RFC 3711 section 3.3).
    ///
    /// # Errors
    /// When the packet may not be sent; `bytes` are then as they were.
    pub fn protect_rtp(&mut self, bytes: &mut [u8], len: usize) -> Result<usize, SrtpError> {
        let (packet, room) = bytes.split_at_mut_checked(len).ok_or(SrtpError::Room)?;
        let header = RtpHeader::parse(packet)?;
        let tag = self.rtp.tag.bytes();
        let room = room.get_mut(..tag).ok_or(SrtpError::Room)?;
        let (ssrc, sequence) = (header.ssrc, header.sequence);
        let index = match self.sent.get_mut(&ssrc) {
            Some(sent) => sent.take(sequence).ok_or(SrtpError::Used { ssrc, sequence })?,
            None => {
                let newest = u64::from(sequence);
                self.sent.insert(ssrc, Sent { newest, window: 1 });
                newest
            }
        };
        if index > LAST_RTP_INDEX {
            return Err(SrtpError::KeyUsedUp(ssrc));
        }
        let payload = packet.get_mut(header.header_len..).unwrap_or_default();
        self.rtp.encrypt(ssrc, index, payload);
        // At most 32 bits, as the index has 48.
        let rollovers = u32::try_from(index >> 16).unwrap_or(u32::MAX);
        self.rtp.tag(packet, &rollovers.to_be_bytes(), room);
        Ok(len + tag)
    }

    /// Protects an RTCP packet, as [`Session::protect_rtp`] does (RFC 3711 section 3.4).
    ///
    /// # Errors
    /// When the packet may not be sent; `bytes` are then as they were.
    pub fn protect_rtcp(&mut self, bytes: &mut [u8], len: usize) -> Result<usize, SrtpError> {
        let (packet, room) = bytes.split_at_mut_checked(len).ok_or(SrtpError::Room)?;
        let (header, body) = packet.split_at_mut_checked(RTCP_CLEAR).ok_or(SrtpError::Rtcp(len))?;
        let &mut [_, _, _, _, s0, s1, s2, s3] = header else { return Err(SrtpError::Rtcp(len)) };
        let tag = self.rtcp.tag.bytes();
        let room = room.get_mut(..4 + tag).ok_or(SrtpError::Room)?;
        let (trailer, room) = room.split_at_mut_checked(4).ok_or(SrtpError::Room)?;
        let ssrc = u32::from_be_bytes([s0, s1, s2, s3]);
        let next = self.reports.entry(ssrc).or_insert(0);
        let index = *next;
        if index > LAST_RTCP_INDEX {
            return Err(SrtpError::KeyUsedUp(ssrc));
        }
        *next += 1;
        self.rtcp.encrypt(ssrc, u64::from(index), body);
        let word = (ENCRYPTED | index).to_be_bytes();
        trailer.copy_from_slice(&word);
        self.rtcp.tag(packet, &word, room);
        Ok(len + 4 + tag)
    }

    /// As if the packet of that index had been sent, and none before it.
    #[cfg(test)]
    pub(super) fn move_to(&mut self, ssrc: u32, newest: u64) {
        self.sent.insert(ssrc, Sent { newest, window: 1 });
    }

    /// As if that were the next report's index.
    #[cfg(test)]
    pub(super) fn move_report_to(&mut self, ssrc: u32, next: u32) {
        self.reports.insert(ssrc, next);
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("ssrcs", &self.sent.len()).finish_non_exhaustive()
    }
}
