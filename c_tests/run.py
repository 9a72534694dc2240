#!/usr/bin/env python3
"""Builds and runs the C tests against the built libraries, and prints what passed.

Every program is compiled as C99 and linked with the static and the shared library, compiled as C++17,
and linked with the debug library, whose assertions are on. Programs in a directory have its name before
their own: "attacks/replay (static)". With a filter, only the programs whose name contains it are run.

For another platform, --cc, --cxx and --runner say what compiles a program for it and what runs it here
(scripts/cross.py does).
"""

import argparse
import concurrent.futures
import functools
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
SYMBOLS = HERE.parent / "packaging" / "symbols.txt"
TIMEOUT_SECONDS = 300
MAX_LINES_SHOWN = 80
FIGURES = "figures: "
# The program that must not print anything.
QUIET = "quiet"
# What a program has left out because of where it runs.
SKIPPED = re.compile(r"\s*skipped\b", re.IGNORECASE)
WARNINGS = ["-O1", "-g", "-Wall", "-Wextra", "-Werror"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dist", type=pathlib.Path, required=True, help="what make lib left")
    parser.add_argument("--debug-dist", type=pathlib.Path, required=True, help="what make debug-lib left")
    parser.add_argument("--build", type=pathlib.Path, required=True, help="where programs are built")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--figures", action="store_true", help="show the figures that static programs print")
    parser.add_argument("--define", action="append", default=[], help="a macro for all programs")
    parser.add_argument("--cc", default="cc", help="the C compiler")
    parser.add_argument("--cxx", default="g++", help="the C++ compiler")
    parser.add_argument("--link", action="append", default=[], help="a further word for the linker")
    parser.add_argument("--runner", type=shlex.split, default=[], help="what runs a program")
    parser.add_argument("--windows", action="store_true", help="the programs and libraries are of Windows")
    parser.add_argument("--leave-out", action="append", default=[], metavar="NAME=WHY", help="a program not to be run")
    parser.add_argument("filter", nargs="*", help="only what has one of these in its name")
    options = parser.parse_args()
    options.build.mkdir(parents=True, exist_ok=True)

    jobs = list(all_jobs(options))
    jobs = [job for job in jobs if not options.filter or any(word in job[0] for word in options.filter)]
    left_out = dict(entry.split("=", 1) for entry in options.leave_out)
    skipped = [job[0] for job in jobs if job[0].split(" (")[0] in left_out]
    for name in skipped:
        print(f"SKIPPED {name}, {left_out[name.split(' (')[0]]}", flush=True)
    jobs = [job for job in jobs if job[0] not in skipped]
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for name, (ok, seconds, output) in zip((job[0] for job in jobs), pool.map(lambda job: run(job[1]), jobs)):
            passed, failed = passed + ok, failed + (not ok)
            summary = output.strip().splitlines()[-1:] or [""]
            print(f"{'ok    ' if ok else 'FAILED'} {name:32} {seconds:6.1f} s  {summary[0]}", flush=True)
            shown = [line.strip() for line in output.splitlines() if ok and is_worth_showing(line, options.figures, name)]
            print("".join(f"       {line}\n" for line in shown), end="", flush=True)
            if not ok:
                print("    | " + "\n    | ".join(output.splitlines()[-MAX_LINES_SHOWN:]), flush=True)
    print(f"C tests: {passed} passed, {failed} failed" + (f", {len(skipped)} skipped" if skipped else ""))
    return 0 if passed and not failed else 1


def is_worth_showing(line, figures, name):
    """Of what a program that passed has printed, its last line aside."""
    return SKIPPED.match(line) or (figures and name.endswith("(static)") and line.startswith(FIGURES))


def all_jobs(options):
    """Pairs of a name and the commands that must succeed one after another."""
    suffix = ".exe" if options.windows else ""
    for source in sorted(HERE.glob("**/*.c")):
        name = source.relative_to(HERE).with_suffix("").as_posix()
        for variant in VARIANTS:
            program = options.build / f"{name.replace('/', '-')}-{variant}{suffix}"
            execute = [*options.runner, program]
            if name == QUIET:
                execute = functools.partial(run_quietly, execute)
            yield f"{name} ({variant})", [compile_command(options, source, variant, program), execute]
    modes = ["env", f"CC={options.cc}", f"CXX={options.cxx}", sys.executable, HERE / "header_modes.py"]
    yield "header_modes", [[*modes, options.dist / "include"]]
    yield "symbols", [lambda: (check_exports if options.windows else check_symbols)(options.dist / "lib")]
    for name, *command in EXAMPLES:
        program = options.build.parent / "examples" / (command[0] + suffix)
        yield f"example {name}", [[*options.runner, program, *command[1:]]]


EXAMPLES = [
    ["client_server", "client_server", "--seconds", "2"],
    ["soak", "soak", "--real-seconds", "15"],
    ["soak (sockets)", "soak", "--real-seconds", "5", "--sockets"],
    ["profile", "profile", "--ticks", "20"],
]

C99 = ["-std=c99", "-Wstrict-prototypes"]
CPP17 = ["-x", "c++", "-std=c++17"]
VARIANTS = {"static": C99, "shared": C99, "c++17": CPP17, "debug": C99}


def compile_command(options, source, variant, program):
    dist = options.debug_dist if variant == "debug" else options.dist
    compiler = options.cxx if variant == "c++17" else options.cc
    command = [compiler, *VARIANTS[variant], *WARNINGS, f"-I{dist / 'include'}", f"-I{HERE}"]
    command += [f"-D{macro}" for macro in options.define]
    command += [f"-DNETCODE_TEST_ASSERTS={1 if variant == 'debug' else 0}", source, "-o", program, "-x", "none"]
    lib = (dist / "lib").resolve()
    if variant == "shared":
        if options.windows:     # the program finds the DLL beside itself
            return command + [lib / "libnetcode.dll.a", "-lm", *options.link]
        return command + [f"-L{lib}", "-lnetcode", f"-Wl,-rpath,{lib}", "-lm", *options.link]
    return command + [lib / "libnetcode.a", "-lm", *options.link]


def run_quietly(command):
    ok, _, output = run([command])
    return ok and not output, output or "no output"


def check_symbols(lib):
    """Both libraries define for others exactly what the list says."""
    listed = listed_symbols()
    for command in (["readelf", "-sW", lib / "libnetcode.a"], ["readelf", "-W", "--dyn-syms", lib / "libnetcode.so"]):
        listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        symbols = [line.split() for line in listing.splitlines() if re.match(r"\s*\d+:", line)]
        exported = {fields[7] for fields in symbols if fields[4] in ("GLOBAL", "WEAK") and fields[6] != "UND"}
        if exported != listed:
            news, gone = sorted(exported - listed), sorted(listed - exported)
            return False, f"{command[-1].name} against {SYMBOLS.name}: new {news}, gone {gone}"
    return True, f"{len(listed)} symbols, as in {SYMBOLS.name}"


def check_exports(lib):
    """The same of a DLL."""
    listed = listed_symbols()
    listing = subprocess.run(["objdump", "-p", lib / "netcode.dll"], capture_output=True, text=True, check=True).stdout
    names = listing.split("[Ordinal/Name Pointer] Table")[-1].split("\n\n")[0]
    exported = set(re.findall(r"^\s*\[ *\d+\](?: \+base\[ *\d+\])?\s+(?:[0-9a-f]+\s+)?(\S+)$", names, re.MULTILINE))
    news, gone = sorted(exported - listed), sorted(listed - exported)
    return exported == listed, f"{len(exported)} exports of netcode.dll against {SYMBOLS.name}: new {news}, gone {gone}"


def listed_symbols():
    lines = SYMBOLS.read_text().splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def run(commands):
    start, output = time.monotonic(), ""
    for command in commands:
        if callable(command):
            ok, text = command()
            output += text
        else:
            try:
                done = subprocess.run(
                    [str(word) for word in command],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    timeout=TIMEOUT_SECONDS,
                )
                ok, output = done.returncode == 0, output + done.stdout.decode(errors="replace")
                if not ok:
                    output += f"\nexit status {done.returncode}"
            except subprocess.TimeoutExpired as expired:
                ok, output = False, output + (expired.stdout or b"").decode(errors="replace") + "\ntimed out"
        if not ok:
            return False, time.monotonic() - start, output
    return True, time.monotonic() - start, output


if __name__ == "__main__":
    sys.exit(main())
