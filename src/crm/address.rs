//! Which network addresses a CRM may have.
//!
//! Invariant: an IPv6 form that carries an IPv4 address is judged as that address; what is not known to be
//! reachable from the whole internet is not public (IANA special-purpose registries, RFC 6890).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::Url;

/// Who can be behind an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Anybody on the internet.
    Public,
    /// This machine or its neighbours: only where the operator allows it.
    Private(&'static str),
    /// Nothing that a CRM could be: never.
    Never(&'static str),
}

impl Reach {
    /// Why the address may not be used; nothing when it may.
    pub(crate) const fn objection(self, private_allowed: bool) -> Option<&'static str> {
        match self {
            Self::Public => None,
            Self::Private(_) if private_allowed => None,
            Self::Private(what) | Self::Never(what) => Some(what),
        }
    }
}

/// The reach of an address.
pub(crate) fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(v4) => reach_v4(v4),
        IpAddr::V6(v6) => reach_v6(v6),
    }
}

fn reach_v4(address: Ipv4Addr) -> Reach {
    match address.octets() {
        [127, ..] => Reach::Private("loopback"),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Reach::Private("a private network"),
        [100, 64..=127, ..] => Reach::Private("a provider's own network"),
        [0, ..] => Reach::Never("unspecified"),
        [169, 254, ..] => Reach::Never("link-local, where clouds keep their metadata"),
        [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [198, 18..=19, ..] => {
            Reach::Never("set aside for protocols, tests and examples")
        }
        [224..=239, ..] => Reach::Never("multicast"),
        [240..=255, ..] => Reach::Never("reserved or broadcast"),
        _ => Reach::Public,
    }
}

fn reach_v6(address: Ipv6Addr) -> Reach {
    let segments = address.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        reach_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 0] => Reach::Never("unspecified"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Reach::Private("loopback"),
        // Mapped, compatible and translated IPv4 (RFC 4291 §2.5.5, RFC 2765), NAT64 (RFC 6052), 6to4 (RFC 3056).
        [0, 0, 0, 0, 0 | 0xffff, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            embedded(high, low)
        }
        [0x2002, high, low, ..] => embedded(high, low),
        [0xfd00, 0xec2, ..] => Reach::Never("a cloud's metadata"),
        [0xfc00..=0xfdff, ..] => Reach::Private("a private network"),
        [0xfe80..=0xfebf, ..] => Reach::Never("link-local"),
        [0xff00..=0xffff, ..] => Reach::Never("multicast"),
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => {
            Reach::Never("set aside for protocols, tests and examples")
        }
        [0x2000..=0x3fff, ..] => Reach::Public,
        _ => Reach::Never("outside the global unicast range"),
    }
}

/// The host of an address where it is a number; also decimal and octal forms, which the parser has brought to dots.
pub(crate) fn literal(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Whether the address names this machine itself.
pub(crate) fn is_this_machine(url: &Url) -> bool {
    let is_loopback = |address| reach(address) == Reach::Private("loopback");
    url.host_str() == Some("localhost") || literal(url).is_some_and(is_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Reach {
        reach(text.parse().unwrap())
    }

    #[test]
    fn addresses_of_the_internet_are_public() {
        for text in
            ["93.184.215.14", "1.1.1.1", "172.32.0.1", "2606:4700::1111", "2a00:1450::1", "64:ff9b::101:101"]
        {
            assert_eq!(of(text), Reach::Public, "{text}");
        }
    }

    #[test]
    fn inner_addresses_need_leave_in_whatever_form_they_come() {
        for text in [
            "127.0.0.1",
            "127.255.0.9",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "::1",
            "fd12::1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:0:10.0.0.1",
            "::10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:a00:1::1",
        ] {
            assert!(matches!(of(text), Reach::Private(_)), "{text} is {:?}", of(text));
            assert!(of(text).objection(false).is_some() && of(text).objection(true).is_none(), "{text}");
        }
    }

    #[test]
    fn metadata_link_local_multicast_and_reserved_addresses_are_never_allowed() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "::",
            "fe80::1",
            "ff02::1",
            "fd00:ec2::254",
            "2001:db8::1",
            "2001::1",
            "::ffff:169.254.169.254",
            "64:ff9b:1::1",
            "2002:a9fe:a9fe::1",
            "100::1",
        ] {
            assert!(matches!(of(text), Reach::Never(_)), "{text} is {:?}", of(text));
            assert!(of(text).objection(true).is_some(), "{text}");
        }
    }

    #[test]
    fn decimal_octal_and_hexadecimal_forms_are_the_same_address() {
        for text in [
            "http://2130706433/",
            "http://0177.0.0.1/",
            "http://0x7f.1/",
            "http://127.1/",
            "http://[::ffff:7f00:1]/",
        ] {
            let url = Url::parse(text).unwrap();
            assert_eq!(reach(literal(&url).unwrap()), Reach::Private("loopback"), "{text}");
            assert!(is_this_machine(&url), "{text}");
        }
        assert!(!is_this_machine(&Url::parse("http://localhost.evil.example/").unwrap()));
    }
}
