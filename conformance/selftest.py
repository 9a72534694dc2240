"""Shows that the checker notices what is wrong: check.py --self-test -- A_RIGHT_ADAPTER

A right adapter's replies are changed on their way to the checker, one kind of field at a time, and the checker has to
find differences in every category that expects something of that field. Then come adapters that do not keep to the
protocol at all.
"""

import contextlib
import io
import pathlib
import sys
import tempfile

import aead
import check

SHORT_SECONDS = 2
SERVER_SECRETS = ("sequence", "challenge_sequence", "type", "protocol_id", "server_to_client_key", "count", "port_step")


def run(categories, command):
    troubles = cipher_troubles() + vector_troubles(categories)
    with check.Adapter(command) as adapter:
        honest = check.check(adapter, categories)
        if honest.failed_cases or honest.broken:
            honest.print(10)
            return 1
        tried = 0
        for category, cases in categories.items():
            for field in sorted(fields_of(cases)):
                tried += 1
                report = check.check(WrongAdapter(adapter, {field}), {category: cases}, until_first_difference=True)
                if not report.failed_cases:
                    troubles.append(f"{category}: nobody notices when {field} is wrong")
            fields = fields_of(cases)
            report = check.check(WrongAdapter(adapter, fields), {category: cases})
            unnoticed = {case["id"] for case in cases} - set(report.failed_cases)
            if unnoticed:
                troubles.append(f"{category}: nothing is wrong with {sorted(unnoticed)[:3]} when everything is")
    troubles += protocol_troubles(categories)
    for trouble in troubles:
        print(f"self-test: {trouble}")
    print(f"self-test: {tried} kinds of wrong replies in {len(categories)} categories, {len(troubles)} troubles")
    return 1 if troubles else 0


class WrongAdapter:
    """Changes the fields of these names in all replies."""

    def __init__(self, adapter, fields):
        self.adapter, self.fields = adapter, fields

    def ask(self, question):
        reply = self.adapter.ask(question)
        untouched = question["op"] in ("hello", "reset") or question["op"].endswith("_feed")
        return reply if untouched else self.changed(reply)

    def changed(self, value):
        if isinstance(value, dict):
            return {name: wrong(item) if name in self.fields else self.changed(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self.changed(item) for item in value]
        return value


def wrong(value):
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, list):
        return value[:-1] if value else ["nothing of this kind"]
    # One digit of a byte string, or one letter, in the middle.
    middle = len(value) // 2
    return value[:middle] + ("1" if value[middle : middle + 1] != "1" else "2") + value[middle + 1 :]


def fields_of(cases):
    """The names of all fields that are expected anywhere in these vectors."""
    names = set()

    def collect(value):
        if isinstance(value, dict):
            secret = value.get("sequence") == "global"
            for name, item in value.items():
                if not (secret and name in SERVER_SECRETS):
                    names.add(name)
                    collect(item)
            if secret:
                names.add("data")
        elif isinstance(value, list):
            for item in value:
                collect(item)

    for case in cases:
        for step in case["steps"]:
            collect(step["expect"])
    return names


def protocol_troubles(categories):
    """Adapters that must not pass."""
    some = {category: cases[:1] for category, cases in categories.items()}
    programs = {
        "ends at once": "",
        "says no JSON": "import sys\nfor line in sys.stdin: print('hello', flush=True)",
        "says no object": "import sys\nfor line in sys.stdin: print('[]', flush=True)",
        "says nothing": "import sys\nfor line in sys.stdin: pass",
        "says nothing of interest": "import sys\nfor line in sys.stdin: print('{}', flush=True)",
        "ends in the middle": "import sys\nfor line, _ in zip(sys.stdin, range(5)): print('{}', flush=True)",
        "supports nothing": "import sys\nfor line in sys.stdin: print('{}' if '\"reset\"' in line or '_feed' in line "
        "else '{\"unsupported\": true}', flush=True)",
    }
    troubles = []
    for name, program in programs.items():
        with check.Adapter([sys.executable, "-c", program], seconds=SHORT_SECONDS) as adapter:
            report = check.check(adapter, some)
        with contextlib.redirect_stdout(io.StringIO()), tempfile.TemporaryDirectory() as directory:
            pins = pathlib.Path(directory) / "pins.json"
            pins.write_text("{}")
            if report.is_good(False, pins):
                troubles.append(f"an adapter that {name} passes")
            if report.is_good(True, None):
                troubles.append(f"an adapter that {name} is complete")
    return troubles


def cipher_troubles():
    """The examples of RFC 8439, 2.8.2, and of the XChaCha draft, 2.2.1."""
    key, nonce = bytes(range(0x80, 0xA0)), bytes.fromhex("070000004041424344454647")
    associated = bytes.fromhex("50515253c0c1c2c3c4c5c6c7")
    plain = (
        b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
        b"sunscreen would be it."
    )
    sealed = aead.seal(key, nonce, associated, plain)
    right = sealed[-16:].hex() == "1ae10b594f09e26a7e902ecbd0600691" and sealed[:4].hex() == "d31a8d34"
    right = right and aead.open_(key, nonce, associated, sealed) == plain
    troubles = [] if right else ["the checker's cipher is not that of RFC 8439"]
    derived = aead.hchacha(bytes(range(32)), bytes.fromhex("000000090000004a0000000031415927"))
    if derived.hex() != "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc":
        troubles.append("the checker's keys for long nonces are not those of the XChaCha draft")
    return troubles


def vector_troubles(categories):
    """Holds the vectors about packets to the checker's own cipher."""
    troubles = []
    steps = [(case["id"], step) for cases in categories.values() for case in cases for step in case["steps"]]
    for name, step in steps:
        if step["op"] == "seal_packet":
            parts = check.wide(step["protocol_id"]), bytes.fromhex(step["key"]), step["type"]
            sealed = aead.seal_packet(*parts, check.wide(step["sequence"]), bytes.fromhex(step["plain"]))
            if sealed.hex() != step["expect"]["data"]:
                troubles.append(f"{name}: sealed to other bytes")
    return troubles
