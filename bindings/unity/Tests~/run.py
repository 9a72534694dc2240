#!/usr/bin/env python3
"""Checks the Unity package without Unity: compiles it with Mono's C# compiler and runs its tests with the C library.

Everything is compiled twice: as plain C#, and with UNITY_5_3_OR_NEWER on stand-ins for what Unity has (Stubs). The tests
of the second kind cover the scripts of docs/engines/unity.md and the transports for Netcode for GameObjects and Mirror,
too. Before that, what is generated is compared with what it is made from; that takes no Mono.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tarfile

TESTS = pathlib.Path(__file__).resolve().parent
PACKAGE = TESTS.parent
ROOT = PACKAGE.parent.parent
DOCUMENT = ROOT / "docs" / "engines" / "unity.md"
TIMEOUT_SECONDS = 300
MONO_LIBRARIES = pathlib.Path("/usr/lib/mono/4.5")
SYSTEM_ASSEMBLIES = ["mscorlib", "System", "System.Core", "System.Configuration", "System.Xml", "System.Security", "System.Numerics",
                     "Mono.Security"]
AHEAD = ["mono", "--aot=full,nrgctx-trampolines=8192,nimt-trampolines=4096,ntrampolines=8192"]
# The newest that mcs has, all of which is in C# 9.
COMPILER_FLAGS = ["-langversion:7.2", "-warn:4", "-warnaserror", "-debug"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dist", type=pathlib.Path, required=True, help="what make lib left")
    parser.add_argument("--build", type=pathlib.Path, required=True, help="where assemblies are built")
    parser.add_argument("--require", action="store_true", help="without Mono or a C compiler, fail")
    parser.add_argument("--aot", action="store_true", help="instead of just in time, compile all ahead of time, as IL2CPP would")
    parser.add_argument("filter", nargs="?", default="", help="only the tests whose name contains it")
    options = parser.parse_args()

    generated_files_are_current(options.dist)
    the_package_is_complete(options)
    layouts_are_those_of_the_compiler(options)
    if not shutil.which("mcs") or not shutil.which("mono"):
        skip("C# tests, no Mono (Debian: mono-mcs mono-runtime)", options)
        return
    if options.aot and not (shutil.which("as") and shutil.which("ld") and (MONO_LIBRARIES / "mscorlib.dll").exists()):
        skip("C# tests ahead of time, no assembler (Debian: binutils) or Mono not where Debian has it", options)
        return
    for kind in ("plain", "unity"):
        build = options.build / kind
        shutil.rmtree(build, ignore_errors=True)
        build.mkdir(parents=True)
        (compile_plain if kind == "plain" else compile_unity)(build)
        print(f"---- {kind}: {version()}", flush=True)
        environment = dict(os.environ, LD_LIBRARY_PATH=str((options.dist / "lib").resolve()),
                           NETCODE_EXPORTS=" ".join(exported(options.dist)))
        if options.aot:
            compile_ahead(build, options.build / "system")
            environment["MONO_PATH"] = str((options.build / "system").resolve())
        mono = ["mono", "--full-aot" if options.aot else "--debug"]
        run([*mono, "Runner.exe", options.filter], cwd=build, env=environment)
        if kind == "plain":
            failing_init(options, build, mono, environment)


def generated_files_are_current(dist):
    run([sys.executable, PACKAGE / "tools" / "generate.py", dist / "include" / "netcode.h", "--check"])
    run([sys.executable, PACKAGE / "tools" / "metas.py", "--check"])
    print("ok     generated files are current")


def the_package_is_complete(options):
    """The tarball: a .meta file for each file and folder, and for nothing else, and no GUID twice."""
    out = options.build / "package"
    shutil.rmtree(out, ignore_errors=True)
    run([sys.executable, PACKAGE / "tools" / "package.py", "--dist", options.dist, "--out", out], stdout=subprocess.DEVNULL)
    with tarfile.open(next(out.glob("*.tgz"))) as archive:
        texts = {entry.name.partition("/")[2]: archive.extractfile(entry).read() for entry in archive}
    names = {name for name in texts if not name.endswith(".meta")}
    names |= {parent.as_posix() for name in names for parent in pathlib.PurePosixPath(name).parents} - {".", "Samples~"}
    problems = names ^ {name[:-len(".meta")] for name in texts if name.endswith(".meta")}
    guids = re.findall(r"^guid: ([0-9a-f]{32})$", b"".join(text for name, text in texts.items() if name.endswith(".meta")).decode(), re.M)
    if problems or len(set(guids)) != len(names):
        sys.exit(f"FAILED: the package: {sorted(problems) or 'GUIDs'}")
    if not any(name.startswith("Runtime/Plugins/") for name in texts):
        skip("native library in the package, no place for that of this machine", options, always=True)
    print(f"ok     the package has {len(names)} files and folders")


def layouts_are_those_of_the_compiler(options):
    """The table in Native.g.cs against the C compiler: for 64 bits, and for 32 bits with uint64_t aligned to 8 (ARM,
    Windows) and to 4 (x86 under Unix, Android included)."""
    compiler = c_compiler()
    if not compiler:
        skip("layouts against C, no C compiler", options)
        return
    table = re.findall(r'FieldLayout\("(\w+)", "(\w*)", (\d+), (\d+), (\d+)\)', (PACKAGE / "Runtime" / "Native.g.cs").read_text())
    if len(table) < 20:
        sys.exit("no layouts in Native.g.cs")
    for model, column, flags in (("64 bits", 2, ["-m64"]), ("32 bits", 3, ["-m32", "-malign-double"]), ("32 bits of x86", 4, ["-m32"])):
        lines = ["#include <stddef.h>", "#include <netcode.h>"]
        for row in table:
            what = f"offsetof( struct {row[0]}, {row[1]} )" if row[1] else f"sizeof( struct {row[0]} )"
            lines.append(f'_Static_assert( {what} == {row[column]}, "{row[0]}.{row[1]}" );')
        command = [compiler, "-std=c11", "-ffreestanding", "-fsyntax-only", *flags, f"-I{options.dist / 'include'}", "-x", "c", "-"]
        if not works([*command], "int x;"):
            skip(f"layouts against C, {model}, not a thing of {compiler}", options, always=os.uname().machine != "x86_64")
            continue
        run(command, input="\n".join(lines), text=True)
        print(f"ok     layouts against C, {model}")


def failing_init(options, build, mono, environment):
    """A library that is the real one but for netcode_init, which fails."""
    compiler = c_compiler()
    if not compiler:
        skip("a library that cannot be initialised, no C compiler", options)
        return
    lib, failing = (options.dist / "lib").resolve(), build / "failing"
    failing.mkdir()
    run([compiler, "-shared", "-fPIC", "-o", failing / "libnetcode.so", "-x", "c", "-", "-x", "none", "-Wl,--no-as-needed",
         lib / "libnetcode.so", f"-Wl,-rpath,{lib}"], input="int netcode_init( void ) { return 0; }\n", text=True)
    run([*mono, "FailingInit.exe"], cwd=build, env=dict(environment, LD_LIBRARY_PATH=f"{failing.resolve()}:{lib}"))


def c_compiler():
    return os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")


def compile_plain(build):
    runtime = compile_cs(build / "Netcode.Runtime.dll", runtime_sources(), unsafe=True)
    nunit = compile_cs(build / "NUnit.dll", [TESTS / "Stubs" / "NUnit.cs"])
    tests = compile_cs(build / "Netcode.Tests.dll", sources("Tests/Runtime"), [runtime, nunit], unsafe=True)
    console = [TESTS / "Console" / f"{name}.cs" for name in ("AllocationTests", "FinalizerTests", "KeepAliveTests", "NativeTests")]
    compile_cs(build / "Netcode.ConsoleTests.dll", console, [runtime, nunit, tests])
    compile_cs(build / "Runner.exe", [TESTS / "Console" / "Runner.cs"], [nunit])
    compile_cs(build / "FailingInit.exe", [TESTS / "Failing" / "FailingInit.cs"], [runtime])


def compile_unity(build):
    unity = compile_cs(build / "Unity.dll", stub_sources(), unsafe=True)
    defines = ["-define:UNITY_5_3_OR_NEWER;UNITY_2021_3_OR_NEWER"]
    runtime = compile_cs(build / "Netcode.Runtime.dll", runtime_sources(), [unity], defines, unsafe=True)
    nunit = compile_cs(build / "NUnit.dll", [TESTS / "Stubs" / "NUnit.cs"])
    tests = compile_cs(build / "Netcode.Tests.dll", sources("Tests/Runtime"), [runtime, nunit, unity], defines, unsafe=True)
    ngo = compile_cs(build / "Netcode.NGO.dll", sources("Runtime/Integrations/NGO"), [runtime, unity], defines + ngo_defines("1.8.0"))
    mirror = compile_cs(build / "Netcode.Mirror.dll", sources("Runtime/Integrations/Mirror"), [runtime, unity], defines)
    compile_older(build / "older", runtime, unity, defines)
    document = build / "Document.cs"
    document.write_text(document_source())
    scripts = compile_cs(build / "Document.dll", [document], [runtime, unity, ngo, mirror], defines)
    compile_cs(build / "Samples.dll", sources("Samples~/Loopback"), [runtime, unity], defines)
    console = [path for path in sources("Tests~/Console") if path.name != "Runner.cs"]
    compile_cs(build / "Netcode.ConsoleTests.dll", console, [runtime, nunit, tests, ngo, mirror, unity, scripts], defines)
    compile_cs(build / "Runner.exe", [TESTS / "Console" / "Runner.cs"], [nunit])


def compile_older(build, runtime, unity, defines):
    """The transports with earlier versions of what they are for. What the assemblies are called decides who lets them in."""
    build.mkdir()
    compile_cs(build / "Netcode.Mirror.dll", sources("Runtime/Integrations/Mirror"), [runtime, unity],
               defines + ["-define:NETCODE_MIRROR_WITHOUT_ADDRESS"])
    stubs = compile_cs(build / "Unity.dll", stub_sources(), flags=["-define:NGO_1_7"], unsafe=True)
    compile_cs(build / "Netcode.NGO.dll", sources("Runtime/Integrations/NGO"), [runtime, stubs], defines + ngo_defines("1.7.1"))


def ngo_defines(version):
    """What Unity defines for the transport with this version of Netcode for GameObjects."""
    entries = json.loads((PACKAGE / "Runtime" / "Integrations" / "NGO" / "Netcode.NGO.asmdef").read_text())["versionDefines"]
    return [f"-define:{entry['define']}" for entry in entries if numbers(entry["expression"]) <= numbers(version)]


def numbers(version):
    return [int(part) for part in version.split(".")]


def compile_ahead(build, system):
    """Leaves nothing for the just-in-time compiler, which --full-aot turns off. Callbacks without MonoPInvokeCallback do
    not work then. Mono's own assemblies are compiled once."""
    system.mkdir(exist_ok=True)
    environment = dict(os.environ, MONO_PATH=str(system.resolve()))
    for name in SYSTEM_ASSEMBLIES:
        if not (system / f"{name}.dll.so").exists():
            shutil.copyfile(MONO_LIBRARIES / f"{name}.dll", system / f"{name}.dll")
            run([*AHEAD, system / f"{name}.dll"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for assembly in [*build.glob("*.dll"), *build.glob("*.exe")]:
        run([*AHEAD, assembly], env=environment, stdout=subprocess.DEVNULL)


def compile_cs(output, files, references=(), flags=(), unsafe=False):
    run(["mcs", *COMPILER_FLAGS, *flags, *(["-unsafe"] if unsafe else []), f"-out:{output}",
         "-target:" + ("exe" if output.suffix == ".exe" else "library"), *[f"-r:{reference}" for reference in references], *files])
    return output


def runtime_sources():
    """Of the assembly Netcode.Runtime: the folder without those that have an .asmdef of their own."""
    return [path for path in sources("Runtime") if not list(path.parent.glob("*.asmdef")) or path.parent.name == "Runtime"]


def stub_sources():
    return [TESTS / "Stubs" / f"{name}.cs" for name in ("UnityEngine", "NetcodeForGameObjects", "Mirror")]


def sources(folder):
    files = sorted((PACKAGE / folder).rglob("*.cs"))
    return files if files else sys.exit(f"no sources in {folder}")


def document_source():
    """The scripts of the document, with a port that is free."""
    scripts = re.findall(r"^```csharp\n(.*?)^```", DOCUMENT.read_text(encoding="utf-8"), re.S | re.M)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return "using System; using Netcode; using UnityEngine;\n" + "\n".join(scripts).replace("127.0.0.1:40000", f"127.0.0.1:{port}")


def exported(dist):
    """The functions of the library that its header declares."""
    output = subprocess.run(["nm", "-D", "--defined-only", dist / "lib" / "libnetcode.so"], check=True, capture_output=True, text=True).stdout
    names = set(re.findall(r" T (netcode_\w+)", output))
    return sorted(name for name in names if not name.startswith("netcode_network_simulator_"))


def version():
    return subprocess.run(["mono", "--version"], check=True, capture_output=True, text=True).stdout.splitlines()[0]


def works(command, source):
    return subprocess.run(command, input=source, text=True, capture_output=True, timeout=TIMEOUT_SECONDS, check=False).returncode == 0


def run(command, **options):
    result = subprocess.run([str(part) for part in command], timeout=TIMEOUT_SECONDS, check=False, **options)
    if result.returncode != 0:
        sys.exit(f"FAILED: {' '.join(str(part) for part in command[:6])} ...")


def skip(what, options, always=False):
    if options.require and not always:
        sys.exit(f"FAILED: {what}")
    print(f"SKIPPED: {what}", file=sys.stderr)


if __name__ == "__main__":
    main()
