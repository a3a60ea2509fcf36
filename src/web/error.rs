//! What can go wrong at start and at reload, as sentences that say what to do.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the web server cannot start, or cannot take a new configuration.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be had.
    #[error("cannot listen on {address} ({key}): {}", bind_advice(source))]
    Listen {
        /// Where.
        address: SocketAddr,
        /// The config's key.
        key: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// A file or folder of the state folder cannot be read or written.
    #[error("cannot {action} {}: {source}; the daemon needs to write to the folder state_dir", path.display())]
    State {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The token file holds something else.
    #[error(
        "{} does not hold a token: expected one line of 22 to 256 letters, digits, '-' and '_'; \
         delete the file and a new token is made",
        path.display()
    )]
    Token {
        /// The file.
        path: PathBuf,
    },
    /// The cookie key's file holds something else.
    #[error("{} does not hold a key of 32 bytes; delete the file and a new one is made", path.display())]
    SessionKey {
        /// The file.
        path: PathBuf,
    },
    /// The file of accounts has mistakes, each on a line.
    #[error("{0}")]
    Accounts(String),
    /// A password could not be hashed.
    #[error("cannot hash the password: {0}")]
    Hash(String),
    /// A file of the user's certificate cannot be read.
    #[error("cannot read {} ({key}): {source}", path.display())]
    CertificateFile {
        /// The config's key.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A file of the user's certificate does not hold what it should.
    #[error("{} ({key}) does not hold {expected} in PEM form", path.display())]
    CertificatePem {
        /// The config's key.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What should be there.
        expected: &'static str,
    },
    /// Certificate and key cannot be used together.
    #[error("{} cannot be used with its private key: {source}", path.display())]
    CertificatePair {
        /// The certificate's file.
        path: PathBuf,
        /// Why not.
        source: futures_rustls::rustls::Error,
    },
    /// No certificate could be made.
    #[error("cannot make a self-signed certificate: {0}")]
    MakeCertificate(#[from] rcgen::Error),
    /// The TLS library does not work as it was built.
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] futures_rustls::rustls::Error),
    /// The system gives no random numbers.
    #[error("the system's random number generator failed")]
    Random,
    /// A text that no QR code can hold.
    #[error("the link is too long for a QR code: {0}")]
    QrCode(#[from] qrcode::types::QrError),
}

fn bind_advice(source: &io::Error) -> String {
    match source.kind() {
        io::ErrorKind::AddrInUse => {
            "the port is in use, perhaps by another vitrina; stop that program or choose another port".into()
        }
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need a privilege (CAP_NET_BIND_SERVICE); choose a higher port".into()
        }
        io::ErrorKind::AddrNotAvailable => {
            "no interface of this machine has that address; 0.0.0.0 stands for all of them".into()
        }
        _ => source.to_string(),
    }
}
