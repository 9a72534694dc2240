//! The recording in `tools/testdata`: that it is what its generator makes, and what the tool says about it.

#[path = "../examples/record/capture.rs"]
mod capture;
#[path = "../examples/record/session.rs"]
mod session;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};

/// Within which the tool has said what it has to say, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(60);
const FIRST_CLIENT: &str = "10.0.0.1:50000";

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata").join(name)
}

fn path(name: &str) -> String {
    testdata(name).to_str().expect("a path in UTF-8").to_string()
}

fn run(arguments: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netcode-decode"));
    let command = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the tool runs");
    let mut stdin = child.stdin.take().expect("piped");
    let input = input.to_vec();
    // It may end before it has read everything, so that writing fails.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("writing does not panic");
    output
}

fn text(arguments: &[&str], input: &[u8]) -> String {
    let output = run(arguments, input);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    assert_eq!(errors, "", "{arguments:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn reports(arguments: &[&str], input: &[u8]) -> Vec<Value> {
    let output = text(&[&["--json"], arguments].concat(), input);
    output.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect()
}

fn failure(arguments: &[&str], input: &[u8]) -> (i32, String) {
    let output = run(arguments, input);
    let code = output.status.code().expect("no signal");
    (code, String::from_utf8(output.stderr).expect("UTF-8"))
}

/// The verdict on a frame when all keys are known.
fn verdict(expected: &Value) -> &'static str {
    let is = |name: &str| expected[name] == json!(true);
    match () {
        () if expected["malformed"].is_string() => "malformed",
        () if is("forged") => "not opened",
        () if is("expired") => "expired",
        () if is("replay") => "replay",
        () => "genuine",
    }
}

#[test]
fn the_recording_is_what_its_generator_makes() {
    for (name, contents) in session::record().files() {
        assert!(fs::read(testdata(&name)).expect("committed") == contents, "{name}: run the example `record` again");
    }
}

#[test]
fn with_the_private_key_everything_is_opened() {
    let recording = session::record();
    let reports = reports(&["--private-key", &path("private-key.hex"), &path("session.pcap")], &[]);
    assert_eq!(reports.len(), recording.expected.len());
    for (report, expected) in reports.iter().zip(&recording.expected) {
        assert_eq!(report["number"], expected["frame"]);
        for field in ["from", "to", "bytes", "kind", "sequence", "malformed", "payload"] {
            assert_eq!(report[field], expected[field], "{field} of {report}");
        }
        assert_eq!(report["verdict"], verdict(expected), "{report}");
        let keep_alive = json!([report["client_index"], report["max_clients"]]);
        assert!(expected["keep_alive"].is_null() || expected["keep_alive"] == keep_alive, "{report}");
        let opened = !matches!(verdict(expected), "malformed" | "not opened");
        assert_eq!(report["session"].is_string(), opened, "{report}");
        let to_server = report["to"].as_str().expect("an address").ends_with(":40000");
        let direction = if to_server { "to server" } else { "to client" };
        assert!(!opened || report["direction"] == direction, "{report}");
    }
    let request = &reports[0]["request"];
    assert_eq!(request["client_id"], "00000000c11e0001");
    assert_eq!(request["protocol_id"], "1122334455667788");
    assert_eq!(request["expire_timestamp"], 1_800_000_090);
    assert_eq!(request["timeout_seconds"], 5);
    assert_eq!(request["servers"], json!(["10.0.0.2:40000"]));
    assert!(request["user_data"].as_str().expect("hex").starts_with("636c69656e742d312e746f6b656e0000"));
    let challenges: Vec<&Value> = reports.iter().map(|report| &report["challenge_sequence"]).collect();
    assert_eq!(challenges.into_iter().filter(|sequence| !sequence.is_null()).collect::<Vec<_>>(), [0, 0, 1, 1, 1]);
}

#[test]
fn a_token_opens_its_own_connection() {
    for (token, client) in [("client-1.token", FIRST_CLIENT), ("client-3.token.hex", "[2001:db8::1]:50002")] {
        let recording = session::record();
        let reports = reports(&["--token", &path(token), &path("session.pcap")], &[]);
        for (report, expected) in reports.iter().zip(&recording.expected) {
            let of_client = report["from"] == client || report["to"] == client;
            let without_key = if verdict(expected) == "malformed" { "malformed" } else { "not opened" };
            let other_token = verdict(expected) == "expired" && !of_client;
            let wanted = if of_client || other_token { verdict(expected) } else { without_key };
            assert_eq!(report["verdict"], wanted, "{report}");
            assert!(report["session"].is_null() || report["session"] == token, "{report}");
            assert!(of_client || report["payload"].is_null(), "{report}");
        }
    }
}

#[test]
fn pcapng_says_the_same() {
    let key = path("private-key.hex");
    let pcapng = capture::pcapng(&session::record().datagrams);
    let from_pcap = text(&["--json", "--private-key", &key, &path("session.pcap")], &[]);
    assert_eq!(text(&["--json", "--private-key", &key, "-"], &pcapng), from_pcap);
}

