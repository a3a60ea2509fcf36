use super::*;
use std::os::unix::fs::PermissionsExt;

const NOW: u64 = 1_800_000_000;

fn at(days: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW) + DAY * u32::try_from(days).unwrap()
}

fn own(folder: &Path) -> Files {
    Files::Own {
        certificate: folder.join("tls/certificate.pem"),
        private_key: folder.join("tls/private_key.pem"),
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn accepts(pair: &CertifiedKey, name: &str, when: SystemTime) -> bool {
    let leaf = pair.end_entity_cert().unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(leaf.clone()).unwrap();
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build().unwrap();
    let name = ServerName::try_from(name).unwrap();
    let when = UnixTime::since_unix_epoch(when.duration_since(UNIX_EPOCH).unwrap());
    verifier.verify_server_cert(leaf, &[], &name, &[], when).is_ok()
}

#[test]
fn a_certificate_is_made_once_for_every_name_of_the_machine() {
    let folder = tempfile::tempdir().unwrap();
    let first = own(folder.path()).load_or_make(&provider(), at(0)).unwrap();
    for name in ["localhost", "127.0.0.1", "::1"] {
        assert!(accepts(&first, name, at(0)), "{name}");
        assert!(accepts(&first, name, at(729)), "{name}");
    }
    for address in host::addresses() {
        assert!(accepts(&first, &address.to_string(), at(0)), "{address}");
    }
    assert!(!accepts(&first, "example.org", at(0)));
    assert!(!accepts(&first, "localhost", at(731)));

    let second = own(folder.path()).load_or_make(&provider(), at(699)).unwrap();
    assert_eq!(first.cert, second.cert);
    let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("tls"), mode("tls/private_key.pem")), (0o700, 0o600));
}

#[test]
fn it_is_renewed_a_month_before_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let first = own(folder.path()).load_or_make(&provider(), at(0)).unwrap();
    let second = own(folder.path()).load_or_make(&provider(), at(701)).unwrap();
    assert_ne!(first.cert, second.cert);
    assert!(accepts(&second, "localhost", at(1400)));
}

#[test]
fn a_clock_that_was_wrong_at_boot_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let first = own(folder.path()).load_or_make(&provider(), at(0)).unwrap();
    let second = own(folder.path()).load_or_make(&provider(), UNIX_EPOCH).unwrap();
    assert_eq!(first.cert, second.cert);
}

#[test]
fn what_cannot_be_read_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let files = own(folder.path());
    let mut last = files.load_or_make(&provider(), at(0)).unwrap();
    let (certificate, private_key) =
        (folder.path().join("tls/certificate.pem"), folder.path().join("tls/private_key.pem"));
    let other = tempfile::tempdir().unwrap();
    own(other.path()).load_or_make(&provider(), at(0)).unwrap();
    let damages: [&dyn Fn(); 4] = [
        &|| fs::write(&certificate, "nonsense").unwrap(),
        &|| fs::write(&private_key, "").unwrap(),
        &|| fs::remove_file(&certificate).unwrap(),
        &|| fs::write(&private_key, fs::read(other.path().join("tls/private_key.pem")).unwrap()).unwrap(),
    ];
    for damage in damages {
        damage();
        let pair = files.load_or_make(&provider(), at(0)).unwrap();
        assert_ne!(pair.cert, last.cert);
        last = pair;
    }
}

#[test]
fn mistakes_in_the_users_files_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    own(folder.path()).load_or_make(&provider(), at(0)).unwrap();
    let other = tempfile::tempdir().unwrap();
    own(other.path()).load_or_make(&provider(), at(0)).unwrap();
    let path = |name: &str| folder.path().join("tls").join(name);
    let good = |name: &str| fs::read_to_string(path(name)).unwrap();
    let (certificate, private_key) = (good("certificate.pem"), good("private_key.pem"));
    let other_key = fs::read_to_string(other.path().join("tls/private_key.pem")).unwrap();
    let message = |certificate: &str, key: &str| {
        fs::write(path("c.pem"), certificate).unwrap();
        fs::write(path("k.pem"), key).unwrap();
        load(&path("c.pem"), &path("k.pem"), &provider()).map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(message(&certificate, &private_key), Ok(()));
    for (cert, key, expected) in [
        ("", private_key.as_str(), "c.pem (server.certificate) does not hold a certificate in PEM form"),
        (&private_key, &private_key, "c.pem (server.certificate) does not hold a certificate in PEM form"),
        (&certificate, "", "k.pem (server.private_key) does not hold a private key without a password"),
        (&certificate, &certificate, "k.pem (server.private_key) does not hold a private key"),
        (&certificate, &other_key, "c.pem cannot be used with its private key"),
    ] {
        let message = message(cert, key).unwrap_err();
        assert!(message.contains(expected), "{message}");
    }
    let missing = load(&path("none.pem"), &path("k.pem"), &provider()).unwrap_err().to_string();
    assert!(missing.contains("none.pem (server.certificate): No such file"), "{missing}");
}

#[test]
fn host_names_that_certificates_cannot_hold_are_left_out() {
    for good in ["box", "a-b.example", "1"] {
        assert!(is_dns_name(good), "{good}");
    }
    for bad in ["", "a_b", "-a", "a-", "a..b", "ñ", &"a".repeat(64)] {
        assert!(!is_dns_name(bad), "{bad}");
    }
}
