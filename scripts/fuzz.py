#!/usr/bin/env python3
"""Builds the fuzz targets with the nightly toolchain and runs them.

    scripts/fuzz.py smoke                    each target for 20 seconds on the committed seeds
    scripts/fuzz.py deep --seconds 600       each target for longer, with a corpus that is kept
    scripts/fuzz.py deep api --seconds 3600  one target

Prints for each target how many inputs were executed and what they covered. Ends with 1 if any of them
crashed; the input that did it is then in TARGET_DIR/crashes, and `fuzz/README.md` says what to do with it.
Without a nightly toolchain it says so and ends with 0.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
FUZZ = ROOT / "fuzz"
SMOKE_SECONDS = 20

# What an input may take: libFuzzer gives up on it beyond.
LONGEST_INPUT = 4096
SECONDS_PER_INPUT = 20
MEGABYTES = 2048

# An ended run has this long to write its statistics.
GRACE_SECONDS = 120

RUSTFLAGS = [
    "--cfg", "fuzzing",
    "--cfg", 'getrandom_backend="custom"',
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Zsanitizer=address",
    "-Ccodegen-units=1",
]


def main():
    arguments = parse_arguments()
    if not has_nightly():
        print("SKIPPED: fuzzing needs the nightly toolchain (rustup toolchain install nightly)")
        return 0
    target_dir = arguments.target_dir.resolve()
    binaries = build(target_dir)
    crashed = [target for target in arguments.targets if not run(target, arguments, binaries, target_dir)]
    if crashed:
        print(f"FAILED: {', '.join(crashed)}; inputs are in {target_dir / 'crashes'}")
        return 1
    return 0


def parse_arguments():
    targets = sorted(path.stem for path in (FUZZ / "fuzz_targets").glob("*.rs"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=["smoke", "deep"])
    parser.add_argument("targets", nargs="*", metavar="target", help=f"of: {', '.join(targets)} (default: all)")
    parser.add_argument("--seconds", type=int, help=f"for each target (smoke: {SMOKE_SECONDS}, deep: 300)")
    parser.add_argument("--target-dir", type=pathlib.Path, default=ROOT / "target" / "fuzz")
    arguments = parser.parse_args()
    unknown = set(arguments.targets) - set(targets)
    if unknown:
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    arguments.targets = arguments.targets or targets
    arguments.seconds = arguments.seconds or (SMOKE_SECONDS if arguments.mode == "smoke" else 300)
    return arguments


def has_nightly():
    if not shutil.which("cargo"):
        return False
    answer = subprocess.run(["cargo", "+nightly", "--version"], cwd=ROOT, capture_output=True)
    return answer.returncode == 0


def build(target_dir):
    """With a --target, build scripts are not instrumented."""
    about = subprocess.run(["rustc", "+nightly", "-vV"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    host = re.search(r"^host: (.*)$", about, re.MULTILINE).group(1)
    environment = dict(os.environ, CARGO_ENCODED_RUSTFLAGS="\x1f".join(RUSTFLAGS))
    command = ["cargo", "+nightly", "build", "--release", "--locked", "--features", "libfuzzer", "--bins"]
    command += ["--target", host, "--target-dir", target_dir, "--manifest-path", FUZZ / "Cargo.toml"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    return target_dir / host / "release"


def run(target, arguments, binaries, target_dir):
    crashes = target_dir / "crashes" / target
    crashes.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        corpus = pathlib.Path(scratch) if arguments.mode == "smoke" else target_dir / "corpus" / target
        corpus.mkdir(parents=True, exist_ok=True)
        command = [binaries / target, corpus, FUZZ / "seeds" / target]
        command += [f"-max_total_time={arguments.seconds}", f"-max_len={LONGEST_INPUT}"]
        command += [f"-timeout={SECONDS_PER_INPUT}", f"-rss_limit_mb={MEGABYTES}"]
        command += [f"-artifact_prefix={crashes}/", "-print_final_stats=1", "-use_value_profile=0"]
        log = crashes / "log.txt"
        with open(log, "w") as output:
            try:
                limit = arguments.seconds + GRACE_SECONDS
                code = subprocess.run(command, stdout=output, stderr=output, timeout=limit).returncode
            except subprocess.TimeoutExpired:
                code = "no end"
    return report(target, code, log.read_text(errors="replace"))


def report(target, code, log):
    def last(pattern):
        found = re.findall(pattern, log)
        return found[-1] if found else "?"

    runs, edges, features = last(r"number_of_executed_units: +(\d+)"), last(r"cov: (\d+)"), last(r"ft: (\d+)")
    inputs, memory = last(r"corp: (\d+)"), last(r"peak_rss_mb: +(\d+)")
    print(f"{target}: {runs} executions, {edges} edges, {features} features, {inputs} inputs kept, {memory} MB")
    if code == 0:
        return True
    print("\n".join(log.splitlines()[-60:]))
    print(f"{target}: CRASHED ({code})")
    return False


if __name__ == "__main__":
    sys.exit(main())
