//! What is said to STUN and TURN servers: a Binding (RFC 8489 section 2), an Allocate with a login (RFC 8656
//! section 7), and its end.
//!
//! Owns the messages and what their answers mean, and knows no socket: a [`Wire`] carries them.

use std::io;
use std::net::SocketAddr;
use turn_types::attribute::{Lifetime, RequestedTransport, XorRelayedAddress};
use turn_types::message::{ALLOCATE, REFRESH};
use turn_types::stun::attribute::{ErrorCode, Nonce, Realm, Username, XorMappedAddress};
use turn_types::stun::message::{
    BINDING, IntegrityAlgorithm, LongTermKeyCredentials, Message, MessageClass, MessageIntegrityCredentials,
    MessageWrite as _, MessageWriteExt as _, MessageWriteVec, Method, StunWriteError,
};

/// The server's nonce may be too old by the time it comes (438): asked again so often.
const ROUNDS: usize = 3;
/// Relayed is UDP (RFC 8656 section 18.8: the protocol's number).
const UDP: u8 = 17;

/// How messages travel.
pub(super) trait Wire {
    /// Sends a request, and waits for the answer with that transaction.
    fn ask(&mut self, request: &[u8]) -> io::Result<Vec<u8>>;
}

/// A login.
pub(super) struct Credentials {
    pub(super) username: String,
    pub(super) password: String,
}

/// Why a server is of no use.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// It is not reached, or does not answer.
    #[error("{0}")]
    Wire(#[from] io::Error),
    /// It says no.
    #[error("it refuses ({code}: {reason})")]
    Refused {
        /// RFC 8656 section 19, RFC 8489 section 14.8.
        code: u16,
        /// In its words.
        reason: String,
        /// Whether it had seen the login.
        with_login: bool,
    },
    /// It says something that is no answer.
    #[error("what answers there is no such server: {0}")]
    Garbled(String),
}

fn garbled(error: impl ToString) -> Failure {
    Failure::Garbled(error.to_string())
}

/// Under which address the server sees the sender.
pub(super) fn binding(wire: &mut impl Wire) -> Result<SocketAddr, Failure> {
    let bytes = wire.ask(&Message::builder_request(BINDING, MessageWriteVec::new()).finish())?;
    let answer = Message::from_bytes(&bytes).map_err(garbled)?;
    refusal(&answer, BINDING, false)?;
    let mapped = answer.attribute::<XorMappedAddress>().map_err(garbled)?;
    Ok(mapped.addr(answer.transaction_id()))
}

/// Logs in, has a relayed address made, and gives it back.
pub(super) fn allocate(wire: &mut impl Wire, login: &Credentials) -> Result<SocketAddr, Failure> {
    let mut asked_for: Option<(String, String)> = None;
    for _ in 0..ROUNDS {
        let request = request(ALLOCATE, login, asked_for.as_ref()).map_err(garbled)?;
        let bytes = wire.ask(&request)?;
        let answer = Message::from_bytes(&bytes).map_err(garbled)?;
        match refusal(&answer, ALLOCATE, asked_for.is_some()) {
            Ok(()) => {
                let relayed = answer.attribute::<XorRelayedAddress>().map_err(garbled)?;
                let relayed = relayed.addr(answer.transaction_id());
                if let Ok(end) = self::request(REFRESH, login, asked_for.as_ref()) {
                    // Where this is lost it ends by itself, after ten minutes.
                    let _ = wire.ask(&end);
                }
                return Ok(relayed);
            }
            // The first request has no login, so that the answer says for what one is asked.
            Err(
                Failure::Refused { code: 401, with_login: false, .. } | Failure::Refused { code: 438, .. },
            ) => {
                let realm = answer.attribute::<Realm>().map_err(garbled)?;
                let nonce = answer.attribute::<Nonce>().map_err(garbled)?;
                asked_for = Some((realm.realm().to_owned(), nonce.nonce().to_owned()));
            }
            Err(failure) => return Err(failure),
        }
    }
    Err(Failure::Garbled("it asks for the login again and again".to_owned()))
}

