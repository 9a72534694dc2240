//! Text of addresses, against the standard library and `inet_ntop`.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use netcode::address::{parse, same, text};
use netcode::ffi::address::{netcode_address_equal, netcode_address_to_string, netcode_parse_address};
use netcode::ffi::types::netcode_address_t;

use crate::input::Input;
use crate::reference;

/// Most characters of a text that the C API looks at.
const LONGEST_TEXT: usize = 255;

/// An address is written in the form that the first byte asks for, or what follows is taken as text.
pub(crate) fn run(data: &[u8]) {
    let mut input = Input::new(data);
    match input.u8() {
        b'4' => written(([input.u8(), input.u8(), input.u8(), input.u8()], input.u16()).into()),
        b'6' => {
            let port = input.u16();
            written((Ipv6Addr::from(std::array::from_fn::<u16, 8, _>(|_| input.u16())), port).into());
        }
        _ => read(input.rest()),
    }
}

fn read(bytes: &[u8]) {
    let address = std::str::from_utf8(bytes).ok().and_then(parse);
    if let Ok(text) = std::str::from_utf8(bytes) {
        assert_eq!(address, reference::address(text), "{text:?}");
    }
    if let Some(address) = address {
        written(address);
    }

    let Ok(c_text) = CString::new(bytes) else { return };
    let mut c_address = netcode_address_t::NONE;
    // SAFETY: a string and an address.
    let found = unsafe { netcode_parse_address(c_text.as_ptr(), &mut c_address) };
    let seen = &bytes[..bytes.len().min(LONGEST_TEXT)];
    let expected = std::str::from_utf8(seen).ok().and_then(parse);
    assert_eq!(found, i32::from(expected.is_some()));
    assert_eq!(c_address.to_socket_addr(), expected);
}

fn written(address: SocketAddr) {
    let written = text(&address).to_string();
    assert_eq!(written, system_text(&address), "as the system writes it");
    assert_eq!(parse(&written), Some(address), "{written:?}");
    assert!(same(&address, &address));

    let mut c_address = c_address(&address);
    let mut buffer = [0 as c_char; LONGEST_TEXT + 1];
    // SAFETY: an address, and room for the longest text.
    let c_text = unsafe { CStr::from_ptr(netcode_address_to_string(&mut c_address, buffer.as_mut_ptr())) };
    assert_eq!(c_text.to_bytes(), written.as_bytes());
    let mut copy = c_address;
    // SAFETY: two addresses.
    assert_eq!(unsafe { netcode_address_equal(&mut c_address, &mut copy) }, 1);
}

/// An address in C's form.
pub(crate) fn c_address(address: &SocketAddr) -> netcode_address_t {
    let mut c_address = netcode_address_t { port: address.port(), ..netcode_address_t::NONE };
    match address.ip() {
        IpAddr::V4(ip) => {
            c_address.data.ipv4 = ip.octets();
            c_address.r#type = 1;
        }
        IpAddr::V6(ip) => {
            c_address.data.ipv6 = ip.segments();
            c_address.r#type = 2;
        }
    }
    c_address
}

unsafe extern "C" {
    /// The libc crate does not have it for every system.
    fn inet_ntop(family: c_int, ip: *const c_void, text: *mut c_char, room: libc::socklen_t) -> *const c_char;
}

fn system_text(address: &SocketAddr) -> String {
    let mut buffer = [0 as c_char; LONGEST_TEXT + 1];
    let (room, v6) = (buffer.len() as libc::socklen_t, address.is_ipv6());
    let ip = match address.ip() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let family = if v6 { libc::AF_INET6 } else { libc::AF_INET };
    // SAFETY: the bytes of an address of this family, and room for its text.
    let text = unsafe { inet_ntop(family, ip.as_ptr().cast(), buffer.as_mut_ptr(), room) };
    assert!(!text.is_null());
    // SAFETY: the system has written a string.
    let text = unsafe { CStr::from_ptr(text) }.to_str().expect("ASCII");
    match address.port() {
        0 => text.to_owned(),
        port if v6 => format!("[{text}]:{port}"),
        port => format!("{text}:{port}"),
    }
}
