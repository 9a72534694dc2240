#!/usr/bin/env python3
"""Tests netcode.lua: what tshark makes of the recording in testdata, beside what is written down with it.

Needs tshark (Debian and Ubuntu: apt-get install tshark). Without it the tests are skipped, and say so; with
TSHARK_REQUIRE=1 that is a failure. TSHARK names another one than that in the path.
"""

import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

TOOLS = pathlib.Path(__file__).resolve().parent
DISSECTOR = TOOLS / "netcode.lua"
RECORDING = TOOLS / "testdata" / "session.pcap"
EXPECTED = json.loads((TOOLS / "testdata" / "session.json").read_text())
TSHARK = os.environ.get("TSHARK") or shutil.which("tshark")
TIMEOUT_SECONDS = 120

KINDS = ["connection request", "connection denied", "connection challenge", "connection response", "keep-alive",
         "payload", "disconnect"]
MALFORMED = {"smaller than any packet", "no such packet type", "number of sequence bytes out of range",
             "wrong size for its type", "another version of the protocol"}
MALFORMED_FILTER = " || ".join(f"netcode.malformed.{what}" for what in
                               ("too_small", "type", "sequence_bytes", "size", "version"))
MAC_BYTES = 16
PCAP_HEADER_BYTES = 24
FRAME_HEADER = struct.Struct("<IIII")
UDP_BEFORE_IPV4 = 14 + 20 + 8

FIELDS = ["frame.number", "_ws.col.Protocol", "udp.payload", "netcode.prefix", "netcode.type", "netcode.sequence_bytes",
          "netcode.sequence", "netcode.contents_bytes", "netcode.contents", "netcode.mac", "netcode.version",
          "netcode.protocol_id", "netcode.expire_timestamp", "netcode.expire_time", "netcode.nonce", "netcode.private",
          "netcode.private_mac", "netcode.answer_in", "netcode.answer_to", "netcode.answer_time", "netcode.repeat_of",
          "_ws.expert.message"]


def tshark(recording, *options):
    """Its output. The user's own settings and plugins are left out of it."""
    with tempfile.TemporaryDirectory() as settings:
        environment = dict(os.environ, WIRESHARK_CONFIG_DIR=settings, HOME=settings, TZ="UTC")
        command = [TSHARK, "-X", f"lua_script:{DISSECTOR}", "-r", str(recording), *options]
        run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    if run.returncode != 0 or "Lua" in run.stderr:
        raise AssertionError(f"{' '.join(command)}: {run.returncode}\n{run.stderr}")
    return run.stdout


def frames(recording, *options):
    """A dictionary for each frame, without what it does not have."""
    wanted = [argument for field in FIELDS for argument in ("-e", field)]
    output = tshark(recording, "-T", "fields", "-E", "separator=/t", "-E", "occurrence=a", *wanted, *options)
    rows = [dict(zip(FIELDS, line.split("\t"))) for line in output.splitlines()]
    return [{field: value for field, value in row.items() if value} for row in rows]


def recorded():
    """The frames of the recording, with their headers apart."""
    data = RECORDING.read_bytes()
    at = PCAP_HEADER_BYTES
    while at < len(data):
        seconds, microseconds, captured, _ = FRAME_HEADER.unpack_from(data, at)
        at += FRAME_HEADER.size
        yield seconds, microseconds, data[at:at + captured]
        at += captured


def write(path, cut_frames):
    """A recording of frames, each with the size that it had on the wire."""
    with open(path, "wb") as file:
        file.write(RECORDING.read_bytes()[:PCAP_HEADER_BYTES])
        for seconds, microseconds, frame, on_the_wire in cut_frames:
            file.write(FRAME_HEADER.pack(seconds, microseconds, len(frame), on_the_wire) + frame)


class Recording(unittest.TestCase):
    def test_has_everything(self):
        self.assertEqual({frame.get("kind") for frame in EXPECTED} - {None}, set(KINDS))
        self.assertEqual({frame.get("malformed") for frame in EXPECTED} - {None}, MALFORMED)


