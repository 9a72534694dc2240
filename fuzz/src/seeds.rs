//! Programs and inputs to begin with, written by hand and always the same. `examples/make_seeds.rs` turns
//! them into the files of `seeds/`.

use crate::common::random::SeededRng;

/// Most files and bytes of a target.
pub const MOST_FILES: usize = 30;
pub const MOST_BYTES: usize = 100_000;

/// The seeds of a target: names and inputs.
pub fn of(target: &str) -> Vec<(String, Vec<u8>)> {
    match target {
        "address" => addresses(),
        "api" => programs(),
        "packet_server" => [server_runs(), walks(20, 16), mad_runs()].concat(),
        "packet_client" => [client_runs(), walks(20, 16)].concat(),
        "token_public" | "token_private" => tokens(),
        _ => noise(8, 64),
    }
}

fn addresses() -> Vec<(String, Vec<u8>)> {
    let texts = [
        "1.2.3.4",
        "1.2.3.4:40000",
        "255.255.255.255:65535",
        "1.2.3.4:65536",
        "01.2.3.4",
        "1.2.3.4:000080",
        "::",
        "::1",
        "[::1]",
        "[::1]:5",
        "[::1:5",
        "[fe80::1%1]:5",
        "fe80::202:b3ff:fe1e:8329",
        "::ffff:1.2.3.4",
        "::1.2.3.4",
        "[::1.2.3.4]:1",
        "[1.2.3.4]:80",
        "1:2:3:4:5:6:7:8",
        "[1:2:3:4:5:6:7:8]:65535",
        "",
    ];
    let mut seeds: Vec<_> = texts.iter().map(|text| ("text".to_owned(), [b"t", text.as_bytes()].concat())).collect();
    seeds.push(("v4".to_owned(), b"4\x01\x02\x03\x04\x40\x9c".to_vec()));
    seeds.push(("v6".to_owned(), [&b"6\x05\x00"[..], &[0; 12], &[1, 0, 2, 0]].concat()));
    seeds.push(("v6-embedded".to_owned(), [&b"6\x00\x00"[..], &[0; 12], &[4, 3, 2, 1]].concat()));
    seeds
}

/// Steps that mean something else to each target, chosen at random.
fn walks(count: u64, steps: usize) -> Vec<(String, Vec<u8>)> {
    let walk = |seed| {
        let mut random = SeededRng::new(seed);
        (0..steps * (1 + seed as usize)).map(|_| random.below(16) as u8 * (1 + random.below(2) as u8 * 15)).collect()
    };
    (0..count).map(|seed| ("walk".to_owned(), walk(seed))).collect()
}

/// Steps of `packet_server.rs`, on a server with four slots.
fn server_runs() -> Vec<(String, Vec<u8>)> {
    let ask = |guest: u8| [2, guest, 1, 0];
    let answer = |guest: u8| [5, guest, 1, 0, 0];
    let payload = |guest: u8, order: u8| [&[7, guest, 1, order, 0, 7, 5, 0][..], b"hello", &[0, 0, 0]].concat();
    let repeat = |guest: u8, index: u8| [12, guest, 1, index, 0];
    let join = [ask(0).to_vec(), answer(0).to_vec(), payload(0, 7), payload(0, 7)].concat();
    vec![
        ("join".to_owned(), [&[3][..], &join].concat()),
        ("replay".to_owned(), [&[3][..], &join, &repeat(0, 4), &repeat(0, 5), &repeat(0, 1), &[15, 0, 1, 0]].concat()),
        ("other-challenge".to_owned(), [&[3][..], &ask(0), &ask(1), &[5, 0, 1, 3, 2, 0]].concat()),
        ("full".to_owned(), [&[0][..], &ask(0), &ask(1)].concat()),
        ("silence".to_owned(), [&[3][..], &join, &[0, 0, 1, 1, 100, 0, 0, 0]].concat()),
        ("restart".to_owned(), [&[3][..], &join, &[15, 0, 1, 7], &ask(0), &answer(0)].concat()),
    ]
}

