//! What can be said of the page's certificate without starting anything. Reads, and never makes one.

use super::error::Error;
use super::tls::{self, Files};
use crate::config::Config;
use futures_rustls::rustls::crypto::ring;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::SystemTime;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// A certificate that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Its file.
    pub path: PathBuf,
    /// Whether it is the user's own, not made here.
    pub of_user: bool,
    /// Whether no authority vouches for it.
    pub self_signed: bool,
    /// Who does: the issuer in one line.
    pub issuer: String,
    /// The host names in it, `*.example.org` as it stands.
    pub names: Vec<String>,
    /// The addresses in it.
    pub addresses: Vec<IpAddr>,
    /// From when on it is good, in days from now.
    pub begins_in_days: i64,
    /// Until when, in days from now; below 0: it has expired.
    pub ends_in_days: i64,
    /// The last day: `2027-05-01`.
    pub ends_on: String,
    /// The key's file, when others than its owner and group may read it.
    pub open_key: Option<PathBuf>,
}

/// The one that the page has, or would have: `None` without TLS, and before one is made at the first start.
///
/// # Errors
/// [`Error`] when the pair cannot be read or not be used.
pub fn certificate(config: &Config, now: SystemTime) -> Result<Option<Certificate>, Error> {
    let Some(files) = Files::of(config) else { return Ok(None) };
    let (Files::Own { certificate, private_key } | Files::Users { certificate, private_key }) = &files;
    let of_user = matches!(files, Files::Users { .. });
    if !of_user && !certificate.exists() {
        return Ok(None);
    }
    let pair = tls::load(certificate, private_key, &ring::default_provider())?;
    let bad = || Error::CertificatePem {
        key: "server.certificate",
        path: certificate.clone(),
        expected: "an X.509 certificate",
    };
    let leaf = pair.cert.first().ok_or_else(bad)?;
    let (_, parsed) = X509Certificate::from_der(leaf).map_err(|_| bad())?;
    let (mut names, mut addresses) = (Vec::new(), Vec::new());
    if let Ok(Some(extension)) = parsed.subject_alternative_name() {
        for name in &extension.value.general_names {
            match name {
                GeneralName::DNSName(name) => names.push((*name).to_owned()),
                GeneralName::IPAddress(bytes) => addresses.extend(address(bytes)),
                _ => {}
            }
        }
    }
    let now_s = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let days = |at: i64| at.saturating_sub(i64::try_from(now_s).unwrap_or(i64::MAX)).div_euclid(24 * 3600);
    let validity = parsed.validity();
    let end = validity.not_after.to_datetime();
    let others_read =
        |path: &PathBuf| path.metadata().is_ok_and(|file| file.permissions().mode() & 0o007 != 0);
    Ok(Some(Certificate {
        of_user,
        self_signed: parsed.issuer() == parsed.subject(),
        issuer: parsed.issuer().to_string(),
        names,
        addresses,
        begins_in_days: days(validity.not_before.timestamp()),
        ends_in_days: days(validity.not_after.timestamp()),
        ends_on: format!("{:04}-{:02}-{:02}", end.year(), u8::from(end.month()), end.day()),
        open_key: Some(private_key.clone()).filter(others_read),
        path: certificate.clone(),
    }))
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}
