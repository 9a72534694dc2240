#!/usr/bin/env python3
"""Runs an implementation of NETCODE 1.02 through the conformance vectors.

    check.py [options] -- ADAPTER [ARGUMENTS]

starts the adapter program, writes one JSON object a line to its standard input, and reads one from its standard
output for each: README.md has the protocol. Prints a table by category and the first differences; the exit status
is 0 if everything that the adapter supports is as expected.
"""

import argparse
import json
import pathlib
import queue
import subprocess
import sys
import threading
import time

import aead

HERE = pathlib.Path(__file__).resolve().parent
REPLY_SECONDS = 30
MAX_SHOWN_CHARACTERS = 120
GLOBAL_BASE = 1 << 63
CHALLENGE = 2
RESPONSE = 3
REPORTED_LISTS = ("sent", "states", "clients", "received", "ignored")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vectors", type=pathlib.Path, default=HERE / "vectors")
    parser.add_argument("--only", default="", help="only vectors whose id contains this")
    parser.add_argument("--differences", type=int, default=10, help="how many are shown")
    parser.add_argument("--complete", action="store_true", help="everything must be supported, reasons included")
    parser.add_argument("--expect-unsupported", type=pathlib.Path, help="a JSON file: unsupported steps by category")
    parser.add_argument("--self-test", action="store_true", help="show that wrong replies of a right adapter are noticed")
    parser.add_argument("adapter", nargs="+", help="the program to run, with its arguments")
    options = parser.parse_args()
    categories = load(options.vectors, options.only)
    if options.self_test:
        import selftest

        return selftest.run(categories, options.adapter)

    with Adapter(options.adapter) as adapter:
        report = check(adapter, categories)
    report.print(options.differences)
    return 0 if report.is_good(options.complete, options.expect_unsupported) else 1