/// Steps of `packet_server.rs` with mad guests. The first of them comes after the other four.
fn mad_runs() -> Vec<(String, Vec<u8>)> {
    // One byte of the private part is set. Places that four divides count from its front, each fourth after
    // one from its end.
    let mad = |place: u8, byte: u8| [4, 0, 1, 0, 1, place, 0, byte];
    let (answer, answer_for_other) = ([5, 4, 1, 0, 0], [5, 4, 1, 3, 1, 0]);
    let payload = [&[7, 4, 1, 7, 0, 7, 5, 0][..], b"hello", &[0, 0, 0]].concat();
    let (moment, check) = ([0, 0, 1, 7, 20], [15, 0, 1, 0]);
    let run = |steps: &[&[u8]]| [&[3][..], &steps.concat(), &check].concat();
    vec![
        ("mad-id".to_owned(), run(&[&mad(0, 7), &answer, &payload])),
        ("mad-timeout".to_owned(), run(&[&mad(32, 1), &answer, &moment])),
        ("mad-servers".to_owned(), run(&[&mad(48, 2), &answer])),
        ("mad-twin".to_owned(), run(&[&[2, 0, 1, 0], &mad(1, 0), &answer_for_other, &payload])),
    ]
}

/// Steps of `packet_client.rs`, of which the first byte has it connect.
fn client_runs() -> Vec<(String, Vec<u8>)> {
    let sealed = |contents: &[u8]| [&[2, 2, 7, 0, 2][..], contents, &[0, 0, 0]].concat();
    let connected = [&[3][..], &sealed(&[1; 8]), &sealed(&[1; 8]), &sealed(b"\x05\x00hello")].concat();
    vec![
        ("connected".to_owned(), connected.clone()),
        ("replay".to_owned(), [&connected[..], &[10, 2, 2, 0], &[10, 2, 1, 0]].concat()),
        ("sent".to_owned(), [&connected[..], &[12, 2, 100, 0, 7], &[0, 2, 7, 200], &[15, 2, 3]].concat()),
        ("again".to_owned(), [&connected[..], &[13, 2, 0, 0], &[14, 2], &[13, 2, 3], &[13, 2, 0, 1]].concat()),
        ("next-server".to_owned(), [&[3][..], &[0, 2, 7, 200], &[0, 2, 7, 200], &[15, 2, 0, 0]].concat()),
    ]
}

fn noise(count: u64, bytes: usize) -> Vec<(String, Vec<u8>)> {
    (0..count).map(|seed| ("noise".to_owned(), SeededRng::new(seed).bytes(bytes))).collect()
}

