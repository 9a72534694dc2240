//! Text forms of addresses.

mod common;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use netcode::address::{parse, same, text};
use proptest::prelude::*;

use common::vectors::{Entry, Vectors};

/// The address that the recording describes.
fn recorded_address(entry: &Entry<'_>) -> SocketAddr {
    let parts = |key: &str| entry.list(key).iter().map(|part| part.as_u64().unwrap() as u16).collect::<Vec<_>>();
    let ip = match entry.number("type") {
        1 => {
            let octets: Vec<_> = parts("ipv4").iter().map(|&part| u8::try_from(part).unwrap()).collect();
            IpAddr::from(<[u8; 4]>::try_from(octets).unwrap())
        }
        2 => IpAddr::from(<[u16; 8]>::try_from(parts("ipv6")).unwrap()),
        other => panic!("address type {other}"),
    };
    SocketAddr::new(ip, entry.number("port") as u16)
}

/// Addresses, those whose text has special rules more often than by chance.
fn addresses() -> impl Strategy<Value = SocketAddr> {
    let group = || prop_oneof![2 => Just(0u16), 1 => Just(0xffff), 2 => any::<u16>()];
    let v6 = proptest::array::uniform8(group()).prop_map(|groups| IpAddr::V6(groups.into()));
    let v4 = any::<[u8; 4]>().prop_map(|octets| IpAddr::V4(octets.into()));
    let port = prop_oneof![1 => Just(0u16), 3 => any::<u16>()];
    (prop_oneof![v4, v6], port).prop_map(|(ip, port)| SocketAddr::new(ip, port))
}

/// What an address is made of, put together at random.
fn address_like() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("[".to_owned()),
        Just("]".to_owned()),
        Just(":".to_owned()),
        Just("::".to_owned()),
        Just(".".to_owned()),
        Just("1.2.3.4".to_owned()),
        Just("::1".to_owned()),
        Just("é".to_owned()),
        any::<u16>().prop_map(|number| format!("{number:x}")),
        any::<u32>().prop_map(|number| number.to_string()),
    ];
    prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

#[test]
fn recorded_texts_are_parsed_as_recorded() {
    let vectors = Vectors::load("addresses");
    for entry in vectors.entries() {
        let input = entry.text("input");
        let parsed = parse(input);
        if entry.has("unspecified") {
            continue;
        }
        let expected = entry.flag("ok").then(|| recorded_address(&entry));
        assert_eq!(parsed, expected, "{input:?}");
    }
}

#[test]
fn recorded_addresses_are_written_as_recorded() {
    let vectors = Vectors::load("addresses");
    let mut written = 0;
    // How an address is written does not depend on the text that it was read from.
    for entry in vectors.entries().iter().filter(|entry| entry.flag("ok")) {
        assert_eq!(text(&recorded_address(entry)).to_string(), entry.text("text"), "{:?}", entry.text("input"));
        written += 1;
    }
    assert!(written > 50);
}

#[test]
fn an_address_is_the_same_only_with_the_same_bytes_port_and_family() {
    let address = |text: &str| parse(text).unwrap();
    assert!(same(&address("1.2.3.4:5"), &address("1.2.3.4:5")));
    assert!(!same(&address("1.2.3.4:5"), &address("1.2.3.4:6")));
    assert!(!same(&address("1.2.3.4:5"), &address("1.2.3.5:5")));
    assert!(same(&address("[::1]:5"), &address("[0:0:0::1]:5")));
    assert!(!same(&address("[::1]:5"), &address("[::2]:5")));
    assert!(!same(&address("1.2.3.4:5"), &address("[::ffff:1.2.3.4]:5")));
    assert!(!same(&address("0.0.0.0:5"), &address("[::]:5")));
}

#[test]
fn the_scope_of_an_address_is_not_a_part_of_it() {
    let scoped = |flow, scope| SocketAddr::V6(SocketAddrV6::new(Ipv6Addr::LOCALHOST, 5, flow, scope));
    assert!(same(&scoped(0, 0), &scoped(0, 3)));
    assert!(same(&scoped(7, 0), &scoped(0, 0)));
    assert_eq!(text(&scoped(7, 3)).to_string(), "[::1]:5");
}

#[test]
fn a_port_has_one_to_five_digits_and_is_at_most_65535() {
    for host in ["1.2.3.4", "[::1]"] {
        for port in [0u32, 1, 9, 10, 9999, 10000, 65535] {
            let parsed = parse(&format!("{host}:{port}")).map(|address| u32::from(address.port()));
            assert_eq!(parsed, Some(port), "{host}:{port}");
        }
        for port in ["", "65536", "99999", "100000", "000001", "-1", "+1", " 1", "1 ", "1a", "0x1", "١"] {
            assert_eq!(parse(&format!("{host}:{port}")), None, "{host}:{port:?}");
        }
        assert_eq!(parse(host).map(|address| address.port()), Some(0));
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(address in addresses()) {
        prop_assert_eq!(parse(&text(&address).to_string()), Some(address));
    }

    #[test]
    fn the_address_with_another_port_is_another(address in addresses(), port in any::<u16>()) {
        let other = SocketAddr::new(address.ip(), port);
        prop_assert_eq!(same(&address, &other), address.port() == port);
    }

    #[test]
    fn ipv4_is_read_as_the_standard_library_reads_it(octets in any::<[u8; 4]>(), port in any::<u16>()) {
        let ip = Ipv4Addr::from(octets);
        prop_assert_eq!(parse(&format!("{ip}:{port}")), Some(SocketAddr::new(ip.into(), port)));
    }

    #[test]
    fn no_text_is_too_much(input in any::<String>()) {
        let _ = parse(&input);
    }

    #[test]
    fn nothing_that_looks_like_an_address_is_too_much(input in address_like()) {
        if let Some(address) = parse(&input) {
            prop_assert_eq!(parse(&text(&address).to_string()), Some(address), "{}", input);
        }
    }
}
