//! A STUN request as an ICE agent sends it (RFC 8489, RFC 8445), signed by who does not know the password.

/// A Binding request with that USERNAME, PRIORITY, USE-CANDIDATE, a MESSAGE-INTEGRITY that is none, and a FINGERPRINT
/// that is right.
pub fn request(username: &str, transaction: &[u8; 12]) -> Vec<u8> {
    let mut attributes = Vec::new();
    attribute(&mut attributes, 0x0006, username.as_bytes());
    attribute(&mut attributes, 0x0024, &1_845_501_695u32.to_be_bytes());
    attribute(&mut attributes, 0x8029, &[0; 8]);
    attribute(&mut attributes, 0x0025, &[]);
    attribute(&mut attributes, 0x0008, &[0x5a; 20]);
    let length = u16::try_from(attributes.len() + 8).unwrap();
    let mut message = vec![0, 1];
    message.extend(length.to_be_bytes());
    message.extend([0x21, 0x12, 0xa4, 0x42]);
    message.extend(transaction);
    message.extend(attributes);
    let fingerprint = crc32(&message) ^ 0x5354_554e;
    attribute(&mut message, 0x8028, &fingerprint.to_be_bytes());
    message
}

fn attribute(message: &mut Vec<u8>, kind: u16, value: &[u8]) {
    message.extend(kind.to_be_bytes());
    message.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
    message.extend(value);
    message.resize(message.len().next_multiple_of(4), 0);
}

/// ISO 3309, as FINGERPRINT has it.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
    };
    !bytes.iter().fold(!0, step)
}

#[test]
fn the_fingerprint_is_that_of_the_standard() {
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
}