def load(directory, only=""):
    """The vectors: lists of cases by category, in the order of the files' names."""
    categories = {}
    for path in sorted(directory.glob("*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        cases = [case for case in content["cases"] if only in case["id"]]
        if cases:
            categories[content["category"]] = cases
    if not categories:
        sys.exit(f"no vectors in {directory} that match {only!r}")
    return categories


class AdapterFailed(Exception):
    """The adapter does not keep to the protocol."""


class Adapter:
    """The program under test."""

    def __init__(self, command, seconds=REPLY_SECONDS):
        self.seconds = seconds
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def ask(self, question):
        try:
            self.process.stdin.write(json.dumps(question) + "\n")
            self.process.stdin.flush()
            line = self.lines.get(timeout=self.seconds)
        except queue.Empty:
            raise AdapterFailed(f"no reply to {question['op']} in {self.seconds} s") from None
        except OSError as error:
            raise AdapterFailed(f"the adapter is gone: {error}") from None
        if line is None:
            raise AdapterFailed(f"the adapter ended at {question['op']}")
        try:
            reply = json.loads(line)
        except ValueError:
            raise AdapterFailed(f"no JSON: {line!r:.80}") from None
        if not isinstance(reply, dict):
            raise AdapterFailed(f"no object: {line!r:.80}")
        return reply

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)


class Report:
    """What came of each category."""

    def __init__(self, name, reasons):
        self.name, self.reasons = name, reasons
        self.rows = {}
        self.failed_cases = []
        self.differences = []
        self.broken = None
        self.start = time.monotonic()

    def row(self, category):
        return self.rows.setdefault(category, dict.fromkeys(("vectors", "failed", "steps", "unsupported"), 0))

    def unsupported(self):
        return {category: row["unsupported"] for category, row in self.rows.items() if row["unsupported"]}

    def print(self, max_differences):
        seconds = time.monotonic() - self.start
        columns = ("vectors", "failed", "steps", "unsupported")
        print(f"{self.name} ({'reasons compared' if self.reasons else 'without reasons'}, {seconds:.1f} s)")
        print(f"  {'category':18}" + "".join(f"{name:>13}" for name in columns))
        rows = list(self.rows.items())
        total = {name: sum(row[name] for _, row in rows) for name in columns}
        for category, row in rows + [("all", total)]:
            print(f"  {category:18}" + "".join(f"{row[name]:13}" for name in columns))
        for difference in self.differences[:max_differences]:
            print(f"  {difference}")
        if len(self.differences) > max_differences:
            print(f"  ... and {len(self.differences) - max_differences} more differences")
        if self.broken:
            print(f"  the adapter failed: {self.broken}")

    def is_good(self, complete, expected_file):
        good = not self.failed_cases and not self.broken and bool(self.rows)
        if complete and (self.unsupported() or not self.reasons):
            print("  not complete")
            good = False
        if expected_file:
            expected = json.loads(expected_file.read_text(encoding="utf-8"))
            if self.unsupported() != expected:
                print(f"  unsupported: {json.dumps(self.unsupported())}, but {expected_file} has {json.dumps(expected)}")
                good = False
        return good


def check(adapter, categories, until_first_difference=False):
    """Takes every step of every vector."""
    hello = {}
    try:
        hello = adapter.ask({"op": "hello"})
        report = Report(str(hello.get("name", "?")), hello.get("reasons") is True)
        for category, cases in categories.items():
            for case in cases:
                row = report.row(category)
                row["vectors"] += 1
                differences = Run(adapter, report.reasons, row).case(case)
                if differences:
                    row["failed"] += 1
                    report.failed_cases.append(case["id"])
                    report.differences += [f"{case['id']}: {difference}" for difference in differences]
                    if until_first_difference:
                        return report
    except AdapterFailed as failure:
        if not hello:
            report = Report("?", False)
        report.broken = str(failure)
    return report


class Run:
    """One vector."""

    def __init__(self, adapter, reasons, row):
        self.adapter, self.reasons, self.row = adapter, reasons, row
        self.challenges = []
        self.next_global = None

    def case(self, case):
        """The differences; none after the first step that has any."""
        self.adapter.ask({"op": "reset"})
        for number, step in enumerate(case["steps"], 1):
            self.row["steps"] += 1
            try:
                reply = self.take(step)
            except (KeyError, IndexError, aead.Forged) as trouble:
                return [f"step {number}: cannot go on: {trouble!r}"]
            if reply.get("unsupported") is True:
                self.row["unsupported"] += 1
                if step["op"].startswith(("client_", "server_")):
                    rest = len(case["steps"]) - number
                    self.row["steps"] += rest
                    self.row["unsupported"] += rest
                    return []
                continue
            differences = self.compare(step["expect"], reply)
            if differences:
                return [f"step {number} ({step['op']}): {difference}" for difference in differences]
        return []

    def take(self, step):
        """Delivers the datagrams of a step, then takes it."""
        question = {name: value for name, value in step.items() if name not in ("deliver", "expect")}
        feed = step["op"].split("_")[0] + "_feed"
        for source, data in (datagram for item in step.get("deliver", []) for datagram in self.datagrams(item)):
            reply = self.adapter.ask({"op": feed, "from": source, "data": data.hex()})
            if reply:
                return reply
        if step["op"] in ("server_start", "server_restart"):
            self.next_global = None
        return self.adapter.ask(question)

    def datagrams(self, item):
        """Where it comes from and what it is, of each datagram of an item."""
        if "requests" in item:
            for number, request in enumerate(requests(item["requests"])):
                yield next_port(item["from"], number * item["requests"]["port_step"]), request
        elif "answer" in item:
            yield item["from"], self.answer(item["answer"])
        else:
            yield item["from"], bytes.fromhex(item["data"])

    def answer(self, answer):
        """The response to a challenge that has come from the implementation."""
        number, token = self.challenges[answer["challenge"]]
        number = number + answer.get("add_to_challenge_sequence", 0)
        token = flipped(token, answer.get("flip_challenge_byte"))
        plain = number.to_bytes(8, "little") + token
        key = bytes.fromhex(answer["client_to_server_key"])
        packet = aead.seal_packet(wide(answer["protocol_id"]), key, RESPONSE, wide(answer["sequence"]), plain)
        return flipped(packet, answer.get("flip_datagram_byte"))

    def compare(self, expect, reply):
        if "error" in reply:
            return [f"error: {reply['error']}"]
        differences = []
        for name in [*expect, *(name for name in REPORTED_LISTS if name in reply and name not in expect)]:
            expected, got = expect.get(name, []), reply.get(name)
            if name in ("reason", "ignored") and not self.reasons:
                continue
            if name == "reason" and isinstance(got, str):
                if got not in expected.split("|"):
                    differences.append(difference(name, expected, got))
            elif name == "sent":
                differences += self.compare_sent(expected, got)
            elif name == "ignored" and isinstance(got, list) and len(got) == len(expected):
                if any(reason not in one.split("|") for reason, one in zip(got, expected)):
                    differences.append(difference(name, expected, got))
            elif type(expected) is not type(got) or expected != got:
                differences.append(difference(name, expected, got))
        return differences

    def compare_sent(self, expected, got):
        expected = [one for item in expected for one in repeated(item)]
        if not isinstance(got, list) or len(got) != len(expected):
            return [difference("sent", [describe(item) for item in expected], [describe(item) for item in got or []])]
        differences = []
        for number, (one, other) in enumerate(zip(expected, got)):
            if one.get("sequence") == "global":
                try:
                    trouble = self.compare_global(one, other)
                except (aead.Forged, ValueError, TypeError, KeyError):
                    trouble = "does not open with the key of the one it is for"
                if trouble:
                    differences.append(f"sent[{number}]: {trouble}")
            elif one != other:
                differences.append(difference(f"sent[{number}]", one, other))
        return differences

    def compare_global(self, expected, got):
        """A packet whose number, and perhaps contents, only the server knows."""
        key, data = bytes.fromhex(expected["server_to_client_key"]), bytes.fromhex(got["data"])
        if expected.get("unopened"):
            kind, sequence, plain = aead.outside_of(data)
        else:
            kind, sequence, plain = aead.open_packet(wide(expected["protocol_id"]), key, data)
        if set(got) != {"to", "data"} or got["to"] != expected["to"]:
            return f"goes to {got['to']}, not {expected['to']}"
        if kind != expected["type"]:
            return f"of type {kind}, not {expected['type']}"
        if sequence < GLOBAL_BASE or self.next_global not in (None, sequence):
            return f"number {sequence}, expected {self.next_global or 'one of the top half'}"
        self.next_global = sequence + 1
        if len(plain) != (308 if kind == CHALLENGE else 0):
            return f"has {len(plain)} bytes of contents"
        if kind == CHALLENGE and not expected.get("unopened"):
            number = int.from_bytes(plain[:8], "little")
            if number != wide(expected["challenge_sequence"]):
                return f"challenge {number}, not {expected['challenge_sequence']}"
            self.challenges.append((number, plain[8:]))
        return None


def requests(item):
    """Connection requests with tokens that differ in the client id alone, one after another."""
    plain, first = bytes.fromhex(item["plain"]), item["first"]
    seal = wide(item["protocol_id"]), wide(item["expire_timestamp"])
    keys = bytes.fromhex(item["private_key"]), bytes.fromhex(item["nonce"])
    for number in range(first, first + item["count"]):
        client_id = (int.from_bytes(plain[:8], "little") + number) % (1 << 64)
        yield aead.request(*seal, *keys, client_id.to_bytes(8, "little") + plain[8:])


def repeated(item):
    """As many challenges as one item stands for, of which only the last is opened: opening all takes too long."""
    if "count" not in item:
        yield item
        return
    one = {name: value for name, value in item.items() if name not in ("count", "port_step")}
    for number in range(item["count"]):
        to = next_port(item["to"], number * item["port_step"])
        challenge = str(wide(item["challenge_sequence"]) + number)
        is_last = number + 1 == item["count"]
        yield {**one, "to": to, "challenge_sequence": challenge, "unopened": not is_last}


def next_port(address, step):
    host, _, port = address.rpartition(":")
    return f"{host}:{int(port) + step}"


def wide(text):
    """A number of 64 bits, which stands in a text."""
    return int(text, 16) if text.startswith("0x") else int(text)


def flipped(data, at):
    return data if at is None else data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def difference(name, expected, got):
    return f"{name} is {shortened(got)}, expected {shortened(expected)}"


def shortened(value):
    text = json.dumps(value)
    return text if len(text) <= MAX_SHOWN_CHARACTERS else text[:MAX_SHOWN_CHARACTERS] + "..."


def describe(item):
    """A datagram in few words."""
    if not isinstance(item, dict):
        return item
    kind = item.get("type", int(item.get("data", "f")[:2] or "f", 16) & 15)
    return f"type {kind} to {item.get('to')}"


if __name__ == "__main__":
    sys.exit(main())