@unittest.skipUnless(TSHARK, "no tshark")
class Dissector(unittest.TestCase):
    maxDiff = None

    def check(self, rows, second_pass):
        self.assertEqual(len(rows), len(EXPECTED))
        answers = {frame["answers"]: frame["frame"] for frame in EXPECTED if "answers" in frame}
        for row, expected in zip(rows, EXPECTED):
            with self.subTest(frame=expected["frame"]):
                self.assertEqual(self.shown(row), self.expected(row, expected, answers, second_pass))

    def shown(self, row):
        """All that the dissector says, without what the recording does not tell."""
        self.assertTrue("netcode.answer_time" not in row or float(row["netcode.answer_time"]) == 0.00025)
        left_out = {"udp.payload", "netcode.answer_time", "netcode.expire_time"}
        return {field: value for field, value in row.items() if field not in left_out}

    def expected(self, row, expected, answers, second_pass):
        number, kind, malformed = expected["frame"], expected.get("kind"), expected.get("malformed")
        data = bytes.fromhex(row["udp.payload"])
        self.assertEqual(len(data), expected["bytes"])
        want = {"frame.number": str(number), "_ws.col.Protocol": "UDP" if expected.get("foreign") else "NETCODE"}
        if expected.get("foreign"):
            return want
        notes = [malformed] if malformed else []
        want["netcode.type"] = str(data[0] & 0xf)
        if kind:
            self.assertEqual(KINDS[data[0] & 0xf], kind)
        if data[0] == 0:
            want.update(self.request_fields(data, malformed))
            if expected.get("expired"):
                notes.append("the token has expired")
        else:
            want.update(self.sealed_fields(data, malformed))
            if "sequence" in expected:
                self.assertEqual(want["netcode.sequence"], str(expected["sequence"]))
            if expected.get("padded"):
                notes.append("more sequence bytes than the number takes")
        if number in answers and second_pass:
            want["netcode.answer_in"] = str(answers[number])
        elif kind in ("connection request", "connection response") and not malformed and second_pass:
            notes.append("no answer in this capture")
        for name, field in ("answers", "netcode.answer_to"), ("repeats", "netcode.repeat_of"):
            if name in expected:
                want[field] = str(expected[name])
        if notes:
            want["_ws.expert.message"] = ",".join(notes)
        return want

    def request_fields(self, data, malformed):
        if malformed == "wrong size for its type":
            return {}
        version = {"netcode.version": data[1:13].decode()}
        if malformed:
            return version
        return {
            **version,
            "netcode.protocol_id": f"0x{int.from_bytes(data[14:22], 'little'):016x}",
            "netcode.expire_timestamp": str(int.from_bytes(data[22:30], "little")),
            "netcode.nonce": data[30:54].hex(),
            "netcode.private": data[54:-MAC_BYTES].hex(),
            "netcode.private_mac": data[-MAC_BYTES:].hex(),
        }

    def sealed_fields(self, data, malformed):
        count = data[0] >> 4
        fields = {"netcode.prefix": f"0x{data[0]:02x}", "netcode.sequence_bytes": str(count)}
        if malformed and malformed != "wrong size for its type":
            return fields
        contents = data[1 + count:-MAC_BYTES]
        fields["netcode.sequence"] = str(int.from_bytes(data[1:1 + count], "little"))
        fields["netcode.contents_bytes"] = str(len(contents))
        if not malformed:
            fields["netcode.mac"] = data[-MAC_BYTES:].hex()
            if contents:
                fields["netcode.contents"] = contents.hex()
        return fields

    def test_one_pass(self):
        self.check(frames(RECORDING), second_pass=False)

    def test_two_passes(self):
        self.check(frames(RECORDING, "-2"), second_pass=True)

    def test_expiry(self):
        rows = frames(RECORDING, "-Y", "netcode.expire_timestamp")
        self.assertEqual(rows[0]["netcode.expire_time"], "Jan 15, 2027 08:01:30.000000000 UTC")
        never = [row for row in rows if row["netcode.expire_timestamp"] == str(2 ** 64 - 1)]
        self.assertEqual([row.get("netcode.expire_time") for row in never], [None])
        self.assertIn("(never)", tshark(RECORDING, "-V", "-Y", f"frame.number == {never[0]['frame.number']}"))

    def test_filters(self):
        found = {int(row["frame.number"]) for row in frames(RECORDING, "-Y", MALFORMED_FILTER)}
        wrong = {frame["frame"] for frame in EXPECTED if "malformed" in frame and not frame.get("foreign")}
        self.assertEqual(found, wrong)
        for what, wanted in ("netcode.malformed.too_small", "smaller than any packet"), (
                "netcode.malformed.version", "another version of the protocol"):
            found = {int(row["frame.number"]) for row in frames(RECORDING, "-Y", what)}
            self.assertEqual(found, {frame["frame"] for frame in EXPECTED if frame.get("malformed") == wanted})

    def test_ports(self):
        """Connections whose request was not captured: by preference, and by Decode As."""
        strangers = [frame for frame in EXPECTED if frame.get("foreign")]
        by_port = {int(frame["from"].split(":")[1]): str(frame["frame"]) for frame in strangers}
        first, last = min(by_port), max(by_port)
        rows = frames(RECORDING, "-o", f"netcode.udp_ports:{first}-{last}", "-Y", "netcode")
        self.assertEqual([row["frame.number"] for row in rows[-2:]], sorted(by_port.values()))
        self.assertEqual(len(rows), len(EXPECTED))
        rows = frames(RECORDING, "-d", f"udp.port=={first},netcode", "-Y", "netcode")
        self.assertEqual(rows[-1]["frame.number"], by_port[first])
        self.assertEqual(rows[-1]["netcode.type"], str(KINDS.index("disconnect")))

    def test_cut_short(self):
        """Whatever is missing, on the wire or in the capture: no error in the dissector, and nothing is called malformed
        for what the capture left out."""
        kinds = {}
        for (seconds, microseconds, frame), expected in zip(recorded(), EXPECTED):
            if "kind" in expected and "malformed" not in expected and expected["from"].startswith("10.0.0.1:"):
                kinds.setdefault(expected["kind"], (seconds, microseconds, frame))
        self.assertGreaterEqual(len(kinds), 5)
        cut = [(s, us, frame[:UDP_BEFORE_IPV4 + count], len(frame)) for s, us, frame in kinds.values()
               for count in range(min(len(frame) - UDP_BEFORE_IPV4, 64))]
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "cut.pcap"
            write(path, cut)
            port = ("-o", "netcode.udp_ports:40000", "-o", "udp.check_checksum:FALSE")
            output = tshark(path, *port, "-V")
            self.assertNotIn("Lua Error", output)
            self.assertEqual(frames(path, *port, "-Y", MALFORMED_FILTER), [])
            # Where not even one byte is left, there is nothing to say.
            with_a_byte = [frame for _, _, frame, _ in cut if len(frame) > UDP_BEFORE_IPV4]
            self.assertEqual(len(frames(path, *port, "-Y", "netcode.cut_short")), len(with_a_byte))

    def test_all_sizes(self):
        """Datagrams of each size and of many types, whole: no error in the dissector."""
        seconds, microseconds, frame = next(recorded())
        whole = []
        for prefix in [0x00, 0x07, 0x10, 0x14, 0x15, 0x82, 0x86, 0x96, 0xff]:
            for count in [*range(1, 40), 308 + 25, 1077, 1078, 1079, 1217]:
                payload = (bytes([prefix]) + frame[UDP_BEFORE_IPV4 + 1:] * 2)[:count]
                headers = bytearray(frame[:UDP_BEFORE_IPV4])
                headers[16:18] = (20 + 8 + count).to_bytes(2, "big")
                headers[38:40] = (8 + count).to_bytes(2, "big")
                headers[40:42] = bytes(2)
                whole.append((seconds, microseconds, bytes(headers) + payload, UDP_BEFORE_IPV4 + count))
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "sizes.pcap"
            write(path, whole)
            output = tshark(path, "-o", "netcode.udp_ports:40000", "-V")
        self.assertNotIn("Lua Error", output)
        self.assertEqual(output.count("\nNETCODE 1.02\n"), len(whole))


def main():
    if not TSHARK:
        print("SKIPPED: the dissector's tests need tshark (Debian: apt-get install tshark)", file=sys.stderr)
        if os.environ.get("TSHARK_REQUIRE"):
            sys.exit("TSHARK_REQUIRE is set, and there is no tshark")
    unittest.main()


if __name__ == "__main__":
    main()
