//! The server's certificate: made here and kept, or the user's own, and replaced while running.
//!
//! Owns the TLS set-up of the listening socket. A pair that cannot be used never takes the place
//! of one that can.

use super::error::Error;
use super::{host, state};
use crate::config;
use futures_rustls::TlsAcceptor;
use futures_rustls::rustls::client::WebPkiServerVerifier;
use futures_rustls::rustls::client::danger::ServerCertVerifier;
use futures_rustls::rustls::crypto::{CryptoProvider, ring};
use futures_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use futures_rustls::rustls::sign::CertifiedKey;
use futures_rustls::rustls::{self, CertificateError, RootCertStore, ServerConfig};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// How long a self-signed certificate lasts. Apple's systems refuse more than 825 days.
const VALIDITY: Duration = DAY.saturating_mul(730);
/// It is made again when so little is left.
const RENEWAL: Duration = DAY.saturating_mul(30);
/// It begins so long before it is made, for clients whose clocks are behind.
const CLOCK_SLACK: Duration = DAY;

/// The listening socket's TLS.
pub(crate) struct Tls {
    files: Files,
    acceptor: TlsAcceptor,
    provider: Arc<CryptoProvider>,
    current: Arc<Current>,
    /// The files as they were when last read, so that a bad pair is reported once.
    seen: Mutex<[Option<Stamp>; 2]>,
}

/// Where the pair is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Files {
    /// Made here.
    Own { certificate: PathBuf, private_key: PathBuf },
    /// The user's.
    Users { certificate: PathBuf, private_key: PathBuf },
}

/// What tells whether a file has changed: time of change in nanoseconds, length, inode.
type Stamp = (i128, u64, u64);

/// What a look at the files came to.
#[derive(Debug)]
pub(crate) enum Refresh {
    /// Nothing has changed.
    Unchanged,
    /// Another certificate is in use from now on.
    Replaced,
}

impl Tls {
    /// Loads the pair, or makes it. `None` when TLS is off.
    pub(crate) fn new(config: &config::Config, now: SystemTime) -> Result<Option<Self>, Error> {
        let Some(files) = Files::of(config) else { return Ok(None) };
        let provider = Arc::new(ring::default_provider());
        let seen = files.stamps();
        let current = Arc::new(Current(RwLock::new(files.load_or_make(&provider, now)?)));
        let mut config = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(current.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Some(Self { files, acceptor: Arc::new(config).into(), provider, current, seen: Mutex::new(seen) }))
    }

    /// What does the handshakes.
    pub(crate) fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }

    /// Whether the certificate is the user's own, which browsers are expected to accept.
    pub(crate) fn is_users(&self) -> bool {
        matches!(self.files, Files::Users { .. })
    }

    /// SHA-256 of the certificate, as browsers show it: `AB:CD:...`.
    pub(crate) fn fingerprint(&self) -> String {
        let pair = self.current.get();
        let leaf = pair.cert.first().map_or(&[][..], AsRef::as_ref);
        let digest = ::ring::digest::digest(&::ring::digest::SHA256, leaf);
        digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
    }

    /// Looks whether the user's files have changed, or whether an own certificate is to be
    /// renewed. Reads files; runs on a thread that may block.
    ///
    /// # Errors
    /// When there is a new pair that cannot be used; the old one stays. Reported once for each
    /// change of the files.
    pub(crate) fn refresh(&self, now: SystemTime) -> Result<Refresh, Error> {
        let provider = &self.provider;
        let changed = {
            let stamps = self.files.stamps();
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *seen, stamps) != stamps
        };
        let due = match &self.files {
            Files::Users { .. } => changed,
            Files::Own { .. } => changed || why_renew(&self.current.get(), provider, now).is_some(),
        };
        if !due {
            return Ok(Refresh::Unchanged);
        }
        let pair = self.files.load_or_make(provider, now)?;
        let same = pair.cert == self.current.get().cert;
        self.current.set(pair);
        Ok(if same { Refresh::Unchanged } else { Refresh::Replaced })
    }
}

impl Files {
    /// Where a configuration has it; `None` when TLS is off.
    pub(super) fn of(config: &config::Config) -> Option<Self> {
        match &config.server.tls {
            config::Tls::Off => None,
            config::Tls::SelfSigned => {
                let folder = config.state_dir.join("tls");
                Some(Self::Own {
                    certificate: folder.join("certificate.pem"),
                    private_key: folder.join("private_key.pem"),
                })
            }
            config::Tls::Files { certificate, private_key } => {
                Some(Self::Users { certificate: certificate.clone(), private_key: private_key.clone() })
            }
        }
    }

    fn stamps(&self) -> [Option<Stamp>; 2] {
        let (Self::Own { certificate, private_key } | Self::Users { certificate, private_key }) = self;
        [stamp(certificate), stamp(private_key)]
    }

