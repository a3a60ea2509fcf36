//! A way into a daemon's TLS for clients that speak none.

use crate::process::Daemon;
use futures_lite::{FutureExt as _, io};
use futures_rustls::TlsConnector;
use futures_rustls::rustls::crypto::ring;
use futures_rustls::rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use smol::net::{TcpListener, TcpStream};
use std::net::SocketAddr;
use std::sync::Arc;

/// Where they connect to; it trusts the daemon's own certificate and no other.
pub fn relay(daemon: &Daemon) -> SocketAddr {
    let path = daemon.folder.path().join("state/tls/certificate.pem");
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(path).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let (connector, to) = (TlsConnector::from(Arc::new(config)), daemon.address);
    let listener = smol::block_on(TcpListener::bind(("127.0.0.1", 0))).unwrap();
    let address = listener.local_addr().unwrap();
    smol::spawn(async move {
        while let Ok((inside, _)) = listener.accept().await {
            let connector = connector.clone();
            smol::spawn(pass(inside, to, connector)).detach();
        }
    })
    .detach();
    address
}

async fn pass(inside: TcpStream, to: SocketAddr, connector: TlsConnector) -> std::io::Result<u64> {
    let outside = TcpStream::connect(to).await?;
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let (read, write) = io::split(connector.connect(name, outside).await?);
    io::copy(inside.clone(), write).or(io::copy(read, inside)).await
}
