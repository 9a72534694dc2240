//! What can be asked without a client or a server.

use std::net::{IpAddr, SocketAddr};

use netcode::packet::{Challenge, Header, KeepAlive, MAX_SEALED_BYTES, Malformed, Packet, Payload, Protocol, Request};
use netcode::simulator::{Settings, Simulator};
use netcode::token::{
    ChallengeToken, ConnectToken, InvalidPrivateToken, InvalidToken, PrivateToken, ServerList, TokenSeal,
};
use netcode::{ReplayWindow, address};
use serde_json::{Value, json};

use super::fields::{Fields, decimal, hex, id, texts};

pub(crate) fn answer(op: &str, asked: &Fields) -> Value {
    match op {
        "parse_address" => parse_address(asked),
        "seal_connect_token" => seal_connect_token(asked),
        "read_connect_token" => read_connect_token(asked),
        "open_private_token" => open_private_token(asked),
        "seal_challenge_token" => {
            let token = ChallengeToken { client_id: asked.wide("client_id"), user_data: &asked.array("user_data") };
            json!({ "data": hex(&token.seal(asked.wide("sequence"), &asked.key("key"))) })
        }
        "open_challenge_token" => {
            match ChallengeToken::open(&mut asked.array("data"), asked.wide("sequence"), &asked.key("key")) {
                Some(token) => {
                    json!({ "ok": true, "client_id": id(token.client_id), "user_data": hex(token.user_data) })
                }
                None => json!({ "ok": false }),
            }
        }
        "write_request" => {
            let mut out = [0; MAX_SEALED_BYTES];
            let bytes = Request::write(&seal_of(asked), &asked.array("private_data"), &mut out);
            json!({ "data": hex(&out[..bytes]) })
        }
        "read_request" => match Request::read(&asked.bytes("data")) {
            Ok(request) => json!({
                "ok": true,
                "protocol_id": id(request.seal.protocol_id),
                "expire_timestamp": decimal(request.seal.expire_timestamp),
                "nonce": hex(&request.seal.nonce),
                "private_data": hex(request.private_data),
            }),
            Err(malformed) => json!({ "ok": false, "reason": malformed_name(malformed) }),
        },
        "seal_packet" => seal_packet(asked),
        "open_packet" => open_packet(asked),
        "replay_window" => replay_window(asked),
        "simulate" => simulate(asked),
        _ => json!({ "unsupported": true }),
    }
}

pub(crate) fn malformed_name(malformed: Malformed) -> &'static str {
    match malformed {
        Malformed::TooSmall => "too_small",
        Malformed::Type => "type",
        Malformed::SequenceBytes => "sequence_bytes",
        Malformed::Size => "size",
        Malformed::Version => "version",
    }
}

fn parse_address(asked: &Fields) -> Value {
    let Some(parsed) = address::parse(asked.text("text")) else { return json!({ "ok": false }) };
    let (kind, ip) = match parsed.ip() {
        IpAddr::V4(ip) => (1, hex(&ip.octets())),
        IpAddr::V6(ip) => (2, hex(&ip.octets())),
    };
    json!({ "ok": true, "type": kind, "port": parsed.port(), "ip": ip, "text": super::fields::text(&parsed) })
}

fn seal_of(asked: &Fields) -> TokenSeal {
    TokenSeal {
        protocol_id: asked.wide("protocol_id"),
        expire_timestamp: asked.wide("expire_timestamp"),
        nonce: asked.array("nonce"),
    }
}

fn seal_connect_token(asked: &Fields) -> Value {
    let servers = |name| ServerList::new(&asked.addresses(name)).expect("1 to 32 addresses");
    let (seal, timeout_seconds) = (seal_of(asked), asked.int("timeout_seconds") as i32);
    let private = PrivateToken {
        client_id: asked.wide("client_id"),
        timeout_seconds,
        servers: servers("internal_servers"),
        client_to_server: asked.key("client_to_server_key"),
        server_to_client: asked.key("server_to_client_key"),
        user_data: asked.array("user_data"),
    };
    let token = ConnectToken {
        create_timestamp: asked.wide("create_timestamp"),
        seal,
        private_data: private.seal(&seal, &asked.key("private_key")),
        timeout_seconds,
        servers: servers("public_servers"),
        client_to_server: private.client_to_server.clone(),
        server_to_client: private.server_to_client.clone(),
    };
    json!({ "token": hex(&token.write()) })
}

fn read_connect_token(asked: &Fields) -> Value {
    match ConnectToken::read(&asked.array("token")) {
        Ok(token) => json!({
            "ok": true,
            "protocol_id": id(token.seal.protocol_id),
            "create_timestamp": decimal(token.create_timestamp),
            "expire_timestamp": decimal(token.seal.expire_timestamp),
            "nonce": hex(&token.seal.nonce),
            "private_data": hex(&token.private_data),
            "timeout_seconds": token.timeout_seconds,
            "servers": texts(token.servers.as_slice()),
            "client_to_server_key": hex(token.client_to_server.as_bytes()),
            "server_to_client_key": hex(token.server_to_client.as_bytes()),
        }),
        Err(invalid) => {
            let reason = match invalid {
                InvalidToken::Version => "version",
                InvalidToken::ExpiresBeforeCreation => "expires_before_creation",
                InvalidToken::Servers => "servers",
            };
            json!({ "ok": false, "reason": reason })
        }
    }
}

