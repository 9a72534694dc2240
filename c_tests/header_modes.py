#!/usr/bin/env python3
"""Compile a program that includes <netcode.h> in every way that programs may compile it.

    header_modes.py INCLUDE_DIRECTORY

Uses $CC and $CXX and, where they exist, gcc, g++, clang and clang++. Prints a line a compiler and mode, and
exits with 1 if any is not as it should be.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

C_STANDARDS = ["c99", "c11", "c17"]
CXX_STANDARDS = ["c++11", "c++17", "c++20"]
WARNINGS = ["-Wall", "-Wextra", "-Werror", "-pedantic"]

# Includes the header alone, twice, and uses the assert macro where a careless one breaks.
PROGRAM = """
#include <netcode.h>
#include <netcode.h>

#ifndef NETCODE_H
#error "the include guard is not NETCODE_H"
#endif
#if defined( NETCODE_DEBUG ) == defined( NETCODE_RELEASE )
#error "not exactly one of NETCODE_DEBUG and NETCODE_RELEASE"
#endif
#if defined( NETCODE_LITTLE_ENDIAN ) == defined( NETCODE_BIG_ENDIAN )
#error "not exactly one of NETCODE_LITTLE_ENDIAN and NETCODE_BIG_ENDIAN"
#endif
#if NETCODE_PLATFORM != NETCODE_PLATFORM_WINDOWS && NETCODE_PLATFORM != NETCODE_PLATFORM_MAC && NETCODE_PLATFORM != NETCODE_PLATFORM_UNIX
#error "no platform"
#endif
@CHECKS@

int branch( int first );
int branch( int first )
{
    if ( first )
        netcode_assert( first );
    else
        return 2;
    return netcode_time() > 0.0 ? netcode_init() : NETCODE_ERROR;
}
"""

IS_DEBUG = """
#ifndef NETCODE_DEBUG
#error "NETCODE_DEBUG is not defined"
#endif
"""
IS_RELEASE = """
#ifndef NETCODE_RELEASE
#error "NETCODE_RELEASE is not defined"
#endif
"""
# Without NDEBUG the condition is compiled, with it there is nothing left of it.
ASSERT_IS_EMPTY = """
void empty( void );
void empty( void ) { netcode_assert( this is not even C ); }
"""

# Name, definitions, further checks, whether it compiles.
MODES = [
    ("nothing defined", [], IS_DEBUG, True),
    ("NDEBUG", ["-DNDEBUG"], IS_RELEASE + ASSERT_IS_EMPTY, True),
    ("NETCODE_DEBUG", ["-DNETCODE_DEBUG"], IS_DEBUG, True),
    ("NETCODE_RELEASE", ["-DNETCODE_RELEASE"], IS_RELEASE, True),
    ("NDEBUG and NETCODE_DEBUG", ["-DNDEBUG", "-DNETCODE_DEBUG"], IS_DEBUG + ASSERT_IS_EMPTY, True),
    ("NDEBUG and NETCODE_RELEASE", ["-DNDEBUG", "-DNETCODE_RELEASE"], IS_RELEASE + ASSERT_IS_EMPTY, True),
    ("NETCODE_DEBUG and NETCODE_RELEASE", ["-DNETCODE_DEBUG", "-DNETCODE_RELEASE"], "", False),
    ("NDEBUG and both", ["-DNDEBUG", "-DNETCODE_DEBUG", "-DNETCODE_RELEASE"], "", False),
    ("garbage in an assert without NDEBUG", [], ASSERT_IS_EMPTY, False),
    ("packet tagging by default", [], "#if NETCODE_PACKET_TAGGING == defined( __MINGW32__ )\n#error tagging\n#endif", True),
    ("NETCODE_PACKET_TAGGING 0", ["-DNETCODE_PACKET_TAGGING=0"], "#if NETCODE_PACKET_TAGGING != 0\n#error tagging\n#endif", True),
    ("NETCODE_PACKET_TAGGING 1", ["-DNETCODE_PACKET_TAGGING=1"], "#if NETCODE_PACKET_TAGGING != 1\n#error tagging\n#endif", True),
]


def compilers(variable, names):
    found = {}
    for name in [os.environ.get(variable, "")] + names:
        path = shutil.which(name.split()[0]) if name.strip() else None
        if path:
            found.setdefault(os.path.realpath(path), name.split())
    return list(found.values())


def understands(compiler, options, language):
    """Whether the compiler knows this standard at all."""
    result = subprocess.run(compiler + options + ["-x", language, "-fsyntax-only", os.devnull], capture_output=True)
    return result.returncode == 0


def compile_program(compiler, options, include_directory, source):
    """None, or what the compiler said."""
    # -I, not -isystem: warnings in system headers are not shown
    command = compiler + options + WARNINGS + ["-I", include_directory, "-c", "-o", os.devnull, source]
    result = subprocess.run(command, capture_output=True, text=True)
    return None if result.returncode == 0 else result.stderr or "failed"


def includes_are_the_two_allowed(include_directory):
    with open(os.path.join(include_directory, "netcode.h")) as header:
        included = re.findall(r"^\s*#\s*include\s*[<\"]([^>\"]+)[>\"]", header.read(), re.MULTILINE)
    print(("ok     " if sorted(included) == ["stddef.h", "stdint.h"] else "FAILED ") + "includes only stdint.h and stddef.h")
    return sorted(included) == ["stddef.h", "stdint.h"]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    include_directory = sys.argv[1]
    good = includes_are_the_two_allowed(include_directory)
    tried = 0
    languages = [
        ("c", ".c", C_STANDARDS, compilers("CC", ["gcc", "clang"]), ["-Wstrict-prototypes"]),
        ("c++", ".cpp", CXX_STANDARDS, compilers("CXX", ["g++", "clang++"]), []),
    ]
    with tempfile.TemporaryDirectory() as directory:
        for language, extension, standards, found, extra in languages:
            if not found:
                print("FAILED no compiler for " + language)
                good = False
            for compiler in found:
                for standard in standards:
                    options = ["-std=" + standard] + extra
                    title = os.path.basename(compiler[0]) + " " + standard
                    if not understands(compiler, options, language):
                        print("SKIPPED " + title + ": the compiler does not know it")
                        continue
                    for name, definitions, checks, compiles in MODES:
                        source = os.path.join(directory, "mode" + extension)
                        with open(source, "w") as file:
                            file.write(PROGRAM.replace("@CHECKS@", checks))
                        message = compile_program(compiler, options + definitions, include_directory, source)
                        right = (message is None) == compiles
                        tried += 1
                        good = good and right
                        print(("ok     " if right else "FAILED ") + title + ", " + name + ("" if compiles else " is refused"))
                        if not right:
                            print(message or "it compiled")
    print("%d modes compiled" % tried)
    sys.exit(0 if good and tried else 1)


main()
