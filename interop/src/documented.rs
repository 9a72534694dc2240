//! What is known not to work, and why.

use crate::implementation::{Implementation, Ipv6Words, Layout};
use crate::scenarios::{PAYLOADS, SERVER_FULL, TOKEN_AS_ISSUED};
use crate::setting::{Addresses, Setting};

pub(crate) struct Documented {
    /// What the trial returns.
    pub(crate) finding: &'static str,
    /// Why, in words.
    pub(crate) reason: &'static str,
}

pub(crate) fn documented(setting: &Setting, scenario: &str) -> Option<Documented> {
    layout(setting, scenario)
        .or_else(|| addresses(setting))
        .or_else(|| second_address(setting, scenario))
        .or_else(|| payloads(setting, scenario))
}

fn layout(setting: &Setting, scenario: &str) -> Option<Documented> {
    match (setting.issuer.layout(), setting.client.layout()) {
        _ if scenario != TOKEN_AS_ISSUED => None,
        (Layout::PrefixedByClientId, Layout::Standard) => Some(Documented {
            finding: "the client refuses the token: NETCODE_CLIENT_STATE_INVALID_CONNECT_TOKEN",
            reason: "renetcode puts the client id before its tokens and does not pad them to 2048 bytes; in the other \
                     columns the id is taken off, and padding added",
        }),
        (Layout::Standard, Layout::PrefixedByClientId) => Some(Documented {
            finding: "the client refuses the token: invalid version info",
            reason: "renetcode expects the client id before a token; in the other columns it is put there",
        }),
        _ => None,
    }
}

fn addresses(setting: &Setting) -> Option<Documented> {
    if setting.addresses != Addresses::V6 {
        return None;
    }
    let [client, server, issuer] = [setting.client, setting.server, setting.issuer].map(Implementation::ipv6_words);
    if client != issuer {
        return Some(Documented {
            finding: "the client goes to ::100: RequestTimedOut",
            reason: match issuer {
                Ipv6Words::NetworkOrder => {
                    "the issuer writes IPv6 addresses as 16 octets in network order, not as eight little-endian words, \
                     so the client reads another address"
                }
                Ipv6Words::LittleEndian => {
                    "the client reads IPv6 addresses as 16 octets in network order, not as eight little-endian words"
                }
            },
        });
    }
    (server != issuer).then_some(Documented {
        finding: "not connected: RequestTimedOut",
        reason: match issuer {
            Ipv6Words::NetworkOrder => {
                "the issuer writes IPv6 addresses as 16 octets in network order, not as eight little-endian words, so \
                 the server does not find itself in the token, and ignores it"
            }
            Ipv6Words::LittleEndian => {
                "the server reads IPv6 addresses as 16 octets in network order, not as eight little-endian words, so \
                 it does not find itself in the token, and ignores it"
            }
        },
    })
}

fn second_address(setting: &Setting, scenario: &str) -> Option<Documented> {
    let is_second = setting.addresses == Addresses::V6Turned && setting.issuer.name() == "renetcode";
    (is_second && setting.client.name() == "ours" && scenario == SERVER_FULL).then_some(Documented {
        finding: "refused, but not as Denied: RequestTimedOut",
        reason: "a token by renetcode has the address as the server reads it behind the one for the client, and a \
                 client that is denied goes on to it",
    })
}

fn payloads(setting: &Setting, scenario: &str) -> Option<Documented> {
    const REASON: &str = "netcode-rs reads no datagrams of more than 1200 bytes, of which prefix, sequence and tag take \
                          18 to 25, here 19";
    let (client, server) = (setting.client.name(), setting.server.name());
    match scenario {
        PAYLOADS if client == "netcode-rs" => {
            Some(Documented { finding: "lost on the way to the client: all of 1182 bytes and more", reason: REASON })
        }
        PAYLOADS if server == "netcode-rs" => {
            Some(Documented { finding: "lost on the way to the server: all of 1182 bytes and more", reason: REASON })
        }
        _ => None,
    }
}