fn open_private_token(asked: &Fields) -> Value {
    match PrivateToken::open(&asked.array("data"), &seal_of(asked), &asked.key("private_key")) {
        Ok(token) => json!({
            "ok": true,
            "client_id": id(token.client_id),
            "timeout_seconds": token.timeout_seconds,
            "servers": texts(token.servers.as_slice()),
            "client_to_server_key": hex(token.client_to_server.as_bytes()),
            "server_to_client_key": hex(token.server_to_client.as_bytes()),
            "user_data": hex(&token.user_data),
        }),
        Err(InvalidPrivateToken::Forged) => json!({ "ok": false, "reason": "forged" }),
        Err(InvalidPrivateToken::Malformed) => json!({ "ok": false, "reason": "malformed" }),
    }
}

fn seal_packet(asked: &Fields) -> Value {
    let mut plain = asked.bytes("plain");
    let packet = match asked.int("type") {
        1 => Packet::Denied,
        kind @ (2 | 3) => {
            let (number, token) = plain.split_first_chunk_mut().expect("308 bytes");
            let challenge = Challenge { sequence: u64::from_le_bytes(*number), token: token.try_into().expect("300") };
            if kind == 2 { Packet::Challenge(challenge) } else { Packet::Response(challenge) }
        }
        4 => {
            let half = |at: usize| u32::from_le_bytes(plain[at..at + 4].try_into().expect("8 bytes"));
            Packet::KeepAlive(KeepAlive { client_index: half(0), max_clients: half(4) })
        }
        5 => Packet::Payload(Payload::new(&plain).expect("1 to 1200 bytes")),
        6 => Packet::Disconnect,
        _ => return json!({ "error": "no such type" }),
    };
    let mut out = [0; MAX_SEALED_BYTES];
    let protocol = Protocol::new(asked.wide("protocol_id"));
    let bytes = packet.write(asked.wide("sequence"), &protocol, &asked.key("key"), &mut out);
    json!({ "data": hex(&out[..bytes]) })
}

fn open_packet(asked: &Fields) -> Value {
    let mut data = asked.bytes("data");
    let header = match Header::read(&data) {
        Ok(header) => header,
        Err(malformed) => return json!({ "ok": false, "reason": malformed_name(malformed) }),
    };
    let protocol = Protocol::new(asked.wide("protocol_id"));
    let Ok(packet) = header.open(&mut data, &protocol, &asked.key("key")) else {
        return json!({ "ok": false, "reason": "forged" });
    };
    let plain = match &packet {
        Packet::Denied | Packet::Disconnect => Vec::new(),
        Packet::Challenge(challenge) | Packet::Response(challenge) => {
            [&challenge.sequence.to_le_bytes()[..], &challenge.token[..]].concat()
        }
        Packet::KeepAlive(keep_alive) => {
            [keep_alive.client_index.to_le_bytes(), keep_alive.max_clients.to_le_bytes()].concat()
        }
        Packet::Payload(payload) => payload.data().to_vec(),
    };
    let kind = packet.kind() as u8;
    json!({ "ok": true, "type": kind, "sequence": decimal(header.sequence), "plain": hex(&plain) })
}

fn replay_window(asked: &Fields) -> Value {
    let mut window = ReplayWindow::default();
    let accept = |text: &str| {
        let sequence = text.parse().expect("a number");
        let accepted = !window.already_received(sequence);
        if accepted {
            window.advance(sequence);
        }
        if accepted { '1' } else { '0' }
    };
    json!({ "accepted": asked.text("sequences").split(' ').map(accept).collect::<String>() })
}

fn simulate(asked: &Fields) -> Value {
    let settings = Settings {
        latency_milliseconds: asked.float("latency_milliseconds") as f32,
        jitter_milliseconds: asked.float("jitter_milliseconds") as f32,
        packet_loss_percent: asked.float("packet_loss_percent") as f32,
        duplicate_packet_percent: asked.float("duplicate_packet_percent") as f32,
    };
    let (a, b): (SocketAddr, SocketAddr) = (([127, 0, 0, 1], 1).into(), ([0, 0, 0, 0, 0, 0, 0, 1], 2).into());
    let (mut network, mut number, mut deliveries) = (Simulator::new(), 0u16, Vec::new());
    for tick in 1..=asked.int("ticks") {
        network.update(tick as f64 * asked.float("tick_seconds"));
        for (receiver, address) in [('A', a), ('B', b)] {
            while let Some(packet) = network.receive(address) {
                let number = u16::from_le_bytes([packet.data[0], packet.data[1]]);
                deliveries.push(format!("{tick}{receiver}{number}"));
            }
        }
        for _ in 0..asked.int("sends_per_tick") {
            if i64::from(number) == asked.int("sends") {
                break;
            }
            let (from, to) = if number % 3 == 0 { (b, a) } else { (a, b) };
            let mut data = vec![0; 2 + usize::from(number) % 7];
            data[..2].copy_from_slice(&number.to_le_bytes());
            network.send(&settings, from, to, &data);
            number += 1;
        }
    }
    json!({ "deliveries": deliveries.join(" ") })
}
