#!/usr/bin/env python3
"""Builds and runs the tests of the Unreal plugin, without the engine, and prints what passed.

The core is compiled as C++17 and C++20, without exceptions and RTTI, with all warnings as errors, by g++ and clang++,
and linked with the static, shared and debug library. The module is compiled against the stand-ins in stubs. Then come
the plugin's description, the files that it names, and the page in docs/engines. A compiler that is missing is skipped,
and said. With filters, only the jobs whose name contains one are run; one that no name contains is a failure.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
PLUGIN = HERE.parent / "Netcode"
ROOT = HERE.parents[2]
SOURCE = PLUGIN / "Source"
CORE = SOURCE / "NetcodeCore" / "include"
PAGE = ROOT / "docs" / "engines" / "unreal.md"
PACKAGE = HERE.parent / "tools" / "package.py"
SAMPLES = sorted((HERE / "sample").glob("*.h"))
SAMPLE_ADDRESS = "127.0.0.1:40000"

TIMEOUT_SECONDS = 240
MAX_LINES_SHOWN = 60
COMPILERS = ["g++", "clang++"]
WINDOWS_COMPILER = "x86_64-w64-mingw32-g++"
FLAGS = ["-O1", "-g", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wsign-conversion", "-Wundef", "-Werror"]
FLAGS += ["-fno-exceptions", "-fno-rtti"]
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]
ENGINE_MODULES = {"Core", "CoreUObject", "Engine", "Projects"}
# Said at the head of everything that the engine has not compiled.
NOT_COMPILED = "// Not compiled with the engine"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dist", type=pathlib.Path, required=True, help="what make lib left")
    parser.add_argument("--debug-dist", type=pathlib.Path, required=True, help="what make debug-lib left")
    parser.add_argument("--build", type=pathlib.Path, required=True, help="where programs are built")
    parser.add_argument("--require", action="store_true", help="what is skipped counts as failed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("filters", nargs="*", help="only the jobs whose name contains one of them")
    options = parser.parse_args()
    options.build.mkdir(parents=True, exist_ok=True)

    passed = failed = 0
    skipped = []
    found = list(jobs(options, skipped))
    wanted = [job for job in found if not options.filters or any(text in job[0] for text in options.filters)]
    for text in options.filters:
        if not any(text in name for name, _ in found):
            failed += 1
            print(f"FAILED no job is called {text}", flush=True)
    for what in skipped:
        print(f"SKIPPED: {what}, not on this machine", flush=True)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for (name, _), (ok, seconds, output) in zip(wanted, pool.map(lambda job: timed(job[1]), wanted)):
            passed, failed = passed + ok, failed + (not ok)
            summary = output.strip().splitlines()[-1:] or [""]
            print(f"{'ok    ' if ok else 'FAILED'} {name:44} {seconds:6.1f} s  {summary[0]}", flush=True)
            if not ok:
                print("    | " + "\n    | ".join(output.splitlines()[-MAX_LINES_SHOWN:]), flush=True)
    print(f"Unreal tests: {passed} passed, {failed} failed, {len(skipped)} skipped. The engine itself was not there.")
    return 0 if passed and not failed and not (skipped and options.require) else 1


def jobs(options, skipped):
    """Pairs of a name and commands or functions that must succeed one after another. Adds what is missing to skipped."""
    compilers = [compiler for compiler in COMPILERS if shutil.which(compiler)]
    skipped += [compiler for compiler in COMPILERS if compiler not in compilers]
    for compiler in compilers:
        for standard, library in (("17", "static"), ("20", "shared"), ("17", "debug")):
            yield f"core ({compiler} c++{standard}, {library})", core(options, compiler, standard, library, [])
        for windows in ("0", "1"):
            yield f"module ({compiler} c++20, PLATFORM_WINDOWS={windows})", module(options, compiler, windows, "static", [])
    if sanitizers(options):
        yield "core (g++, sanitized)", core(options, "g++", "20", "debug", SANITIZE)
        yield "module (g++, sanitized)", module(options, "g++", "0", "debug", SANITIZE)
    else:
        skipped.append("sanitizers for g++")
    if shutil.which(WINDOWS_COMPILER):
        command = [WINDOWS_COMPILER, "-std=c++17", *FLAGS, *include_flags(options.dist), "-fsyntax-only", HERE / "core.cpp"]
        yield "core (for Windows, parsed only)", [command]
    else:
        skipped.append(WINDOWS_COMPILER)
    yield "no variables of the library", [lambda: check_no_variables(options)]
    yield "Netcode.uplugin", [check_description]
    yield "files that Build.cs names", [lambda: check_named_files(options)]
    yield "what has not been compiled says so", [check_marks]
    yield "docs/engines/unreal.md", [check_page]


def include_flags(dist):
    return [f"-I{dist / 'include'}", f"-I{CORE}", f"-I{ROOT / 'c_tests'}", f"-I{HERE}"]


def link_flags(dist, library):
    lib = (dist / "lib").resolve()
    return [f"-L{lib}", "-lnetcode", f"-Wl,-rpath,{lib}"] if library == "shared" else [lib / "libnetcode.a", "-lm"]


def core(options, compiler, standard, library, extra):
    dist = options.debug_dist if library == "debug" else options.dist
    program = options.build / f"core-{compiler}-{standard}-{library}{'-sanitized' if extra else ''}"
    command = [compiler, f"-std=c++{standard}", *FLAGS, *extra, *include_flags(dist), HERE / "core.cpp"]
    return [[*command, *link_flags(dist, library), "-o", program], [program]]


def module(options, compiler, windows, library, extra):
    """The module and the samples, with what the engine's header tool would have generated."""
    dist = options.debug_dist if library == "debug" else options.dist
    generated = options.build / f"generated-{compiler}-{windows}{'-sanitized' if extra else ''}"
    shutil.rmtree(generated, ignore_errors=True)
    generated.mkdir(parents=True)
    address = free_address()
    for sample in SAMPLES:
        (generated / sample.name).write_text(sample.read_text().replace(SAMPLE_ADDRESS, address))
    for header in [*SAMPLES, *(SOURCE / "Netcode" / "Public").glob("*Subsystem.h")]:
        (generated / f"{header.stem}.generated.h").write_text(generated_header(header))
    places = [generated, SOURCE / "Netcode" / "Public", SOURCE / "Netcode" / "Private", HERE / "stubs"]
    flags = ["-std=c++20", *FLAGS, "-Wno-unused-parameter", *extra, *[f"-I{place}" for place in places], *include_flags(dist)]
    flags += ["-DNETCODE_RELEASE=1", f"-DPLATFORM_WINDOWS={windows}", f'-DNETCODE_TEST_SAMPLE_ADDRESS="{address}"']
    program = generated / "module"
    sources = [*sorted((SOURCE / "Netcode" / "Private").glob("*.cpp")), HERE / "module.cpp"]
    return [[compiler, *flags, *sources, *link_flags(dist, library), "-o", program], [program]]


