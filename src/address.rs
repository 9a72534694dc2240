//! Text forms of addresses, and when two addresses are the same.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

/// Most characters of a port number.
const MAX_PORT_DIGITS: usize = 5;

/// Reads `a.b.c.d`, `a.b.c.d:port`, an IPv6 address, `[v6]` or `[v6]:port`.
///
/// A port that is left out is 0; otherwise it has one to five decimal digits and is at most 65535.
/// IPv4 is a strict dotted quad without leading zeros. Zone identifiers (`%eth0`) are refused.
pub fn parse(text: &str) -> Option<SocketAddr> {
    if let Some(bracketed) = text.strip_prefix('[') {
        let (ip, rest) = bracketed.split_once(']')?;
        let port = match rest {
            "" => 0,
            _ => parse_port(rest.strip_prefix(':')?)?,
        };
        return Some(v6(ip.parse().ok()?, port));
    }
    match text.split_once(':') {
        None => v4(text, 0),
        // In IPv6 a dot comes only after a colon.
        Some((ip, port)) if ip.contains('.') => v4(ip, parse_port(port)?),
        Some(_) => Some(v6(text.parse().ok()?, 0)),
    }
}

/// Writes an address as [`parse`] reads it, leaving out a port of 0.
pub fn text(address: &SocketAddr) -> impl fmt::Display {
    Text(*address)
}

/// Whether two addresses are the same endpoint: family, address and port. An IPv6 scope is how this
/// host reaches an address, not a part of it.
pub fn same(a: &SocketAddr, b: &SocketAddr) -> bool {
    a.port() == b.port() && a.ip() == b.ip()
}

fn v4(ip: &str, port: u16) -> Option<SocketAddr> {
    Some((ip.parse::<Ipv4Addr>().ok()?, port).into())
}

fn v6(ip: Ipv6Addr, port: u16) -> SocketAddr {
    SocketAddrV6::new(ip, port, 0, 0).into()
}

fn parse_port(digits: &str) -> Option<u16> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    if !plain || digits.len() > MAX_PORT_DIGITS {
        return None;
    }
    digits.parse().ok()
}

struct Text(SocketAddr);

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.0.port();
        match self.0.ip() {
            IpAddr::V4(ip) if port == 0 => write!(f, "{ip}"),
            IpAddr::V4(ip) => write!(f, "{ip}:{port}"),
            IpAddr::V6(ip) if port == 0 => write_v6(f, ip),
            IpAddr::V6(ip) => {
                f.write_str("[")?;
                write_v6(f, ip)?;
                write!(f, "]:{port}")
            }
        }
    }
}

/// As glibc's `inet_ntop`, which differs from Rust's own text in addresses of the form `::a.b.c.d`:
/// it embeds IPv4 where the leading run of zeros is exactly 96 bits long.
fn write_v6(f: &mut fmt::Formatter<'_>, ip: Ipv6Addr) -> fmt::Result {
    let [head @ .., high, low] = ip.segments();
    if head == [0; 6] && high != 0 {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        return write!(f, "::{a}.{b}.{c}.{d}");
    }
    write!(f, "{ip}")
}
