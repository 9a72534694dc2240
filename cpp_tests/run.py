#!/usr/bin/env python3
"""Builds and runs the C++ tests against the built libraries, and prints what passed.

Every program is compiled by g++ and clang++, as C++17 and C++20, without exceptions and RTTI and with them,
with all warnings as errors, and linked with the static, the shared and the debug library in turn. Then come
what must not compile, the example, the programs on the pages of docs/engines, and a comparison of netcode.hpp
with netcode.h. Compilers and sanitizers that are missing are skipped, and said; with --require that is a
failure. With a filter, only the jobs whose name contains it are run.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time

from compile_fail import COMPILES, PREAMBLE, SNIPPETS

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
TIMEOUT_SECONDS = 300
MAX_LINES_SHOWN = 80
PROGRAMS = {"objects": HERE / "objects.cpp", "connection": HERE / "connection.cpp", "echo": ROOT / "examples_cpp" / "echo.cpp"}
COMPILERS = ["g++", "clang++"]
STANDARDS = ["17", "20"]
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wsign-conversion", "-Werror"]
LEAN = ["-fno-exceptions", "-fno-rtti"]
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]
PAGES = {"cpp": ("cpp.md", "g++ -x c++ -std=c++17"), "c": ("c.md", "cc -x c -std=c99")}
TEN_LINES = {"cpp.md": "cpp", "c.md": "c", "unity.md": "csharp", "unreal.md": "cpp"}
PAGE_ADDRESS = "127.0.0.1:40000"
# What netcode.h says about the build, and not about the library.
NOT_WRAPPED = r"NETCODE_(H|DEBUG|RELEASE|BIG_ENDIAN|LITTLE_ENDIAN|PLATFORM\w*|CONST|PACKET_TAGGING|FUNCTION|OK|ERROR)$|netcode_assert$"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dist", type=pathlib.Path, required=True, help="what make lib left")
    parser.add_argument("--debug-dist", type=pathlib.Path, required=True, help="what make debug-lib left")
    parser.add_argument("--build", type=pathlib.Path, required=True, help="where programs are built")
    parser.add_argument("--require", action="store_true", help="what is skipped counts as failed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("filter", nargs="?", default="")
    options = parser.parse_args()
    options.build.mkdir(parents=True, exist_ok=True)

    missing = [compiler for compiler in COMPILERS if not shutil.which(compiler)]
    for compiler in missing:
        print(f"SKIPPED: no {compiler} on this machine (Debian: apt-get install {'clang' if 'clang' in compiler else compiler})", flush=True)
    compilers = [compiler for compiler in COMPILERS if compiler not in missing]
    jobs = [job for job in all_jobs(options, compilers) if options.filter in job[0]]
    passed, failed, skipped = 0, 0, len(missing)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for name, (ok, seconds, output) in zip((job[0] for job in jobs), pool.map(lambda job: run(job[1]), jobs)):
            summary = (output.strip().splitlines() or [""])[-1]
            word = "FAILED" if not ok else "SKIPPED" if summary.startswith("SKIPPED") else "ok"
            passed, failed, skipped = passed + (word == "ok"), failed + (not ok), skipped + (word == "SKIPPED")
            print(f"{word:7} {name:44} {seconds:6.1f} s  {summary}", flush=True)
            partly = [line for line in output.splitlines() if word == "ok" and line.startswith("SKIPPED")]
            print("".join(f"        {line}\n" for line in partly), end="")
            if not ok:
                print("    | " + "\n    | ".join(output.splitlines()[-MAX_LINES_SHOWN:]), flush=True)
    print(f"C++ tests: {passed} passed, {failed} failed, {skipped} skipped")
    return 0 if passed and not failed and not (skipped and options.require) else 1


def all_jobs(options, compilers):
    """Pairs of a name and the commands that must succeed one after another."""
    libraries = ["static", "debug", "shared", "debug"]
    for compiler in compilers:
        variants = [(standard, lean) for standard in STANDARDS for lean in (True, False)]
        for (standard, lean), library in zip(variants, libraries):
            title = f"{compiler} c++{standard}{', lean' if lean else ''}, {library}"
            for name, source in PROGRAMS.items():
                yield f"{name} ({title})", build_and_run(options, compiler, standard, LEAN if lean else [], library, name, source)
            if lean and (standard == "17" or compiler == compilers[-1]):
                yield f"what must not compile ({title})", [lambda a=(options, compiler, standard, LEAN): check_refusals(*a)]
    yield "two translation units", [lambda: check_two_units(options)]
    for name, source in PROGRAMS.items():
        yield f"{name} (sanitized)", [lambda n=name, s=source: run_sanitized(options, n, s)]
    for language, (page, compiler) in PAGES.items():
        for number, program in enumerate(programs_of(ROOT / "docs" / "engines" / page, language), 1):
            yield f"docs/engines/{page}, program {number}", page_commands(options, language, number, compiler.split(), program)
    for page, language in TEN_LINES.items():
        yield f"docs/engines/{page}, ten lines", [lambda p=page, l=language: check_ten_lines(ROOT / "docs" / "engines" / p, l)]
    yield "netcode.hpp has all of netcode.h", [lambda: check_coverage(options.dist / "include")]


def include_flags(dist):
    return [f"-I{dist / 'include'}", f"-I{ROOT / 'c_tests'}", f"-I{HERE}"]


def link_flags(dist, library):
    lib = (dist / "lib").resolve()
    return [f"-L{lib}", "-lnetcode", f"-Wl,-rpath,{lib}"] if library == "shared" else [lib / "libnetcode.a"]


def build_and_run(options, compiler, standard, flags, library, name, source):
    dist = options.debug_dist if library == "debug" else options.dist
    program = options.build / f"{name}-{compiler}-{standard}-{'lean' if flags == LEAN else 'sanitized' if flags == SANITIZE else 'full'}"
    command = [compiler, f"-std=c++{standard}", "-O1", "-g", *WARNINGS, *flags, *include_flags(dist)]
    command += [f"-DNETCODE_TEST_ASSERTS={1 if library == 'debug' else 0}", source, *link_flags(dist, library), "-o", program]
    return [command, [program]]


def run_sanitized(options, name, source):
    """Skipped where the sanitizers are not installed."""
    probe = options.build / f"sanitizer-probe-{name}"
    program = "int main() { return 0; }"
    if subprocess.run(["g++", *SANITIZE, "-x", "c++", "-", "-o", str(probe)], input=program, text=True, capture_output=True).returncode:
        return True, "SKIPPED: no sanitizers for g++ on this machine"
    ok, _, output = run(build_and_run(options, "g++", "20", SANITIZE, "debug", name, source))
    return ok, output


def compile_text(options, compiler, standard, flags, text):
    command = [compiler, f"-std=c++{standard}", *WARNINGS, *flags, *include_flags(options.dist), "-fsyntax-only", "-x", "c++", "-"]
    done = subprocess.run([str(word) for word in command], input=text, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    return done.returncode == 0, done.stderr


def check_refusals(options, compiler, standard, flags):
    """Each snippet is refused, and for its own reason; what is right in them is not."""
    ok, output = compile_text(options, compiler, standard, flags, PREAMBLE + COMPILES + "}\n")
    if not ok:
        return False, "what is right does not compile:\n" + output
    for name, body, reason in SNIPPETS:
        ok, output = compile_text(options, compiler, standard, flags, PREAMBLE + body + "\n}\n")
        errors = "\n".join(line for line in output.splitlines() if "error" in line)
        if ok or not re.search(reason, errors):
            return False, f"{name}: {'it compiled' if ok else 'refused, but not for ' + reason}\n{output}"
    ok, output = compile_text(options, compiler, "14", [], "#include <netcode.hpp>\n")
    if ok or "netcode.hpp needs C++17" not in output:
        return False, "C++14 is not refused\n" + output
    return True, f"{len(SNIPPETS)} snippets refused"


def check_two_units(options):
    """The header may be included everywhere, also after a program has declared the simulator itself."""
    one, two, program = options.build / "unit1.cpp", options.build / "unit2.cpp", options.build / "units"
    own = "struct netcode_network_simulator_t { void * context; };\nextern \"C\" void netcode_network_simulator_destroy( struct netcode_network_simulator_t * );\n"
    one.write_text(own + "#include <netcode.hpp>\n#include <netcode.hpp>\nint two();\nint main() { netcode::set_log_function( nullptr ); return two(); }\n")
    two.write_text("#define NDEBUG\n#include <netcode.hpp>\nint two();\nint two() { netcode::library library; netcode::set_log_function( nullptr ); return netcode::client().index(); }\n")
    command = ["g++", "-std=c++17", *WARNINGS, *LEAN, *include_flags(options.dist), one, two, *link_flags(options.dist, "static"), "-o", program]
    ok, _, output = run([command, [program]])
    return ok, output


def programs_of(page, language):
    """The blocks of a page in its language. Each is a whole program."""
    programs = re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    return programs or [f"#error no {language} program in {page.name}"]


def check_ten_lines(page, language):
    """The lines at the top are ten at most, and those of the programs below, in their order; the programs are tested here
    and with the bindings."""
    found = re.findall(rf"^```{language} ten-lines\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    if len(found) != 1:
        return False, f"{len(found)} blocks of ten lines"
    lines, rest = code_lines(found[0]), iter(code_lines("\n".join(programs_of(page, language))))
    missing = [line for line in lines if line not in rest]
    if missing or not 5 <= len(lines) <= 10:
        return False, f"{len(lines)} lines; first that the programs do not have there: {missing[:1]}"
    return True, f"{len(lines)} lines"


def code_lines(text):
    """Without indentation, comments and empty lines."""
    lines = (re.sub(r"\s*(/\*.*?\*/|(?<!:)//.*)", "", line).strip() for line in text.splitlines())
    return [line for line in lines if line]


def page_commands(options, language, number, compiler, program):
    source, binary = options.build / f"page-{language}-{number}.txt", options.build / f"page-{language}-{number}"
    # Another port, so that pages do not depend on what else runs here.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        source.write_text(program.replace(PAGE_ADDRESS, f"127.0.0.1:{free.getsockname()[1]}"))
    flags = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", *include_flags(options.dist)]
    return [[*compiler, *flags, source, "-x", "none", *link_flags(options.dist, "static"), "-o", binary], [binary]]


def check_coverage(include):
    """Every function and constant of netcode.h is used in netcode.hpp."""
    header, wrapper = (without_comments((include / name).read_text()) for name in ("netcode.h", "netcode.hpp"))
    functions = set(re.findall(r"\b(netcode_\w+)\s*\(", header)) | set(re.findall(r"\(\*(netcode_\w+)\)", header))
    constants = set(re.findall(r"^#define\s+(NETCODE_\w+)", header, re.MULTILINE))
    wanted = {name for name in functions | constants if not re.match(NOT_WRAPPED, name)}
    used = set(re.findall(r"\b(?:netcode|NETCODE)_\w+", wrapper))
    missing = sorted(wanted - used)
    structs = re.findall(r"_config_t \{(.*?)^\};", header, re.MULTILINE | re.DOTALL)
    declarations = [declaration for struct in structs for declaration in struct.split(";") if declaration.strip()]
    members = {(re.search(r"\(\*(\w+)\)\(", text) or re.search(r"(\w+)(?:\[\w+\])?$", text)).group(1) for text in declarations}
    missing += sorted(member for member in members if not re.search(rf"config\.{member}\b", wrapper))
    if missing or len(wanted) < 100 or len(members) < 12:
        return False, f"{len(wanted)} names; missing: {missing}"
    return True, f"{len(wanted)} functions and constants, {len(members)} members of configs"


def without_comments(text):
    return re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.DOTALL)


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