def generated_header(header):
    """Of GENERATED_BODY, what can be seen: Super, and that what follows is private."""
    name, base = re.search(r"^class (?:\w+_API )?(\w+) : public (\w+)", header.read_text(), re.MULTILINE).groups()
    return f"#undef GENERATED_BODY\n#define GENERATED_BODY() public: using Super = {base}; using ThisClass = {name}; private:\n"


def free_address():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


def sanitizers(options):
    command = ["g++", *SANITIZE, "-x", "c++", "-", "-o", str(options.build / "sanitizer-probe")]
    return shutil.which("g++") and not subprocess.run(command, input="int main() { return 0; }", text=True, capture_output=True).returncode


def check_no_variables(options):
    """A delay-loaded DLL gives functions only, and the plugin is built as in NetcodeLibrary.Build.cs."""
    define = re.search(r'PublicDefinitions\.Add\("(\w+=\w+)"\)', (SOURCE / "ThirdParty/NetcodeLibrary/NetcodeLibrary.Build.cs").read_text())
    if not define:
        return False, "NetcodeLibrary.Build.cs defines nothing"
    header = (options.dist / "include" / "netcode.h").read_text()
    variables = set(re.findall(r"^\s*extern (?!\"C\")[^;]*?\b(netcode_\w+)\s*(?:\)\s*\([^;]*)?;", header, re.MULTILINE))
    if "netcode_assert_function" not in variables:
        return False, f"netcode.h is not what this test knows: {variables}"
    unit = options.build / "core-object.o"
    command = ["g++", "-std=c++17", "-O0", f"-D{define.group(1)}", *include_flags(options.dist), "-c", HERE / "core.cpp", "-o", unit]
    ok, output = run([command])
    if not ok:
        return False, output
    symbols = subprocess.run(["nm", "-u", str(unit)], text=True, capture_output=True, check=True).stdout.split()
    used = [symbol for symbol in symbols if symbol in variables]
    functions = [symbol for symbol in symbols if symbol.startswith("netcode_")]
    return not used and len(functions) > 10, f"{len(functions)} functions of the library used, variables: {used}"