    fn load_or_make(
        &self,
        provider: &Arc<CryptoProvider>,
        now: SystemTime,
    ) -> Result<Arc<CertifiedKey>, Error> {
        match self {
            Self::Users { certificate, private_key } => load(certificate, private_key, provider),
            Self::Own { certificate, private_key } => {
                if certificate.exists() || private_key.exists() {
                    let reason = match load(certificate, private_key, provider) {
                        Ok(pair) => match why_renew(&pair, provider, now) {
                            None => return Ok(pair),
                            Some(reason) => reason,
                        },
                        Err(error) => error.to_string(),
                    };
                    tracing::warn!(
                        reason,
                        "making a new self-signed certificate; browsers will ask again whether to trust it"
                    );
                }
                make(certificate, private_key, now)?;
                load(certificate, private_key, provider)
            }
        }
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(path).ok()?;
    let nanoseconds = i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
    Some((nanoseconds, metadata.len(), metadata.ino()))
}

pub(super) fn load(
    certificate: &Path,
    private_key: &Path,
    provider: &CryptoProvider,
) -> Result<Arc<CertifiedKey>, Error> {
    let read = |key, path: &Path| {
        fs::read(path).map_err(|source| Error::CertificateFile { key, path: path.into(), source })
    };
    let bad = |key, path: &Path, expected| Error::CertificatePem { key, path: path.into(), expected };

    let text = read("server.certificate", certificate)?;
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|_| bad("server.certificate", certificate, "certificates"))?;
    if chain.is_empty() {
        return Err(bad("server.certificate", certificate, "a certificate"));
    }
    let text = read("server.private_key", private_key)?;
    let key = PrivateKeyDer::from_pem_slice(&text)
        .map_err(|_| bad("server.private_key", private_key, "a private key without a password"))?;
    let pair = CertifiedKey::from_der(chain, key, provider)
        .map_err(|source| Error::CertificatePair { path: certificate.into(), source })?;
    Ok(Arc::new(pair))
}

/// Why a certificate made here has to be made again: what a client that trusts it would say
/// about it when the time for renewal is over.
fn why_renew(pair: &CertifiedKey, provider: &Arc<CryptoProvider>, now: SystemTime) -> Option<String> {
    let verify = || -> Result<(), rustls::Error> {
        let leaf = pair.end_entity_cert()?;
        let mut roots = RootCertStore::empty();
        roots.add(leaf.clone())?;
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
            .build()
            .map_err(|error| rustls::Error::General(error.to_string()))?;
        let name = ServerName::try_from("localhost").map_err(|e| rustls::Error::General(e.to_string()))?;
        let then = now.duration_since(UNIX_EPOCH).unwrap_or_default() + RENEWAL;
        verifier.verify_server_cert(leaf, &[], &name, &[], UnixTime::since_unix_epoch(then))?;
        Ok(())
    };
    match verify() {
        // A clock that was wrong at boot: a new certificate would be wrong when it is set right.
        Ok(())
        | Err(rustls::Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        )) => None,
        Err(rustls::Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        )) => Some("it expires within 30 days".into()),
        Err(error) => Some(error.to_string()),
    }
}

fn make(certificate: &Path, private_key: &Path, now: SystemTime) -> Result<(), Error> {
    let host_name = host::name();
    let mut names = vec!["localhost".to_owned()];
    if is_dns_name(&host_name) && host_name != "localhost" {
        names.push(host_name.clone());
        if !host_name.contains('.') {
            names.push(format!("{host_name}.local"));
        }
    }
    let mut addresses = host::addresses();
    addresses.extend([IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]);
    addresses.sort_unstable();
    addresses.dedup();
    names.extend(addresses.iter().map(ToString::to_string));

    let mut params = CertificateParams::new(names)?;
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + now.saturating_sub(CLOCK_SLACK);
    params.not_after = epoch + (now + VALIDITY);
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, format!("vitrina on {host_name}"));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // ECDSA P-256: what every browser takes.
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let made = params.self_signed(&key)?;

    if let Some(folder) = certificate.parent() {
        state::make_folder(folder)?;
    }
    // A stop between the two leaves a pair that does not match, which the next start replaces.
    state::write_private(private_key, key.serialize_pem().as_bytes())?;
    state::write_private(certificate, made.pem().as_bytes())
}

/// Whether a host's name can stand in a certificate (RFC 1123 section 2.1).
fn is_dns_name(name: &str) -> bool {
    name.len() <= 253
        && name.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

/// The pair in use.
#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl Current {
    fn get(&self) -> Arc<CertifiedKey> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
    fn set(&self, pair: Arc<CertifiedKey>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = pair;
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.get())
    }
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