#[test]
fn hex_lines_say_the_same_but_for_times_and_addresses() {
    let recording = session::record();
    let mut lines = "# a comment, and an empty line\n\n".to_string();
    for datagram in &recording.datagrams {
        let pairs: Vec<String> = datagram.data.iter().map(|byte| format!("{byte:02X}")).collect();
        lines += &(pairs.join(":") + "\n");
    }
    let key = path("private-key.hex");
    let from_hex = reports(&["--hex", "--private-key", &key, "-"], lines.as_bytes());
    let from_pcap = reports(&["--private-key", &key, &path("session.pcap")], &[]);
    assert_eq!(from_hex.len(), from_pcap.len());
    for (hex, pcap) in from_hex.iter().zip(&from_pcap) {
        assert_eq!(hex["number"].as_u64(), pcap["number"].as_u64().map(|number| number + 2));
        for field in ["bytes", "kind", "sequence", "malformed", "payload", "session", "request"] {
            assert_eq!(hex[field], pcap[field]);
        }
        // Without a time, nothing has expired.
        let verdict = if pcap["verdict"] == "expired" { &json!("genuine") } else { &pcap["verdict"] };
        assert_eq!(hex["verdict"], *verdict);
    }
}

#[test]
fn text_is_for_people() {
    let (capture, token) = (path("session.pcap"), path("client-1.token"));
    let output = text(&["--token", &token, &capture], &[]);
    let lines: Vec<&str> = output.lines().collect();
    assert_eq!(
        lines[5],
        "    6    0.126250  10.0.0.1:50000 > 10.0.0.2:40000  39 bytes  payload 3  genuine  [client-1.token]  \
         payload of 21: 68656c6c6f2066726f6d207468652063..."
    );
    assert!(lines[6].contains("  replay  "), "{}", lines[6]);
    assert!(lines[15].ends_with("  17 bytes  ?  malformed: smaller than any packet"), "{}", lines[15]);
    let full = text(&["--full", "--token", &token, &capture], &[]);
    let hello: String = session::HELLO.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(full.lines().nth(5).expect("a sixth line").ends_with(&hello));
    assert_eq!(text(&["--port", "50002", &capture], &[]).lines().count(), 17);
}

#[test]
fn keys_do_not_show() {
    let token = fs::read(testdata("client-1.token")).expect("committed");
    let token = netcode::token::ConnectToken::read(&token.try_into().expect("its size")).expect("a token");
    let output = text(&["--json", "--full", "--private-key", &path("private-key.hex"), &path("session.pcap")], &[]);
    for key in [token.client_to_server, token.server_to_client] {
        let digits: String = key.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(!output.contains(&digits));
    }
}

#[test]
fn what_the_capture_left_out_is_not_malformed() {
    const KEPT: usize = 100;
    let cut = each_frame(|frame| frame[..frame.len().min(KEPT)].to_vec());
    let reports = reports(&["-"], &cut);
    assert_eq!(reports.len(), session::record().expected.len());
    for report in reports {
        let ip_header_bytes = if report["from"].as_str().expect("an address").starts_with('[') { 40 } else { 20 };
        let frame_bytes = report["bytes"].as_u64().expect("a size") as usize + 14 + ip_header_bytes + 8;
        assert_eq!(report["verdict"] == "cut short", frame_bytes > KEPT, "{report}");
    }
}

#[test]
fn other_link_types_say_the_same() {
    const LINK_TYPE: usize = 20;
    const MACS_BYTES: usize = 12;
    const ETHERNET_BYTES: usize = 14;
    let (capture, key) = (path("session.pcap"), path("private-key.hex"));
    let from_ethernet = text(&["--private-key", &key, &capture], &[]);
    type Header = fn(&[u8]) -> Vec<u8>;
    let links: [(u16, Header); 4] = [
        (0, |_| vec![2, 0, 0, 0]),
        (101, |_| vec![]),
        (113, |protocol| [&[0; 14], protocol].concat()),
        (276, |protocol| [protocol, &[0; 18]].concat()),
    ];
    for (link, header) in links {
        let mut file = each_frame(|frame| {
            let (ethernet, ip) = frame.split_at(ETHERNET_BYTES);
            [&header(&ethernet[MACS_BYTES..]), ip].concat()
        });
        file[LINK_TYPE..LINK_TYPE + 2].copy_from_slice(&link.to_le_bytes());
        assert_eq!(text(&["--private-key", &key, "-"], &file), from_ethernet, "link type {link}");
    }
}

#[test]
fn other_frames_are_counted() {
    const ETHERNET_TYPE: usize = 12;
    let mut file = fs::read(testdata("session.pcap")).expect("committed");
    let arp = [0x08, 0x06];
    file[FILE_HEADER_BYTES + FRAME_HEADER_BYTES + ETHERNET_TYPE..][..2].copy_from_slice(&arp);
    let output = run(&["-"], &file);
    assert!(output.status.success());
    let lines = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(lines.starts_with("    2 "), "frames keep their numbers");
    let errors = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(errors.contains("not UDP datagrams: 1"), "{errors}");
}