/// A request; signed once the server has said its realm and a nonce.
fn request(
    method: Method,
    login: &Credentials,
    asked_for: Option<&(String, String)>,
) -> Result<Vec<u8>, StunWriteError> {
    let mut request = Message::builder_request(method, MessageWriteVec::new());
    if method == REFRESH {
        request.add_attribute(&Lifetime::new(0))?;
    } else {
        request.add_attribute(&RequestedTransport::new(UDP))?;
    }
    if let Some((realm, nonce)) = asked_for {
        request.add_attribute(&Username::new(&login.username)?)?;
        request.add_attribute(&Realm::new(realm)?)?;
        request.add_attribute(&Nonce::new(nonce)?)?;
        let (username, password) = (login.username.clone(), login.password.clone());
        let key = LongTermKeyCredentials::new(username, password, realm.clone());
        request
            .add_message_integrity(&MessageIntegrityCredentials::LongTerm(key), IntegrityAlgorithm::Sha1)?;
    }
    Ok(request.finish())
}

fn refusal(answer: &Message<'_>, method: Method, with_login: bool) -> Result<(), Failure> {
    match answer.class() {
        _ if answer.method() != method => Err(garbled("another method than was asked for")),
        MessageClass::Success => Ok(()),
        MessageClass::Error => {
            let error = answer.attribute::<ErrorCode>().map_err(garbled)?;
            Err(Failure::Refused { code: error.code(), reason: error.reason().to_owned(), with_login })
        }
        MessageClass::Request | MessageClass::Indication => Err(garbled("a question and no answer")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use turn_types::stun::attribute::{AttributeWrite, RawAttribute, Software};

    /// A server in the place of one, which takes one login and then says what the test has it say.
    struct FakeServer {
        password: &'static str,
        /// Error codes for signed requests, before they are looked at.
        says: Vec<u16>,
        heard: Vec<Method>,
    }

    impl FakeServer {
        fn new(says: &[u16]) -> Self {
            Self { password: "south", says: says.to_vec(), heard: Vec::new() }
        }

        fn refuse(request: &Message<'_>, code: u16, more: &[&dyn AttributeWrite]) -> Vec<u8> {
            let mut answer = Message::builder_error(request, MessageWriteVec::new());
            answer.add_attribute(&ErrorCode::new(code, "No").unwrap()).unwrap();
            for attribute in more {
                answer.add_attribute(*attribute).unwrap();
            }
            answer.finish()
        }
    }

    impl Wire for FakeServer {
        fn ask(&mut self, request: &[u8]) -> io::Result<Vec<u8>> {
            let request = Message::from_bytes(request).unwrap();
            self.heard.push(request.method());
            let (realm, nonce) = (Realm::new("lab").unwrap(), Nonce::new("n1").unwrap());
            let Ok(username) = request.attribute::<Username>() else {
                return Ok(Self::refuse(&request, 401, &[&realm, &nonce]));
            };
            assert_eq!(username.username(), "ana");
            if !self.says.is_empty() {
                let code = self.says.remove(0);
                return Ok(Self::refuse(&request, code, &[&realm, &nonce]));
            }
            let key = LongTermKeyCredentials::new("ana".into(), self.password.into(), "lab".into());
            if request.validate_integrity(&key.into()).is_err() {
                return Ok(Self::refuse(&request, 401, &[&realm, &nonce]));
            }
            let mut answer = Message::builder_success(&request, MessageWriteVec::new());
            let relayed = "192.0.2.1:50000".parse().unwrap();
            answer.add_attribute(&XorRelayedAddress::new(relayed, request.transaction_id())).unwrap();
            Ok(answer.finish())
        }
    }

    fn login(password: &str) -> Credentials {
        Credentials { username: "ana".into(), password: password.into() }
    }

    fn refused(server: &mut FakeServer, password: &str) -> (u16, bool) {
        match allocate(server, &login(password)) {
            Err(Failure::Refused { code, with_login, .. }) => (code, with_login),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_login_that_is_good_gets_a_relay_and_gives_it_back() {
        let mut server = FakeServer::new(&[]);
        assert_eq!(allocate(&mut server, &login("south")).unwrap().to_string(), "192.0.2.1:50000");
        assert_eq!(server.heard, [ALLOCATE, ALLOCATE, REFRESH]);
    }

    #[test]
    fn a_login_that_is_not_good_is_told_by_the_servers_code() {
        assert_eq!(refused(&mut FakeServer::new(&[]), "north"), (401, true));
        assert_eq!(refused(&mut FakeServer::new(&[437]), "south"), (437, true));
        assert_eq!(refused(&mut FakeServer::new(&[486]), "south"), (486, true));
    }

    #[test]
    fn an_old_nonce_is_asked_for_again_but_not_for_ever() {
        assert!(allocate(&mut FakeServer::new(&[438]), &login("south")).is_ok());
        let again = allocate(&mut FakeServer::new(&[438, 438, 438]), &login("south"));
        assert!(matches!(again, Err(Failure::Garbled(_))), "{again:?}");
    }

    /// RFC 5769 section 2.4: a request with long-term credentials.
    #[test]
    fn requests_are_signed_as_the_test_vector_of_rfc_5769() {
        let hexadecimal = "000100602112a44278ad3433c6ad72c029da412e00060012e3839ee38388e383aae38383e382af\
                           e382b90000\
                           0015001c662f2f3439396b39353464364f4c33346f4c394653547679363473410014000b657861\
                           6d706c652e6f72670000080014f67024656dd64a3e02b8e0712e85c9a28ca89666";
        let bytes: Vec<u8> = (0..hexadecimal.len() / 2)
            .map(|at| u8::from_str_radix(&hexadecimal[at * 2..at * 2 + 2], 16).unwrap())
            .collect();
        let vector = Message::from_bytes(&bytes).unwrap();
        let name = "\u{30de}\u{30c8}\u{30ea}\u{30c3}\u{30af}\u{30b9}";
        let key = |password: &str| {
            LongTermKeyCredentials::new(name.into(), password.into(), "example.org".into()).into()
        };
        assert!(vector.validate_integrity(&key("TheMatrIX")).is_ok());
        assert!(vector.validate_integrity(&key("TheMatrix")).is_err());

        // And what is made here can be read the same way.
        let asked_for = ("example.org".to_owned(), "f//499k954d6OL34oL9FSTvy64sA".to_owned());
        let login = Credentials { username: name.into(), password: "TheMatrIX".into() };
        let made = request(ALLOCATE, &login, Some(&asked_for)).unwrap();
        assert!(Message::from_bytes(&made).unwrap().validate_integrity(&key("TheMatrIX")).is_ok());
    }

    #[test]
    fn what_is_no_answer_is_told() {
        struct Says(fn(&Message<'_>) -> Vec<u8>);
        impl Wire for Says {
            fn ask(&mut self, request: &[u8]) -> io::Result<Vec<u8>> {
                Ok(self.0(&Message::from_bytes(request).unwrap()))
            }
        }
        let web = |_: &Message<'_>| b"HTTP/1.1 400 Bad Request\r\n".to_vec();
        assert!(matches!(binding(&mut Says(web)), Err(Failure::Garbled(_))));
        let empty = |request: &Message<'_>| {
            let mut answer = Message::builder_success(request, MessageWriteVec::new());
            answer.add_attribute(&Software::new("x").unwrap()).unwrap();
            answer.add_attribute(&RawAttribute::new(0x8fff.into(), &[1])).unwrap();
            answer.finish()
        };
        assert!(matches!(binding(&mut Says(empty)), Err(Failure::Garbled(_))));
        assert!(matches!(allocate(&mut Says(empty), &login("south")), Err(Failure::Garbled(_))));
    }
}