/// Raw bytes that begin like a token, and tokens with one field damaged.
fn tokens() -> Vec<(String, Vec<u8>)> {
    let mut seeds = noise(8, 96);
    seeds.push(("raw".to_owned(), [b"\0NETCODE 1.02\0", &[0; 100][..]].concat()));
    for field in 0..7 {
        let good = [1, 0, 31, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        seeds.push(("field".to_owned(), [&good[..], &[1, field, 0], &[0xff; 8]].concat()));
        seeds.push(("bits".to_owned(), [&good[..], &[0, 0, 0, field, 0, 0]].concat()));
    }
    seeds
}

/// Programs of calls. The steps are those of `api/calls.rs`, with their arguments.
fn programs() -> Vec<(String, Vec<u8>)> {
    const GENTLE: &[u8] = &[1, 1]; // with a simulator
    const GENTLE_SIMULATED: &[u8] = &[1, 3]; // the witnesses use it
    const WILD: &[u8] = &[0, 0]; // without
    const WILD_SIMULATED: &[u8] = &[0, 1];
    /// What starts both servers: slots for each.
    const BOTH: &[u8] = &[0, 0, 2, 3, 0, 0, 2, 3];
    const ONE: &[u8] = &[0, 0, 2, 3];
    // Client 1 is created without a simulator, and connects to server 0 or 1.
    let client = |index: u8| vec![0, index, 0, 0];
    let simulated = |index: u8| vec![0, index, 1, 0];
    let connect = |index: u8, server: u8| vec![3, index, 0, server, 0, 0, 8];
    let talk = [10, 1, 1, 3, 20, 12, 1, 0, 3, 20, 12, 0, 0, 3, 20, 8, 14, 1, 16];
    let arm = |event: u8| vec![29, event];
    // From client 0 to server 0: a keep-alive that nobody has sealed, with a very high number.
    let forged = [&[25, 3, 0, 2, 0, 33, 0][..], &[0x84], &[0x7f; 32], &[0, 0, 0]].concat();
    // From client 1 to server 0, from server 0 to client 0 with a bit changed, from a stranger to client 0.
    let spoofed =
        [&[25, 0, 0, 2, 3, 1, 0, 0][..], &[25, 0, 2, 2, 0, 0, 0, 0, 0, 1, 6, 1, 0], &[25, 0, 0, 2, 1, 5, 1, 0]]
            .concat();
    let (lost, handed_over, sent_again) = (0, 1, 2);
    let intercept = |whose: u8, fate: u8| [32, whose, 7, fate, 32];
    let replays: Vec<u8> = (0..40).flat_map(|index| [25, 0, 0, 0, index]).collect();
    let chain = |parts: &[&[u8]]| parts.concat();

    let mut programs = vec![
        ("talk", chain(&[WILD, BOTH, &client(1), &connect(1, 0), &talk, &[17, 1]])),
        ("stop", chain(&[WILD, BOTH, &client(1), &connect(1, 0), &talk, &[19, 0, 8]])),
        ("simulated", chain(&[WILD_SIMULATED, &[1, 0, 2, 3, 1, 0, 2, 3], &simulated(1), &connect(1, 0), &talk])),
        ("gentle", chain(&[GENTLE, ONE, &client(0), &connect(0, 1), &talk, &[18, 0, 0]])),
        ("spoofed", chain(&[GENTLE, ONE, &spoofed, &[6, 40], &talk])),
        ("forged", chain(&[GENTLE, ONE, &forged, &[6, 8, 12, 0, 0, 3, 20], &talk])),
        ("replayed", chain(&[WILD, BOTH, &client(1), &connect(1, 0), &talk, &replays, &[8, 14, 0]])),
        (
            "loopback",
            chain(&[WILD, BOTH, &client(1), &[22, 1, 0, 2, 10, 1, 3, 20, 12, 0, 2, 3, 20, 14, 0, 23, 1, 0, 2, 1]]),
        ),
        ("destroyed", chain(&[WILD, BOTH, &client(1), &connect(1, 0), &arm(0), &[8, 20, 1]])),
        ("no memory", chain(&[WILD, BOTH, &[28, 0, 3], &client(1), &[28, 0, 1], &connect(1, 0), &talk])),
        ("no randomness", chain(&[WILD, &[28, 2, 0], BOTH, &client(1), &connect(1, 0), &talk])),
        (
            "connect in disconnect",
            chain(&[
                WILD,
                BOTH,
                &client(1),
                &connect(1, 0),
                &[12, 0, 0, 3, 20, 8],
                &arm(0),
                &[17, 1, 3, 1, 0, 0, 0, 0, 8, 14, 0],
            ]),
        ),
        (
            "jumps",
            chain(&[WILD, BOTH, &client(1), &connect(1, 0), &[9, 1, 1, 0, 64, 0, 9, 3, 0, 1, 9, 0, 1, 255, 255, 0]]),
        ),
        ("again", chain(&[WILD, BOTH, &client(1), &connect(1, 0), &[17, 1, 3, 1, 3, 0, 0, 0, 0, 8], &talk])),
        ("misuse", chain(&[WILD, BOTH, &(0..12).flat_map(|choice| [31, choice, 0, 0, 200, 200]).collect::<Vec<_>>()])),
        ("logged", chain(&[WILD, BOTH, &[28, 3, 3], &client(1), &connect(1, 0), &talk, &[17, 1]])),
    ];
    for event in 0..9 {
        let armed = arm(event);
        programs
            .push(("reentry", chain(&[WILD, BOTH, &client(1), &connect(1, 0), &armed, &[8, 17, 1], &armed, &talk])));
    }
    let doubled = [27, 1, 100, 50, 0, 200];
    let witnesses_talk = [10, 0, 3, 20, 12, 0, 0, 3, 20];
    let heard = chain(&[&witnesses_talk, &intercept(0, lost), &witnesses_talk, &intercept(4, lost)]);
    let simulated_servers = [1, 0, 2, 3, 1, 0, 2, 3];
    let meddled = chain(&[&intercept(4, handed_over), &intercept(1, sent_again), &intercept(4, lost), &[8], &talk]);
    programs.extend([
        ("simulated spoofed", chain(&[GENTLE_SIMULATED, ONE, &spoofed, &[6, 40], &witnesses_talk, &spoofed, &[8]])),
        ("simulated forged", chain(&[GENTLE_SIMULATED, ONE, &forged, &[6, 8], &witnesses_talk, &forged, &[8]])),
        ("simulated replayed", chain(&[GENTLE_SIMULATED, ONE, &doubled, &heard, &replays[..60], &[6, 8], &replays])),
        ("simulated reentry", chain(&[GENTLE_SIMULATED, ONE, &doubled, &[29, 2, 6, 200, 8, 29, 6, 8], &heard, &[8]])),
        ("intercepted", chain(&[WILD_SIMULATED, &simulated_servers, &simulated(1), &connect(1, 0), &meddled])),
    ]);
    programs.into_iter().map(|(name, program)| (name.replace(' ', "-"), program)).collect()
}
