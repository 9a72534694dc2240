//! From a datagram to what is known about it.

use std::time::Duration;

use netcode::packet::{Header, KeepAlive, Kind, Malformed, Packet, Request};
use netcode::token::{PrivateToken, TokenSeal};

use crate::capture::Datagram;
use crate::keys::{Direction, Keyring};

/// What is to be said about a datagram.
pub(crate) struct Report {
    pub(crate) kind: Option<Kind>,
    pub(crate) sequence: Option<u64>,
    pub(crate) verdict: Verdict,
    pub(crate) session: Option<String>,
    pub(crate) direction: Option<Direction>,
    pub(crate) contents: Contents,
}

/// The outcome for a datagram: see the help text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Genuine,
    Replay,
    Expired,
    NotOpened,
    CutShort,
    Malformed(Malformed),
}

/// What could be read beyond the header.
pub(crate) enum Contents {
    Nothing,
    Request { seal: TokenSeal, private: Option<Box<PrivateToken>> },
    Challenge { sequence: u64 },
    KeepAlive(KeepAlive),
    Payload(Vec<u8>),
}

/// Knows the keys, and learns those of requests that it can open.
pub(crate) struct Decoder {
    keyring: Keyring,
}

impl Decoder {
    pub(crate) fn new(keyring: Keyring) -> Self {
        Self { keyring }
    }

    pub(crate) fn decode(&mut self, datagram: &Datagram) -> Report {
        if datagram.data.len() < datagram.bytes {
            return Report::of(Verdict::CutShort);
        }
        let mut data = datagram.data.clone();
        if Request::is_claimed_by(&data) {
            return self.request(&mut data, datagram.at);
        }
        match Header::read(&data) {
            Ok(header) => self.sealed(&header, &mut data, datagram),
            Err(malformed) => Report::of(Verdict::Malformed(malformed)),
        }
    }

    fn request(&mut self, data: &mut [u8], at: Option<Duration>) -> Report {
        let kind = Some(Kind::Request);
        let request = match Request::read(data) {
            Ok(request) => request,
            Err(malformed) => return Report { kind, ..Report::of(Verdict::Malformed(malformed)) },
        };
        let private = self.keyring.open_request(&request).map(Box::new);
        let session = self.keyring.session_of(&request).map(str::to_string);
        let verdict = match at {
            Some(at) if request.seal.expire_timestamp <= at.as_secs() => Verdict::Expired,
            // A copy of a token that is known is as good as one that was opened.
            _ if session.is_some() => Verdict::Genuine,
            _ => Verdict::NotOpened,
        };
        let direction = session.is_some().then_some(Direction::ToServer);
        let contents = Contents::Request { seal: request.seal, private };
        Report { kind, sequence: None, verdict, session, direction, contents }
    }

    fn sealed(&mut self, header: &Header, data: &mut [u8], datagram: &Datagram) -> Report {
        let (kind, sequence) = (Some(header.kind), Some(header.sequence));
        let Some(opened) = self.keyring.open(header, data, datagram.path) else {
            return Report { kind, sequence, ..Report::of(Verdict::NotOpened) };
        };
        let contents = match opened.packet {
            Packet::Denied | Packet::Disconnect => Contents::Nothing,
            Packet::Challenge(challenge) | Packet::Response(challenge) => {
                Contents::Challenge { sequence: challenge.sequence }
            }
            Packet::KeepAlive(keep_alive) => Contents::KeepAlive(keep_alive),
            Packet::Payload(payload) => Contents::Payload(payload.data().to_vec()),
        };
        let verdict = if opened.replay { Verdict::Replay } else { Verdict::Genuine };
        let (session, direction) = (Some(opened.session.to_string()), Some(opened.direction));
        Report { kind, sequence, verdict, session, direction, contents }
    }
}

impl Report {
    fn of(verdict: Verdict) -> Self {
        Self { kind: None, sequence: None, verdict, session: None, direction: None, contents: Contents::Nothing }
    }
}

impl Verdict {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Genuine => "genuine",
            Self::Replay => "replay",
            Self::Expired => "expired",
            Self::NotOpened => "not opened",
            Self::CutShort => "cut short",
            Self::Malformed(_) => "malformed",
        }
    }
}