def check_description():
    plugin = json.loads((PLUGIN / "Netcode.uplugin").read_text())
    version = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE).group(1)
    wrong = [key for key in ("FriendlyName", "Description", "Category") if not plugin.get(key)]
    wrong += [f"VersionName is not {version}"] if plugin["VersionName"] != version else []
    wrong += ["FileVersion is not 3"] if plugin["FileVersion"] != 3 else []
    for entry in plugin["Modules"]:
        if set(entry) != {"Name", "Type", "LoadingPhase", "PlatformAllowList"} or not build_file(entry["Name"]):
            wrong.append(f"module {entry}")
    return bool(plugin["Modules"]) and not wrong, f"{len(plugin['Modules'])} module; wrong: {wrong}"


def build_file(name):
    found = [path for path in SOURCE.rglob(f"{name}.Build.cs") if f"public class {name} : ModuleRules" in path.read_text()]
    return found[0] if len(found) == 1 else None


def check_named_files(options):
    """Modules that modules depend on; and, in a packaged copy, include directories and the libraries of this platform."""
    copy = options.build / "plugin"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(PLUGIN, copy, ignore=lambda directory, names: {"include", "lib", "licences"} & set(names) if directory.endswith("NetcodeLibrary") else set())
    ok, output = run([[sys.executable, PACKAGE, "--dist", options.dist, "--plugin", copy]])
    if not ok:
        return False, output
    wrong, libraries, files = [], [], list(copy.rglob("*.Build.cs"))
    for path in files:
        text = path.read_text()
        for group in re.findall(r"DependencyModuleNames\.Add(?:Range)?\((.*?)\);", text, re.DOTALL):
            names = set(re.findall(r'"(\w+)"', group))
            wrong += [f"{path.name}: no module {name}" for name in names - ENGINE_MODULES if not build_file(name)]
        for name in re.findall(r'Path\.Combine\(ModuleDirectory, "(\w+)"\)', text):
            wrong += [f"{path.name}: nothing in {name}"] if not any((path.parent / name).rglob("*.h*")) else []
        libraries += [f"{place}/{name}" for place, name in re.findall(r'Library\("([^"]+)", "([^"]+)"\)', text)]
    places = re.findall(r'"([^"]+/[^"]+)"', re.search(r"^PLACES = \[(.*?)^\]", PACKAGE.read_text(), re.MULTILINE | re.DOTALL).group(1))
    if sorted(libraries) != sorted(places):
        wrong.append(f"Build.cs names {sorted(libraries)}, package.py {sorted(places)}")
    lib = copy / "Source" / "ThirdParty" / "NetcodeLibrary" / "lib"
    there = [str(path.relative_to(lib)) for path in lib.rglob("*") if path.is_file()]
    if not there or set(there) - set(libraries):
        wrong.append(f"packaged {there}")
    return len(files) == 3 and not wrong, f"{len(files)} files; libraries there: {there} of {len(libraries)}; wrong: {wrong}"


def check_marks():
    core_files = list(CORE.rglob("*.hpp"))
    files = [*SOURCE.rglob("*.Build.cs"), *(SOURCE / "Netcode").rglob("*.h"), *(SOURCE / "Netcode").rglob("*.cpp")]
    bare = [path.name for path in files if not path.read_text().startswith(NOT_COMPILED)]
    bare += [path.name for path in core_files if "Tested without the engine" not in path.read_text()]
    return len(files) >= 9 and len(core_files) == 3 and not bare, f"{len(files)} files; without a mark: {bare}"


def check_page():
    """Its programs are the samples, which the module's test compiles and runs."""
    blocks = re.findall(r"^```cpp\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    other = [sample.name for sample in SAMPLES if sample.read_text() not in blocks]
    return len(blocks) == len(SAMPLES) == 2 and not other, f"{len(blocks)} programs; differ from tests/sample: {other}"


def timed(commands):
    start = time.monotonic()
    ok, output = run(commands)
    return ok, time.monotonic() - start, output


def run(commands):
    output = ""
    for command in commands:
        if callable(command):
            ok, text = command()
            output += text
        else:
            try:
                words = [str(word) for word in command]
                done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT_SECONDS)
                ok, output = done.returncode == 0, output + done.stdout.decode(errors="replace")
                output += "" if ok else f"\nexit status {done.returncode}"
            except subprocess.TimeoutExpired as expired:
                ok, output = False, output + (expired.stdout or b"").decode(errors="replace") + "\ntimed out"
        if not ok:
            return False, output
    return True, output


if __name__ == "__main__":
    sys.exit(main())
