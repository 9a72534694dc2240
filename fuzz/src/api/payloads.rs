//! What was sent, so that everything that is received can be held against it.

use crate::common::random::SeededRng;

/// The number of a payload, at its start.
const NUMBER_BYTES: usize = 4;

#[derive(Default)]
pub(super) struct Payloads(Vec<Sent>);

struct Sent {
    /// Of the client that sends it, or is to receive it.
    client_id: u64,
    to_server: bool,
    data: Vec<u8>,
    received: bool,
}

impl Payloads {
    /// A payload of this size that is like no other.
    pub(super) fn make(&mut self, client_id: u64, to_server: bool, size: usize) -> Vec<u8> {
        let number = self.0.len() as u32;
        let mut data = number.to_le_bytes().to_vec();
        data.extend(SeededRng::new(number.into()).bytes(size.saturating_sub(NUMBER_BYTES)));
        self.0.push(Sent { client_id, to_server, data: data.clone(), received: false });
        data
    }

    /// Something was received by, or from, a client with one of these ids.
    pub(super) fn received(&mut self, client_ids: &[u64], by_server: bool, data: &[u8]) {
        let number = data.first_chunk().map(|number| u32::from_le_bytes(*number) as usize);
        let sent = number.and_then(|number| self.0.get_mut(number)).expect("nobody has sent this");
        assert_eq!(sent.data, data, "it has changed on the way");
        assert_eq!(sent.to_server, by_server);
        assert!(client_ids.contains(&sent.client_id), "sent for {}, received for {client_ids:?}", sent.client_id);
        assert!(!std::mem::replace(&mut sent.received, true), "it was received twice");
    }

    /// Whether a payload has arrived.
    pub(super) fn has_arrived(&self, data: &[u8]) -> bool {
        self.0.iter().any(|sent| sent.data == data && sent.received)
    }
}
