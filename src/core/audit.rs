//! The audit log's words: who came, left and was refused, and what an admin did.
//!
//! Owns the target under which all of that is told, and the form of addresses in it. Every event of
//! it has a field `event`; none has a secret, nor a name that nobody has.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The target of its `tracing` events.
pub const TARGET: &str = "vitrina::audit";

/// How much of an address is told: `log.audit_addresses`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressForm {
    /// Nothing.
    None,
    /// The network: 24 bits of an IPv4 address, 48 of an IPv6 address.
    Short,
    /// All of it.
    Full,
}

impl AddressForm {
    /// What is told of an address.
    #[must_use]
    pub fn show(self, address: IpAddr) -> String {
        match (self, address.to_canonical()) {
            (Self::None, _) => "-".to_owned(),
            (Self::Short, IpAddr::V4(v4)) => format!("{}/24", Ipv4Addr::from_bits(v4.to_bits() & !0xff)),
            (Self::Short, IpAddr::V6(v6)) => format!("{}/48", Ipv6Addr::from_bits(v6.to_bits() >> 80 << 80)),
            (Self::Full, address) => address.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_as_far_as_was_said() {
        let show = |form: AddressForm, text: &str| form.show(text.parse().unwrap());
        assert_eq!(show(AddressForm::Full, "192.0.2.77"), "192.0.2.77");
        assert_eq!(show(AddressForm::Short, "192.0.2.77"), "192.0.2.0/24");
        assert_eq!(show(AddressForm::Short, "::ffff:192.0.2.77"), "192.0.2.0/24");
        assert_eq!(show(AddressForm::Short, "2001:db8:1:2:3::4"), "2001:db8:1::/48");
        assert_eq!(show(AddressForm::None, "192.0.2.77"), "-");
    }
}
