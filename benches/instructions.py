#!/usr/bin/env python3
"""Counts the instructions of the main workloads, and the memory, and holds them to the committed numbers.

Instructions do not depend on what else the machine is doing, so this can fail a build. Each workload runs
twice under valgrind's callgrind, once three times as long, so that start-up cancels out: the figure is the
difference of instructions over the difference of operations. What netbench itself does is included.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
NUMBERS = HERE / "instructions.json"

# Compilers differ a little. The hash keys are random, and with them the collisions: those count where a packet costs
# next to nothing.
TOLERANCE = 0.08
COLLISIONS = 40

# Name: netbench's arguments and how often to repeat.
WORKLOADS = {
    "payload, 256 clients, 16 B": ("payload --clients 256 --bytes 16 --transport memory", 10),
    "payload, 256 clients, 100 B": ("payload --clients 256 --bytes 100 --transport memory", 10),
    "payload, 256 clients, 1200 B": ("payload --clients 256 --bytes 1200 --transport memory", 6),
    "payload, 1 client, 100 B": ("payload --clients 1 --bytes 100 --transport memory", 20),
    "flood: garbage, unknown source": ("flood --clients 256 --kind garbage_unknown", 60),
    "flood: looks encrypted, unknown source": ("flood --clients 256 --kind payload_unknown", 60),
    "flood: garbage, connected source": ("flood --clients 256 --kind garbage_spoofed", 60),
    "flood: forged request": ("flood --clients 256 --kind request_badmac", 20),
    "flood: used request, other sources": ("flood --clients 256 --kind request_replayed", 60),
    "flood: request repeated by its source": ("flood --clients 256 --kind request_repeated", 20),
    "flood: replayed payload": ("flood --clients 256 --kind payload_replayed", 60),
    "flood: spoofed payload": ("flood --clients 256 --kind payload_spoofed", 60),
    "idle tick, 256 clients and server": ("idle --clients 256", 6),
    "token": ("token", 4),
    "handshake, 64 clients": ("connect --clients 64", 4),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lib", type=pathlib.Path, required=True, help="the static library")
    parser.add_argument("--include", type=pathlib.Path, required=True, help="the folder of netcode.h")
    parser.add_argument("--build", type=pathlib.Path, required=True, help="where netbench is built")
    parser.add_argument("--update", action="store_true", help="write the numbers instead of comparing")
    options = parser.parse_args()

    if not shutil.which("valgrind"):
        print("instructions: SKIPPED, valgrind is missing (Debian: apt-get install valgrind)", file=sys.stderr)
        return 1 if os.environ.get("CI") else 0
    options.build.mkdir(parents=True, exist_ok=True)
    netbench = options.build / "netbench"
    compile_netbench(options, netbench)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        counts = dict(zip(WORKLOADS, pool.map(lambda job: instructions(netbench, *job), WORKLOADS.values())))
    counts |= memory(netbench)
    if options.update:
        NUMBERS.write_text(json.dumps(counts, indent=2) + "\n")
        print(f"wrote {NUMBERS.name}")
        return 0
    return compare(counts, json.loads(NUMBERS.read_text()))


def compile_netbench(options, netbench):
    command = ["cc", "-std=c99", "-O2", f"-I{options.include}", HERE / "netbench.c", options.lib, "-o", netbench, "-lm"]
    subprocess.run(command, check=True)


def instructions(netbench, arguments, iterations):
    (short, few), (long, many) = (run(netbench, arguments, count) for count in (iterations, 3 * iterations))
    return round((long - short) / (many - few))


def run(netbench, arguments, iterations):
    """The instructions and the operations of one run."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", netbench, *arguments.split()]
    command += ["--no-fork", "--reps", "1", "--iters", str(iterations)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    collected = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not collected:
        raise SystemExit(f"instructions: {arguments} failed\n{done.stdout}\n{done.stderr}")
    result = json.loads(done.stdout.splitlines()[-1])
    return int(collected[1]), result["ops"]


def memory(netbench):
    """The bytes that come from the allocator hooks, without sockets."""
    done = subprocess.run([netbench, "memory", "--no-fork", "--reps", "1"], check=True, capture_output=True, text=True, timeout=60)
    result = json.loads(done.stdout.splitlines()[-1])
    return {
        "memory: server with 256 slots, bytes": round(result["server_hook_bytes"]),
        "memory: client, bytes": round(result["client_hook_bytes_each"]),
    }


def compare(counts, committed):
    failed = 0
    print(f"{'instructions per operation':40} {'now':>8} {'committed':>10}")
    for name, count in counts.items():
        expected = committed.get(name)
        off = None if expected is None else count / expected - 1
        ok = off is not None and count <= expected * (1 + TOLERANCE) + COLLISIONS
        failed += not ok
        note = "" if ok and off >= -TOLERANCE else ("better: make instructions-update" if ok else "FAILED")
        print(f"{name:40} {count:8} {expected or 'none':>10} {f'{off:+.1%}' if off is not None else '':>7} {note}")
    print(f"instructions: {len(counts) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