/// What came so far is printed before the next comes: a capture may be under way.
#[test]
fn a_capture_may_be_under_way() {
    // The file's header and the first frame as a whole, and a little of the second.
    const SO_FAR: usize = 1_200;
    let recording = session::record();
    for file in [capture::pcap(&recording.datagrams), capture::pcapng(&recording.datagrams)] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_netcode-decode"));
        let mut child = command.arg("-").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the tool runs");
        let mut stdin = child.stdin.take().expect("piped");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let (send, receive) = mpsc::channel();
        let reader = std::thread::spawn(move || {
            send.send(lines.next()).expect("somebody waits");
            lines.count()
        });
        // A header may come in pieces.
        stdin.write_all(&file[..10]).expect("it reads");
        stdin.write_all(&file[10..SO_FAR]).expect("it reads");
        let first = receive.recv_timeout(PATIENCE);
        stdin.write_all(&file[SO_FAR..]).expect("it reads");
        drop(stdin);
        assert!(child.wait().expect("it ends").success());
        let first = first.expect("nothing is printed before there is more").expect("a line").expect("UTF-8");
        assert!(first.contains("connection request"), "{first}");
        assert_eq!(reader.join().expect("no panic") + 1, recording.expected.len());
    }
}

const FILE_HEADER_BYTES: usize = 24;
const FRAME_HEADER_BYTES: usize = 16;

/// The committed recording with its frames changed; their sizes on the wire stay what they were, or grow with them.
fn each_frame(change: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let whole = fs::read(testdata("session.pcap")).expect("committed");
    let (header, mut rest) = whole.split_at(FILE_HEADER_BYTES);
    let mut file = header.to_vec();
    while !rest.is_empty() {
        let bytes = u32::from_le_bytes(rest[8..12].try_into().expect("four bytes"));
        let (frame, behind) = rest.split_at(FRAME_HEADER_BYTES + bytes as usize);
        let changed = change(&frame[FRAME_HEADER_BYTES..]);
        file.extend(&frame[..8]);
        file.extend((changed.len() as u32).to_le_bytes());
        file.extend(bytes.max(changed.len() as u32).to_le_bytes());
        file.extend(changed);
        rest = behind;
    }
    file
}

#[test]
fn mistakes_are_explained() {
    let (capture, key) = (path("session.pcap"), path("private-key.hex"));
    let usage = [
        (&[][..], "which capture?"),
        (&[&capture, "another"], "one input at a time"),
        (&["--frobnicate"], "--frobnicate"),
        (&["--port", "70000", &capture], "70000"),
        (
            &["--token", &key, &capture],
            "private-key.hex: a connect token has 2048 bytes, or 4096 hex digits; this file has 65",
        ),
        (&["--token", "no-such-file", &capture], "no-such-file: "),
        (&["--private-key", &"ab".repeat(31), &capture], "a private key has 64 hex digits, or is in a file"),
        (&["--token", &"00".repeat(2048), &capture], "not a connect token of this protocol version"),
    ];
    for (arguments, message) in usage {
        let (code, errors) = failure(arguments, &[]);
        assert_eq!(code, 2, "{arguments:?}");
        assert!(errors.contains(message), "{arguments:?}: {errors}");
    }
    let (_, errors) = failure(&["--private-key", &"ab".repeat(31), &capture], &[]);
    assert!(!errors.contains("abab"), "digits of a key on the terminal: {errors}");

    let whole = fs::read(&capture).expect("committed");
    let input: [(&[&str], &[u8], &str); 5] = [
        (&["no-such-file"], &[], "no-such-file: "),
        (&["-"], b"not a capture at all, but long enough for one", "neither pcap nor pcapng"),
        (&["-"], &[], "the file ends too soon"),
        (&["-"], &whole[..whole.len() - 1], "the file ends too soon"),
        (&["--hex", "-"], b"00\nzz\n", "line 2 is not hex"),
    ];
    for (arguments, bytes, message) in input {
        let (code, errors) = failure(arguments, bytes);
        assert_eq!(code, 1, "{arguments:?}: {errors}");
        assert!(errors.contains(message), "{arguments:?}: {errors}");
    }
    assert!(text(&["--help"], &[]).starts_with("Says what recorded netcode packets are"));
}

/// Damage anywhere in a capture makes for other reports or an error, and for nothing worse.
#[test]
fn damaged_captures_do_no_harm() {
    let recording = session::record();
    let files = [capture::pcap(&recording.datagrams), capture::pcapng(&recording.datagrams)];
    let key = path("private-key.hex");
    for file in files {
        let step = file.len() / 60;
        let headers = 0..120;
        for at in headers.chain((120..file.len()).step_by(step)) {
            let mut damaged = file.clone();
            damaged[at] ^= 0xff;
            let output = run(&["--private-key", &key, "-"], &damaged);
            let code = output.status.code();
            assert!(matches!(code, Some(0 | 1)), "byte {at}: {code:?}, {}", String::from_utf8_lossy(&output.stderr));
        }
    }
}
